"""ChunkFile: reads a part of a recording in chunks of whole lines, and locates their newlines."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inspector.recording.format import FileShape, is_whole

LEAST_BYTES, MOST_BYTES = 4 << 20, 16 << 20
"""Bounds of a chunk's size: a larger chunk no longer fits the cache between two passes, and in a smaller one numpy's overhead per
call outweighs the work."""
CHUNK_LINES = 10_000
"""Lines that a chunk should have within these bounds."""
SAMPLES, SAMPLE_BYTES = 8, 1 << 15
"""Parts of a file from which its average line length is estimated."""
LONG_LINE_BYTES = 1500
"""Average line length above which searching for each newline (memchr) is faster than comparing every byte (measured)."""
LINE_BYTES = 1 << 16
"""Read beyond a chunk for the end of its last line; doubled until a longer line is complete."""
MARGIN = 256
"""Zero bytes after a chunk's last line, so that fixed-width reads at its end stay in bounds."""
NEWLINE = 10


@dataclass(frozen=True, slots=True)
class ChunkLines:
    """Consecutive whole lines of a file."""

    text: npt.NDArray[np.uint8]
    """Their bytes, followed by ``MARGIN`` zeros."""
    ends: npt.NDArray[np.int64]
    """Positions of their newlines in ``text``."""
    offset: int
    """Position of ``text`` in the file."""
    buffer: bytearray
    """The buffer that ``text`` is a view of; its ``find`` is faster than numpy for rare bytes."""
    begin: int
    """Position of ``text`` in the buffer."""


class ChunkFile:
    """A part of a file, divided into chunks of whole lines. A line belongs to the chunk in which it begins."""

    def __init__(self, path: Path, start: int, end: int, size: int) -> None:
        """Open a file.

        Args:
            path: the file.
            start: offset at which a line begins.
            end: offset at which to stop.
            size: bytes per chunk.
        """
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._start, self._end, self._size = start, end, size
        self._buffer = bytearray(size + LINE_BYTES + MARGIN + 2)
        self.count = -(-(end - start) // size)

    def read(self, number: int) -> ChunkLines:
        """Return the lines of a chunk, without an incomplete last line. The result is valid until the next call."""
        begin = self._start + number * self._size
        stop = min(begin + self._size, self._end)
        # A line begins after a newline, which may be the last byte of the chunk before.
        first = begin - 1 if number else begin
        filled = self._fill(first, 0, min(stop + LINE_BYTES, self._end) - first)
        line = self._buffer.find(b"\n", 0, min(filled, stop - 1 - first)) + 1 if number else 0
        if number and not line:
            return self._lines(0, 0, begin)
        last = stop - 1 - first
        end = self._buffer.find(b"\n", last, filled)
        while end < 0 and first + filled < self._end:
            before = filled
            filled = self._fill(first, filled, min(2 * filled, self._end - first))
            if filled == before:
                break  # the file has shrunk
            end = self._buffer.find(b"\n", before, filled)
        if end < 0:
            end = self._buffer.rfind(b"\n", line, filled)
            begin = end + 1 if end >= 0 else line
            if is_whole(bytes(self._buffer[begin:filled]), FileShape.OURS):
                self._buffer[filled] = NEWLINE
                end = filled
        size = max(0, end + 1 - line)
        return self._lines(line, size, first + line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _fill(self, offset: int, filled: int, wanted: int) -> int:
        """Fill the buffer with ``wanted`` bytes from ``offset`` on, of which ``filled`` are present; return how many it has."""
        # One byte more, for the newline that a last line may lack.
        if len(self._buffer) < wanted + 1 + MARGIN:
            larger = bytearray(wanted + 1 + MARGIN)
            larger[:filled] = self._buffer[:filled]
            self._buffer = larger
        with memoryview(self._buffer) as buffer:
            while filled < wanted:
                got = os.preadv(self._fd, [buffer[filled:wanted]], offset + filled)
                if not got:
                    break
                filled += got
        return filled

    def _lines(self, begin: int, size: int, offset: int) -> ChunkLines:
        end = begin + size
        self._buffer[end : end + MARGIN] = bytes(MARGIN)
        text = np.frombuffer(self._buffer, np.uint8)[begin : end + MARGIN]
        return ChunkLines(text, self._newlines(begin, end) - begin, offset, self._buffer, begin)

    def _newlines(self, begin: int, end: int) -> npt.NDArray[np.int64]:
        """Return the positions of the newlines in a part of the buffer."""
        sample = min(SAMPLE_BYTES, end - begin)
        if self._buffer.count(b"\n", begin, begin + sample) * LONG_LINE_BYTES > sample:
            return marked(np.frombuffer(self._buffer, np.uint8)[begin:end] == NEWLINE) + begin
        # Long lines have few newlines, and bytearray.find (memchr) skips the bytes between them.
        found = []
        at = self._buffer.find(b"\n", begin, end)
        while at >= 0:
            found.append(at)
            at = self._buffer.find(b"\n", at + 1, end)
        return np.array(found, np.int64)


def chunk_bytes(path: Path, start: int, end: int) -> int:
    """Return a suitable chunk size for a file, by the line length in samples of it."""
    step = max(1, (end - start - SAMPLE_BYTES) // (SAMPLES - 1))
    with path.open("rb", buffering=0) as file:
        samples = [
            os.pread(file.fileno(), SAMPLE_BYTES, start + number * step)
            for number in range(SAMPLES)
        ]
    lines = sum(sample.count(b"\n") for sample in samples) or 1
    return max(LEAST_BYTES, min(sum(map(len, samples)) * CHUNK_LINES // lines, MOST_BYTES))


def marked(marks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the indexes of the true elements; fast if there are few."""
    # np.flatnonzero inspects every element; packed to bits, eight elements without a mark are skipped at once.
    bits = np.packbits(marks)
    some = np.flatnonzero(bits != 0)
    found = np.flatnonzero(np.unpackbits(bits[some]))
    where: npt.NDArray[np.int64] = some[found >> 3] * 8 + (found & 7)
    return where
