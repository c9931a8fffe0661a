"""The verdict: what is told of a session in one line, in which order, and which event each part leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.latency_summary import LatencySummary, SlowTurn, latency_summary
from inspector.analysis.usage_table import COLUMNS, shown_columns, usage_rows
from inspector.analysis.verdict import VerdictPart, VerdictTone, verdict, verdict_line
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.analysis.test_latency import VAD, audio, created, done, speech
from tests.analysis.test_latency import session as spoken_session
from tests.billed import answer, clock_in_the_instructions, ledger_of, session, state_of
from tests.core.test_state import any_event, event_from
from tests.core.test_usage_records import cut_answer
from tests.support import at, client, local, numbered, server


def judged(events: Iterable[Event], *, is_over: bool = True) -> list[VerdictPart]:
    state = state_of(events)
    ledger = ledger_of(state)
    cost = ledger.summary(state.usage) if len(ledger) else None
    latency = latency_summary(state.turns.all, is_over=is_over)
    return verdict(state, cost, latency, unit="response")


def line(*events: Event, is_over: bool = True) -> str:
    return verdict_line(judged(numbered(events), is_over=is_over))


def error(message: str, code: str = "invalid_value") -> Event:
    return server(
        "error", error={"type": "invalid_request_error", "code": code, "message": message}
    )


def turn(begin_ms: float, wait_ms: float, response: str) -> list[Event]:
    """Return a turn whose user waits from the end of the speech for the first sound."""
    stop_ms = begin_ms + 1000
    first_ms = stop_ms - 200 + wait_ms
    return [
        *speech(begin_ms, stop_ms, stop_ms + 2, item=f"u_{response}"),
        created(stop_ms + 10, response),
        audio(first_ms, response, item=f"a_{response}"),
        done(first_ms + 400, response),
    ]


NOTHING_SAID = [
    pytest.param([], "", id="nothing happened"),
    pytest.param([session()], "", id="a session without a turn"),
]


@pytest.mark.parametrize(("events", "expected"), NOTHING_SAID)
def test_where_nothing_happened_nothing_is_said(events: list[Event], expected: str) -> None:
    assert line(*events) == expected


ERRORS = [
    pytest.param([error("Invalid value: 'X'.")], "✗ 1 error: Invalid value: 'X'", id="one"),
    pytest.param(
        [error("No."), error("Other.", "other"), error("No.")],
        "✗ 2 errors: No · ✗ 1 error: Other",
        id="those of one code are told as one, the most frequent first",
    ),
    pytest.param(
        [error(str(n), f"code_{n}") for n in range(5)],
        "✗ 1 error: 0 · ✗ 1 error: 1 · ✗ 1 error: 2 · ✗ 2 other errors",
        id="many kinds",
    ),
    pytest.param([error("")], "✗ 1 error: invalid_value", id="an error without words"),
    pytest.param([error("x" * 200)], f"✗ 1 error: {'x' * 71}…", id="a long message is cut"),
    pytest.param(
        [error("a\x1b[31m\nb")], "✗ 1 error: a\\x1b[31m b", id="hostile words are harmless"
    ),
    pytest.param(
        [local("inspector.closed", code=1011, reason="oops", by="server")],
        "✗ closed 1011: oops",
        id="a close that is an error",
    ),
]


@pytest.mark.parametrize(("events", "expected"), ERRORS)
def test_errors_are_told_by_what_they_have_in_common(events: list[Event], expected: str) -> None:
    assert line(*events) == expected


def test_answers_that_failed_for_one_reason_are_counted() -> None:
    details = {"type": "failed", "error": {"code": "rate_limit_exceeded"}}
    events = [
        one for n in range(3) for one in answer(f"r{n}", None, "failed", status_details=details)
    ]

    assert line(*events).startswith("✗ 3 answers failed: ")
    assert "rate_limit_exceeded" in line(*events)


def test_the_worst_comes_first_whatever_came_first() -> None:
    found = judged(
        numbered(
            [
                *clock_in_the_instructions(),
                client("session.update", session={"speed": 9}),
                error("speed 9 is above 1.5"),
            ]
        )
    )
    tones = [part.tone for part in found]

    assert found[0].text == "✗ 1 error: speed 9 is above 1.5"
    assert tones == sorted(tones, key=list(VerdictTone).index)
    assert "cache lost 13 times: instructions changed at character 29, about $0.75 more" in [
        part.text for part in found
    ]


def test_every_part_leads_to_the_event_that_it_is_about() -> None:
    events = numbered([*clock_in_the_instructions(), error("no")])
    found = {part.words.partition(" ")[0]: part for part in judged(events)}

    assert events[found["1"].seq - 1].type == "error"
    assert events[found["cache"].seq - 1].type == "session.update"
    assert events[found["14"].seq - 1].type == "input_audio_buffer.committed"
    assert events[found["$1.12"].seq - 1].type == "response.done"
    assert found["$1.12"].is_total


def test_sound_that_nobody_heard_is_told_with_its_price() -> None:
    events = [session(), *cut_answer("r", "i")]
    text = line(*events)

    assert "an answer cut off: 1.0 s not heard, about $0.0013" in text


def test_turns_are_counted_and_the_median_is_of_one_figure() -> None:
    events = [spoken_session(VAD), *turn(0, 700, "a"), *turn(5000, 900, "b"), *turn(9000, 800, "c")]

    assert line(*events) == "3 turns · answered 3 · median first sound 800 ms"


def test_a_turn_without_an_answer_is_a_warning_once_nothing_more_can_come() -> None:
    events = [spoken_session(VAD), *turn(0, 700, "a"), *speech(5000, 6000, 6002, item="late")]

    assert line(*events).startswith("⚠ answered 1 of 2 · 2 turns")
    assert line(*events, is_over=False).startswith("2 turns · answered 1")


def test_a_slow_turn_is_told_with_what_took_longest() -> None:
    events = [spoken_session(VAD), *turn(0, 700, "a"), *turn(5000, 4200, "b")]

    assert line(*events).startswith("turn 2 took over 4.2 s: the model 4.0 s · ")


def test_a_session_that_only_listens_is_not_blamed_for_being_silent() -> None:
    events = [
        server("session.created", session={"id": "s", "type": "transcription"}),
        *speech(0, 900, 902),
        *speech(2000, 2900, 2902, item="v"),
    ]

    assert line(*events) == "2 turns"


def test_a_summary_is_told_as_it_is_given() -> None:
    latency = LatencySummary(
        turns=4,
        answered=3,
        unanswered_seq=70,
        first_seq=3,
        median_ms=1140.2,
        figure="voice to voice",
        median_seq=9,
        slow=SlowTurn(3, 4212.0, is_least=False, words="get_weather 2.9 s", seq=50),
    )
    found = verdict(SessionState(), None, latency)

    assert [(part.text, part.seq) for part in found] == [
        ("⚠ answered 3 of 4", 70),
        ("turn 3 took 4.2 s: get_weather 2.9 s", 50),
        ("4 turns", 3),
        ("median voice to voice 1,140 ms", 9),
    ]


def test_owners_of_the_wait_are_named() -> None:
    call = {"id": "f", "type": "function_call", "name": "get_weather", "call_id": "c"}
    where = {"response_id": "a", "item_id": "f", "output_index": 0, "call_id": "c"}
    output = {"type": "function_call_output", "call_id": "c", "output": "18"}
    events = [
        spoken_session(VAD),
        *speech(0, 1000, 1002),
        created(1010, "a"),
        at(1100, server("response.output_item.added", response_id="a", output_index=0, item=call)),
        at(1200, server("response.function_call_arguments.done", **where, arguments="{}")),
        at(
            1210,
            server("response.done", response={"id": "a", "status": "completed", "output": [call]}),
        ),
        at(4200, client("conversation.item.create", item=output)),
        at(4201, client("response.create")),
        created(4250, "b"),
        audio(4600, "b"),
        done(5000, "b"),
    ]

    assert "get_weather 3.0 s" in line(*events)


@given(st.lists(any_event, max_size=30))
def test_no_event_breaks_the_verdict_or_the_table(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    events = [event_from(seq, one) for seq, one in enumerate(drawn, 1)]
    state = SessionState()
    for event in events:
        state.apply(event)
    ledger = ledger_of(state)
    cost = ledger.summary(state.usage)
    found = verdict(state, cost, latency_summary(state.turns.all, is_over=True))
    rows = usage_rows(ledger, None, by_turn=True)

    assert all(part.words.isprintable() and 0 <= part.seq <= len(events) for part in found)
    assert all(isinstance(column.cell(row).text, str) for column in COLUMNS for row in rows)
    assert shown_columns(rows, 80)[-1].name == "why"
