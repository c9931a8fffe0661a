"""The rows of one chunk, column by column, while they are worked out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.core.log import COLUMNS
from inspector.recording.chunk_file import MARGIN, ChunkLines, marked
from inspector.recording.spans import Ints, LineMask, WordColumn, pieces, windows

NO_PART = np.uint64(0)
"""In place of the key of a content part, for a row that belongs to none."""
QUOTE, BACKSLASH, NEWLINE = b'"\\\n'
ASCII_MAX = 127
NEAR_BYTES = 32
"""In which most texts end."""
CODED = ord("u")
"""What an escape by a number begins with."""
STAND_IN = ord("'")
PIECE_BYTES = 1 << 17
"""Looked at at a time: what two passes over it need stays in the cache."""
_COLUMNS = ("t_us", "direction", "origin", "kind", "flags", "size", "audio", "part")

_CAN_BE_ESCAPED = np.zeros(256, bool)
_CAN_BE_ESCAPED[list(b'"\\/bfnrt')] = True
_IS_HEX = np.zeros(256, bool)
_IS_HEX[list(b"0123456789abcdefABCDEF")] = True


class Rows:
    """The rows of one chunk, by column, while they are worked out."""

    def __init__(self, lines: ChunkLines) -> None:
        """Take some lines, but for the empty ones."""
        ends = lines.ends
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        has_text = ends > starts
        self._lines = lines
        self.text, self.starts, self.ends = lines.text, starts[has_text], ends[has_text]
        self.lengths = self.ends - self.starts
        count = len(self.starts)
        self.is_plain = np.ones(count, bool)
        """Whether a line may have a layout: UTF-8 without control characters, all of its escapes as JSON has them."""
        self.is_literal = np.ones(count, bool)
        """Whether all texts of a line are ASCII without escapes, and so as long as what they stand for."""
        self._escaped_quotes = np.zeros(0, np.int64)
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
        self._look_at_bytes()

    def line(self, at: int) -> bytes:
        """Return a line's bytes."""
        start, end = int(self.starts[at]), int(self.ends[at])
        line = self.text[start:end]
        escaped = self._escaped_quotes
        first, last = np.searchsorted(escaped, (start, end)) if len(escaped) else (0, 0)
        if first < last:
            line = line.copy()
            line[escaped[first:last] - start] = QUOTE
        return line.tobytes()

    def plain_line(self, at: int) -> bytes:
        """Return a line's bytes with another one in place of every escaped quote: those that are left begin and end texts."""
        return self.text[self.starts[at] : self.ends[at]].tobytes()

    def windows(self, at: Ints, width: int, among: LineMask) -> WordColumn | None:
        """Return the bytes from some positions on, those of ``among`` alone; None where these are none."""
        return windows(self.text, np.where(among, at, 0), width) if among.any() else None

    def next_quotes(self, at: Ints, ends: Ints, among: LineMask) -> Ints:
        """Return where the next quote stands from some positions on, those of ``among`` alone; ``ends`` where no line has one."""
        starts = np.where(among, at, 0)
        near = pieces(self.text, starts, NEAR_BYTES).view(np.uint8) == QUOTE
        found: Ints = near.argmax(axis=1)
        is_far = among & ~near[np.arange(len(at)), found]
        found += starts
        # Long texts, most of all audio: the C library's search is faster than comparing every byte.
        begin, search = self._lines.begin, self._lines.buffer.find
        stretches = zip((at[is_far] + begin).tolist(), (ends[is_far] + begin).tolist(), strict=True)
        far = np.array([search(b'"', *stretch) for stretch in stretches], np.int64)
        found[is_far] = np.where(far < 0, ends[is_far], far - begin)
        return found

    def _look_at_bytes(self) -> None:
        """Find the lines that are for the parser because of a byte in them."""
        text = self.text[: len(self.text) - MARGIN]
        newlines = self._lines.ends
        text[newlines] = ord(" ")
        # As signed numbers, bytes beyond ASCII are below zero. The smallest is found faster than all that are small.
        odd = [
            marked(piece < ord(" ")) + begin
            for begin in range(0, len(text), PIECE_BYTES)
            if (piece := text[begin : begin + PIECE_BYTES].view(np.int8)).min() < ord(" ")
        ]
        text[newlines] = NEWLINE
        if odd:
            at = np.concatenate(odd)
            is_foreign = text[at] > ASCII_MAX
            self.is_plain[self._rows_at(at[~is_foreign])] = False
            self._look_at_foreign(at[is_foreign])
        self._look_at_escapes(self._backslashes())

    def _backslashes(self) -> Ints:
        begin, buffer = self._lines.begin, self._lines.buffer
        end = begin + len(self.text) - MARGIN
        found = [np.zeros(0, np.int64)]
        at = buffer.find(b"\\", begin, end)
        while at >= 0:
            first, last = at - begin, min(at + PIECE_BYTES, end) - begin
            found.append(marked(self.text[first:last] == BACKSLASH) + first)
            at = buffer.find(b"\\", last + begin, end)
        return np.concatenate(found)

    def _look_at_foreign(self, at: Ints) -> None:
        """Find the lines that are no ASCII, and those that are no UTF-8, by where their bytes beyond ASCII are."""
        if not len(at):
            return
        rows = self._rows_at(at)
        self.is_literal[rows] = False
        # Between two runs of such bytes stands the one that follows the first, so that no sequence runs into the next one.
        is_last = np.diff(at, append=-1) != 1
        runs = np.repeat(at, 1 + is_last)
        runs[np.cumsum(1 + is_last)[is_last] - 1] += 1
        if not _is_utf8(self.text[runs].tobytes()):
            self.is_plain[rows] &= [_is_utf8(self.line(row)) for row in rows.tolist()]

    def _look_at_escapes(self, at: Ints) -> None:
        """Find the lines with escapes that JSON does not have, by where their backslashes are; take quotes away that are escaped."""
        if not len(at):
            return
        self.is_literal[self._rows_at(at)] = False
        is_first = np.diff(at, prepend=-2) != 1
        place_in_run = at - at[is_first][np.cumsum(is_first) - 1]
        begins = at[place_in_run % 2 == 0]
        what = self.text[begins + 1]
        is_right = _CAN_BE_ESCAPED[what]
        coded = np.flatnonzero(what == CODED)
        digits = begins[coded, None] + np.arange(2, 6)
        is_right[coded] = _IS_HEX[self.text[digits]].all(axis=1)
        self.is_plain[self._rows_at(begins[~is_right])] = False
        self._escaped_quotes = begins[what == QUOTE] + 1
        self.text[self._escaped_quotes] = STAND_IN

    def _rows_at(self, positions: Ints) -> Ints:
        """Return the rows that some bytes are in, for bytes that are no newlines."""
        return np.searchsorted(self.ends, positions)

    def drop_blank(self) -> None:
        """Leave out lines of white space."""
        if self.is_blank.any():
            keep = ~self.is_blank
            for name in ("starts", "lengths", "ends", *_COLUMNS):
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


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
