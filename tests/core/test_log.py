from __future__ import annotations

from array import array

import pytest

from inspector.core.event import DecodeProblem, Direction, Event, Origin
from inspector.core.log import CACHED_EVENTS, COLUMNS, FLAG_ERROR, Block, EventLog, flags_of
from inspector.recording.format import parse, render
from tests.support import at, client, local, numbered, server


class MemoryStore:
    def __init__(self) -> None:
        self.text = b""
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self.text[offset : offset + length]

    def add(self, log: EventLog, event: Event) -> None:
        line = render(event)
        offset = len(self.text)
        self.text += line
        log.append(event, offset, len(line) - 1)


def log_of(*events: Event) -> tuple[EventLog, MemoryStore]:
    store = MemoryStore()
    log = EventLog(store, parse)
    for event in numbered(events):
        store.add(log, event)
    return log, store


def test_rows_are_read_back_as_they_were() -> None:
    events = numbered([client("response.create"), server("session.created", session={})])
    log, _ = log_of(*events)

    assert [log.event(row) for row in range(len(log))] == events
    assert log.type_of(1) == "session.created"
    assert log.direction_of(0) is Direction.CLIENT


def test_rows_read_lately_are_not_read_again() -> None:
    log, store = log_of(*[server("a") for _ in range(CACHED_EVENTS + 1)])
    log.event(0)
    log.event(0)
    assert store.reads == 1
    for row in range(1, CACHED_EVENTS + 1):
        log.event(row)
    log.event(0)

    assert store.reads == CACHED_EVENTS + 2


def test_failures_are_flagged() -> None:
    problem = DecodeProblem("invalid_json", "no")
    torn = Event(0, 0, Direction.SERVER, Origin.WIRE, "", b"{", True, None, problem)
    failed = server("response.done", response={"status": "failed"})
    log, _ = log_of(torn, failed, server("response.done", response={"status": "completed"}))

    assert [log.is_error(row) for row in range(3)] == [True, True, False]


def test_the_row_at_a_time_is_the_last_one_not_after_it() -> None:
    log, _ = log_of(at(1, server("a")), at(2, server("b")), at(2, server("c")))

    assert [log.row_at(t_us) for t_us in (0, 1000, 1999, 2000, 9000)] == [-1, 0, 0, 2, 2]


def test_every_change_raises_the_revision() -> None:
    log, store = log_of(server("a"))
    before = log.revision
    store.add(log, numbered([server("b")], start=2)[0])

    assert log.revision > before


def block_of(log: EventLog, first_row: int, end: int) -> Block:
    columns = {}
    for name, code in COLUMNS:
        column: array[int] = array(code, getattr(log, name)[first_row:end])
        columns[name] = column.tobytes()
    groups = {n: getattr(log.groups, n).tobytes() for n in ("head", "last", "count", "audio_bytes")}
    return Block(first_row, end, columns, log.kinds.names(), 0, groups, {})


def test_blocks_are_taken_over_and_replace_what_was_read_before_them() -> None:
    whole, store = log_of(*[server(name) for name in ("a", "b", "c", "a", "b")])
    other = EventLog(store, parse)
    # The reader has begun with its own numbering of the types: the scanner's holds.
    other.kinds.code("b")
    store.add(other, numbered([server("b")])[0])
    other.take(block_of(whole, 0, 3))
    other.take(block_of(whole, 3, 5))

    assert [other.type_of(row) for row in range(5)] == ["a", "b", "c", "a", "b"]
    assert other.offset == whole.offset
    with pytest.raises(ValueError, match="starts at row"):
        EventLog(store, parse).take(block_of(whole, 1, 2))


@pytest.mark.parametrize(
    ("code", "is_error"),
    [(1000, False), (1001, False), (1005, False), (1006, True), (1011, True), (3000, True)],
)
def test_a_close_in_good_order_is_no_error(code: int, is_error: bool) -> None:
    event = local("inspector.closed", code=code)

    assert bool(flags_of(event, 0) & FLAG_ERROR) is is_error
