"""One chunk of a recording as columns: the rows of its lines, and the groups that they form among themselves.

A chunk knows nothing of the others, so that several can be worked on at once; ``recording.stitch`` joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from inspector.core.event import Direction
from inspector.core.groups import AUDIO_KEYS, RUN_BREAKERS, TRACK_PAUSE_US, audio_bytes_of, part_key
from inspector.core.kinds import KindTable
from inspector.core.log import COLUMNS, DIRECTION_CODE, ORIGIN_CODE, flags_of
from inspector.recording.chunk_file import Lines
from inspector.recording.format import Shape, parse
from inspector.recording.layouts import (
    STAMP_BYTES,
    WINDOW,
    Audio,
    Bools,
    Bytes,
    Head,
    Ints,
    Part,
    Stamp,
    Words,
    part_key_of,
    salt_of,
    sorted_by,
    windows,
)

NO_TIME_US = -1
"""Time of a row whose line has none, before the first row that has: that of the chunk before."""
NO_PART = np.uint64(0)
MAX_LAYOUTS = 16
"""Of one kind in one bucket; what fits none of them is parsed."""
MAX_BUCKETS = 4096
_FOLDS = {"": 0, "run": 1, "part": 2, "track": 3}
_Edge = tuple[int, int] | None
"""Kind and row of a run at the edge of a chunk."""


@dataclass(slots=True)
class Group:
    """One group among the rows of a chunk."""

    key: int
    """Of a content part; 0 for a run."""
    head: int
    last: int
    count: int
    audio_bytes: int


@dataclass(slots=True)
class Runs:
    """How the runs of one direction stand at the edges of a chunk."""

    first: tuple[str, int] | None
    """Type and group of the run that a chunk before may have begun."""
    last: tuple[str, int] | None
    """Type and group of the run that may go on in the next chunk."""


@dataclass(slots=True)
class Track:
    """How a track stands at the edges of a chunk: the group and time (microseconds) of its first and last delta."""

    first: int
    first_t_us: int
    last: int
    last_t_us: int


@dataclass(slots=True)
class Chunk:
    """The rows of one chunk; ``group`` and ``kind`` count from the chunk's own tables."""

    columns: dict[str, npt.NDArray[Any]]
    kinds: list[str]
    groups: list[Group]
    runs: dict[int, Runs]
    """By the code of the direction; one that is not here leaves open what was open before."""
    tracks: dict[str, Track]
    """By the type of their deltas."""


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
        groups, runs, group = self._groups(rows)
        columns = rows.columns(group, lines.offset)
        return Chunk(columns, self.kinds.names(), groups, runs, self._tracks(rows, group))

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

    def _groups(self, rows: Rows) -> tuple[list[Group], dict[int, Runs], Ints]:
        """Return the groups of the rows, the runs at the edges, and the group of each row."""
        folds = np.array([_FOLDS[self.kinds[code].fold] for code in range(len(self.kinds))] or [0])
        fold = folds[rows.kind]
        is_part = (fold == 2) & (rows.part != NO_PART)
        table = _GroupTable(rows)
        for code in np.unique(rows.kind[is_part]).tolist():
            at = np.flatnonzero(is_part & (rows.kind == code))
            table.add(at, np.diff(rows.part[at], prepend=NO_PART) != 0, rows.part[at])
        for code in np.unique(rows.kind[fold == 3]).tolist():
            at = np.flatnonzero(rows.kind == code)
            table.add(at, np.diff(_times(rows, at), prepend=0) > TRACK_PAUSE_US, None)
        runs: dict[int, tuple[_Edge, _Edge]] = {}
        breakers = [self.kinds.code(name) for name in RUN_BREAKERS]
        for direction in DIRECTION_CODE.values():
            is_here = rows.direction == direction
            breaks = is_here & (fold == 0)
            if direction == DIRECTION_CODE[Direction.CLIENT]:
                breaks |= np.isin(rows.kind, breakers)
            epoch = np.cumsum(breaks)
            at = np.flatnonzero(is_here & np.isin(fold, (1, 2)) & ~is_part)
            if len(at):
                kind = rows.kind[at]
                cut = np.diff(epoch[at], prepend=-1) != 0
                cut |= np.diff(kind, prepend=-1) != 0
                table.add(at, cut, None)
                first = (int(kind[0]), int(at[0])) if epoch[at[0]] == 0 else None
                last = (int(kind[-1]), int(at[-1])) if epoch[at[-1]] == epoch[-1] else None
                runs[direction] = first, last
            elif len(epoch) and epoch[-1]:
                runs[direction] = None, None
        groups, group = table.finish()

        def named(edge: _Edge) -> tuple[str, int] | None:
            return (self.kinds[edge[0]].name, int(group[edge[1]])) if edge is not None else None

        return groups, {d: Runs(named(a), named(b)) for d, (a, b) in runs.items()}, group

    def _tracks(self, rows: Rows, group: Ints) -> dict[str, Track]:
        """Return how the tracks stand at the edges."""
        found = {}
        for code in np.unique(rows.kind).tolist():
            if self.kinds[code].fold == "track":
                at = np.flatnonzero(rows.kind == code)
                t_us, groups = _times(rows, at).tolist(), group[at].tolist()
                track = Track(groups[0], t_us[0], groups[-1], t_us[-1])
                found[self.kinds[code].name] = track
        return found

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


def _times(rows: Rows, at: Ints) -> Ints:
    """Return when rows happened; those at the beginning that do not say, when the first one that does."""
    t_us = rows.t_us[at]
    is_known = t_us != NO_TIME_US
    return np.where(is_known, t_us, t_us[int(np.argmax(is_known))])


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


class Rows:
    """The rows of one chunk, by column, while they are worked out."""

    def __init__(self, text: Bytes, starts: Ints, lengths: Ints) -> None:
        count = len(starts)
        self.text, self.starts, self.lengths = text, starts, lengths
        self.is_fast = np.zeros(count, bool)
        self.is_blank = np.zeros(count, bool)
        self.t_us = np.zeros(count, np.int64)
        self.direction = np.zeros(count, np.uint8)
        self.origin = np.zeros(count, np.uint8)
        self.kind = np.zeros(count, np.int64)
        self.flags = np.zeros(count, np.uint8)
        self.size = np.zeros(count, np.int64)
        self.audio = np.zeros(count, np.int64)
        self.part = np.full(count, NO_PART)

    @classmethod
    def of(cls, lines: Lines) -> Rows:
        """Return the rows of some lines, but for the empty ones."""
        ends = lines.ends
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        lengths = ends - starts
        has_text = lengths > 0
        return cls(lines.text, starts[has_text], lengths[has_text])

    def line(self, at: int) -> bytes:
        """Return a line's bytes."""
        start = int(self.starts[at])
        return self.text[start : start + int(self.lengths[at])].tobytes()

    def ends_with_braces(self, at: Ints) -> Bools:
        """Tell which lines end as an event and its line do."""
        ends = self.starts[at] + self.lengths[at]
        ended: Bools = (self.text[ends - 1] == 125) & (self.text[ends - 2] == 125)
        return ended

    def ended_well(self, at: Ints) -> Bools:
        """Tell which responses did not fail; what the body alone tells is for the parser."""
        lines = map(self.line, at.tolist())
        return np.array(
            [b'"failed"' not in line and b'"incomplete"' not in line for line in lines], bool
        )

    def drop_blank(self) -> None:
        """Leave out lines of white space."""
        if self.is_blank.any():
            keep = ~self.is_blank
            for name in ("starts", "lengths", *_COLUMNS):
                setattr(self, name, getattr(self, name)[keep])

    def columns(self, group: Ints, offset: int) -> dict[str, npt.NDArray[Any]]:
        """Return the finished columns, as ``EventLog`` has them."""
        values: dict[str, npt.NDArray[Any]] = {
            "t_us": self.t_us,
            "offset": self.starts + offset,
            "length": self.lengths,
            "size": self.size,
            "direction": self.direction,
            "origin": self.origin,
            "kind": self.kind,
            "flags": self.flags,
            "group": group,
        }
        return {name: values[name].astype(code) for name, code in COLUMNS}


_COLUMNS = ("t_us", "direction", "origin", "kind", "flags", "size", "audio", "part")


class _GroupTable:
    """Groups of one chunk, put together from stretches of rows that are known to belong together."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._members: list[tuple[Ints, Ints]] = []
        """Rows, and how many of them each stretch has."""
        self._stretches: list[tuple[int, int, int, int, int, int]] = []
        """First row, number, last row, rows, bytes of audio, key."""

    def add(self, at: Ints, cut: Bools, keys: npt.NDArray[np.uint64] | None) -> None:
        """Add rows (never none); a stretch begins at each ``cut``. Without keys each is a group of its own."""
        cut[0] = True
        heads = np.flatnonzero(cut)
        counts = np.diff(heads, append=len(at))
        self._members.append((at, counts))
        number = len(self._stretches)
        self._stretches += zip(
            at[heads].tolist(),
            range(number, number + len(heads)),
            at[heads + counts - 1].tolist(),
            counts.tolist(),
            np.add.reduceat(self._rows.audio[at], heads).tolist(),
            [0] * len(heads) if keys is None else keys[heads].tolist(),
            strict=True,
        )

    def finish(self) -> tuple[list[Group], Ints]:
        """Return the groups in the order of their first rows, and the group of each row."""
        groups: list[Group] = []
        by_key: dict[int, int] = {}
        group_of = np.zeros(len(self._stretches), np.int64)
        for first, number, last, count, audio, key in sorted(self._stretches):
            known = by_key.get(key) if key else None
            if known is None:
                group_of[number] = len(groups)
                if key:
                    by_key[key] = len(groups)
                groups.append(Group(key, first, last, count, audio))
                continue
            group_of[number] = known
            group = groups[known]
            group.last, group.count = last, group.count + count
            group.audio_bytes += audio
        result = np.full(len(self._rows.starts), -1, np.int64)
        begin = 0
        for at, counts in self._members:
            result[at] = np.repeat(group_of[begin : begin + len(counts)], counts)
            begin += len(counts)
        return groups, result
