"""The table of use: its rows, what its cells say of what is not known, and which columns give way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from inspector.analysis.ledger import turns_by_id
from inspector.analysis.usage_table import (
    COLUMNS,
    UsageRow,
    row_name,
    shown_columns,
    usage_rows,
)
from inspector.core.event import Event
from tests.billed import answer, clock_in_the_instructions, ledger_of, session, state_of, usage
from tests.support import numbered, server

BY_NAME = {column.name: column for column in COLUMNS}


def rows_of(
    events: Iterable[Event],
    turns: dict[str, int] | None = None,
    *,
    by_turn: bool = True,
    **options: Any,
) -> list[UsageRow]:
    ledger = ledger_of(state_of(events), **options)
    return usage_rows(ledger, None if turns is None else turns_by_id(turns), by_turn=by_turn)


def cell(row: UsageRow, name: str) -> str:
    return BY_NAME[name].cell(row).text


def names(rows: list[UsageRow], width: int) -> list[str]:
    return [column.name for column in shown_columns(rows, width)]


def transcribed(**used: Any) -> Event:
    return server(
        "conversation.item.input_audio_transcription.completed",
        item_id="i",
        content_index=0,
        transcript="hi",
        usage=used,
    )


def test_a_row_is_a_turn_with_all_of_its_responses() -> None:
    events = [
        session(),
        *answer("a", usage(100, 10, 5, 0)),
        *answer("b", usage(200, 10, 5, 20)),
        *answer("c", usage(300, 20, 5, 20)),
    ]
    turns = {"a": 1, "b": 1, "c": 2}
    first, second = rows_of(events, turns)

    assert (cell(first, "turn"), cell(first, "text in"), cell(first, "audio out")) == (
        "1",
        "300",
        "20",
    )
    assert cell(first, "what") == "2 responses"
    assert [row_name(row) for row in (first, second)] == ["turn 1", "turn 2"]
    assert first.seq == 5
    assert len(rows_of(events, turns, by_turn=False)) == 3


def test_without_turns_a_row_is_a_charge_named_by_its_event() -> None:
    (row,) = rows_of([session(), *answer("a", usage(100, 0, 5, 0))])

    assert (cell(row, "turn"), row_name(row), row.turn) == ("#3", "response", None)


def test_what_broke_the_prefix_stands_beside_what_was_not_cached() -> None:
    turns = {f"resp_{n}": n for n in range(1, 15)}
    rows = rows_of(clock_in_the_instructions(), turns)

    assert cell(rows[0], "text cached") == "0"
    assert cell(rows[0], "again") == "–"
    assert cell(rows[13], "text cached") == "✗ 0"
    assert BY_NAME["text cached"].cell(rows[13]).tone == "warning"
    assert cell(rows[13], "again") == "5,660"
    assert cell(rows[13], "why") == "instructions differ at char 29, $0.11 more"


def test_the_cached_share_is_of_its_own_modality() -> None:
    (row,) = rows_of([session(), *answer("a", usage(1000, 400, 5, 0, cached=(900, 100)))])

    assert (cell(row, "text cached"), cell(row, "audio cached")) == ("900 (90%)", "100 (25%)")
    assert cell(row, "cached") == "1,000 (71%)"


UNKNOWN = [
    pytest.param({}, "input", "–", id="no usage is not 0"),
    pytest.param(
        {"input_tokens": 100, "output_tokens": 5}, "cached", "–", id="nothing told of the cache"
    ),
    pytest.param({"input_tokens": 100, "output_tokens": 5}, "text in", "–", id="no details"),
    pytest.param({"input_tokens": 100, "output_tokens": 5}, "input", "100", id="the sum is told"),
    pytest.param(
        {"input_tokens": 1000, "output_tokens": 500}, "money", "$0.0084–0.064", id="bounds"
    ),
]


@pytest.mark.parametrize(("used", "name", "expected"), UNKNOWN)
def test_what_no_event_tells_is_a_dash_or_a_range(
    used: dict[str, Any], name: str, expected: str
) -> None:
    (row,) = rows_of([session(), *answer("a", used)])

    assert cell(row, name) == expected


def test_an_unknown_model_has_tokens_and_no_price() -> None:
    (row,) = rows_of([session(model="nobodys-model"), *answer("a", usage(100, 0, 5, 0))])

    assert (cell(row, "text in"), cell(row, "money")) == ("100", "–")
    assert "nobodys-model" in cell(row, "why")
    assert row.usd < 0


def test_an_answer_that_was_cut_short_says_so() -> None:
    (row,) = rows_of([session(), *answer("a", usage(100, 0, 5, 0), "cancelled")])

    assert cell(row, "why") == "cancelled"


def test_a_transcription_is_a_row_of_its_own_by_its_seconds() -> None:
    transcription = {"model": "whisper-1"}
    made = session(audio={"input": {"transcription": transcription}})
    (row,) = rows_of([made, transcribed(type="duration", seconds=30)])

    assert (cell(row, "time"), cell(row, "what"), cell(row, "input")) == (
        "30.0 s",
        "transcription",
        "–",
    )
    assert cell(row, "money") == "$0.0030"


def test_columns_that_say_nothing_are_not_there() -> None:
    shown = names(rows_of(clock_in_the_instructions()), 200)

    assert "image in" not in shown
    assert "reasoning out" not in shown
    assert "session" not in shown
    assert shown[-2:] == ["money", "why"]


def test_where_only_sums_are_told_the_sum_is_the_column() -> None:
    events = [
        session(),
        *answer("a", usage(9, 9, 9, 9)),
        *answer("b", {"input_tokens": 50, "output_tokens": 5}),
    ]
    shown = names(rows_of(events), 200)

    assert {"input", "output"} <= set(shown)
    assert not {"text in", "audio in", "text out"} & set(shown)


def test_two_sessions_in_one_log_are_told_apart() -> None:
    events = [
        session(),
        *answer("a", usage(9, 9, 9, 9)),
        session(id="other"),
        *answer("b", usage(9, 9, 9, 9)),
    ]
    rows = rows_of(events)

    assert [cell(row, "session") for row in rows] == ["1", "2"]
    assert names(rows, 200)[0] == "session"


@pytest.mark.parametrize("width", range(24, 160, 4))
def test_money_and_why_never_give_way(width: int) -> None:
    turns = {f"resp_{n}": n for n in range(1, 15)}
    shown = names(rows_of(clock_in_the_instructions(), turns), width)

    assert shown[-2:] == ["money", "why"]
    assert shown[0] == "turn"


def test_parts_give_way_to_their_sum_before_a_column_goes() -> None:
    rows = rows_of(clock_in_the_instructions(), {f"resp_{n}": n for n in range(1, 15)})

    assert names(rows, 116)[1:3] == ["text in", "audio in"]
    assert names(rows, 76) == ["turn", "input", "cached", "output", "again", "money", "why"]
    assert names(rows, 34) == ["turn", "money", "why"]


def test_no_events_make_no_rows() -> None:
    assert rows_of(numbered([session()])) == []
    assert names([], 80)[-1] == "why"
