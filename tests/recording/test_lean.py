"""Lean reading: whatever is passed over, the state is the one after every event."""

from __future__ import annotations

import base64
import os
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector.core.event import Direction, Event, Origin
from inspector.core.state import SessionState
from inspector.recording import row_columns
from inspector.recording.format import Header, render, render_header
from inspector.recording.lean import TURN_FOLDS, LeanReading
from inspector.recording.reader import RecordingReader
from tests.support import facts

HEADER = render_header(Header("2026-11-27T10:00:00.000000Z", "live", model="gpt-realtime"))
IDS = ("item_1", "item_2", "resp_1", "resp_2", "call_1")


def sound(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def random_event(chance: random.Random) -> tuple[Direction, dict[str, Any]]:
    """Return an event of those that turns are made of, with few ids, so that they meet."""
    item, other, response = (chance.choice(IDS) for _ in range(3))
    words = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
    created = {
        "id": response,
        "status": "in_progress",
        **chance.choice(({}, {"conversation_id": None})),
    }
    done: dict[str, Any] = {
        "id": response,
        "status": chance.choice(("completed", "cancelled", "failed")),
        "output": [],
    }
    call = {"id": item, "type": "function_call", "name": "look", "call_id": other}
    given = {"type": "function_call_output", "call_id": other, "output": "1"}
    said: dict[str, Any] = {
        "id": item,
        "type": "message",
        "role": chance.choice(("user", "assistant")),
        "content": [],
    }
    form = {"type": chance.choice(("audio/pcm", "audio/pcmu"))}
    session = {"id": chance.choice(("s1", "s2")), "audio": {"input": {"format": form}}}
    audio = chance.choice(
        (sound(480), sound(960), "no/base64!", "data:audio/wav;base64,AAAA", sound(1))
    )
    client: list[dict[str, Any]] = [
        {"type": "input_audio_buffer.append", "audio": audio},
        {"type": "input_audio_buffer.append", "audio": audio},
        {"type": "input_audio_buffer.append", "audio": audio, "event_id": "e1", "extra": 1},
        {"type": "input_audio_buffer.commit"},
        {"type": "response.create"},
        {"type": "conversation.item.create", "item": given},
        {"type": "conversation.item.create", "item": said},
        {"type": "session.update", "session": {}},
        {"type": "response.output_audio.delta", **words, "delta": audio},
    ]
    server: list[dict[str, Any]] = [
        {"type": "response.output_audio.delta", "event_id": "e", **words, "delta": audio},
        {"type": "response.output_audio.delta", **words, "delta": audio},
        {"type": "response.output_audio.delta", **words, "delta": sound(9600)},
        {
            "type": "response.output_audio_transcript.delta",
            **words,
            "delta": chance.choice(("a", "")),
        },
        {"type": "response.output_text.delta", **words, "delta": "b"},
        {"type": "response.created", "response": created},
        {"type": "response.done", "response": done},
        {"type": "response.output_item.added", "response_id": response, "item": call},
        {"type": "response.output_item.added", "response_id": response, "item": said},
        {
            "type": "response.function_call_arguments.done",
            **words,
            "call_id": other,
            "name": "look",
        },
        {"type": "input_audio_buffer.speech_started", "audio_start_ms": 5, "item_id": item},
        {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 900, "item_id": item},
        {"type": "input_audio_buffer.committed", "item_id": item},
        {"type": "input_audio_buffer.timeout_triggered", "item_id": item},
        {"type": "conversation.item.added", "item": said},
        {"type": "session.created", "session": session},
        {"type": "session.updated", "session": session},
        {"type": "error", "error": {"param": "audio", "code": "invalid_value"}},
        {
            "type": "error",
            "error": {"event_id": "e1", "code": "unknown_parameter", "param": "extra"},
        },
        {"type": "rate_limits.updated", "rate_limits": []},
        {"type": "input_audio_buffer.append", "audio": audio},
    ]
    local: list[dict[str, Any]] = [
        {"type": "inspector.playing", "item_id": item, "audio_ms": 0},
        {"type": "inspector.played", "item_id": item, "audio_ms": 20},
        {"type": "inspector.opened", "url": "ws://x"},
    ]
    sides = ((Direction.CLIENT, client), (Direction.SERVER, server), (Direction.LOCAL, local))
    direction, choices = chance.choices(sides, (10, 20, 1))[0]
    return direction, chance.choice(choices)


def random_recording(path: Path, seed: int, count: int = 400) -> None:
    chance = random.Random(seed)
    lines = [HEADER]
    t_ns: int | None = 0
    for seq in range(1, count + 1):
        direction, body = random_event(chance)
        t_ns = chance.choice((None, seq * 5_000_000, seq * 5_000_000, seq * 5_000_000))
        data = orjson.dumps(body)
        event = Event(seq, t_ns, direction, Origin.WIRE, str(body["type"]), data)
        lines += [render(event)] * chance.choice((1, 1, 1, 9))
    path.write_bytes(b"".join(lines))


def state_of(path: Path, whole_bytes: int) -> SessionState:
    reader = RecordingReader(path)
    state = SessionState(only=TURN_FOLDS)
    LeanReading(reader, state, whole_bytes=whole_bytes).run()
    reader.close()
    return state


def told(state: SessionState) -> dict[str, Any]:
    """Return what the state tells but for WAV headers, which lean reading does not look for."""
    found: dict[str, Any] = facts(state)
    for name in ("wav", "wav_appends", "first_wav_seq", "_sizes", "_refusals"):
        found["input_audio"].pop(name)
    for name in ("_waiting", "_by_event_id"):
        found["causes"].pop(name)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_what_is_passed_over_changes_nothing(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, seed)

    lean, whole = state_of(path, 0), state_of(path, 1 << 30)

    assert len(whole.turns.all) > 3
    assert told(lean) == told(whole)


@pytest.mark.parametrize("seed", range(3))
def test_another_process_hands_over_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, seed)
    alone = told(state_of(path, 0))
    monkeypatch.setattr(row_columns, "FORK_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    assert told(state_of(path, 0)) == alone


def test_where_the_other_process_dies_the_rest_is_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, 1)
    alone = told(state_of(path, 0))
    monkeypatch.setattr(row_columns, "FORK_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(row_columns, "_hand_over", lambda _file, _pipe: os._exit(9))

    assert told(state_of(path, 0)) == alone
