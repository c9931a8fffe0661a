"""Rows: the columns of one chunk while its lines are being indexed, and the byte searches that this needs.

Lines with unusual bytes (control characters, invalid UTF-8 or escapes) are marked for the ordinary parser, so that the vectorized
code only handles lines that it reads exactly as the parser would.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.core.log import COLUMNS
from inspector.recording.chunk_file import MARGIN, ChunkLines, marked
from inspector.recording.spans import Ints, LineMask, WordColumn, pieces, windows

NO_PART = np.uint64(0)
"""Key of a row that belongs to no content part."""
QUOTE, BACKSLASH, NEWLINE = b'"\\\n'
ASCII_MAX = 127
NEAR_BYTES = 32
"""Distance within which most strings end; only longer ones need a search of their own."""
CODED = ord("u")
"""Letter of a numeric escape (RFC 8259, section 7)."""
STAND_IN = ord("'")
"""Replaces an escaped quote, so that every remaining quote begins or ends a string."""
PIECE_BYTES = 1 << 17
"""Bytes examined at a time, so that two passes over them stay in the cache."""
_COLUMNS = ("t_us", "direction", "origin", "kind", "flags", "size", "audio", "part")

_CAN_BE_ESCAPED = np.zeros(256, bool)
_CAN_BE_ESCAPED[list(b'"\\/bfnrt')] = True
_IS_HEX = np.zeros(256, bool)
_IS_HEX[list(b"0123456789abcdefABCDEF")] = True


class Rows:
    """The rows of one chunk, by column, while they are being indexed."""

    def __init__(self, lines: ChunkLines) -> None:
        """Prepare a row for each line that is not empty."""
        ends = lines.ends
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        has_text = ends > starts
        self._lines = lines
        self.text, self.starts, self.ends = lines.text, starts[has_text], ends[has_text]
        self.lengths = self.ends - self.starts
        count = len(self.starts)
        self.is_plain = np.ones(count, bool)
        """Whether a line may match a layout: valid UTF-8 without control characters, with valid JSON escapes only."""
        self.is_literal = np.ones(count, bool)
        """Whether all strings of a line are ASCII without escapes, so that their length is that of their values."""
        self._escaped_quotes = np.zeros(0, np.int64)
        """Positions of the quotes replaced by ``STAND_IN``."""
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
        self._check_bytes()

    def line(self, at: int) -> bytes:
        """Return a line's original bytes."""
        start, end = int(self.starts[at]), int(self.ends[at])
        line = self.text[start:end]
        escaped = self._escaped_quotes
        first, last = np.searchsorted(escaped, (start, end)) if len(escaped) else (0, 0)
        if first < last:
            line = line.copy()
            line[escaped[first:last] - start] = QUOTE
        return line.tobytes()

    def plain_line(self, at: int) -> bytes:
        """Return a line's bytes with escaped quotes replaced, so that every quote begins or ends a string."""
        return self.text[self.starts[at] : self.ends[at]].tobytes()

    def windows(self, at: Ints, width: int, among: LineMask) -> WordColumn | None:
        """Return the ``width`` bytes from each position on, valid where ``among`` is true; None if no element of it is."""
        return windows(self.text, np.where(among, at, 0), width) if among.any() else None

    def next_quotes(self, at: Ints, ends: Ints, among: LineMask) -> Ints:
        """Return the position of the next quote from each position on, valid where ``among`` is true; ``ends`` without a quote."""
        starts = np.where(among, at, 0)
        near = pieces(self.text, starts, NEAR_BYTES).view(np.uint8) == QUOTE
        found: Ints = near.argmax(axis=1)
        is_far = among & ~near[np.arange(len(at)), found]
        found += starts
        # Long strings, mostly audio: bytearray.find (memchr) is faster than comparing every byte in numpy.
        begin, search = self._lines.begin, self._lines.buffer.find
        stretches = zip((at[is_far] + begin).tolist(), (ends[is_far] + begin).tolist(), strict=True)
        far = np.array([search(b'"', *stretch) for stretch in stretches], np.int64)
        found[is_far] = np.where(far < 0, ends[is_far], far - begin)
        return found

    def _check_bytes(self) -> None:
        """Mark the lines with bytes that only the parser may read, and those that are not literal."""
        text = self.text[: len(self.text) - MARGIN]
        newlines = self._lines.ends
        text[newlines] = ord(" ")
        # As signed numbers, bytes beyond ASCII are negative, so one minimum finds them and the control characters. A minimum
        # per piece is much faster than comparing all bytes, and in most pieces it suffices. Newlines are masked meanwhile.
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
            self._check_non_ascii(at[is_foreign])
        self._check_escapes(self._backslashes())

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

    def _check_non_ascii(self, at: Ints) -> None:
        """Mark the lines with bytes beyond ASCII, given by their positions, and those that are not valid UTF-8."""
        if not len(at):
            return
        rows = self._rows_at(at)
        self.is_literal[rows] = False
        # Only these bytes are decoded. Each run is followed by its next ASCII byte, so that a truncated sequence at the end of
        # one run is not completed by the beginning of the next.
        is_last = np.diff(at, append=-1) != 1
        runs = np.repeat(at, 1 + is_last)
        runs[np.cumsum(1 + is_last)[is_last] - 1] += 1
        if not _is_utf8(self.text[runs].tobytes()):
            self.is_plain[rows] &= [_is_utf8(self.line(row)) for row in rows.tolist()]

    def _check_escapes(self, at: Ints) -> None:
        """Mark the lines with escapes, given by the positions of their backslashes, and replace the escaped quotes."""
        if not len(at):
            return
        self.is_literal[self._rows_at(at)] = False
        # In a run of backslashes, every second one is escaped by the one before and begins no escape.
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
        """Return the rows that contain the given positions, which must not be newlines."""
        return np.searchsorted(self.ends, positions)

    def drop_blank(self) -> None:
        """Remove the rows of lines with white space only."""
        if self.is_blank.any():
            keep = ~self.is_blank
            for name in ("starts", "lengths", "ends", *_COLUMNS):
                setattr(self, name, getattr(self, name)[keep])

    def columns(self, group: Ints, offset: int) -> dict[str, npt.NDArray[Any]]:
        """Return the finished columns, with the names and types of ``EventLog``."""
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
