"""Indexing chunks of a recording: most lines by their layouts, the rest by parsing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from inspector.core.groups import audio_bytes_of, part_key
from inspector.core.kinds import KindTable
from inspector.core.log import DIRECTION_CODE, FLAG_FOLDED, NO_TIME_US, ORIGIN_CODE, flags_of
from inspector.recording.chunk import Chunk
from inspector.recording.chunk_file import Lines
from inspector.recording.chunk_groups import grouped, tracks
from inspector.recording.chunk_rows import NO_PART, Rows
from inspector.recording.format import Shape, parse
from inspector.recording.head_table import HeadTable, KnownHead
from inspector.recording.layouts import (
    STAMP_BYTES,
    Audio,
    Outcome,
    Part,
    Stamp,
    part_key_of,
    salt_of,
)
from inspector.recording.spans import Bools, Ints, windows

MAX_LAYOUTS = 16
"""Of one kind behind one head; what fits none of them is parsed."""
_LineFrom = Callable[[int], bytes]
"""Returns a line from where its event begins, by its place among those that are looked at."""


class ChunkScanner:
    """Indexes chunks, learning from each how lines look."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self._stamps: list[Stamp] = []
        self._heads = HeadTable(self.kinds)

    def scan(self, lines: Lines) -> Chunk:
        """Index the lines of a chunk."""
        rows = Rows.of(lines)
        self._read_fast(rows)
        for at in np.flatnonzero(~rows.is_fast).tolist():
            self._parse(rows, at)
        rows.drop_blank()
        groups, runs, group = grouped(rows, self.kinds)
        is_folded = group >= 0
        is_folded[groups.head] = False
        rows.flags[is_folded] |= FLAG_FOLDED
        columns = rows.columns(group, lines.offset)
        return Chunk(columns, self.kinds.names(), groups, runs, tracks(rows, self.kinds, group))

    def _read_fast(self, rows: Rows) -> None:
        """Take apart every line that looks like one that is known; the others stay for the parser."""
        at, begins = self._stamped(rows)

        def line_from(place: int) -> bytes:
            row = int(at[place])
            return rows.line(row)[int(begins[place] - rows.starts[row]) :]

        heads = self._heads
        number = heads.numbers(rows.text, begins, line_from)
        event_at = begins + heads.length.take(number) - 1
        is_fast = rows.ends_with_braces(at) & (number > 0)
        for one in np.flatnonzero(np.bincount(number)).tolist():
            if one and heads[one].needs_body:
                here = np.flatnonzero((number == one) & is_fast)
                is_fast[here] = self._take_body(rows, heads[one], at[here], event_at[here])
        at, number, event_at = at[is_fast], number[is_fast], event_at[is_fast]
        rows.is_fast[at] = True
        rows.direction[at] = heads.direction.take(number)
        rows.origin[at] = heads.origin.take(number)
        rows.kind[at] = heads.code.take(number)
        rows.flags[at] = heads.flags.take(number)
        rows.size[at] = rows.ends[at] - 1 - event_at

    def _stamped(self, rows: Rows) -> tuple[Ints, Ints]:
        """Read the times of the rows; return those that have one, and where the rest of their lines begins."""
        words = windows(rows.text, rows.starts, STAMP_BYTES)
        length = np.zeros(len(rows.starts), np.int64)

        def take(stamp: Stamp, left: Ints) -> Bools:
            fits, t_us = stamp.read(words if len(left) == len(length) else words[:, left])
            here = left[fits]
            rows.t_us[here] = t_us[fits]
            length[here] = stamp.length
            return fits

        peel(self._stamps, len(length), take, lambda row: Stamp.learn(rows.line(row)))
        at = np.flatnonzero(length)
        return at, (rows.starts + length)[at]

    def _take_body(self, rows: Rows, known: KnownHead, at: Ints, event_at: Ints) -> Bools:
        """Fill in what the events of a head tell; tell which need no parser."""
        is_told = np.full(len(at), not known.is_parsed)

        def event_from(place: int) -> bytes:
            row = int(at[place])
            return rows.line(row)[int(event_at[place] - rows.starts[row]) :]

        if known.has_outcome:
            is_told &= self._take_outcomes(rows, known, event_at, event_from)
        if known.has_parts:
            is_told &= self._take_parts(rows, known, at, event_at, event_from)
        if known.has_audio:
            is_told &= self._take_audio(rows, known, at, event_at, event_from)
        return is_told

    def _take_outcomes(
        self, rows: Rows, known: KnownHead, event_at: Ints, event_from: _LineFrom
    ) -> Bools:
        ended_well = np.zeros(len(event_at), bool)

        def take(outcome: Outcome, left: Ints) -> Bools:
            fits = outcome.read(rows.text, event_at[left])
            ended_well[left[fits]] = True
            return fits

        peel(known.outcomes, len(event_at), take, lambda place: Outcome.learn(event_from(place)))
        return ended_well

    def _take_parts(
        self, rows: Rows, known: KnownHead, at: Ints, event_at: Ints, event_from: _LineFrom
    ) -> Bools:
        keys = np.full(len(at), NO_PART)

        def take(part: Part, left: Ints) -> Bools:
            fits, found = part.read(rows.text, event_at[left], known.salt)
            keys[left[fits]] = found[fits]
            return fits

        peel(known.parts, len(at), take, lambda place: Part.learn(event_from(place)))
        rows.part[at] = keys
        fits: Bools = keys != NO_PART
        return fits

    def _take_audio(
        self, rows: Rows, known: KnownHead, at: Ints, event_at: Ints, event_from: _LineFrom
    ) -> Bools:
        sizes = np.full(len(at), -1, np.int64)
        ends = rows.ends[at]

        def take(audio: Audio, left: Ints) -> Bools:
            fits, found = audio.read(rows.text, event_at[left], ends[left])
            sizes[left[fits]] = found[fits]
            return fits

        def learn(place: int) -> Audio | None:
            return Audio.learn(event_from(place), known.head.type)

        peel(known.audio, len(at), take, learn)
        rows.audio[at] = np.maximum(sizes, 0)
        fits: Bools = sizes >= 0
        return fits

    def _parse(self, rows: Rows, at: int) -> None:
        """Read one line that looks like no other."""
        line = rows.line(at)
        rows.part[at] = NO_PART
        if not line.strip():
            rows.is_blank[at] = True
            return
        event = parse(line, 0, Shape.OURS)
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
            rows.part[at] = part_key_of(key[1], key[2], salt_of(key[0]))


_Layout = TypeVar("_Layout")


def peel(
    layouts: list[_Layout],
    count: int,
    take: Callable[[_Layout, Ints], Bools],
    learn: Callable[[int], _Layout | None],
) -> None:
    """Try each layout on the rows that none before it fitted, then learn new ones from the first that is left.

    ``take`` fills in the rows that fit and tells which did; ``learn`` makes a layout of one row. The layouts stay in
    the order of their last use, the oldest are forgotten.
    """
    left = np.arange(count)
    used: list[_Layout] = []
    learned = 0
    for layout in tuple(layouts):
        if not len(left):
            break
        fits = take(layout, left)
        if fits.any():
            used.append(layout)
            left = left[~fits]
    while len(left) and learned < MAX_LAYOUTS:
        learned += 1
        new = learn(int(left[0]))
        if new is None:
            left = left[1:]
            continue
        used.append(new)
        fits = take(new, left)
        fits[0] = True
        left = left[~fits]
    if used:
        layouts[:] = [*used, *(layout for layout in layouts if layout not in used)][:MAX_LAYOUTS]
