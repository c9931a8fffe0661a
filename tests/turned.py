"""Builder of a session with the kinds of waits that the turns show: a setting, a tool, and an answer that the user speaks over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspector.core.event import Event
from inspector.recording.format import Header, render, render_header
from tests.billed import usage
from tests.spoken import base64_of, tone
from tests.support import at, client, local, numbered, server

QUESTIONS = {"u1": "What can you do?", "u2": "What is the weather in Paris?", "u3": "No, in Rome."}


def described() -> Event:
    """Return the session: server VAD with 200 ms of silence, transcribed, with low reasoning effort."""
    detection = {"type": "server_vad", "silence_duration_ms": 200}
    session = {
        "id": "s",
        "model": "gpt-realtime",
        "reasoning": {"effort": "low"},
        "audio": {"input": {"turn_detection": detection}},
    }
    return at(5, server("session.created", session=session))


def asked(item_id: str, begin_ms: int, stop_ms: int, transcribed_ms: int) -> Iterator[Event]:
    """Yield the events of what the user says."""
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
    content = [{"type": "input_audio", "transcript": None}]
    name = "input_audio_buffer"
    yield at(begin_ms, server(f"{name}.speech_started", audio_start_ms=begin_ms, item_id=item_id))
    yield at(stop_ms, server(f"{name}.speech_stopped", audio_end_ms=stop_ms, item_id=item_id))
    yield at(stop_ms + 1, server(f"{name}.committed", item_id=item_id))
    yield at(stop_ms + 2, server("conversation.item.added", item={**item, "content": content}))
    heard = "conversation.item.input_audio_transcription.completed"
    told = {"item_id": item_id, "content_index": 0, "transcript": QUESTIONS[item_id]}
    yield at(transcribed_ms, server(heard, **told))


def begun(response_id: str, ms: int) -> Event:
    """Return the beginning of a response."""
    return at(ms, server("response.created", response={"id": response_id}))


def ended(response_id: str, ms: int, **members: Any) -> Event:
    """Return the end of a response, with its use."""
    response = {"id": response_id, "status": "completed", "usage": usage(400, 300, 40, 200)}
    return at(ms, server("response.done", response={**response, **members}))


def spoken_answer(response_id: str, ms: int, length_ms: int, playing_ms: int) -> Iterator[Event]:
    """Yield the audio of an answer, all at once, and the report that it is being heard."""
    where = {"response_id": response_id, "item_id": f"a_{response_id}"}
    delta = base64_of(tone(length_ms))
    yield at(ms, server("response.output_audio.delta", **where, delta=delta))
    yield at(playing_ms, local("inspector.playing", item_id=where["item_id"], audio_ms=0))


def called(response_id: str, arguments_ms: int, output_ms: int) -> Iterator[Event]:
    """Yield a call of a tool, and its result with the request to go on."""
    call = {"id": "f1", "type": "function_call", "call_id": "c1", "name": "get_weather"}
    done = {"response_id": response_id, "item_id": "f1", "call_id": "c1", "name": "get_weather"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "18"}
    added = {"response_id": response_id, "output_index": 0, "item": call}
    yield at(arguments_ms - 100, server("response.output_item.added", **added))
    name = "response.function_call_arguments.done"
    yield at(arguments_ms, server(name, **done, arguments="{}"))
    yield at(output_ms, client("conversation.item.create", item=output))
    yield at(output_ms + 10, client("response.create"))


def turned() -> list[Event]:
    """Return the session's events in order of time, numbered.

    The user waits 700, 3,150 and 650 ms; the second time for a tool of 1,900 ms, and he speaks over the answer, which stops
    after 150 ms.
    """
    found = [
        described(),
        *asked("u1", 1000, 3000, 3700),
        begun("r1", 3040),
        *spoken_answer("r1", 3450, 1200, 3500),
        ended("r1", 3900),
        *asked("u2", 6000, 7000, 7600),
        begun("r2", 7050),
        *called("r2", 7400, 9300),
        ended("r2", 7410),
        begun("r3", 9400),
        *spoken_answer("r3", 9900, 3000, 9950),
        ended("r3", 10_400),
        *asked("u3", 11_000, 11_800, 12_500),
        at(11_150, local("inspector.played", item_id="a_r3", audio_ms=1200, reason="truncated")),
        begun("r4", 11_850),
        *spoken_answer("r4", 12_200, 900, 12_250),
        ended("r4", 12_600),
        at(14_000, client("session.update", session={"type": "realtime"})),
    ]
    return numbered(sorted(found, key=lambda event: event.stamp_ns))


def write_turned(path: Path, made: list[Event] | None = None) -> Path:
    """Write a recording; return its path."""
    header = render_header(Header("2026-11-27T10:00:00.000000Z", "live"))
    path.write_bytes(header + b"".join(render(event) for event in made or turned()))
    return path
