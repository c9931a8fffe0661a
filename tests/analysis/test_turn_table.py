"""The table of turns: totals, sorting, the user's words, and what a number means."""

from __future__ import annotations

import pytest

from inspector.analysis.charges import Money
from inspector.analysis.latency import Heard, latency_of
from inspector.analysis.percentiles import MeasuredTurn, spread_words, spreads
from inspector.analysis.turn_table import (
    COLUMNS,
    SORTS,
    TurnRow,
    definition_words,
    total_words,
    wait_words,
    words_said,
)
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.support import at, client, numbered, server
from tests.turned import asked, described, turned


def state_of_turns(events: list[Event] | None = None) -> SessionState:
    state = SessionState()
    for event in turned() if events is None else numbered(events):
        state.apply(event, strict=True)
    return state


def rows(state: SessionState, *usd: float) -> list[TurnRow]:
    measured = [
        MeasuredTurn("", "", turn, latency_of(turn, Heard(leading_ns=0)))
        for turn in state.turns.all
    ]
    prices = [Money(one, one) for one in usd] + [None] * (len(measured) - len(usd))
    return [TurnRow(one, price) for one, price in zip(measured, prices, strict=True)]


def test_each_column_says_what_it_knows() -> None:
    second = rows(state_of_turns(), 0.01, 0.02)[1]

    assert [column.cell(second) for column in COLUMNS] == [
        "3,150 ms",
        "3,100 ms",
        "2",
        "$0.020",
        "derived",
    ]


def test_an_unknown_total_is_a_lower_bound_and_never_0() -> None:
    state = state_of_turns()
    (first, *_) = state.turns.all

    assert total_words(latency_of(first)) == "≥ 700 ms"
    first.speech_stopped = first.committed = first.asked = None
    assert total_words(latency_of(first)) == "–"


def test_turns_are_sorted_by_time_and_by_cost_with_the_unknown_last() -> None:
    found = rows(state_of_turns(), 0.01, 0.02)

    assert [row.turn.number for row in sorted(found, key=SORTS["time"])] == [2, 1, 3]
    assert [row.turn.number for row in sorted(found, key=SORTS["cost"])] == [2, 1, 3]


def test_the_users_words_are_quoted() -> None:
    state = state_of_turns()

    assert words_said(state.turns.all[0], state) == "“What can you do?”"


SAID = [
    pytest.param([*asked("u1", 100, 900, 950)][:1], "speaking …", id="while he speaks"),
    pytest.param([*asked("u1", 100, 900, 950)][:4], "(no transcript)", id="without a transcript"),
    pytest.param(
        [server("response.created", response={"id": "r"})], "greeting", id="the model speaks first"
    ),
]


@pytest.mark.parametrize(("events", "expected"), SAID)
def test_without_words_the_cause_of_the_turn_is_named(events: list[Event], expected: str) -> None:
    state = state_of_turns([described(), *events])

    assert words_said(state.turns.all[0], state) == expected


def test_a_follow_up_is_named_by_the_tool_whose_result_brought_it_about() -> None:
    call = {"id": "f", "type": "function_call", "call_id": "c", "name": "get_time"}
    said = {"id": "m", "type": "message", "role": "assistant", "content": []}
    done = {"id": "r", "status": "completed", "output": [said, call]}
    output = {"type": "function_call_output", "call_id": "c", "output": "noon"}
    user = {"id": "u", "type": "message", "role": "user", "content": []}
    events = [
        described(),
        server("conversation.item.added", item=user),
        server("response.created", response={"id": "r"}),
        server(
            "response.function_call_arguments.done",
            response_id="r",
            item_id="f",
            call_id="c",
            name="get_time",
            arguments="{}",
        ),
        server("response.done", response=done),
        client("conversation.item.create", item=output),
        client("response.create"),
        at(900, server("response.created", response={"id": "r2"})),
    ]
    state = state_of_turns(events)

    assert words_said(state.turns.all[-1], state) == "result of get_time"


def test_what_was_waited_for_and_how_the_answer_ended() -> None:
    words = wait_words(rows(state_of_turns())[1].measured)

    assert "1,900 ms get_weather" in words
    assert words.endswith("cut by the user")


def test_a_number_is_explained_by_its_definition() -> None:
    row = rows(state_of_turns())[0]
    told = {column.name: definition_words(column, row) for column in COLUMNS}

    assert told["total"].startswith("voice_to_voice_ms: voice to voice")
    assert told["first"].startswith("first_sound_ms: first sound")
    assert told["n"].startswith("n: how many responses")
    assert all(told.values())


def test_percentiles_are_told_with_n_and_how_they_are_known() -> None:
    found = spreads([row.measured for row in rows(state_of_turns())])
    words = {one.definition.name: spread_words(one) for one in found}

    assert words["voice_to_voice_ms"] == (
        "voice to voice p50 700 ms  p90 2,660 ms  n 3  (derived to measured)"
    )
    assert words["burst"].startswith("burst p50 ")
    assert "×" in words["burst"]
