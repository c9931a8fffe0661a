"""The columnar event log: one entry per column and event, rows read back on demand.

Row ``r`` holds the event with ``seq == r + 1``. Columns are ``array.array`` (33 bytes an event in all), so that opening
the program needs no numpy; bulk questions view them as numpy arrays for as long as one function runs (a view that is
kept would forbid the next append). The bytes of an event stay in the recording and are read back by ``RowStore``.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from dataclasses import dataclass, replace
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
"""The row folds into an earlier one: the head of its group."""

CLEAN_CLOSES = (1000, 1001, 1005)
"""Close codes of a connection that one side ended in good order: done, going away, and a close frame without a code
(RFC 6455 section 7.4.1). A session whose hour is over ends with 1001; the ``error`` event before it says that."""
CACHED_EVENTS = 512
"""Decoded rows kept: some ten screens."""
CACHED_EVENT_BYTES = 1 << 20
"""A larger frame is decoded anew each time, so that the cache stays a few megabytes."""

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
        self.t_us = array("q")
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
        self.has_times = True
        """False for a foreign recording that does not say when anything happened: its order is all that it tells."""
        self.revision = 0
        """Grows with every change; the screen compares it instead of being told."""

    def __len__(self) -> int:
        return len(self.t_us)

    def append(self, event: Event, offset: int, length: int) -> int:
        """Index one event whose line stands at ``offset``; return its row."""
        row = len(self.t_us)
        kind = self.kinds.code(event.type)
        info = self.kinds[kind]
        self.t_us.append(event.t_ns // 1000)
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
            for name, _ in COLUMNS:
                del getattr(self, name)[:]
        elif block.first_row != len(self):
            raise ValueError(f"block starts at row {block.first_row}, the log ends at {len(self)}")
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
        """Return a row's event, decoded anew from its line unless it was read lately."""
        cached = self._cache.get(row)
        if cached is not None:
            self._cache.move_to_end(row)
            return cached
        event = self.read(row)
        if len(event.data) <= CACHED_EVENT_BYTES:
            self._cache[row] = event
            if len(self._cache) > CACHED_EVENTS:
                self._cache.popitem(last=False)
        return event

    def read(self, row: int) -> Event:
        """Return a row's event without keeping it: for passes over many rows, which would flush what is on the screen."""
        event = self._decoder(self.line(row), row)
        if event.t_ns // 1000 != self.t_us[row]:
            # A foreign line without a time has that of the line before, which only the index knows.
            event = replace(event, t_ns=self.t_us[row] * 1000)
        return event

    def row_at(self, t_us: int) -> int:
        """Return the last row at or before a time, -1 where there is none (times never go back in a recording of ours)."""
        import bisect

        return bisect.bisect_right(self.t_us, t_us) - 1

    def direction_of(self, row: int) -> Direction:
        """Return who sent a row's frame."""
        return DIRECTIONS[self.direction[row]]

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


def flags_of(event: Event, kind_flags: int) -> int:
    """Return the flag bits of an event: those of its type plus what only its body tells."""
    flags = kind_flags
    if event.problem is not None:
        flags |= FLAG_UNDECODED
    if event.is_inferred:
        flags |= FLAG_INFERRED
    if event.type == "response.done" and event.body is not None:
        response = event.body.get("response")
        status = response.get("status") if isinstance(response, dict) else None
        if status == "failed":
            flags |= FLAG_ERROR
        elif status == "incomplete":
            flags |= FLAG_WARNING
    if event.type == "inspector.closed" and event.body is not None:
        flags |= FLAG_ERROR * (event.body.get("code", 1000) not in CLEAN_CLOSES)
    return flags
