"""The bulk scanner: indexes a large recording in a process of its own, by column.

    python -m inspector.recording.scan FILE START END OUT_FD

It reads the file in chunks and writes blocks (``write_block``) to a file descriptor. Lines as the writer makes them are taken
apart with numpy: the head by fixed columns, the ids of deltas by *speculation* (where the first delta of a type had its
``item_id``, the others have it too; each is verified). Whatever does not fit is parsed one by one, so the result is that of
appending every event to a log.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.core.event import Direction
from inspector.core.groups import RUN_BREAKERS, audio_bytes_of, part_key
from inspector.core.kinds import KindTable
from inspector.core.log import COLUMNS, DIRECTION_CODE, ORIGIN_CODE, flags_of
from inspector.recording.format import Shape, parse
from inspector.recording.templates import (
    HEAD_BYTES,
    PART_ABSENT,
    AudioTemplates,
    PartTemplates,
    hash_rows,
    hash_text,
)

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

CHUNK_BYTES = 8 << 20
MAGIC = struct.Struct("<QQQ")
"""Before each block: first row, end offset, payload bytes."""
_DTYPES = {"q": np.int64, "I": np.uint32, "B": np.uint8, "H": np.uint16, "i": np.int32}
_PREFIX = np.frombuffer(b'{"seq":', np.uint8)
_DIRECTIONS = tuple(
    (code, np.frombuffer(f'"dir":"{d.value}","origin":"'.encode(), np.uint8))
    for d, code in DIRECTION_CODE.items()
)
_ORIGINS = tuple(
    (code, np.frombuffer(f'{o.value}","type":"'.encode(), np.uint8))
    for o, code in ORIGIN_CODE.items()
)
_EVENT = np.frombuffer(b'","event":{', np.uint8)
_MAX_SEQ_END = 20
ORIGIN_END = 88
"""Columns in which the longest head has its origin."""
TYPE_BYTES = 80
"""Columns from the start of a type in which the event's JSON must begin."""


class Scanner:
    """Indexes one file, chunk by chunk."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self.row = 0
        self._kind_of_hash: dict[int, int] = {}
        self._parts = PartTemplates()
        self._audio = AudioTemplates()
        self._group_of_key: dict[int, int] = {}
        self._open_runs: dict[int, tuple[int, int]] = {}
        self._previous_t_us = 0
        self.heads, self.lasts = array("i"), array("i")
        self.counts, self.audio_sizes = array("I"), array("q")

    def chunk(self, text: Bytes, size: int, offset: int) -> dict[str, Any]:
        """Index the whole lines in the first ``size`` bytes of ``text``, which has ``HEAD_BYTES`` more.

        ``offset`` is where ``text`` stands in the file. Returns the columns.
        """
        ends = np.flatnonzero(text[:size] == 10)
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts
        keep = lengths > 0
        starts, lengths = starts[keep], lengths[keep]
        rows = Rows(text, starts, lengths)
        self._heads(rows)
        self._slow(rows)
        rows.drop_blank()
        self._audio.measure(rows, self.kinds)
        groups = self._groups(rows)
        columns = rows.columns(groups, offset)
        self.row += len(rows.starts)
        if len(rows.starts):
            self._previous_t_us = int(rows.t_us[-1])
        return columns

    def _heads(self, rows: Rows) -> None:
        """Take the heads apart; what fits is marked ``is_fast``."""
        head = rows.head
        fits = (head[:, : len(_PREFIX)] == _PREFIX).all(axis=1)
        first = 7 + (head[:, 7:_MAX_SEQ_END] == 44).argmax(axis=1)
        second = (
            first
            + 5
            + (head[np.arange(len(head))[:, None], first[:, None] + np.arange(5, 24)] == 44).argmax(
                axis=1
            )
        )
        key = np.where(fits, first * 64 + second, -1)
        for value in np.unique(key):
            if value >= 0:
                self._columns_at(
                    rows, np.flatnonzero(key == value), int(value) // 64, int(value) % 64
                )

    def _columns_at(self, rows: Rows, index: Ints, first: int, second: int) -> None:
        """Read heads whose ``seq`` ends at column ``first`` and whose ``t`` ends at ``second``."""
        head = chosen(rows.head, index)
        digits = head[:, first + 5 : second].astype(np.int64) - 48
        width = digits.shape[1]
        if width < 8:
            return
        is_t = (head[:, first + 1 : first + 5] == np.frombuffer(b'"t":', np.uint8)).all(axis=1) & (
            digits[:, -7] == -2
        )
        number = np.delete(digits, width - 7, axis=1)
        is_t &= ((number >= 0) & (number <= 9)).all(axis=1)
        rows.t_us[index] = number @ (10 ** np.arange(width - 2, -1, -1, dtype=np.int64))
        at = second + 1
        for direction, mark in _DIRECTIONS:
            # The first letter of the direction tells it apart; the whole mark is compared for those rows only.
            maybe = np.flatnonzero(is_t & (head[:, at + 7] == mark[7]))
            if len(maybe):
                part = chosen(head, maybe)
                is_here = np.flatnonzero((part[:, at : at + len(mark)] == mark).all(axis=1))
                rows.direction[index[maybe[is_here]]] = direction
                self._origins_at(
                    rows, chosen(index[maybe], is_here), chosen(part, is_here), at + len(mark)
                )

    def _origins_at(self, rows: Rows, index: Ints, head: Bytes, at: int) -> None:
        """Read origin and type of rows whose origin begins at column ``at``."""
        for origin, mark in _ORIGINS:
            maybe = np.flatnonzero(head[:, at] == mark[0])
            if not len(maybe):
                continue
            is_here = (chosen(head, maybe)[:, at : at + len(mark)] == mark).all(axis=1)
            where, start = index[maybe[is_here]], at + len(mark)
            # A window past the end of the chunk cannot be read whole: such a row is parsed.
            where = where[rows.starts[where] + start + TYPE_BYTES < len(rows.text)]
            name = rows.type_windows[rows.starts[where] + start]
            length = (name == 34).argmax(axis=1)
            after = length[:, None] + np.arange(len(_EVENT))
            fits = (length > 0) & (length < TYPE_BYTES - len(_EVENT))
            fits &= (
                name[np.arange(len(name))[:, None], np.minimum(after, TYPE_BYTES - 1)] == _EVENT
            ).all(axis=1)
            fits &= rows.ends_with_braces(where)
            fitting = np.flatnonzero(fits)
            where, length = chosen(where, fitting), chosen(length, fitting)
            rows.is_fast[where] = True
            rows.origin[where] = origin
            rows.payload[where] = start + length + len(_EVENT) - 1
            rows.kind[where] = self._kinds_of(chosen(name, fitting), length, rows, where)

    def _kinds_of(self, name: Bytes, length: Ints, rows: Rows, where: Ints) -> Ints:
        hashes = hash_rows(name, length)
        found, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        codes = np.zeros(len(found), np.int64)
        for at in np.argsort(first):
            value = int(found[at])
            code = self._kind_of_hash.get(value)
            if code is None:
                raw = name[first[at], : length[first[at]]].tobytes()
                is_plain = b"\\" not in raw and raw.isascii()
                code = self.kinds.code(raw.decode()) if is_plain else -1
                self._kind_of_hash[value] = code
            codes[at] = code
        result = codes[inverse]
        rows.is_fast[where[result < 0]] = False
        return np.maximum(result, 0)

    def _slow(self, rows: Rows) -> None:
        """Parse what did not fit, and what only its body tells."""
        kinds = self.kinds
        rows.flags[:] = np.array(
            [kinds[code].flags for code in range(len(kinds))] or [0], np.uint8
        )[rows.kind]
        done = kinds.code("response.done")
        for at in np.flatnonzero(rows.is_fast & (rows.kind == done)):
            line = rows.line(int(at))
            if b'"failed"' in line or b'"incomplete"' in line:
                rows.is_fast[at] = False
        rows.find_parts(self._parts, kinds)
        for at in np.flatnonzero(~rows.is_fast):
            self._parse(rows, int(at))

    def _parse(self, rows: Rows, at: int) -> None:
        line = rows.line(at)
        previous_us = int(rows.t_us[at - 1]) if at else self._previous_t_us
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
        rows.part[at] = hash_text(key[1], key[2], code) if key is not None else PART_ABSENT

    def _groups(self, rows: Rows) -> npt.NDArray[np.int32]:
        """Give every row its group, opening groups in the order of their first rows."""
        kinds = self.kinds
        folds = np.array(
            [{"": 0, "run": 1, "part": 2}[kinds[code].fold] for code in range(len(kinds))] or [0]
        )[rows.kind]
        is_part = (folds == 2) & (rows.part != PART_ABSENT)
        is_run = (folds > 0) & ~is_part
        group = np.full(len(rows.starts), -1, np.int64)
        runs = self._runs(rows, is_run, folds == 0)
        part_rows = np.flatnonzero(is_part)
        found, first, inverse = np.unique(
            rows.part[part_rows], return_index=True, return_inverse=True
        )
        opened = [
            (int(part_rows[first[at]]), "part", at)
            for at in range(len(found))
            if int(found[at]) not in self._group_of_key
        ]
        opened += [(head, "run", at) for at, (head, known) in enumerate(runs.heads) if known < 0]
        run_groups = [known for _, known in runs.heads]
        for head, what, at in sorted(opened):
            number = len(self.heads)
            self.heads.append(self.row + head)
            self.lasts.append(self.row + head)
            self.counts.append(0)
            self.audio_sizes.append(0)
            if what == "part":
                self._group_of_key[int(found[at])] = number
            else:
                run_groups[at] = number
        if len(found):
            group[part_rows] = np.array([self._group_of_key[int(key)] for key in found])[inverse]
        if len(runs.rows):
            group[runs.rows] = np.array(run_groups)[runs.number]
        self._keep_open_runs(runs, run_groups)
        self._tally(rows, group)
        return group.astype(np.int32)

    def _runs(
        self, rows: Rows, is_run: npt.NDArray[np.bool_], is_plain: npt.NDArray[np.bool_]
    ) -> Runs:
        """Cut the rows that fold with their neighbours into runs, per direction."""
        breaker_codes = [self.kinds.code(name) for name in RUN_BREAKERS]
        result = Runs()
        for direction in range(len(DIRECTION_CODE)):
            is_here = rows.direction == direction
            breaks = is_here & is_plain
            if direction == DIRECTION_CODE[Direction.CLIENT]:
                breaks |= np.isin(rows.kind, breaker_codes)
            epoch = np.cumsum(breaks)
            at = np.flatnonzero(is_here & is_run)
            open_run = self._open_runs.get(direction)
            if len(at):
                kinds = rows.kind[at]
                cut = np.ones(len(at), bool)
                cut[1:] = (np.diff(epoch[at]) != 0) | (np.diff(kinds) != 0)
                continues = open_run is not None and epoch[at[0]] == 0 and open_run[0] == kinds[0]
                result.add(at, cut, open_run[1] if continues and open_run is not None else -1)
                last_is_open = epoch[at[-1]] == (epoch[-1] if len(epoch) else 0)
                result.open[direction] = (
                    (int(kinds[-1]), len(result.heads) - 1) if last_is_open else None
                )
            elif len(epoch) and epoch[-1]:
                result.open[direction] = None
        return result

    def _keep_open_runs(self, runs: Runs, groups: list[int]) -> None:
        for direction, run in runs.open.items():
            if run is None:
                self._open_runs.pop(direction, None)
            else:
                self._open_runs[direction] = run[0], groups[run[1]]

    def _tally(self, rows: Rows, group: Ints) -> None:
        at = np.flatnonzero(group >= 0)
        if not len(at):
            return
        touched, inverse = np.unique(group[at], return_inverse=True)
        counts = np.bincount(inverse)
        audio = np.bincount(inverse, weights=rows.audio[at])
        last = np.zeros(len(touched), np.int64)
        np.maximum.at(last, inverse, at)
        for number, count, size, row in zip(
            touched.tolist(), counts.tolist(), audio.tolist(), last.tolist(), strict=True
        ):
            self.counts[number] += count
            self.audio_sizes[number] += int(size)
            self.lasts[number] = self.row + row

    def group_columns(self) -> dict[str, bytes]:
        """Return the whole group table."""
        return {
            "head": self.heads.tobytes(),
            "last": self.lasts.tobytes(),
            "count": self.counts.tobytes(),
            "audio_bytes": self.audio_sizes.tobytes(),
        }


def chosen(values: Any, index: Ints) -> Any:
    """Return ``values[index]``, without a copy where that is all of them in order."""
    return values if len(index) == len(values) else values[index]


class Runs:
    """Runs of one chunk, over all directions."""

    def __init__(self) -> None:
        self.heads: list[tuple[int, int]] = []
        """(first row, group that it continues or -1) of each run."""
        self.open: dict[int, tuple[int, int] | None] = {}
        """Direction to (kind, run) of the run that is still open at the end; None where none is."""
        self.rows: Ints = np.zeros(0, np.int64)
        self.number: Ints = np.zeros(0, np.int64)

    def add(self, rows: Ints, cut: npt.NDArray[np.bool_], continued: int) -> None:
        """Add the runs of one direction; the first continues a group where that is not -1."""
        base = len(self.heads)
        firsts = rows[cut].tolist()
        self.heads += [(first, continued if at == 0 else -1) for at, first in enumerate(firsts)]
        self.rows = np.concatenate((self.rows, rows))
        self.number = np.concatenate((self.number, base + np.cumsum(cut) - 1))


class Rows:
    """The rows of one chunk, by column, while they are worked out."""

    def __init__(self, text: Bytes, starts: Ints, lengths: Ints) -> None:
        count = len(starts)
        self.text, self.starts, self.lengths = text, starts, lengths
        self.windows = np.lib.stride_tricks.sliding_window_view(text, HEAD_BYTES)
        """The ``HEAD_BYTES`` from any byte of the chunk on; a view."""
        self.type_windows = np.lib.stride_tricks.sliding_window_view(text, TYPE_BYTES)
        self.head = np.lib.stride_tricks.sliding_window_view(text, ORIGIN_END)[starts]
        self.is_fast = np.zeros(count, bool)
        self.is_blank = np.zeros(count, bool)
        self.t_us = np.zeros(count, np.int64)
        self.direction = np.zeros(count, np.uint8)
        self.origin = np.zeros(count, np.uint8)
        self.kind = np.zeros(count, np.int64)
        self.flags = np.zeros(count, np.uint8)
        self.payload = np.zeros(count, np.int64)
        """Column where the event's own JSON begins."""
        self.size = np.zeros(count, np.int64)
        self.audio = np.zeros(count, np.int64)
        self.part = np.full(count, PART_ABSENT, np.uint64)

    def line(self, at: int) -> bytes:
        """Return a line's bytes."""
        start = int(self.starts[at])
        return self.text[start : start + int(self.lengths[at])].tobytes()

    def ends_with_braces(self, at: Ints) -> npt.NDArray[np.bool_]:
        """Tell which lines end as an event and its line do."""
        ends = self.starts[at] + self.lengths[at]
        ended: npt.NDArray[np.bool_] = (self.text[ends - 1] == 125) & (self.text[ends - 2] == 125)
        return ended

    def find_parts(self, templates: PartTemplates, kinds: KindTable) -> None:
        """Find the content part of every delta; what does not fit the templates is to be parsed."""
        for code in np.unique(self.kind[self.is_fast]).tolist():
            if kinds[code].fold == "part":
                at = np.flatnonzero(self.is_fast & (self.kind == code))
                self.is_fast[at[~templates.apply(self, at, code)]] = False

    def drop_blank(self) -> None:
        """Leave out lines of white space; work out the size of the rest."""
        self.size[self.is_fast] = (self.lengths - self.payload - 1)[self.is_fast]
        if self.is_blank.any():
            keep = ~self.is_blank
            for name in (
                "starts",
                "lengths",
                "is_fast",
                "is_blank",
                "t_us",
                "direction",
                "origin",
                "kind",
                "flags",
                "payload",
                "size",
                "audio",
                "part",
            ):
                setattr(self, name, getattr(self, name)[keep])

    def columns(self, group: npt.NDArray[np.int32], offset: int) -> dict[str, bytes]:
        """Return the finished columns."""
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
        return {name: values[name].astype(_DTYPES[code]).tobytes() for name, code in COLUMNS}


def scan(path: Path, start: int, end: int, out_fd: int) -> None:
    """Index ``[start, end)`` of a file and write the blocks to ``out_fd``."""
    scanner = Scanner()
    with path.open("rb") as file:
        # Never closed: numpy views of it live as long as the process.
        text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    whole = np.frombuffer(text, np.uint8)
    position = start
    while position < end:
        stop = text.rfind(b"\n", position, min(end, position + CHUNK_BYTES)) + 1
        if stop <= position:
            stop = text.find(b"\n", position, end) + 1
            if stop <= position:
                return
        view = whole[position : stop + HEAD_BYTES]
        if len(view) < stop - position + HEAD_BYTES:
            view = np.concatenate((view, np.zeros(HEAD_BYTES, np.uint8)))
        first_row = scanner.row
        columns = scanner.chunk(view, stop - position, position)
        position = stop
        write_block(out_fd, scanner, first_row, position, columns)


def write_block(
    fd: int, scanner: Scanner, first_row: int, end: int, columns: dict[str, bytes]
) -> None:
    """Write one block: counts, then length-prefixed columns, groups and type names."""
    parts = [columns[name] for name, _ in COLUMNS]
    parts += scanner.group_columns().values()
    parts.append("\n".join(scanner.kinds.names()).encode())
    payload = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    data = memoryview(MAGIC.pack(first_row, end, len(payload)) + payload)
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    scan(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
