"""Rows of a recording that is read leanly: where lines stand, and what runs of appends amount to."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from inspector.core.audio_formats import AudioFormat
from inspector.core.input_audio import AppendRun
from inspector.core.log import NO_TIME_US

if TYPE_CHECKING:
    from inspector.recording.chunk_rows import Rows
    from inspector.recording.spans import Ints


class LinePlace(NamedTuple):
    """Where a line stands."""

    row: int
    offset: int
    length: int


class LinePlaces:
    """Where lines of one kind stand, in order: 20 bytes each."""

    def __init__(self) -> None:
        self._rows, self._offsets, self._lengths = array("q"), array("q"), array("I")

    def add(self, place: LinePlace) -> None:
        """Note the next line."""
        self._rows.append(place.row)
        self._offsets.append(place.offset)
        self._lengths.append(place.length)

    def extend(self, rows: Ints, offsets: Ints, lengths: Ints) -> None:
        """Note the next lines."""
        self._rows.frombytes(rows.astype("q").tobytes())
        self._offsets.frombytes(offsets.astype("q").tobytes())
        self._lengths.frombytes(lengths.astype("I").tobytes())

    def before(self, row: int) -> Iterator[LinePlace]:
        """Yield the lines before a row, the last first."""
        for at in range(bisect_left(self._rows, row) - 1, -1, -1):
            yield self._at(at)

    def since(self, row: int) -> Iterator[LinePlace]:
        """Yield the lines from a row on."""
        for at in range(bisect_left(self._rows, row), len(self._rows)):
            yield self._at(at)

    def between(self, row: int, end: int) -> list[LinePlace]:
        """Return the lines from a row on and before another."""
        places = range(bisect_left(self._rows, row), bisect_left(self._rows, end))
        return [self._at(at) for at in places]

    def of(self, row: int) -> LinePlace:
        """Return where a row stands, if all rows are noted."""
        return self._at(row)

    def _at(self, at: int) -> LinePlace:
        return LinePlace(self._rows[at], self._offsets[at], self._lengths[at])


class AppendRows:
    """The appends of a chunk; the sums of any run are known without iterating over it."""

    def __init__(self, rows: Rows, at: Ints) -> None:
        import numpy as np

        self.rows = at
        """Where they stand in the chunk."""
        self._sizes, self._t_us = rows.audio[at], rows.t_us[at].tolist()
        self._at: list[int] = at.tolist()
        self._done = 0
        self._bytes = _sums(self._sizes)
        self._timed = np.flatnonzero(rows.t_us[at] != NO_TIME_US).tolist()
        self._format: AudioFormat | None = None
        self._lengths: list[int] = []

    def __len__(self) -> int:
        return len(self._at)

    def upto(self, row: int) -> tuple[int, int]:
        """Return from which to which append those stand that come before a row and were not asked for yet."""
        begin, self._done = self._done, bisect_left(self._at, row, self._done)
        return begin, self._done

    def run(self, begin: int, end: int, form: AudioFormat) -> AppendRun:
        """Return the run of some appends of a format."""
        if form != self._format:
            # Each is cut to whole nanoseconds, as AudioFormat.ns does.
            self._lengths = _sums((self._sizes * 1_000_000 / form.bytes_per_ms).astype("q"))
            self._format = form
        first, last = bisect_left(self._timed, begin), bisect_left(self._timed, end) - 1
        is_timed = first <= last
        one, other = (self._timed[first], self._timed[last]) if is_timed else (0, 0)
        return AppendRun(
            end - begin,
            self._bytes[end] - self._bytes[begin],
            self._lengths[end] - self._lengths[begin],
            self._t_us[one] * 1000 if is_timed else None,
            self._t_us[other] * 1000 if is_timed else None,
            self._lengths[one + 1] - self._lengths[one] if is_timed else 0,
        )


def _sums(numbers: Ints) -> list[int]:
    """Return the sums of the first none, one, two … of some numbers."""
    import numpy as np

    sums: list[int] = np.concatenate(([0], np.cumsum(numbers))).tolist()
    return sums
