"""Indexing chunks of a recording: most lines by their layouts, the rest by parsing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from inspector.core.groups import AUDIO_KEYS, audio_bytes_of, part_key
from inspector.core.kinds import KindTable
from inspector.core.log import DIRECTION_CODE, ORIGIN_CODE, flags_of
from inspector.recording.chunk import NO_TIME_US, Chunk
from inspector.recording.chunk_file import Lines
from inspector.recording.chunk_groups import grouped, tracks
from inspector.recording.chunk_rows import NO_PART, Rows
from inspector.recording.format import Shape, parse
from inspector.recording.layouts import (
    STAMP_BYTES,
    WINDOW,
    Audio,
    Head,
    Part,
    Stamp,
    part_key_of,
    salt_of,
)
from inspector.recording.spans import Bools, Ints, Words, sorted_by, windows

MAX_LAYOUTS = 16
"""Of one kind in one bucket; what fits none of them is parsed."""
MAX_BUCKETS = 4096


@dataclass(slots=True, eq=False)
class _Known:
    """What a scanner has learned of one head."""

    head: Head
    kind: int
    salt: int
    parts: list[Part] = field(default_factory=list)
    audio: list[Audio] = field(default_factory=list)


class ChunkScanner:
    """Indexes chunks, learning from each how lines look."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self._stamps: list[Stamp] = []
        self._buckets: dict[int, list[_Known]] = {}

    def scan(self, lines: Lines) -> Chunk:
        """Index the lines of a chunk."""
        rows = Rows.of(lines)
        self._read_fast(rows)
        for at in np.flatnonzero(~rows.is_fast).tolist():
            self._parse(rows, at)
        rows.drop_blank()
        groups, runs, group = grouped(rows, self.kinds)
        columns = rows.columns(group, lines.offset)
        return Chunk(columns, self.kinds.names(), groups, runs, tracks(rows, self.kinds, group))

    def _read_fast(self, rows: Rows) -> None:
        """Take apart every line that looks like one that is known; the others stay for the parser."""
        at, body = self._stamped(rows)
        words = windows(rows.text, body, WINDOW)
        for bucket, inside in self._in_buckets(sorted_by(words)):
            self._read_bucket(rows, bucket, at[inside], body[inside], words[inside])

    def _read_bucket(
        self, rows: Rows, bucket: list[_Known], at: Ints, begins: Ints, words: Words
    ) -> None:
        def take(known: _Known, left: Ints) -> Bools:
            fits = known.head.fits(rows.text, begins[left], words[left])
            self._take(rows, known, at[left[fits]], begins[left[fits]])
            return fits

        def learn(first: int) -> _Known | None:
            row = int(at[first])
            return self._learn(rows.line(row)[int(begins[first] - rows.starts[row]) :])

        peel(bucket, len(at), take, learn)

    def _stamped(self, rows: Rows) -> tuple[Ints, Ints]:
        """Read the times of the rows; return those that have one, and where the rest of their lines begins."""
        words = windows(rows.text, rows.starts, STAMP_BYTES)
        body = np.zeros(len(rows.starts), np.int64)

        def take(stamp: Stamp, left: Ints) -> Bools:
            fits, t_us = stamp.read(words[left])
            here = left[fits]
            rows.t_us[here] = t_us[fits]
            body[here] = rows.starts[here] + stamp.length
            return fits

        peel(self._stamps, len(body), take, lambda row: Stamp.learn(rows.line(row)))
        at = np.flatnonzero(body)
        return at, body[at]

    def _in_buckets(self, hashes: npt.NDArray[np.uint64]) -> Iterator[tuple[list[_Known], Ints]]:
        """Yield rows that look alike from their direction to well into their type."""
        order = np.argsort(hashes)
        ordered = hashes[order]
        edges = np.flatnonzero(np.diff(ordered, prepend=~ordered[:1], append=~ordered[-1:]))
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            bucket = self._buckets.setdefault(int(ordered[start]), [])
            yield bucket, order[start:end]
        while len(self._buckets) > MAX_BUCKETS:
            self._buckets.pop(next(iter(self._buckets)))

    def _learn(self, rest: bytes) -> _Known | None:
        head = Head.learn(rest)
        if head is None:
            return None
        code = self.kinds.code(head.type)
        return _Known(head, code, salt_of(head.type))

    def _take(self, rows: Rows, known: _Known, at: Ints, begins: Ints) -> None:
        """Fill in rows that have a known head."""
        ends_well = rows.ends_with_braces(at)
        at, event_at = at[ends_well], begins[ends_well] + known.head.length - 1
        kind = self.kinds[known.kind]
        is_fast = np.ones(len(at), bool)
        if kind.name == "response.done":
            is_fast = rows.ended_well(at)
        if kind.fold == "part":
            is_fast &= self._take_parts(rows, known, at, event_at)
        if kind.name in AUDIO_KEYS:
            is_fast &= self._take_audio(rows, known, at, event_at)
        at, event_at = at[is_fast], event_at[is_fast]
        rows.is_fast[at] = True
        rows.direction[at] = known.head.direction
        rows.origin[at] = known.head.origin
        rows.kind[at] = known.kind
        rows.flags[at] = kind.flags
        rows.size[at] = rows.starts[at] + rows.lengths[at] - 1 - event_at

    def _take_parts(self, rows: Rows, known: _Known, at: Ints, event_at: Ints) -> Bools:
        keys = np.full(len(at), NO_PART)

        def take(part: Part, left: Ints) -> Bools:
            fits, found = part.read(rows.text, event_at[left], known.salt)
            keys[left[fits]] = found[fits]
            return fits

        def learn(first: int) -> Part | None:
            row = int(at[first])
            return Part.learn(rows.line(row)[int(event_at[first] - rows.starts[row]) :])

        peel(known.parts, len(at), take, learn)
        rows.part[at] = keys
        fits: Bools = keys != NO_PART
        return fits

    def _take_audio(self, rows: Rows, known: _Known, at: Ints, event_at: Ints) -> Bools:
        sizes = np.full(len(at), -1, np.int64)
        ends = rows.starts[at] + rows.lengths[at]

        def take(audio: Audio, left: Ints) -> Bools:
            fits, found = audio.read(rows.text, event_at[left], ends[left])
            sizes[left[fits]] = found[fits]
            return fits

        def learn(first: int) -> Audio | None:
            row = int(at[first])
            event = rows.line(row)[int(event_at[first] - rows.starts[row]) :]
            return Audio.learn(event, known.head.type)

        peel(known.audio, len(at), take, learn)
        rows.audio[at] = np.maximum(sizes, 0)
        fits: Bools = sizes >= 0
        return fits

    def _parse(self, rows: Rows, at: int) -> None:
        """Read one line that looks like no other."""
        line = rows.line(at)
        previous_us = int(rows.t_us[at - 1]) if at else NO_TIME_US
        rows.part[at] = NO_PART
        if not line.strip():
            rows.is_blank[at] = True
            rows.t_us[at] = previous_us
            return
        event = parse(line, 0, Shape.OURS, previous_us * 1000)
        code = self.kinds.code(event.type)
        kind = self.kinds[code]
        rows.t_us[at] = event.t_ns // 1000
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
