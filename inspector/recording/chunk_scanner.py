"""Indexing chunks of a recording: most lines by their layouts, the rest by parsing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from inspector.core.groups import audio_bytes_of, part_key
from inspector.core.kinds import KindTable
from inspector.core.log import DIRECTION_CODE, FLAG_FOLDED, NO_TIME_US, ORIGIN_CODE, flags_of
from inspector.recording.chunk import Chunk
from inspector.recording.chunk_file import ChunkLines
from inspector.recording.chunk_groups import grouped, tracks
from inspector.recording.chunk_rows import NO_PART, Rows
from inspector.recording.format import FileShape, parse
from inspector.recording.layouts import (
    STAMP_BYTES,
    EventLayout,
    Stamp,
    part_key_of,
    salt_of,
)
from inspector.recording.spans import Ints, LineMask, alike, windows

HEAD_BYTES = 64
"""From ``"dir"`` on: direction, origin and most of the type. Lines in which these differ have no layout in common."""
MAX_HEADS = 4096
FEW_LINES = 8
"""Are parsed sooner than laid out."""
MAX_LAYOUTS = 16
"""Of lines that begin in the same way; what fits none of them is parsed."""
MAX_FRUITLESS = 4
"""Layouts in a row that only the line has that they were learned from: the rest is parsed."""
MAX_PARTS = 4096


class ChunkScanner:
    """Indexes chunks, learning from each how lines look."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self._stamps: list[Stamp] = []
        self._layouts: dict[int, list[EventLayout]] = {}
        """By the hash of the bytes that a line's head is told by."""
        self._parts: dict[tuple[str, str, int], np.uint64] = {}

    def read(self, lines: ChunkLines) -> Rows:
        """Take the lines of a chunk apart; what is looked at in them is valid as long as they are."""
        rows = Rows(lines)
        self._read_fast(rows)
        for at in np.flatnonzero(~rows.is_fast).tolist():
            self._parse(rows, at)
        rows.drop_blank()
        return rows

    def scan(self, lines: ChunkLines) -> Chunk:
        """Index the lines of a chunk."""
        rows = self.read(lines)
        groups, runs, group = grouped(rows, self.kinds)
        is_folded = group >= 0
        is_folded[groups.head] = False
        rows.flags[is_folded] |= FLAG_FOLDED
        columns = rows.columns(group, lines.offset)
        return Chunk(columns, self.kinds.names(), groups, runs, tracks(rows, self.kinds, group))

    def _read_fast(self, rows: Rows) -> None:
        """Take apart every line that looks like one that is known; the others stay for the parser."""
        at, begins = self._stamped(rows)
        hashes = alike(windows(rows.text, begins, HEAD_BYTES))
        order = np.argsort(hashes, kind="stable")
        cuts = np.flatnonzero(np.diff(hashes[order])) + 1
        for members in np.split(order, cuts):
            if len(members) >= FEW_LINES:
                self._read_alike(rows, at[members], begins[members], int(hashes[members[0]]))

    def _read_alike(self, rows: Rows, at: Ints, begins: Ints, key: int) -> None:
        """Take lines apart that begin in the same way."""
        if len(self._layouts) > MAX_HEADS:
            self._layouts.clear()

        def take(layout: EventLayout, left: Ints) -> LineMask:
            return layout.read(rows, at[left], begins[left])

        def learn(place: int) -> EventLayout | None:
            row = int(at[place])
            begin = int(begins[place] - rows.starts[row])
            return EventLayout.learn(rows, row, begin, self.kinds)

        match_layouts(self._layouts.setdefault(key, []), len(at), take, learn)

    def _stamped(self, rows: Rows) -> tuple[Ints, Ints]:
        """Read the times of the rows; return those whose lines may have a layout, and where ``"dir"`` stands in them."""
        words = windows(rows.text, rows.starts, STAMP_BYTES)
        length = np.zeros(len(rows.starts), np.int64)

        def take(stamp: Stamp, left: Ints) -> LineMask:
            fits, t_us = stamp.read(words if len(left) == len(length) else words[:, left])
            here = left[fits]
            rows.t_us[here] = t_us[fits]
            length[here] = stamp.length
            return fits

        match_layouts(self._stamps, len(length), take, lambda row: Stamp.learn(rows.line(row)))
        at = np.flatnonzero((length > 0) & rows.is_plain)
        return at, (rows.starts + length)[at]

    def _parse(self, rows: Rows, at: int) -> None:
        """Read one line that looks like no other."""
        line = rows.line(at)
        rows.part[at] = NO_PART
        if not line.strip():
            rows.is_blank[at] = True
            return
        event = parse(line, 0, FileShape.OURS)
        code = self.kinds.code(event.type)
        kind = self.kinds[code]
        rows.t_us[at] = NO_TIME_US if event.t_ns is None else event.t_ns // 1000
        rows.direction[at] = DIRECTION_CODE[event.direction]
        rows.origin[at] = ORIGIN_CODE[event.origin]
        rows.kind[at] = code
        rows.flags[at] = flags_of(event, kind.flags)
        rows.size[at] = len(event.data)
        rows.audio[at] = audio_bytes_of(event)
        key = part_key(event) if kind.fold == "part" else None
        if key is not None:
            rows.part[at] = self._part_key(key)

    def _part_key(self, key: tuple[str, str, int]) -> np.uint64:
        found = self._parts.get(key)
        if found is None:
            if len(self._parts) > MAX_PARTS:
                self._parts.clear()
            name, item_id, index = key
            found = self._parts[key] = np.uint64(part_key_of(item_id, index, salt_of(name)))
        return found


_Layout = TypeVar("_Layout")


def match_layouts(
    layouts: list[_Layout],
    count: int,
    take: Callable[[_Layout, Ints], LineMask],
    learn: Callable[[int], _Layout | None],
) -> None:
    """Try each layout on the rows that none before it fitted, then learn new ones from the first that is left.

    ``take`` fills in the rows that fit and tells which did; ``learn`` makes a layout of one row. The layouts stay in
    the order of their last use, the oldest are forgotten.
    """
    left = np.arange(count)
    used: list[_Layout] = []
    learned = fruitless = 0
    for layout in tuple(layouts):
        if not len(left):
            break
        fits = take(layout, left)
        if fits.any():
            used.append(layout)
            left = left[~fits]
    while len(left) and learned < MAX_LAYOUTS and fruitless < MAX_FRUITLESS:
        learned += 1
        new = learn(int(left[0]))
        fits = take(new, left) if new is not None else np.zeros(len(left), bool)
        fruitless = 0 if fits.sum() > 1 else fruitless + 1
        if new is not None and fits.any():
            used.append(new)
        fits[0] = True
        left = left[~fits]
    if used:
        layouts[:] = [*used, *(layout for layout in layouts if layout not in used)][:MAX_LAYOUTS]
