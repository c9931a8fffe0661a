"""The filter language."""

from __future__ import annotations

import pytest

from inspector.analysis.query import EventRow, LogRow, parse
from inspector.analysis.turns import TurnIndex
from inspector.core.log import EventLog
from inspector.errors import FilterError
from inspector.recording.opening import open_recording
from inspector.shipped import shipped_folder
from tests.support import at, client, local, server

ERROR = at(900, server("error", error={"code": "invalid_value", "message": "Bad Voice"}))
DELTA = at(
    1200,
    server("response.output_text.delta", response_id="resp_1", item_id="item_1", delta="Paris"),
)
CALL = at(
    12600,
    client(
        "conversation.item.create",
        item={"id": "item_2", "call_id": "call_9", "type": "function_call_output"},
    ),
)
NOTE = local("inspector.note", text="x")


@pytest.mark.parametrize(
    ("expression", "error", "delta", "call", "note"),
    [
        ("", True, True, True, True),
        ("paris", False, True, False, False),
        ('"bad voice"', True, False, False, False),
        ("~b.d v~", True, False, False, False),
        ("type:response.*", False, True, False, False),
        ("type:text.delta", False, True, False, False),
        ("dir:server", True, True, False, False),
        ("dir:local", False, False, False, True),
        ("err", True, False, False, False),
        ("!err dir:server", False, True, False, False),
        ("item:item_", False, True, True, False),
        ("resp:resp_1", False, True, False, False),
        ("call:call_9", False, False, True, False),
        ("t>1.1", False, True, True, False),
        ("t<=900ms", True, False, False, True),
        ("size>60", True, True, True, False),
        ("size>4k", False, False, False, False),
        ("origin:hand", False, False, False, False),
        ("err | call:call_9", True, False, True, False),
        ("dir:server (err | paris) !bad", False, True, False, False),
    ],
)
def test_an_expression_selects(
    expression: str, error: bool, delta: bool, call: bool, note: bool
) -> None:
    query = parse(expression)

    assert [query.test(EventRow(event)) for event in (ERROR, DELTA, CALL, NOTE)] == [
        error,
        delta,
        call,
        note,
    ]


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("type:(", 6),
        ("(a", 2),
        ("a )", 1),
        ("~(~", 0),
        ('"a', 0),
        ("turn:x", 0),
        ("dir:up", 0),
        ("nope:x", 0),
        ("t>x", 0),
        ("!", 1),
        ("a |", 3),
    ],
)
def test_what_does_not_parse_says_where(expression: str, position: int) -> None:
    with pytest.raises(FilterError) as raised:
        parse(expression)

    assert raised.value.position == position
    assert raised.value.message


@pytest.mark.parametrize(
    "expression",
    [
        "alice",
        "type:*.delta",
        "err",
        "dt>0.2",
        "size>1k",
        "turn:2",
        "resp:resp_",
        "origin:button",
        "!dir:server t>2",
    ],
)
def test_rows_of_a_log_and_events_in_order_agree(expression: str) -> None:
    opening = open_recording(shipped_folder("sessions") / "example-truncated-answer.jsonl")
    log: EventLog = opening.log
    query, turns = parse(expression), TurnIndex(log)
    previous = None
    for row in range(len(log)):
        event = log.event(row)
        one = EventRow(event, previous, turns.number(row))
        previous = event.t_ns
        assert query.test(one) == query.test(LogRow(log, row, turns.number)), row
    assert any(query.test(LogRow(log, row, turns.number)) for row in range(len(log)))
    opening.close()
