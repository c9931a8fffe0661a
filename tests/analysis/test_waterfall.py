"""The waterfall of a turn: its stretches of time, the cells that show them, and the scale above."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.analysis.latency import Heard, latency_of
from inspector.analysis.waterfall import (
    PHASES,
    ZOOMS_MS,
    Bars,
    Stretch,
    bars,
    fitting_cell_ms,
    painted,
    scale,
    turn_spans,
)
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.support import at, numbered, server
from tests.turned import asked, begun, described, turned

MS = 1_000_000
AUDIBLE = Heard(leading_ns=0)


def state_at(events: list[Event], end_ms: float | None = None) -> SessionState:
    state = SessionState()
    for event in events:
        if end_ms is None or (event.t_ns or 0) <= end_ms * MS:
            state.apply(event, strict=True)
    return state


def drawn(number: int, end_ms: float | None = None, now_ms: float | None = None) -> Bars:
    """Return the bars of a turn of the session at a time."""
    turns = state_at(turned(), end_ms).turns.all
    turn = turns[number - 1]
    now_ns = round((now_ms or end_ms or 14_000) * MS)
    return bars(turn, latency_of(turn, AUDIBLE), now_ns, is_last=turn is turns[-1])


def spans(found: Bars) -> list[tuple[str, int, int]]:
    return [(one.phase, round(one.begin_ms), round(one.end_ms)) for one in found.main]


def test_the_phases_of_a_wait_follow_each_other_and_the_answer_comes_after_them() -> None:
    assert spans(drawn(1)) == [
        ("endpointing", 0, 200),
        ("commit", 200, 201),
        ("response_start", 201, 240),
        ("model", 240, 650),
        ("playout", 650, 700),
        ("answer", 700, 1900),
    ]


def test_an_answer_ends_where_the_user_speaks_over_it_and_the_app_stops_later() -> None:
    found = drawn(2)

    assert spans(found)[-2:] == [("answer", 3150, 4200), ("stop", 4200, 4350)]
    assert found.cut_ms == 4200


def test_a_tool_is_drawn_from_its_arguments_to_its_result() -> None:
    (tool,) = drawn(2).tools

    assert tool is not None
    assert (tool.begin_ms, tool.end_ms) == (600, 2500)


def test_a_tool_without_a_result_goes_on_until_now() -> None:
    (tool,) = drawn(2, end_ms=8_000).tools

    assert tool is not None
    assert (tool.begin_ms, tool.end_ms, tool.seq) == (600, 1200, 0)


def test_a_transcription_counts_from_the_end_of_the_speech() -> None:
    found = drawn(1).transcription

    assert found is not None
    assert (found.begin_ms, found.end_ms) == (0, 900)


def test_what_is_still_waited_for_grows_with_time() -> None:
    assert spans(drawn(3, end_ms=11_900, now_ms=12_000))[-1] == ("pending", 250, 400)
    assert spans(drawn(3, end_ms=11_900, now_ms=12_100))[-1] == ("pending", 250, 500)


def test_an_answer_is_drawn_as_far_as_it_has_been_heard() -> None:
    assert spans(drawn(1, end_ms=3_900, now_ms=4_000))[-1] == ("answer", 700, 1200)


def test_audio_that_comes_slower_than_it_plays_is_heard_until_the_last_of_it_came() -> None:
    late = [event for event in turned() if event.t_ns != 3_900 * MS]
    done = next(event for event in turned() if event.t_ns == 3_900 * MS)
    moved = [*late, replace(done, t_ns=5_900 * MS)]
    events = numbered(sorted(moved, key=lambda event: event.stamp_ns))
    turn = state_at(events).turns.all[0]

    found = bars(turn, latency_of(turn, AUDIBLE), 14_000 * MS, is_last=False)

    assert spans(found)[-1] == ("answer", 700, 3100)


def test_nothing_is_drawn_without_times() -> None:
    turn = state_at(turned()).turns.all[1]
    untimed = turn.clone(object())
    untimed.began = untimed.began._replace(t_ns=None)
    untimed.speech_stopped = untimed.speech_started = untimed.committed = None

    found = bars(untimed, latency_of(untimed), 0, is_last=False)

    assert found == Bars((), (None,), None, None)


def test_nothing_is_pending_while_the_user_speaks() -> None:
    events = numbered([described(), next(iter(asked("u1", 1000, 3000, 3700)))])
    turn = state_at(events).turns.all[0]

    assert bars(turn, latency_of(turn), 2_000 * MS, is_last=True).main == ()


def test_nothing_is_pending_after_a_failure() -> None:
    events = [one for one in turned() if (one.t_ns or 0) < 3_040 * MS]
    failed = {"id": "r1", "status": "failed"}
    events += [begun("r1", 3040), at(3100, server("response.done", response=failed))]
    turn = state_at(numbered(events)).turns.all[0]

    found = bars(turn, latency_of(turn), 9_000 * MS, is_last=True)

    assert "pending" not in [one.phase for one in found.main]


def test_turns_are_spans_of_the_session() -> None:
    turns = state_at(turned()).turns.all

    assert turn_spans(turns, 0, 14_000_000, 14_000_000) == [
        (1, 1_000_000, 4_700_000),
        (2, 6_000_000, 11_000_000),
        (3, 11_000_000, 13_150_000),
    ]
    assert [one.number for one in turn_spans(turns, 5_000_000, 7_000_000, 14_000_000)] == [2]


def test_the_last_turn_lasts_until_now_while_it_is_answered() -> None:
    turns = state_at(turned(), 12_300).turns.all

    assert turn_spans(turns, 0, 14_000_000, 12_400_000)[-1].end_us == 12_400_000


def test_a_cell_shows_what_covers_most_of_it() -> None:
    one = Stretch("model", 0, 120, 1)
    other = Stretch("playout", 120, 150, 2)
    third = Stretch("answer", 150, 300, 3)

    cells = painted([one, other, third], 100, 0, 4)

    assert cells == [one, third, third, None]


def test_cells_can_begin_later_and_never_leave_the_width() -> None:
    stretch = Stretch("model", 250, 1e9, 1)

    assert painted([stretch], 100, 1, 3) == [None, stretch, stretch]
    assert painted([stretch], 100, 5, 2) == [stretch, stretch]
    assert painted([Stretch("model", 100, 100, 1)], 100, 0, 3) == [None] * 3


@pytest.mark.parametrize(
    ("longest_ms", "expected"), [(0, 10), (200, 10), (300, 10), (4_000, 200), (1e9, 60_000)]
)
def test_the_longest_wait_fits(longest_ms: float, expected: int) -> None:
    assert fitting_cell_ms([100, longest_ms], 50) == expected
    assert expected in ZOOMS_MS


def test_the_scale_names_every_tenth_cell() -> None:
    assert scale(100, 0, 34) == "0         1 s       2 s       3 s "
    assert scale(20, 0, 24) == "0         200 ms          "[:24]
    assert scale(100, 4, 20) == "      1 s       2 s "


def test_every_phase_has_another_letter() -> None:
    letters = [phase.letter for phase in PHASES.values() if phase.letter]

    assert len(letters) == len(set(letters))
