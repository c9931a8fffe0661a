"""Rules about the course of turns and the sound of answers, each with a session that triggers it and a near miss."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.sound_out_rules import AnswerStutters
from inspector.analysis.lint.turn_rules import EchoLoop, SlowTurn, VadTooEager
from inspector.core.event import Event
from tests.linted import SERVER_VAD, began, called, created, done, findings_of, later, result
from tests.linted_sound import committed, delta, spoken, started, stopped, transcribed
from tests.support import at, client, server


def answered(n: int, ms: float, text: str = "The shop opens at nine tomorrow") -> list[Event]:
    """Return a spoken answer of 3 s with its words."""
    item = {"id": f"item_a{n}", "type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": text}]}  # fmt: skip
    return [
        *spoken(ms, 3000, f"item_a{n}", f"resp_{n}"),
        at(ms + 110, server("conversation.item.added", item=item, previous_item_id=None)),
    ]


def interrupted(delay_ms: float, count: int = 4, text: str = "") -> list[Event]:
    """Return answers that are interrupted ``delay_ms`` after their first sound."""
    events = [*began(SERVER_VAD)]
    for n in range(count):
        begin = 1000 + n * 8000
        events += [*answered(n, begin), started(begin + 50 + delay_ms, f"item_u{n}")]
        if text:
            events.append(transcribed(begin + 2000, text, f"item_u{n}"))
    return events


def test_answers_that_are_interrupted_at_once_are_an_echo() -> None:
    [found] = findings_of(EchoLoop, interrupted(120))

    assert found.severity is Severity.ERROR
    assert found.text == (
        "the app hears itself: 4 of 4 spoken answers were interrupted 120–120 ms after their first sound"
    )
    assert '"far_field"' in found.fix
    assert '"threshold": 0.7' in found.fix


def test_the_words_of_the_answer_as_the_users_are_an_echo() -> None:
    [found] = findings_of(EchoLoop, interrupted(800, 2, "Shop opens at nine tomorrow."))

    assert "what the user says is the answer itself: “Shop opens at nine tomorrow.”" in found.text


def test_a_user_who_interrupts_later_or_only_once_is_no_echo() -> None:
    assert findings_of(EchoLoop, interrupted(900)) == []
    once = [*interrupted(120, 1), *answered(7, 20_000), *answered(8, 30_000)]
    assert findings_of(EchoLoop, once) == []


def test_a_quick_user_with_words_of_his_own_is_no_echo() -> None:
    assert findings_of(EchoLoop, interrupted(550, text="no wait, something else")) == []


def test_a_sentence_that_is_repeated_after_its_end_is_no_echo() -> None:
    events = [*began(SERVER_VAD)]
    for n in range(3):
        begin = 1000 + n * 8000
        events += [
            *answered(n, begin),
            started(begin + 4500, f"item_u{n}"),
            transcribed(begin + 6000, "The shop opens at nine tomorrow", f"item_u{n}"),
        ]
    assert findings_of(EchoLoop, events) == []


def turn(n: int, ms: float, wait_ms: float) -> list[Event]:
    """Return a spoken turn whose speech is heard to end at ``ms``, and its answer, which sounds ``wait_ms`` later."""
    return [
        started(ms - 1500, f"item_u{n}"),
        stopped(ms, f"item_u{n}", 1500),
        committed(ms, f"item_u{n}"),
        at(ms + 20, created(f"resp_{n}")),
        delta(ms + wait_ms, 1000, f"item_a{n}", f"resp_{n}"),
        at(ms + wait_ms + 50, done(f"resp_{n}")),
    ]


def turns(*waits: float, silence_ms: int = 200) -> list[Event]:
    detection = {**SERVER_VAD, "silence_duration_ms": silence_ms}
    events = began(detection)
    for n, wait_ms in enumerate(waits):
        events += turn(n, 5000 + n * 12_000, wait_ms)
    return events


def test_a_turn_that_stands_out_is_slow_by_its_longest_part() -> None:
    [found] = findings_of(SlowTurn, turns(500, 550, 4000))

    assert found.severity is Severity.WARNING
    assert found.text == (
        "turn 3 waited at least 4.2 s for its answer (the others: 725 ms): 3,980 ms model"
    )
    assert found.fix.startswith("lower reasoning.effort")


@pytest.mark.parametrize("waits", [(500, 550, 900), (2500, 2600, 2700)])
def test_turns_that_are_quick_or_all_alike_do_not_stand_out(waits: tuple[float, ...]) -> None:
    assert [one.severity for one in findings_of(SlowTurn, turns(*waits))] == []


def test_a_long_silence_setting_is_named_with_its_share() -> None:
    [found] = findings_of(SlowTurn, turns(500, 600, 700, silence_ms=700))

    assert found.severity is Severity.NOTE
    assert found.text == "700 of 1,300 ms that the user usually waits are silence_duration_ms"
    assert '"silence_duration_ms": 300' in found.fix


def test_a_slow_tool_is_only_a_note_for_some_seconds() -> None:
    ask = client("response.create")
    events = [
        *began(SERVER_VAD),
        started(1000),
        stopped(2000, audio_end_ms=1000),
        committed(2000),
        *(at(2100 + n, one) for n, one in enumerate(called())),
        at(5000, result()),
        at(5010, ask),
        *spoken(5020, 1000, "item_b", "resp_2"),
    ]
    [found] = findings_of(SlowTurn, events)

    assert found.severity is Severity.NOTE
    assert "search_film" in found.text


def test_no_turn_is_slow_while_the_app_sends_its_audio_late() -> None:
    silence = "AAAA" * 320
    late = [
        at(100 + n * 100, client("input_audio_buffer.append", audio=silence)) for n in range(30)
    ]
    assert findings_of(SlowTurn, [*turns(4000)[:2], *late, *turns(4000)[2:]]) == []
    assert len(findings_of(SlowTurn, turns(4000))) == 1


def pieces(*gaps_ms: int, length_ms: int = 900, **detection: Any) -> list[Event]:
    """Return turns with gaps between them, on the clock of the audio, and no answer that is heard in between."""
    events, ms = began({**SERVER_VAD, **detection}), 1000
    for n, gap_ms in enumerate((0, *gaps_ms)):
        ms += gap_ms
        events.append(started(ms, f"item_u{n}", ms))
        ms += length_ms
        events += [stopped(ms, f"item_u{n}", ms), committed(ms, f"item_u{n}")]
    return events


def test_a_sentence_in_three_turns_is_cut_by_a_short_silence() -> None:
    [found] = findings_of(VadTooEager, pieces(300, 400, silence_duration_ms=200))

    assert found.text == (
        "speech was cut into pieces: 2 turns of 3 began less than 700 ms after the one before, up to 3 in a row "
        "(silence_duration_ms is 200)"
    )
    assert '"silence_duration_ms": 500' in found.fix


def test_turns_of_a_moment_are_noise() -> None:
    [found] = findings_of(VadTooEager, pieces(5000, 5000, length_ms=350, threshold=0.1))

    assert found.text == "3 of 3 turns are shorter than 500 ms (threshold is 0.1)"


def test_two_sentences_and_pauses_between_thoughts_are_turns() -> None:
    assert findings_of(VadTooEager, pieces(300)) == []
    assert findings_of(VadTooEager, pieces(900, 1200, 900)) == []


def test_speech_over_answers_is_no_sentence_in_pieces() -> None:
    events = [*began(SERVER_VAD)]
    for n in range(4):
        ms = 1000 + n * 2000
        events += [started(ms, f"item_u{n}", ms), stopped(ms + 1500, f"item_u{n}", ms + 1500)]
        events.append(delta(ms + 1600, 800, f"item_a{n}"))
    assert findings_of(VadTooEager, events) == []


def test_answers_of_a_recording_without_sound_are_answers() -> None:
    events = []
    for one in pieces(300, 400, 300):
        events.append(one)
        if one.type == "input_audio_buffer.committed":
            events.append(at((one.t_ns or 0) / 1e6 + 100, done("resp_1")))
    assert findings_of(VadTooEager, events) == []


def test_audio_that_comes_slower_than_it_plays_stutters() -> None:
    late = [delta(1000 + n * 1500, 500) for n in range(4)]
    [found] = findings_of(AnswerStutters, [*began(), at(900, created()), *late, later(9000)])

    assert found.text == (
        "1 answer stopped 3 times because audio came too late, 3.0 s in all, first at #5"
    )


def test_audio_that_comes_a_little_late_or_was_cut_out_does_not_stutter() -> None:
    late = [delta(1000 + n * 600, 500) for n in range(4)]
    cut = [delta(1000 + n * 900, 1) for n in range(9)]
    assert findings_of(AnswerStutters, [*began(), *late]) == []
    assert findings_of(AnswerStutters, [*began(), *cut]) == []
