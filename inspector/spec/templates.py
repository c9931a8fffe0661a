"""Ready-to-send client events: one for every type, plus the most common variants. Each is valid without edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Template:
    """One event to start from."""

    name: str
    """Label in the list: the event type, and the variant after a comma."""
    body: Mapping[str, Any]
    """The event's JSON object."""


def _message(role: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _create(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


def _update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


# A PNG of 1×1 pixel: a real photo would fill the editor with base64.
_ONE_PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# 20 ms of PCM16 at 24 kHz are 960 zero bytes, which is 1,280 times "A" in base64.
_SILENCE_20_MS = "A" * 1280

TEMPLATES: tuple[Template, ...] = (
    Template(
        "conversation.item.create, user text", _create(_message("user", "input_text", "Hello!"))
    ),
    Template("response.create", {"type": "response.create"}),
    Template(
        "session.update, instructions",
        _update(instructions="You are a helpful assistant. Answer briefly."),
    ),
    Template("session.update, text answers", _update(output_modalities=["text"])),
    Template(
        "session.update, server_vad",
        _update(
            audio={
                "input": {
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "silence_duration_ms": 500,
                    }
                }
            }
        ),
    ),
    Template(
        "session.update, semantic_vad",
        _update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "auto"}}}),
    ),
    Template("session.update, push-to-talk", _update(audio={"input": {"turn_detection": None}})),
    Template("session.update, voice", _update(audio={"output": {"voice": "marin"}})),
    Template(
        "session.update, G.711 μ-law",
        _update(
            audio={
                "input": {"format": {"type": "audio/pcmu"}},
                "output": {"format": {"type": "audio/pcmu"}},
            }
        ),
    ),
    Template(
        "session.update, tools",
        _update(
            tools=[
                {
                    "type": "function",
                    "name": "get_weather",
                    "description": "Look up the weather in a city",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                }
            ],
            tool_choice="auto",
        ),
    ),
    Template(
        "session.update, transcription session",
        {
            "type": "session.update",
            "session": {
                "type": "transcription",
                "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
            },
        },
    ),
    Template(
        "session.update, transcribe input",
        _update(audio={"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}),
    ),
    Template(
        "response.create, out-of-band",
        {
            "type": "response.create",
            "response": {
                "conversation": "none",
                "output_modalities": ["text"],
                "instructions": "Summarise the conversation in one sentence.",
                "metadata": {"purpose": "summary"},
            },
        },
    ),
    Template(
        "response.create, instructions",
        {"type": "response.create", "response": {"instructions": "Answer in one word."}},
    ),
    Template("response.cancel", {"type": "response.cancel"}),
    Template(
        "conversation.item.create, function output",
        _create({"type": "function_call_output", "call_id": "call_", "output": "{}"}),
    ),
    Template(
        "conversation.item.create, system",
        _create(_message("system", "input_text", "The user is on the phone.")),
    ),
    Template(
        "conversation.item.create, assistant history",
        _create(_message("assistant", "output_text", "Hello, how can I help?")),
    ),
    Template(
        "conversation.item.create, image",
        _create(
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_image", "image_url": _ONE_PIXEL}],
            }
        ),
    ),
    Template(
        "conversation.item.create, MCP approval",
        _create(
            {
                "type": "mcp_approval_response",
                "id": "item_",
                "approval_request_id": "mcpr_",
                "approve": True,
            }
        ),
    ),
    Template(
        "conversation.item.truncate",
        {
            "type": "conversation.item.truncate",
            "item_id": "item_",
            "content_index": 0,
            "audio_end_ms": 1000,
        },
    ),
    Template("conversation.item.delete", {"type": "conversation.item.delete", "item_id": "item_"}),
    Template(
        "conversation.item.retrieve", {"type": "conversation.item.retrieve", "item_id": "item_"}
    ),
    Template(
        "input_audio_buffer.append, 20 ms of silence",
        {"type": "input_audio_buffer.append", "audio": _SILENCE_20_MS},
    ),
    Template("input_audio_buffer.commit", {"type": "input_audio_buffer.commit"}),
    Template("input_audio_buffer.clear", {"type": "input_audio_buffer.clear"}),
    Template("output_audio_buffer.clear", {"type": "output_audio_buffer.clear"}),
    Template(
        "session.input_audio_buffer.append",
        {"type": "session.input_audio_buffer.append", "audio": _SILENCE_20_MS},
    ),
    Template("session.close", {"type": "session.close"}),
)
