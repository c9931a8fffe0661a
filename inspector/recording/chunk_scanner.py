"""ChunkScanner: indexes chunks of a recording. Most lines are read in bulk by their layouts; the rest are parsed."""

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
"""Bytes from ``"dir"`` on that lines are grouped by: direction, origin and most of the type. Lines that differ in these share no layout."""
MAX_HEADS = 4096
"""Groups whose layouts are kept; a hostile file could have a new one in every line."""
FEW_LINES = 8
"""Fewer lines than this are parsed faster than a layout is learned for them."""
MAX_LAYOUTS = 16
"""Layouts tried and learned for a group; lines that fit none of them are parsed."""
MAX_SINGLE_USE = 4
"""After so many new layouts in a row that fitted only their own line, the rest of a group is parsed."""
MAX_PARTS = 4096
"""Part keys kept of parsed lines."""


class ChunkScanner:
    """Indexes chunks one after another; layouts learned from one chunk are used for the next."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self._stamps: list[Stamp] = []
        self._layouts: dict[int, list[EventLayout]] = {}
        """By the hash of the first ``HEAD_BYTES`` after the stamp."""
        self._parts: dict[tuple[str, str, int], np.uint64] = {}

    def read(self, lines: ChunkLines) -> Rows:
        """Return the columns of a chunk's lines. They contain views of ``lines``, so they must not outlive it."""
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
        """Fill in the rows that fit a layout; the others remain for the parser."""
        at, begins = self._stamped(rows)
        hashes = alike(windows(rows.text, begins, HEAD_BYTES))
        # Stable, so that the rows of a group stay in the order of the file: the first of them is learned from.
        order = np.argsort(hashes, kind="stable")
        cuts = np.flatnonzero(np.diff(hashes[order])) + 1
        for members in np.split(order, cuts):
            if len(members) >= FEW_LINES:
                self._read_alike(rows, at[members], begins[members], int(hashes[members[0]]))

    def _read_alike(self, rows: Rows, at: Ints, begins: Ints, key: int) -> None:
        """Fill in the rows of one group: lines that begin with the same bytes after the stamp."""
        if len(self._layouts) > MAX_HEADS:
            self._layouts.clear()

        def try_layout(layout: EventLayout, remaining: Ints) -> LineMask:
            return layout.read(rows, at[remaining], begins[remaining])

        def learn(place: int) -> EventLayout | None:
            row = int(at[place])
            begin = int(begins[place] - rows.starts[row])
            return EventLayout.learn(rows, row, begin, self.kinds)

        match_layouts(self._layouts.setdefault(key, []), len(at), try_layout, learn)

    def _stamped(self, rows: Rows) -> tuple[Ints, Ints]:
        """Fill in the times; return the rows whose lines may fit a layout, and the position of ``"dir"`` of each."""
        words = windows(rows.text, rows.starts, STAMP_BYTES)
        length = np.zeros(len(rows.starts), np.int64)

        def try_layout(stamp: Stamp, remaining: Ints) -> LineMask:
            fits, t_us = stamp.read(words if len(remaining) == len(length) else words[:, remaining])
            here = remaining[fits]
            rows.t_us[here] = t_us[fits]
            length[here] = stamp.length
            return fits

        match_layouts(
            self._stamps, len(length), try_layout, lambda row: Stamp.learn(rows.line(row))
        )
        at = np.flatnonzero((length > 0) & rows.is_plain)
        return at, (rows.starts + length)[at]

    def _parse(self, rows: Rows, at: int) -> None:
        """Fill in one row by parsing its line."""
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
    try_layout: Callable[[_Layout, Ints], LineMask],
    learn: Callable[[int], _Layout | None],
) -> None:
    """Try each layout on the rows that fit none before it, then learn new layouts from the remaining rows.

    Args:
        layouts: the known layouts. Afterwards they are in order of their last use, and the oldest are removed.
        count: the number of rows.
        try_layout: fills in those of the given rows that fit, and returns which did.
        learn: returns a layout learned from the given row; None if it must be parsed.
    """
    remaining = np.arange(count)
    used: list[_Layout] = []
    learned = single_use = 0
    for layout in tuple(layouts):
        if not len(remaining):
            break
        fits = try_layout(layout, remaining)
        if fits.any():
            used.append(layout)
            remaining = remaining[~fits]
    while len(remaining) and learned < MAX_LAYOUTS and single_use < MAX_SINGLE_USE:
        learned += 1
        new = learn(int(remaining[0]))
        fits = try_layout(new, remaining) if new is not None else np.zeros(len(remaining), bool)
        single_use = 0 if fits.sum() > 1 else single_use + 1
        if new is not None and fits.any():
            used.append(new)
        fits[0] = (
            True  # the row that was learned from is never tried again, even if it does not fit
        )
        remaining = remaining[~fits]
    if used:
        layouts[:] = [*used, *(layout for layout in layouts if layout not in used)][:MAX_LAYOUTS]
