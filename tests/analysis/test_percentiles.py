from __future__ import annotations

import pytest

from inspector.analysis.definitions import DEFINITIONS, explained, found
from inspector.analysis.latency import latency_of
from inspector.analysis.percentiles import (
    GROUPINGS,
    MeasuredTurn,
    percentile,
    spread,
    spread_json,
    spreads,
)
from inspector.core.turn import Turn, TurnMark, TurnResponse
from inspector.core.turn_counter import TurnKind

MS = 1_000_000


def test_percentiles_are_linear_and_the_95th_takes_twenty() -> None:
    few, many = spread([30, 10, 20]), spread(range(1, 21))

    assert percentile([10, 20, 30, 40], 0.5) == 25
    assert few is not None
    assert (few.n, few.p50, few.p90, few.p95, few.least, few.most) == (3, 20, 28, None, 10, 30)
    assert many is not None
    assert many.p95 == pytest.approx(19.05)
    assert spread([]) is None


def measured(number: int, *, stopped: bool, played: bool = False) -> MeasuredTurn:
    """Return a turn whose end of speech is derived, or stands for itself."""
    answer = TurnResponse("r", TurnMark(4, 1100 * MS), sound=TurnMark(5, 1500 * MS))
    answer.played, answer.is_play_measured = TurnMark(6, 1510 * MS), played
    turn = Turn(number, TurnKind.SPEECH, None, 1, TurnMark(1, 0), model="m", answers=[answer])
    turn.is_configured, turn.detection, turn.silence_ms = True, "server_vad", 200
    mark = TurnMark(2, 1000 * MS)
    turn.speech_stopped, turn.committed = (mark if stopped else None), TurnMark(3, 1001 * MS)
    return MeasuredTurn("x.jsonl", "2026-11-27", turn, latency_of(turn))


def test_what_is_known_in_different_ways_is_never_averaged() -> None:
    turns = [
        measured(1, stopped=True),
        measured(2, stopped=False),
        measured(3, stopped=True, played=True),
    ]

    found = {
        (each.definition.name, each.quality): each.spread.n for each in spreads(turns, by="model")
    }

    assert found["first_sound_ms", "derived"] == 2
    assert found["first_sound_ms", "event"] == 1
    assert found["playout_ms", "estimated"] == 2
    assert found["playout_ms", "measured"] == 1
    assert found["first_audio_ms", "event"] == 3


@pytest.mark.parametrize("by", GROUPINGS)
def test_turns_are_grouped(by: str) -> None:
    rows = [spread_json(each, by) for each in spreads([measured(1, stopped=True)], by)]

    assert {row[by] for row in rows} <= {"m", "2026-11-27", "speech", "x.jsonl", "derived", "in_progress"}  # fmt: skip
    assert all(row["n"] == 1 and row["p95"] is None for row in rows)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("voice_to_voice_ms", "voice_to_voice_ms"),
        ("voice-to-voice", "voice_to_voice_ms"),
        ("e2e_latency", "voice_to_voice_ms"),
        ("endpointing", "endpointing_ms"),
        ("TTFT", "first_delta_ms"),
        ("leading", "leading_silence_ms"),
    ],
)
def test_a_figure_is_found_by_what_others_call_it(name: str, means: str) -> None:
    assert found(name)[0].name == means


def test_every_definition_says_what_it_is_of() -> None:
    assert not found("nonsense")
    assert not found("")
    for definition in DEFINITIONS:
        words = explained(definition)
        assert definition.formula in words
        assert definition.owner in words
    assert "speech_stopped" in explained(found("commit")[0])
