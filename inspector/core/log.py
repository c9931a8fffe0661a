"""The columnar event log: one entry per column and event, rows read back on demand.

Row ``r`` holds the event with ``seq == r + 1``. Columns are ``array.array`` (33 bytes an event in all), so that opening
the program needs no numpy; bulk questions view them as numpy arrays for as long as one function runs (a view that is
kept would forbid the next append). The bytes of an event stay in the recording and are read back by ``RowStore``.
"""

from __future__ import annotations

import operator
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Protocol

from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import DeltaGroups
from inspector.core.kinds import KindTable

DIRECTIONS = tuple(Direction)
ORIGINS = tuple(Origin)
DIRECTION_CODE = {d: i for i, d in enumerate(DIRECTIONS)}
ORIGIN_CODE = {o: i for i, o in enumerate(ORIGINS)}

FLAG_ERROR = 1
FLAG_WARNING = 2
FLAG_UNDECODED = 4
FLAG_INFERRED = 8
FLAG_FOLDED = 16
"""The row folds into an earlier one: the head of its group.

A flag, so that a pane lists a million rows with ``bytes.translate`` and ``compress``, without numpy."""
FLAG_TO_APP = 32
"""A fact about a frame on its way to the app of a proxy: it stands among the server's events."""

GOING_AWAY = 1001
CLEAN_CLOSES = (1000, GOING_AWAY, 1005)
"""Close codes of a connection that one side ended in good order: done, going away, and a close frame without a code
(RFC 6455 section 7.4.1). A session whose hour is over ends with 1001; the ``error`` event before it says that."""
TOLD_BY_BODY = frozenset(
    f"inspector.{name}"
    for name in (
        "closed",
        "held",
        "released",
        "altered",
        "injected",
        "undelivered",
        "degraded",
        "rule_failed",
    )
)
"""Types of local facts whose flags depend on more than the type."""
_IS_TO_APP = bytes(bool(flags & FLAG_TO_APP) for flags in range(256))
NO_TIME_US = -(1 << 63)
"""In the column of times, for a row whose line has none: earlier than any time, so that a search or a maximum passes over it.

It stays within the column: rows are asked by ``EventLog.time_us``, which answers None."""
CACHED_EVENTS = 512
"""Decoded rows kept: some ten screens."""
CHECKED_AT_ONCE = 1 << 14
"""Rows whose order is looked at in passing: half a millisecond."""
CACHED_EVENT_BYTES = 1 << 20
"""A larger frame is decoded anew each time, so that the cache stays a few megabytes."""
RECENT_EVENTS = 64
"""The last rows are kept as they were appended: a screen that follows shows them next, and need not read and decode them again.

Beside the cache, not in it: ten thousand events a second would push out of it what a screen shows of earlier rows. Rows that fold
are left out: they are most of a session, hardly ever shown by themselves, and to keep their audio costs ingest some 5 %, since each
frame then goes into memory that the processor has not at hand."""
RECENT_EVENT_BYTES = 1 << 16
"""A larger frame is read back like any other row."""

# Not numpy's arrays: importing it takes 0.13 to 0.2 s, more than a whole empty Textual app may cost before its first frame.
COLUMNS = (
    ("t_us", "q"),
    ("offset", "q"),
    ("length", "I"),
    ("size", "I"),
    ("direction", "B"),
    ("origin", "B"),
    ("kind", "H"),
    ("flags", "B"),
    ("group", "i"),
)
"""Name and ``array`` type code of every column, in the order of a block from the bulk scanner."""


class RowStore(Protocol):
    """Where the lines of a recording live."""

    def read(self, offset: int, length: int) -> bytes:
        """Return the line at ``offset``, without its newline; fewer bytes where the file has shrunk."""
        ...


class RowDecoder(Protocol):
    """Turns a line of the recording back into the event that it was."""

    def __call__(self, line: bytes, row: int) -> Event:
        """Decode ``line``; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Rows indexed elsewhere (by the bulk scanner), ready to be taken over."""

    first_row: int
    """Row of the log that its first row is."""
    end: int
    """Byte offset in the file up to which it is indexed."""
    columns: dict[str, bytes]
    """Raw column data by the names of ``COLUMNS``; ``kind`` codes are the scanner's."""
    kinds: list[str]
    """The scanner's whole type table so far; its codes index this list, and never change."""
    first_group: int
    """Number of the first group that begins in this block."""
    groups: dict[str, bytes]
    """The groups that begin in this block, columns as in ``DeltaGroups``."""
    grown: dict[str, bytes]
    """The groups that began before and go on in this block: ``group`` is their number, the rest as in ``DeltaGroups``."""


class EventLog:
    """All events of one session, by column."""

    def __init__(self, store: RowStore, decoder: RowDecoder) -> None:
        self._store = store
        self._decoder = decoder
        self._cache: OrderedDict[int, Event] = OrderedDict()
        self._recent: OrderedDict[int, Event] = OrderedDict()
        self.t_us = array("q")
        """Microseconds since the start, ``NO_TIME_US`` for unknown: for passes over many rows; one is asked by ``time_us``."""
        self.offset = array("q")
        self.length = array("I")
        self.size = array("I")
        self.direction = array("B")
        self.origin = array("B")
        self.kind = array("H")
        self.flags = array("B")
        self.group = array("i")
        self.kinds = KindTable()
        self.groups = DeltaGroups()
        self.revision = 0
        """Grows with every change; the screen compares it instead of being told."""
        self._untimed = 0
        """Rows at the beginning that are known to have no time."""
        self._in_order = 0
        """Rows at the beginning that are known each to have a time, and none an earlier one than the row before."""
        self._reached = array("q")
        """For each row the latest time up to it; empty as long as that is the column of times itself."""

    def __len__(self) -> int:
        return len(self.t_us)

    def append(self, event: Event, offset: int, length: int) -> int:
        """Index one event whose line stands at ``offset``; return its row."""
        row = len(self.t_us)
        kind = self.kinds.code(event.type)
        info = self.kinds[kind]
        self.t_us.append(NO_TIME_US if event.t_ns is None else event.t_ns // 1000)
        self.offset.append(offset)
        self.length.append(length)
        self.size.append(len(event.data))
        self.direction.append(DIRECTION_CODE[event.direction])
        self.origin.append(ORIGIN_CODE[event.origin])
        self.kind.append(kind)
        group = self.groups.place(row, event, info)
        is_folded = group >= 0 and self.groups.head[group] != row
        self.flags.append(flags_of(event, info.flags) | FLAG_FOLDED * is_folded)
        self.group.append(group)
        if not is_folded and event.seq == row + 1 and len(event.data) <= RECENT_EVENT_BYTES:
            self._recent[row] = event
            if len(self._recent) > RECENT_EVENTS:
                self._recent.popitem(last=False)
        self.revision += 1
        return row

    def take(self, block: Block) -> None:
        """Take over the next block of rows; the first one replaces what is here.

        Raises:
            ValueError: it is not the next one.
        """
        if block.first_row == 0:
            # It begins with the rows that are here, and from now on the scanner's numbering of the types holds.
            self.kinds = KindTable()
            self._untimed = self._in_order = 0
            del self._reached[:]
            for name, _ in COLUMNS:
                del getattr(self, name)[:]
        elif block.first_row != len(self):
            raise ValueError(f"block starts at row {block.first_row}, the log ends at {len(self)}")
        self._recent.clear()
        for name in block.kinds[len(self.kinds) :]:
            self.kinds.code(name)
        for name, _ in COLUMNS:
            getattr(self, name).frombytes(block.columns[name])
        self.groups.take(block.first_group, block.groups, block.grown)
        self.revision += 1

    def line(self, row: int) -> bytes:
        """Return the recording's line of a row."""
        return self._store.read(self.offset[row], self.length[row])

    def event(self, row: int) -> Event:
        """Return a row's event, decoded anew from its line unless it was appended or read lately."""
        cached = self._cache.get(row)
        if cached is not None:
            self._cache.move_to_end(row)
            return cached
        event = self._recent.get(row) or self.read(row)
        if len(event.data) <= CACHED_EVENT_BYTES:
            self._cache[row] = event
            if len(self._cache) > CACHED_EVENTS:
                self._cache.popitem(last=False)
        return event

    def read(self, row: int) -> Event:
        """Return a row's event without keeping it: for passes over many rows, which would flush what is on the screen."""
        return self._decoder(self.line(row), row)

    @property
    def has_times(self) -> bool:
        """Tell whether any row has a time; where none has, their order is all that the recording tells."""
        times, count = self.t_us, len(self.t_us)
        while self._untimed < count and times[self._untimed] == NO_TIME_US:
            self._untimed += 1
        return self._untimed < count

    def time_us(self, row: int) -> int | None:
        """Return a row's time in microseconds since the start; None where its line has none."""
        t_us = self.t_us[row]
        return None if t_us == NO_TIME_US else t_us

    def reached_us(self, row: int) -> int | None:
        """Return the latest time up to a row, in microseconds since the start; None where no row so far has one."""
        t_us = self._reached_us()[row]
        return None if t_us == NO_TIME_US else t_us

    @property
    def end_us(self) -> int | None:
        """Return the latest time of any row, in microseconds since the start; None where no row has one."""
        if not self.has_times:
            return None
        if len(self) - self._in_order <= CHECKED_AT_ONCE or self._reached:
            return self._reached_us()[-1]
        # Blocks, which hold recordings of ours: the screen asks at each tick, and their order is looked at when it matters.
        last = len(self) - 1
        while self.t_us[last] == NO_TIME_US:
            last -= 1
        return self.t_us[last]

    def row_at(self, t_us: int) -> int:
        """Return the last row that is reached by a time; -1 where there is none.

        A row without a time comes with the row before it. Where a foreign recording's times run back, a row comes with the
        latest time up to it: the order of the rows is the one thing that such a file is believed. Without any times no row is
        reached.
        """
        import bisect

        if not self.has_times:
            return -1
        return bisect.bisect_right(self._reached_us(), t_us) - 1

    def _reached_us(self) -> Sequence[int]:
        """Return for each row the latest time up to it, ``NO_TIME_US`` where there is none yet."""
        times, count = self.t_us, len(self.t_us)
        if not self._reached and self._in_order < count:
            first = max(0, self._in_order - 1)
            if all(map(operator.le, times[first:count], times[first + 1 : count])):
                self._in_order = count
        if self._in_order == count:
            return times
        begun = len(self._reached)
        latest = accumulate(times[begun:count], max, initial=self._reached[-1] if begun else None)
        self._reached.extend(islice(latest, 1 if begun else 0, None))
        return self._reached

    def direction_of(self, row: int) -> Direction:
        """Return who sent a row's frame."""
        return DIRECTIONS[self.direction[row]]

    def side_of(self, row: int) -> Direction:
        """Return among whose events a row stands: local facts about a frame for the app are told where the app gets it."""
        return Direction.SERVER if self.flags[row] & FLAG_TO_APP else self.direction_of(row)

    def sides(self, lo: int, hi: int) -> bytes:
        """Return ``side_of`` for many rows, as codes."""
        codes = self.direction[lo:hi].tobytes()
        is_moved = self.flags[lo:hi].tobytes().translate(_IS_TO_APP)
        if 1 not in is_moved:
            return codes
        server = DIRECTION_CODE[Direction.SERVER]
        return bytes(server if moved else code for code, moved in zip(codes, is_moved, strict=True))

    def type_of(self, row: int) -> str:
        """Return a row's event type, ``""`` where it has none."""
        return self.kinds[self.kind[row]].name

    def is_error(self, row: int) -> bool:
        """Tell whether a row reports an error."""
        return reports_error(self.flags[row], self.direction_of(row))


def reports_error(flags: int, direction: Direction) -> bool:
    """Tell whether a row reports a failure or could not be decoded, by its flags and direction.

    What a client sent and nobody can read is a warning: if it is a mistake the server says so, and one mistake is one error.
    """
    if direction is Direction.CLIENT:
        return bool(flags & FLAG_ERROR)
    return bool(flags & (FLAG_ERROR | FLAG_UNDECODED))


def is_made_here(direction: Direction, origin: Origin) -> bool:
    """Tell whether a frame to an app is of the proxy's making, or was changed by it: not the server's word."""
    return direction is Direction.SERVER and origin is not Origin.WIRE


def head_flags(kind_flags: int, direction: Direction, origin: Origin) -> int:
    """Return the flag bits of an event whose body tells nothing: those of its type, unless it is of the proxy's making."""
    return 0 if is_made_here(direction, origin) else kind_flags


def flags_of(event: Event, kind_flags: int) -> int:
    """Return the flag bits of an event: those of its type plus what only its body tells."""
    flags = head_flags(kind_flags, event.direction, event.origin)
    is_ours = is_made_here(event.direction, event.origin)
    if event.problem is not None:
        flags |= FLAG_WARNING if is_ours else FLAG_UNDECODED
    if event.is_inferred:
        flags |= FLAG_INFERRED
    outcome = outcome_of(event)
    if event.type == "response.done" and not is_ours:
        flags |= FLAG_ERROR * ("failed" in outcome) | FLAG_WARNING * ("incomplete" in outcome)
    elif event.type == "inspector.closed" and event.body is not None:
        flags |= FLAG_ERROR * (outcome[0] not in CLEAN_CLOSES)
    elif event.direction is Direction.LOCAL and event.type in TOLD_BY_BODY:
        flags |= FLAG_TO_APP * (outcome[0] == "app" or outcome[1] == Direction.SERVER)
    return flags


def outcome_of(event: Event) -> tuple[object, ...]:
    """Return what the flags of an event depend on beside its type, as it stands in the body.

    The status of a response, the code of a close, whom a fact of the proxy is about.
    """
    body = event.body or {}
    if event.type == "response.done":
        response = body.get("response")
        return (response.get("status") if isinstance(response, dict) else None,)
    if event.type == "inspector.closed":
        return (body.get("code", 1000),)
    return (body.get("to"), body.get("direction")) if event.type in TOLD_BY_BODY else ()
