"""Builders of sessions that rules are tried on, and what the rules say about them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.lint_rule import LintRule
from inspector.analysis.lint.lint_run import LintReport, lint
from inspector.core.event import Event
from inspector.recording.reader import RecordingReader
from tests.support import at, client, local, numbered, server

OPENED = local("inspector.opened", url="wss://api.openai.com/v1/realtime?model=gpt-realtime")
SERVER_VAD = {"type": "server_vad", "create_response": True, "interrupt_response": True}


def session(detection: Any = None, **members: Any) -> dict[str, Any]:
    """Return a GA session object; without turn detection unless one is given."""
    audio = {
        "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": detection},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    }
    return {
        "type": "realtime",
        "id": "sess_1",
        "model": "gpt-realtime-2.1",
        "instructions": "Be brief.",
        "audio": audio,
        **members,
    }


def began(detection: Any = None, **members: Any) -> list[Event]:
    """Return the beginning of a session."""
    return [OPENED, server("session.created", session=session(detection, **members))]


def text_item(text: str = "Hello", role: str = "user", item_id: str = "item_u") -> dict[str, Any]:
    """Return a message."""
    kind = "input_text" if role == "user" else "output_text"
    content = [{"type": kind, "text": text}]
    return {"id": item_id, "type": "message", "role": role, "content": content}


def said(text: str = "Hello") -> list[Event]:
    """Return a text of the user's, as sent and as confirmed."""
    item = text_item(text)
    return [
        client("conversation.item.create", item={k: v for k, v in item.items() if k != "id"}),
        server("conversation.item.added", item=item, previous_item_id=None),
    ]


def called(
    name: str = "search_film", call_id: str = "call_1", response_id: str = "resp_1"
) -> list[Event]:
    """Return a response that calls a function."""
    item = {
        "id": f"item_{call_id}",
        "type": "function_call",
        "status": "completed",
        "name": name,
        "call_id": call_id,
        "arguments": "{}",
    }
    head = {"response_id": response_id, "output_index": 0}
    return [
        created(response_id),
        server("response.output_item.added", **head, item={**item, "status": "in_progress"}),
        server("response.function_call_arguments.done", **head, item_id=item["id"], call_id=call_id, name=name, arguments="{}"),
        server("response.output_item.done", **head, item=item),
        done(response_id, output=[item]),
    ]  # fmt: skip


def result(call_id: str = "call_1", **members: Any) -> Event:
    """Return the result of a call as the app sends it."""
    item = {"type": "function_call_output", "call_id": call_id, "output": "{}", **members}
    return client("conversation.item.create", item=item)


def created(response_id: str = "resp_1", **members: Any) -> Event:
    """Return the beginning of a response."""
    response = {"id": response_id, "status": "in_progress", "conversation_id": "conv_1", **members}
    return server("response.created", response=response)


def done(response_id: str = "resp_1", status: str = "completed", **members: Any) -> Event:
    """Return the end of a response."""
    response = {"id": response_id, "status": status, "conversation_id": "conv_1", **members}
    return server("response.done", response=response)


def error(code: str | None, message: str = "", **members: Any) -> Event:
    """Return an error."""
    said = {"type": "invalid_request_error", "code": code, "message": message, **members}
    return server("error", error=said)


def later(ms: float) -> Event:
    """Return an event that shows nothing but the time."""
    return at(ms, server("rate_limits.updated", rate_limits=[]))


def linted(events: Iterable[Event], *rules: type[LintRule]) -> LintReport:
    """Return what rules, or all of them, say about events, which are 10 ms apart unless they have a time."""
    return lint(numbered(events), rules or RULES, is_strict=True)


def findings_of(rule: type[LintRule], events: Iterable[Event]) -> list[Finding]:
    """Return what one rule says about events."""
    return list(linted(events, rule).findings)


def linted_file(path: Path) -> LintReport:
    """Return what all rules say about a recording."""
    reader = RecordingReader(path)
    try:
        return lint(reader.events(), is_strict=True)
    finally:
        reader.close()


def shared_dir(name: str) -> Path | None:
    """Return a folder of larger material beside the checkout; None if it does not exist."""
    for parent in Path(__file__).resolve().parents:
        candidate = parent / "shared" / name
        if candidate.is_dir():
            return candidate
    return None


def colliding_requests() -> list[Event]:
    """Return a session in which the app asks for an answer while another one is in progress."""
    refusal = {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": "Conversation already has an active response in progress: resp_2",
    }
    events = [
        *began(),
        *said(),
        *called(),
        result(),
        client("response.create"),
        created("resp_2"),
        client("response.create"),
        server("error", error=refusal),
    ]
    return numbered(events)
