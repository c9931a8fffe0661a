"""EventLog: the index of a session's events, stored by column; the events themselves are read back on demand.

Row ``r`` holds the event with ``seq == r + 1``. Columns are ``array.array`` (33 bytes per event in total), so that the program
starts without importing numpy. Bulk queries view the columns as numpy arrays, but never beyond one function: ``array`` raises
``BufferError`` on an append while a view exists. The bytes of an event stay in the recording and are read by ``RowStore``.
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
"""A local event about a frame that the proxy forwards to the app: it is listed among the server's events."""

GOING_AWAY = 1001
CLEAN_CLOSES = (1000, GOING_AWAY, 1005)
"""Close codes of a normal end: normal closure, going away, and a close frame without a code (RFC 6455 section 7.4.1).

OpenAI closes an expired session with 1001; the ``error`` event before it reports the expiry."""
FLAGGED_BY_BODY = frozenset(
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
"""Local event types whose flags depend on the body as well as the type."""
_IS_TO_APP = bytes(bool(flags & FLAG_TO_APP) for flags in range(256))
NO_TIME_US = -(1 << 63)
"""Time of a row whose line has none, in the column only; it is lower than any time, so that a bisection or a maximum ignores it.

Other code calls ``EventLog.time_us``, which returns None for it."""
CACHED_EVENTS = 512
"""Decoded rows kept: about ten screens."""
CHECKED_AT_ONCE = 1 << 14
"""Rows whose order may be checked during a tick: takes half a millisecond."""
CACHED_EVENT_BYTES = 1 << 20
"""A larger frame is decoded each time, so that the cache stays within a few megabytes."""
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
    """Storage of a recording's lines."""

    def read(self, offset: int, length: int) -> bytes:
        """Return the line at ``offset``, without its newline; fewer bytes if the file has shrunk."""
        ...


class RowDecoder(Protocol):
    """Function that decodes a line of the recording to its event."""

    def __call__(self, line: bytes, row: int) -> Event:
        """Decode ``line``; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows that the bulk scanner has indexed, to be loaded into a log."""

    first_row: int
    """Row of the log where the block begins."""
    end: int
    """Byte offset in the file up to which the scanner has indexed."""
    columns: dict[str, bytes]
    """Raw column data by the names of ``COLUMNS``; ``kind`` codes are the scanner's."""
    kinds: list[str]
    """The scanner's type table so far, in the order of its codes, which never change."""
    first_group: int
    """Number of the first group that begins in this block."""
    groups: dict[str, bytes]
    """The groups that begin in this block; columns as in ``DeltaGroups``."""
    grown: dict[str, bytes]
    """The earlier groups that continue in this block: ``group`` is their number, other columns as in ``DeltaGroups``."""


class EventLog:
    """Index of all events of one session, by column."""

    def __init__(self, store: RowStore, decoder: RowDecoder) -> None:
        self._store = store
        self._decoder = decoder
        self._cache: OrderedDict[int, Event] = OrderedDict()
        self._recent: OrderedDict[int, Event] = OrderedDict()
        self.t_us = array("q")
        """Microseconds since the start, ``NO_TIME_US`` if unknown. For passes over many rows; use ``time_us`` for one row."""
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
        """Increases with every change; screens poll it at each tick, so that a burst of events costs one refresh."""
        self._untimed = 0
        """Number of leading rows known to have no time."""
        self._in_order = 0
        """Number of leading rows known to have ascending times."""
        self._reached = array("q")
        """For each row the latest time up to it; empty while the times ascend, as it would equal ``t_us``."""

    def __len__(self) -> int:
        return len(self.t_us)

    def append(self, event: Event, offset: int, length: int) -> int:
        """Index one event whose line is at byte ``offset``; return its row."""
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

    def load_block(self, block: Block) -> None:
        """Append a block of rows; a block that begins at row 0 replaces the whole log.

        Raises:
            ValueError: the block does not begin where the log ends.
        """
        if block.first_row == 0:
            # The block repeats the rows that were indexed for the first screen, with the scanner's codes for the types.
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
        self.groups.load(block.first_group, block.groups, block.grown)
        self.revision += 1

    def line(self, row: int) -> bytes:
        """Return a row's line in the recording."""
        return self._store.read(self.offset[row], self.length[row])

    def event(self, row: int) -> Event:
        """Return a row's event, from the recent ones or the cache, or decoded from its line."""
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
        """Return a row's event without caching it: a pass over many rows would evict those on the screen."""
        return self._decoder(self.line(row), row)

    @property
    def has_times(self) -> bool:
        """Return whether any row has a time; if none has, only the order of the rows is known."""
        # Resumes where the last call stopped, so that repeated calls on a growing log cost little.
        times, count = self.t_us, len(self.t_us)
        while self._untimed < count and times[self._untimed] == NO_TIME_US:
            self._untimed += 1
        return self._untimed < count

    def time_us(self, row: int) -> int | None:
        """Return a row's time in microseconds since the start; None if its line has none."""
        t_us = self.t_us[row]
        return None if t_us == NO_TIME_US else t_us

    def reached_us(self, row: int) -> int | None:
        """Return the latest time up to a row, in microseconds since the start; None if no row so far has one."""
        t_us = self._reached_us()[row]
        return None if t_us == NO_TIME_US else t_us

    @property
    def end_us(self) -> int | None:
        """Return the latest time of any row, in microseconds since the start; None if no row has one."""
        if not self.has_times:
            return None
        if len(self) - self._in_order <= CHECKED_AT_ONCE or self._reached:
            return self._reached_us()[-1]
        # Too many rows to check their order at each tick. Blocks come from the inspector's own recordings, whose times ascend.
        last = len(self) - 1
        while self.t_us[last] == NO_TIME_US:
            last -= 1
        return self.t_us[last]

    def row_at(self, t_us: int) -> int:
        """Return the last row reached at a time; -1 if none is.

        A row without a time is reached together with the row before it. If the times of a foreign recording run backwards, a row
        is reached at the latest time up to it: the order of the rows is trusted, their times are not. In a recording without
        times no row is ever reached.
        """
        # Imported here: the first screen does not need it.
        import bisect

        if not self.has_times:
            return -1
        return bisect.bisect_right(self._reached_us(), t_us) - 1

    def _reached_us(self) -> Sequence[int]:
        """Return for each row the latest time up to it, ``NO_TIME_US`` before the first time."""
        times, count = self.t_us, len(self.t_us)
        if not self._reached and self._in_order < count:
            first = max(0, self._in_order - 1)
            # Runs in C; a Python loop over a million rows would stall a frame.
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
        """Return the direction among whose events a row is listed; a local event about a frame to the app is with the server's."""
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
        """Return a row's event type, ``""`` if it has none."""
        return self.kinds[self.kind[row]].name

    def is_error(self, row: int) -> bool:
        """Return whether a row reports an error."""
        return reports_error(self.flags[row], self.direction_of(row))


def reports_error(flags: int, direction: Direction) -> bool:
    """Return whether a row with these flags and this direction counts as an error: it reports a failure or cannot be decoded.

    A client frame that cannot be decoded is only a warning: the server answers it with an error, and one mistake must not count
    as two.
    """
    if direction is Direction.CLIENT:
        return bool(flags & FLAG_ERROR)
    return bool(flags & (FLAG_ERROR | FLAG_UNDECODED))


def is_made_here(direction: Direction, origin: Origin) -> bool:
    """Return whether a frame to the app was added or changed by the proxy, so that it says nothing about the server."""
    return direction is Direction.SERVER and origin is not Origin.WIRE


def head_flags(kind_flags: int, direction: Direction, origin: Origin) -> int:
    """Return the flag bits that follow from an event's type; none if the proxy added or changed it."""
    return 0 if is_made_here(direction, origin) else kind_flags


def flags_of(event: Event, kind_flags: int) -> int:
    """Return the flag bits of an event: those of its type, and those that depend on its body."""
    is_ours = is_made_here(event.direction, event.origin)
    flags = 0 if is_ours else kind_flags
    if event.problem is not None:
        flags |= FLAG_WARNING if is_ours else FLAG_UNDECODED
    if event.is_inferred:
        flags |= FLAG_INFERRED
    if may_flag_by_body(event.type):
        flags |= _flags_of_body(event, is_ours=is_ours)
    return flags


def may_flag_by_body(kind: str) -> bool:
    """Return whether the flags of events of a type depend on their bodies."""
    return kind == "response.done" or kind in FLAGGED_BY_BODY


def _flags_of_body(event: Event, *, is_ours: bool) -> int:
    outcome = outcome_of(event)
    if event.type == "response.done":
        if is_ours:
            return 0
        return FLAG_ERROR * ("failed" in outcome) | FLAG_WARNING * ("incomplete" in outcome)
    if event.type == "inspector.closed" and event.body is not None:
        return FLAG_ERROR * (outcome[0] not in CLEAN_CLOSES)
    if event.direction is Direction.LOCAL and event.type != "inspector.closed":
        return FLAG_TO_APP * (outcome[0] == "app" or outcome[1] == Direction.SERVER)
    return 0


def outcome_of(event: Event) -> tuple[object, ...]:
    """Return the members of the body on which the flags depend, unchecked.

    These are a response's status, a close code, or the receiver and direction in a local event of the proxy.
    """
    body = event.body or {}
    if event.type == "response.done":
        response = body.get("response")
        return (response.get("status") if isinstance(response, dict) else None,)
    if event.type == "inspector.closed":
        return (body.get("code", 1000),)
    return (body.get("to"), body.get("direction")) if event.type in FLAGGED_BY_BODY else ()
