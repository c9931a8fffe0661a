"""Lean reading: whatever is passed over, the state is the one of ``fold_recording``, for the folds that were asked."""

from __future__ import annotations

import base64
import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import audio_bytes_of, audio_of
from inspector.core.kinds import APPENDS
from inspector.core.state import VERDICT_FOLDS, SessionState
from inspector.recording import lean
from inspector.recording.folding import fold_recording
from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from tests.support import SEEDS, facts, recordings

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
        {"type": "session.input_audio.append", "audio": audio},
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
        {"type": "session.usage.updated", "usage": {"seconds": chance.randrange(9)}},
        {"type": "session.output_audio.delta", "delta": audio, "sample_rate": 16000},
        {"type": "session.input_audio.append", "audio": audio},
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


DAMAGES = (
    lambda line: line,
    lambda line: line,
    lambda line: line[: len(line) // 2] + b"\n",
    lambda line: line.replace(b'"type"', b'"typ', 2),
    lambda line: line.replace(b"}}", b"]}"),
    lambda line: line.replace(b":", b": "),
    lambda line: b"\n" + line[:-1] + b"  \n",
    lambda line: line.replace(b"o", b"\xff"),
    lambda line: line.replace(b"response.done", b"\\u0072esponse.done"),
    lambda line: line.replace(b'"delta":"', b'"delta":"\\/'),
)
"""What may happen to a line."""


def random_recording(path: Path, seed: int, count: int = 400, *, damaged: float = 0) -> None:
    chance = random.Random(seed)
    lines = [HEADER]
    for _ in range(count):
        direction, body = random_event(chance)
        data = orjson.dumps(body)
        for _ in range(chance.choice((1, 1, 1, 9))):
            seq = len(lines)
            t_ns = chance.choice((None, seq * 5_000_000, seq * 5_000_000, seq * 5_000_000))
            event = Event(seq, t_ns, direction, Origin.WIRE, str(body["type"]), data)
            is_damaged = chance.random() < damaged
            lines.append((chance.choice(DAMAGES) if is_damaged else bytes)(render(event)))
    torn = chance.randrange(60) if damaged else 0
    whole = b"".join(lines)
    path.write_bytes(whole[: len(whole) - torn])


FOLD_SETS = {
    "turns": lean.TURN_FOLDS,
    "cost": frozenset({"session", "dialect", "output_audio", "usage"}),
    "verdict": VERDICT_FOLDS,
    "sound": frozenset({"session", "output_audio"}),
    "all": frozenset[str](),
}


def lean_state(path: Path, folds: Collection[str]) -> SessionState:
    reader = RecordingReader(path)
    state = SessionState(only=folds)
    lean.LeanReading(reader, state).run()
    reader.close()
    return state


def whole_state(path: Path) -> SessionState:
    reader = RecordingReader(path)
    state = fold_recording(reader)
    reader.close()
    return state


def told(state: SessionState, folds: Collection[str]) -> dict[str, Any]:
    """Return what folds tell, but for WAV headers and what only an error would look at: lean reading does not keep them."""
    found: dict[str, Any] = facts(state)
    for name in ("wav", "wav_appends", "first_wav_seq", "last_bytes", "_sizes", "_refusals"):
        found["input_audio"].pop(name)
    for name in ("_waiting", "_by_event_id"):
        found["causes"].pop(name)
    found["usage"].pop("_prefix")
    return {name: fold for name, fold in found.items() if not folds or name in folds}


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "WHOLE_BYTES", 0)


@pytest.mark.parametrize("folds", FOLD_SETS.values(), ids=FOLD_SETS)
@pytest.mark.parametrize("damaged", [0, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_passed_over_changes_nothing(
    tmp_path: Path, seed: int, damaged: float, folds: Collection[str]
) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, seed, damaged=damaged)

    whole = whole_state(path)

    assert len(whole.turns.all) > 3
    assert told(lean_state(path, folds), folds) == told(whole, folds)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_a_real_recording_is_read_as_by_every_event(path: Path) -> None:
    for folds in FOLD_SETS.values():
        assert told(lean_state(path, folds), folds) == told(whole_state(path), folds)


@pytest.mark.parametrize("shape", ['{"direction":"recv","event":%s}', "%s"])
def test_a_foreign_file_is_read_as_by_every_event(tmp_path: Path, shape: str) -> None:
    chance = random.Random(1)
    path = tmp_path / "x.jsonl"
    bodies = (orjson.dumps(random_event(chance)[1]).decode() for _ in range(300))
    path.write_text("".join(shape % body + "\n" for body in bodies))

    whole = told(whole_state(path), VERDICT_FOLDS)

    assert told(lean_state(path, VERDICT_FOLDS), VERDICT_FOLDS) == whole


def test_the_caller_takes_in_the_types_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, 3)
    reader = RecordingReader(path)
    state = SessionState(only={"session"})
    types = {"rate_limits.updated", "response.output_audio.delta"}
    got: list[Event] = []

    lean.LeanReading(reader, state, types, got.append).run()
    whole = [event for event in reader.events() if event.type in types]
    reader.close()

    assert [event for event in got if event.type in types] == whole
    assert any(map(audio_bytes_of, whole))


@pytest.mark.parametrize("seed", range(4))
def test_sound_is_read_back_as_it_was_sent(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, seed, damaged=0.05)
    reader = RecordingReader(path)
    state = SessionState(only=lean.TURN_FOLDS)
    reading = lean.LeanReading(reader, state)

    reading.run()
    read = [(one.seq, one.t_ns, audio_of(one)) for one in reading.appends_before(1 << 30)]
    whole = [
        (one.seq, one.t_ns, audio_of(one))
        for one in reader.events()
        if one.type in APPENDS and one.direction is Direction.CLIENT
    ]
    reader.close()

    kept = [one for one in reversed(whole) if one[0] not in state.causes.rejected]
    assert [one for one in read if one[2]] == [one for one in kept if one[2]]
