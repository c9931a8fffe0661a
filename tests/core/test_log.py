from __future__ import annotations

import re
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.core import log as log_module
from inspector.core.event import DecodeProblem, Direction, Event, Origin
from inspector.core.log import (
    CACHED_EVENTS,
    COLUMNS,
    FLAG_ERROR,
    RECENT_EVENT_BYTES,
    RECENT_EVENTS,
    Block,
    EventLog,
    flags_of,
)
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

    assert [log.read(row) for row in range(len(log))] == events
    assert [log.event(row) for row in range(len(log))] == events
    assert log.type_of(1) == "session.created"
    assert log.direction_of(0) is Direction.CLIENT


def test_recent_rows_are_cached() -> None:
    log, store = log_of(*[server("a") for _ in range(CACHED_EVENTS + RECENT_EVENTS + 1)])
    log.event(0)
    log.event(0)
    assert store.reads == 1
    for row in range(1, CACHED_EVENTS + 1):
        log.event(row)
    log.event(0)

    assert store.reads == CACHED_EVENTS + 2


def test_the_last_rows_are_the_events_that_were_appended() -> None:
    events = numbered([server("a", number=number) for number in range(RECENT_EVENTS + 1)])
    log, store = log_of(*events)

    assert [log.event(row) for row in range(1, len(log))] == events[1:]
    assert store.reads == 0
    assert log.event(0) == events[0]
    assert store.reads == 1


def test_rows_that_fold_are_not_kept() -> None:
    log, store = log_of(*[server("response.output_text.delta", item_id="i", delta="x")] * 2)

    assert [log.event(row).seq for row in range(2)] == [1, 2]
    assert store.reads == 1


def test_rows_on_the_screen_are_kept_however_many_are_appended() -> None:
    log, store = log_of(server("a"))
    shown = log.event(0)
    for event in numbered([server("b")] * 2000, start=2):
        store.add(log, event)

    assert log.event(0) is shown


def test_a_row_that_says_another_number_is_read_as_the_row_that_it_is() -> None:
    log, store = log_of(server("a"))
    store.add(log, replace(server("b"), seq=9))

    assert log.event(1) is not None
    assert store.reads == 1


def test_a_large_row_is_read_back() -> None:
    log, store = log_of(server("a", text="x" * RECENT_EVENT_BYTES), server("b"))

    assert log.event(1).type == "b"
    assert store.reads == 0
    assert log.event(0).type == "a"
    assert store.reads == 1


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


def test_blocks_are_loaded_and_replace_earlier_rows() -> None:
    whole, store = log_of(*[server(name) for name in ("a", "b", "c", "a", "b")])
    other = EventLog(store, parse)
    # The reader has begun with its own numbering of the types: the scanner's holds.
    other.kinds.code("b")
    store.add(other, numbered([server("b")])[0])
    other.load_block(block_of(whole, 0, 3))
    other.load_block(block_of(whole, 3, 5))

    assert [other.type_of(row) for row in range(5)] == ["a", "b", "c", "a", "b"]
    assert other.offset == whole.offset
    with pytest.raises(ValueError, match="starts at row"):
        EventLog(store, parse).load_block(block_of(whole, 1, 2))


def timed(*seconds: float | None) -> EventLog:
    """Return a log with a row at each of some times; None for a row without one."""
    log = EventLog(MemoryStore(), parse)
    for row, s in enumerate(seconds):
        t_ns = None if s is None else round(s * 1e9)
        log.append(replace(server("x"), seq=row + 1, t_ns=t_ns), 0, 0)
    return log


@pytest.mark.parametrize(
    ("seconds", "at_s", "row"),
    [
        ([], 1, -1),
        ([1, 2, 3], 0, -1),
        ([1, 2, 3], 2, 1),
        ([1, 2, 2, 3], 2.5, 2),
        ([1, 2, 3], 9, 2),
        # Without times there is nowhere to go.
        ([None, None], 9, -1),
        # A row without a time comes with the one before it, at the start with the first that has one.
        ([1, None, 3], 1, 1),
        ([1, None, 3], 2.9, 1),
        ([1, None, 3], 3, 2),
        ([None, 1, 2], 1, 1),
        ([1, 2, None], 2, 2),
        # Where times run back, what comes later in the file comes later.
        ([1, 5, 3, 6], 3, 0),
        ([1, 5, 3, 6], 5, 2),
        ([0, -2, 1], 0, 1),
    ],
)
def test_a_time_reaches_the_rows_up_to_it(
    seconds: list[float | None], at_s: float, row: int
) -> None:
    assert timed(*seconds).row_at(round(at_s * 1e6)) == row


@pytest.mark.parametrize(
    ("seconds", "has_times", "end_s"),
    [
        ([], False, None),
        ([None], False, None),
        ([0], True, 0),
        ([None, 2, None], True, 2),
        ([1, 5, 3], True, 5),
    ],
)
def test_a_log_knows_whether_it_has_times_and_the_latest(
    seconds: list[float | None], has_times: bool, end_s: float | None
) -> None:
    log = timed(*seconds)

    assert log.has_times is has_times
    assert log.end_us == (None if end_s is None else end_s * 1e6)


def test_unknown_times_do_not_leave_the_log() -> None:
    log = timed(None, 2, None, 1)

    assert [log.time_us(row) for row in range(4)] == [None, 2_000_000, None, 1_000_000]
    assert [log.reached_us(row) for row in range(4)] == [None, 2_000_000, 2_000_000, 2_000_000]


def test_later_rows_are_ordered_too() -> None:
    log = timed(1, 2)
    assert log.row_at(5_000_000) == 1
    for seq, t_ns in ((3, 4 * 10**9), (4, None), (5, 3 * 10**9), (6, 6 * 10**9)):
        log.append(replace(server("x"), seq=seq, t_ns=t_ns), 0, 0)

    assert [log.row_at(s * 1_000_000) for s in (1, 2, 3, 4, 6)] == [0, 1, 1, 4, 5]
    assert log.end_us == 6_000_000


def test_the_order_of_blocks_is_checked_only_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "CHECKED_AT_ONCE", 0)
    log = timed(1, 7, 3, None)

    assert log.end_us == 3_000_000  # the last known, until somebody asks for a row
    assert log.row_at(3_000_000) == 0
    assert log.end_us == 7_000_000


def test_only_the_log_reads_the_time_column_by_row() -> None:
    root = Path(log_module.__file__).parents[1]
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"log\.t_us\b", path.read_text())
    }

    assert found == {"analysis/columns.py"}  # which tells what is known


@pytest.mark.parametrize(
    ("code", "is_error"),
    [(1000, False), (1001, False), (1005, False), (1006, True), (1011, True), (3000, True)],
)
def test_a_normal_close_is_not_an_error(code: int, is_error: bool) -> None:
    event = local("inspector.closed", code=code)

    assert bool(flags_of(event, 0) & FLAG_ERROR) is is_error
