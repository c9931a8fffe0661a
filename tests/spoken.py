"""A recorded session with tones as audio: a question, an interrupted answer, a function call, an error."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inspector.audio.pcm import encoded
from inspector.core.event import Event
from inspector.recording.format import Header, render, render_header
from tests.support import at, client, numbered, server

QUESTION_MS = 2000
ANSWER_MS = 3000
HEARD_MS = 1500
"""The position at which the answer is truncated."""
QUESTION_AT_MS = 1000
ANSWER_AT_MS = 3200
SECOND_MS = 600
"""The user's words that interrupt the answer."""
SECOND_AT_MS = 4400
FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "pcmu": {"type": "audio/pcmu"},
    "pcma": {"type": "audio/pcma"},
}


@dataclass(frozen=True)
class Voice:
    """The audio of one side on the wire."""

    encoding: str = "pcm16"

    @property
    def rate_hz(self) -> int:
        return 24_000 if self.encoding == "pcm16" else 8_000

    def tone(self, ms: int, hz: float = 440, level: float = 0.5) -> bytes:
        """Return a sine in the session's audio format."""
        return encoded(np.frombuffer(tone(ms, hz, level, self.rate_hz), np.int16), self.encoding)

    def chunks(self, data: bytes, ms: int) -> list[str]:
        """Return base64 pieces of the given length."""
        size = ms * self.rate_hz // 1000 * (2 if self.encoding == "pcm16" else 1)
        return [base64_of(data[start : start + size]) for start in range(0, len(data), size)]


def tone(ms: int, hz: float = 440, level: float = 0.5, rate_hz: int = 24_000) -> bytes:
    """Return a sine as PCM16."""
    count = ms * rate_hz // 1000
    step = 2 * math.pi * hz / rate_hz
    return array("h", (round(32_767 * level * math.sin(step * i)) for i in range(count))).tobytes()


def base64_of(data: bytes) -> str:
    """Return the body of an event."""
    return base64.b64encode(data).decode()


def session(voice: Voice, output: Voice | None = None) -> dict[str, Any]:
    """Return a session object."""
    formats = {
        "input": {"format": FORMATS[voice.encoding]},
        "output": {"format": FORMATS[(output or voice).encoding]},
    }
    return {"id": "sess_1", "type": "realtime", "model": "gpt-realtime", "audio": formats}


def appended(from_ms: int, data: bytes, voice: Voice, chunk_ms: int = 40) -> Iterator[Event]:
    """Yield the appends of a microphone, each sent at the end of its audio."""
    for number, chunk in enumerate(voice.chunks(data, chunk_ms), 1):
        yield at(from_ms + number * chunk_ms, client("input_audio_buffer.append", audio=chunk))


def answered(from_ms: int, data: bytes, item_id: str, voice: Voice) -> Iterator[Event]:
    """Yield the deltas of an answer: 375 ms of audio every 30 ms."""
    where = {"response_id": "resp_1", "item_id": item_id, "output_index": 0, "content_index": 0}
    for number, chunk in enumerate(voice.chunks(data, 375)):
        yield at(from_ms + number * 30, server("response.output_audio.delta", **where, delta=chunk))


def _speech(item_id: str, begins: tuple[int, int], ends: tuple[int, int]) -> Iterator[Event]:
    """Yield the server's events about speech; times are (session, buffer) in ms."""
    name = "input_audio_buffer"
    content = [{"type": "input_audio", "transcript": None}]
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
    yield at(begins[0], server(f"{name}.speech_started", audio_start_ms=begins[1], item_id=item_id))
    yield at(ends[0], server(f"{name}.speech_stopped", audio_end_ms=ends[1], item_id=item_id))
    yield at(ends[0] + 1, server(f"{name}.committed", item_id=item_id, previous_item_id=None))
    added = server("conversation.item.added", item={**item, "content": content})
    yield at(ends[0] + 2, added)


def _response(number: int, t_ms: int, item: dict[str, Any]) -> Iterator[Event]:
    response = {"id": f"resp_{number}", "status": "in_progress"}
    yield at(t_ms, server("response.created", response=response))
    added = {"response_id": f"resp_{number}", "output_index": 0, "item": item}
    yield at(t_ms + 50, server("response.output_item.added", **added))


def events(voice: Voice | None = None, output: Voice | None = None) -> list[Event]:
    """Return the session's events in order of time, numbered."""
    voice = voice or Voice()
    output = output or voice
    message = {"id": "item_a", "type": "message", "role": "assistant", "status": "in_progress"}
    call = {"id": "item_f", "type": "function_call", "call_id": "call_1", "name": "f"}
    said = {"response_id": "resp_1", "item_id": "item_a", "output_index": 0, "content_index": 0}
    cut = {"item_id": "item_a", "content_index": 0, "audio_end_ms": HEARD_MS}
    done = {"response_id": "resp_2", "item_id": "item_f", "output_index": 0, "call_id": "call_1"}
    transcript = "response.output_audio_transcript"
    total = QUESTION_MS + SECOND_MS
    found = [
        at(5, server("session.created", session=session(voice, output))),
        *appended(QUESTION_AT_MS, voice.tone(QUESTION_MS), voice),
        *_speech("item_u", (1300, 0), (3010, QUESTION_MS)),
        *_response(1, 3100, {**message, "content": []}),
        at(3160, server(f"{transcript}.delta", **said, delta="One two ")),
        *answered(ANSWER_AT_MS, output.tone(ANSWER_MS, 220), "item_a", output),
        at(3420, server(f"{transcript}.done", **said, transcript="One two three four.")),
        at(3450, server("response.done", response={"id": "resp_1", "status": "completed"})),
        *appended(SECOND_AT_MS, voice.tone(SECOND_MS, 880), voice),
        *_speech("item_v", (4700, QUESTION_MS), (5010, total)),
        at(4701, client("conversation.item.truncate", **cut)),
        at(4730, server("conversation.item.truncated", **cut)),
        *_response(2, 5100, {**call, "status": "in_progress", "arguments": ""}),
        at(
            5300,
            server(
                "response.function_call_arguments.done", **done, name="f", arguments='{"city":1}'
            ),
        ),
        at(
            5310,
            server(
                "conversation.item.done",
                item={**call, "status": "completed", "arguments": '{"city":1}'},
            ),
        ),
        at(5400, server("response.done", response={"id": "resp_2", "status": "completed"})),
        at(
            5500,
            server("error", error={"type": "invalid_request_error", "code": "x", "message": "no"}),
        ),
    ]
    return numbered(sorted(found, key=lambda event: event.stamp_ns))


def write_recording(path: Path, made: list[Event] | None = None) -> Path:
    """Write a recording; return its path."""
    header = render_header(Header("2026-11-20T23:12:00.123456Z", "sim"))
    path.write_bytes(header + b"".join(render(event) for event in made or events()))
    return path
