"""The filter language."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.columns import Columns
from inspector.analysis.query import BULK_ROWS, EventFacts, LogFacts, QueryRun, parse
from inspector.analysis.text_terms import FIRST_TIMEOUT_S, MIN_TIMEOUT_S
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction, Event
from inspector.core.log import EventLog
from inspector.errors import FilterError
from inspector.recording.format import parse as parse_line
from inspector.recording.format import render
from inspector.recording.opening import open_recording
from inspector.shipped import shipped_folder
from tests.support import Lines, at, client, frame_event, local, logged, server

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
UNREADABLE = frame_event(Direction.SERVER, b"{nope")
MISTYPED = frame_event(Direction.CLIENT, b"{nope")


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
        ("dir:client,local", False, False, True, True),
        ("origin:hand,wire", True, True, True, True),
        ("item:2", False, False, True, False),
    ],
)
def test_an_expression_selects(
    expression: str, error: bool, delta: bool, call: bool, note: bool
) -> None:
    query = parse(expression)

    assert [query.test(EventFacts(event)) for event in (ERROR, DELTA, CALL, NOTE)] == [
        error,
        delta,
        call,
        note,
    ]


@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("item:item_7", client("conversation.item.truncate", item_id="item_7", audio_end_ms=5)),
        ("item:item_7", client("conversation.item.retrieve", item_id="item_7")),
        ("item:item_7", server("conversation.item.deleted", item_id="item_7")),
        ("item:item_7", client("conversation.item.create", previous_item_id="item_7", item={})),
        ("item:item_7", server("response.done", response={"output": [{"id": "item_7"}]})),
        ("item:7", client("response.create", response={"input": [{"id": "item_7"}]})),
        ("item:mcpr_7", client("conversation.item.create", item={"approval_request_id": "mcpr_7"})),
        ("item:item_7", server("error", error={"message": "Item 'item_7' not found."})),
        ("item:item_7", local("inspector.played", item_id="item_7")),
        ("resp:resp_7", client("response.cancel", response_id="resp_7")),
        ("resp:resp_7", server("error", error={"message": "in progress: resp_7. Wait"})),
        ("resp:7", server("response.created", response={"id": "resp_7"})),
        ("call:call_7", server("response.done", response={"output": [{"call_id": "call_7"}]})),
        ("call:call_7", client("response.create", response={"input": [{"call_id": "call_7"}]})),
        ("call:call_7", server("error", error={"message": "no call with ID 'call_7'"})),
    ],
)
def test_an_id_finds_whatever_names_it(expression: str, event: Event) -> None:
    assert parse(expression).test(EventFacts(event))


@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("item:item_7", server("conversation.item.added", previous_item_id="item_7", item={})),
        ("item:resp_7", server("response.created", response={"id": "resp_7"})),
        ("item:item_7", server("error", error={"message": "Unknown parameter: 'item_id'."})),
        ("item:item", server("error", error={"message": "Item without an item_id"})),
        ("resp:sess_7", server("session.created", session={"id": "sess_7"})),
    ],
)
def test_an_id_finds_nothing_about_its_neighbours(expression: str, event: Event) -> None:
    assert not parse(expression).test(EventFacts(event))


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("type:(", 5),
        ("(a", 0),
        ("a )", 2),
        ("~(~", 2),
        ('"a', 0),
        ("turn:x", 5),
        ("dir:up", 4),
        ("origin:hand,foot", 12),
        ("nope:x", 0),
        ("err:x", 0),
        ("t>x", 2),
        ("t>3x", 3),
        ("size>99999999999999999999", 5),
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
        one = EventFacts(event, previous, turns.number(row))
        previous = event
        assert query.test(one) == query.test(LogFacts(log, row, turns)), row
    assert any(query.test(LogFacts(log, row, turns)) for row in range(len(log)))
    opening.close()


@given(st.text(alphabet="ab :|()!~\"\\<>=.*0k'typedirsz", max_size=24))
def test_any_text_parses_or_says_where_it_does_not(text: str) -> None:
    problem = None
    try:
        parse(text)
    except FilterError as error:
        problem = error

    assert problem is None or (problem.message and 0 <= problem.position <= len(text) + 1)


@pytest.mark.parametrize(
    "expression",
    [
        "paris",
        "!paris",
        "PARIS | err",
        "err",
        "type:response.* !type:*.done",
        "dir:client origin:wire",
        "item:item_1",
        "turn:1 | turn:0",
        "t>0.5 t<=2s dt>5ms",
        "dt=10ms",
        "size>60 | !(err paris) ~par.s~",
    ],
)
@pytest.mark.parametrize("is_backward", [False, True])
def test_by_column_and_one_by_one_agree(expression: str, is_backward: bool) -> None:
    import numpy as np

    assert np.__name__ in sys.modules
    committed = server("input_audio_buffer.committed", item_id="item_7")
    log = logged([ERROR, DELTA, committed, CALL, NOTE, UNREADABLE, MISTYPED] * (BULK_ROWS // 6))
    query, turns = parse(expression), TurnIndex(log)
    wanted = [row for row in range(len(log)) if query.test(LogFacts(log, row, turns))]
    run = QueryRun(query, log, 0, len(log), is_backward=is_backward)
    found: list[int] = []
    while not run.is_done:
        found += run.advance(lambda: True)

    assert found == (wanted[::-1] if is_backward else wanted)


def test_what_the_client_sent_and_nobody_can_read_is_left_to_the_server_to_call_an_error() -> None:
    assert parse("err").test(EventFacts(UNREADABLE))
    assert not parse("err").test(EventFacts(MISTYPED))


def test_the_base64_of_audio_is_not_searched() -> None:
    sound = server("response.output_audio.delta", item_id="item_1", delta="cGFyaXM=paris")

    assert not parse("paris").test(EventFacts(sound))
    assert parse("item_1").test(EventFacts(sound))


UNTIMED = [None, 1.0, None, None, 3.0, 3.5]
"""Seconds of the rows of a log."""


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("t>=0", [1, 4, 5]),
        ("t<2", [1]),
        ("t<=1", [1]),
        ("dt>=0", [5]),
        ("dt<9", [5]),
        ("dt>0.4", [5]),
        ("size>0", [0, 1, 2, 3, 4, 5]),
        ("!t<2", [0, 2, 3, 4, 5]),
    ],
)
@pytest.mark.parametrize("lo", range(6))
def test_a_time_that_is_not_known_is_neither_before_nor_after_any(
    expression: str, rows: list[int], lo: int
) -> None:
    memory = Lines()
    log = EventLog(memory, parse_line)
    for row, seconds in enumerate(UNTIMED):
        t_ns = None if seconds is None else round(seconds * 1e9)
        event = replace(NOTE, seq=row + 1, t_ns=t_ns)
        memory.lines.append(render(event).rstrip(b"\n"))
        log.append(event, row, len(memory.lines[row]))
    query = parse(expression)
    events = [log.event(row) for row in range(len(log))]
    before: list[Event | None] = [None, *events]

    assert [row for row in range(6) if query.test(LogFacts(log, row, None))] == rows
    assert [row for row in range(6) if query.test(EventFacts(events[row], before[row]))] == rows
    sure, maybe = query.term.bounds(Columns(log, lo, 6, None))
    assert (sure == maybe).all()
    assert [row for row in range(lo, 6) if sure[row - lo]] == [row for row in rows if row >= lo]


SLOW = "~(a+)+[$]b~"
ENDLESS = frame_event(Direction.SERVER, b'{"type":"x","t":"' + b"a" * 400 + b'!"}')


def test_a_pattern_that_takes_too_long_is_no_match_and_says_so_once() -> None:
    query = parse(f"type:x {SLOW}")
    assert query.complaint == ""

    assert not query.test(EventFacts(ENDLESS))
    assert query.within([Direction.SERVER]).complaint == query.complaint
    assert query.complaint == f"{SLOW} takes too long on some events, which count as no match"


def test_a_pattern_gets_less_time_with_every_frame_that_it_does_not_get_done_with() -> None:
    (pattern,) = parse(SLOW).patterns
    times = []
    for _ in range(8):
        times.append(pattern.patience.for_text(""))
        pattern.test(EventFacts(ENDLESS))

    assert times[0] == FIRST_TIMEOUT_S
    assert times == sorted(times, reverse=True)
    assert times[-1] == MIN_TIMEOUT_S


def test_a_sound_pattern_is_found_in_a_frame_of_a_megabyte() -> None:
    frame = frame_event(Direction.SERVER, b'{"type":"x","t":"' + b"ab " * 400_000 + b'Ende"}')

    assert parse('~[a-z]nde"~').test(EventFacts(frame))
