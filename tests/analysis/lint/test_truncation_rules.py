"""Rules about interrupted answers, each with a session that triggers it and a near miss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.lint_run import lint
from inspector.analysis.lint.truncation_rules import (
    PlaybackNotFlushed,
    TruncateBeyond,
    TruncateTooEarly,
    TruncateTooLate,
)
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from tests.linted import SERVER_VAD, began, error, findings_of, later
from tests.linted_sound import app_began, delta, spoken, started, truncate, truncated
from tests.support import at, local, numbered, server


def refused(ms: float, length_ms: int, asked_ms: int) -> Event:
    message = f"Audio content of {length_ms}ms is already shorter than {asked_ms}ms"
    return at(ms, error("invalid_value", message, param="audio_end_ms"))


def test_a_truncation_by_the_clock_of_the_call_names_that_clock() -> None:
    events = [
        *began(SERVER_VAD),
        *spoken(700, 5090),
        started(6700),
        truncate(7300, 55_960),
        refused(7340, 5090, 55_960),
    ]
    [found] = findings_of(TruncateBeyond, events)

    assert found.severity is Severity.ERROR
    assert found.text == (
        "audio_end_ms 55,960 in #7 is more than this session is old (7.3 s): the clock of the call, not of this item; "
        "it has 5,090 ms, and all of them can have been played by then: no truncation was needed"
    )
    assert '"audio_end_ms": 5090' in found.fix


@pytest.mark.parametrize(
    ("end_ms", "words"),
    [
        (3150, "the time since the first sound of the item"),
        (6900, "the sum over all items"),
        (8000, "the time since the session began"),
        (96_000, "the number of bytes"),
        (48_000, "the number of samples"),
    ],
)
def test_what_the_number_of_a_truncation_is_likely_to_be_is_said(end_ms: int, words: str) -> None:
    events = [
        *began(SERVER_VAD),
        *spoken(100, 4900, "item_1"),
        *spoken(4800, 2000, "item_2", "resp_2"),
        truncate(8000, end_ms, "item_2"),
        refused(8010, 2000, end_ms),
    ]
    [found] = findings_of(TruncateBeyond, events)

    assert f" is {words}, not a place in the item" in found.text


def test_a_delay_that_is_added_is_the_same_each_time() -> None:
    events = [*began(SERVER_VAD)]
    for n, ms in enumerate((100, 5000)):
        events += [
            *spoken(ms, 2000 + 1000 * n, f"item_{n}", f"resp_{n}"),
            truncate(ms + 600, 2400 + 1000 * n, f"item_{n}"),
            refused(ms + 650, 2000 + 1000 * n, 2400 + 1000 * n),
        ]
    found = findings_of(TruncateBeyond, events)

    assert [
        "is 400 ms beyond the end each time: a delay that is added" in one.text for one in found
    ] == [True, True]


def test_a_truncation_within_the_item_or_by_rounding_is_not_beyond_it() -> None:
    events = [*began(SERVER_VAD), *spoken(100, 2000), truncate(1500, 1000), truncate(2500, 2010)]
    assert findings_of(TruncateBeyond, events) == []


def test_a_truncation_while_more_of_the_item_comes_is_not_beyond_it() -> None:
    events = [*began(SERVER_VAD), delta(100, 500), truncate(700, 600), delta(705, 500)]
    assert findings_of(TruncateBeyond, events) == []


def test_audio_that_a_recorder_cut_out_has_no_end_to_be_beyond() -> None:
    events = [*began(SERVER_VAD), *(delta(100 + n, 0.5) for n in range(9)), truncate(900, 700)]
    assert findings_of(TruncateBeyond, events) == []


def test_a_truncation_before_what_was_heard_is_too_early() -> None:
    events = [*began(SERVER_VAD), *spoken(100, 8000), started(5200), truncate(5300, 500)]
    [found] = findings_of(TruncateTooEarly, events)

    assert found.text == "#7 cuts item_a at 500 ms, and about 5.0 s of it can have been heard"
    assert found.confidence is Confidence.LIKELY
    assert '"audio_end_ms": 5050' in found.fix


def test_a_truncation_in_seconds_is_recognised() -> None:
    events = [*began(SERVER_VAD), *spoken(100, 8000), started(5200), truncate(5300, 5)]
    [found] = findings_of(TruncateTooEarly, events)

    assert found.text.endswith(": the number looks like seconds")


def test_the_delay_of_a_player_does_not_make_a_truncation_too_early() -> None:
    events = [*began(SERVER_VAD), *spoken(100, 8000), started(5200), truncate(5300, 4100)]
    assert findings_of(TruncateTooEarly, events) == []


def test_an_app_that_stopped_its_player_long_before_it_truncates_is_not_too_early() -> None:
    events = [*began(SERVER_VAD), *spoken(100, 8000), started(3200), truncate(7000, 2900)]
    assert findings_of(TruncateTooEarly, events) == []


TOLD = at(300, server("response.output_audio_transcript.done", response_id="resp_1", item_id="item_a", output_index=0, content_index=0, transcript="one two three four five six seven eight"))  # fmt: skip
"""Eight words in 8 s."""


def test_a_truncation_of_more_than_had_time_to_play_is_too_late() -> None:
    answer = [*began(SERVER_VAD), *spoken(100, 8000), TOLD, started(2200)]
    events = [*answer, truncate(2250, 6000), truncated(2300, 6000)]
    [found] = findings_of(TruncateTooLate, events)

    assert found.text == (
        "#8 cuts item_a at 6.0 s, and at most 2.1 s of it can have been heard: the model remembers “three four five six”, which "
        "nobody heard"
    )
    assert '"audio_end_ms": 2100' in found.fix
    assert found.confidence is Confidence.LIKELY


def test_a_player_that_reports_proves_a_truncation_too_late() -> None:
    heard = [at(160, local("inspector.playing", item_id="item_a", audio_ms=0)), at(2200, local("inspector.played", item_id="item_a", audio_ms=2040))]  # fmt: skip
    answer = [*began(SERVER_VAD), *spoken(100, 8000), *heard]
    [found] = findings_of(TruncateTooLate, [*answer, truncate(2250, 6000), truncated(2300, 6000)])

    assert found.text.endswith("2.0 s of it was heard: the model remembers what nobody heard")
    assert found.confidence is Confidence.CERTAIN


@pytest.mark.parametrize(
    "cut",
    [
        [truncate(2250, 2180), truncated(2300, 2180)],
        [truncate(2250, 6000), refused(2300, 8000, 6000)],
        [truncate(2250, 6000)],
    ],
    ids=["by less than proves anything", "refused", "not answered"],
)
def test_a_truncation_that_may_be_right_or_was_not_accepted_is_not_too_late(
    cut: list[Event],
) -> None:
    answer = [*began(SERVER_VAD), *spoken(100, 8000), TOLD, started(2200)]
    assert findings_of(TruncateTooLate, [*answer, *cut]) == []


def test_an_interrupted_answer_without_truncation_is_not_flushed() -> None:
    events = [*app_began(SERVER_VAD), *spoken(100, 8000), started(4000), later(8000)]
    [found] = findings_of(PlaybackNotFlushed, events)

    assert found.text == (
        "the user spoke over item_a (#7) with 4.2 s still to play, and it was not truncated: the player goes on, or the model "
        "believes that all of it was heard"
    )
    assert '"audio_end_ms": 3850' in found.fix


@pytest.mark.parametrize(
    "rest",
    [
        [truncate(4200, 3800), truncated(4250, 3800)],
        [truncated(4250, 3800)],  # Voice Live truncates by itself
    ],
)
def test_an_interrupted_answer_that_is_truncated_is_flushed(rest: list[Event]) -> None:
    events = [*app_began(SERVER_VAD), *spoken(100, 8000), started(4000), *rest, later(9000)]
    assert findings_of(PlaybackNotFlushed, events) == []


def test_a_truncation_without_a_time_is_one() -> None:
    asked = truncate(4100, 3850)
    events = numbered(
        [*app_began(SERVER_VAD), *spoken(100, 8000), started(4000), asked, later(8000)]
    )
    untimed = [replace(one, t_ns=None) if one.type == asked.type else one for one in events]

    assert lint(untimed, [PlaybackNotFlushed], is_strict=True).findings == ()


def test_speech_after_the_answer_or_near_its_end_leaves_nothing_to_flush() -> None:
    events = [*app_began(SERVER_VAD), *spoken(100, 2000), started(1500), started(6000), later(9999)]
    assert findings_of(PlaybackNotFlushed, events) == []


def test_an_app_may_still_truncate_shortly_after_the_speech() -> None:
    events = [*app_began(SERVER_VAD), *spoken(100, 8000), started(4000), later(5000)]
    assert findings_of(PlaybackNotFlushed, events) == []


def test_speech_that_may_not_interrupt_asks_for_no_truncation() -> None:
    detection = {**SERVER_VAD, "interrupt_response": False}
    events = [*app_began(detection), *spoken(100, 8000), started(4000), later(9000)]
    assert findings_of(PlaybackNotFlushed, events) == []


def test_a_player_that_reports_knows_what_was_left() -> None:
    playing = at(160, local("inspector.playing", item_id="item_a", audio_ms=0))
    played = at(4010, local("inspector.played", item_id="item_a", audio_ms=3800))
    events = [
        *app_began(SERVER_VAD),
        *spoken(100, 8000),
        playing,
        started(4000),
        played,
        later(9000),
    ]
    [found] = findings_of(PlaybackNotFlushed, events)

    assert "4.2 s still to play" in found.text


def test_several_answers_that_were_not_truncated_are_one_finding() -> None:
    events = [*app_began(SERVER_VAD)]
    for n in range(3):
        events += [*spoken(100 + n * 5000, 4000, f"item_{n}", f"resp_{n}"), started(1500 + n * 5000)]  # fmt: skip
    [found] = findings_of(PlaybackNotFlushed, [*events, later(20_000)])

    assert found.text.startswith("the user spoke over 3 answers, none of which was truncated")
    assert len(found.seqs) == 3
