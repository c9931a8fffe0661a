"""RecordingOpening: a recording that is indexed while the screen is already shown.

The first rows are indexed at once, so that the first frame shows them. A small file is indexed here in slices; a large one by
other processes (``recording.scan``), which use the other cores and cannot delay a key, and cache their index for the next time.
Afterwards the file is watched: new lines are appended, and truncation or replacement is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.clock import Clock, SystemClock
from inspector.core.log import Block, EventLog
from inspector.core.units import NS_PER_MS
from inspector.errors import RecordingError
from inspector.recording.format import FileShape, Header
from inspector.recording.prestart import SMALL_BYTES
from inspector.recording.reader import RecordingReader

if TYPE_CHECKING:
    from inspector.recording.scan_process import ScanProcess

FIRST_BYTES = 256 << 10
"""Indexed before the first frame: a few hundred rows with audio, which takes a few milliseconds."""
SLICE_BYTES = 64 << 10
"""Indexed between two looks at the clock."""
SLICE_NS = 8 * NS_PER_MS
"""Time per tick, about half a frame at 60 frames a second."""


class RecordingOpening:
    """A recording that is being opened or watched."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        indexes: Path | None = None,
        scan: ScanProcess | None = None,
    ) -> None:
        """Open a file and index its first rows.

        Args:
            path: the file.
            clock: limits the slices.
            indexes: folder of the cached indexes of large recordings; None disables the cache.
            scan: a prestarted indexing process, which this object closes; None starts one if it is needed.

        Raises:
            RecordingError: the file is not a recording.
        """
        self.path = path
        self.notices: list[str] = []
        self._reader = RecordingReader(path)
        self._clock = clock
        self._size = self._reader.size
        self._is_torn = False
        self._has_noted_times = False
        self._is_replaced = False
        self._scan: ScanProcess | None = None
        self._kept: Iterator[Block | None] | None = None
        self._kept_at: Path | None = None
        self.log: EventLog = self._reader.new_log()
        if self._size > SMALL_BYTES and self._reader.shape is FileShape.OURS:
            self._index_in_background(indexes, scan)
        if scan is not None and self._scan is None:
            scan.close()
        self._position = self._index(self._reader.start, self._reader.start + FIRST_BYTES)
        if not self._size:
            self.notices.append("the file is empty")
        elif self._reader.shape is not FileShape.OURS:
            self.notices.append(f"not recorded by Realtime Inspector; read as {self._reader.shape}")
        self._note_end()

    @property
    def header(self) -> Header:
        """Return the recording's first line."""
        return self._reader.header

    @property
    def progress(self) -> float:
        """Return the indexed fraction of the file, 0..1."""
        return min(1.0, self._position / self._size) if self._size else 1.0

    def advance(self) -> bool:
        """Index for a bounded time, then watch the file; return whether anything changed."""
        before = self.log.revision, len(self.notices)
        if self._kept is not None:
            self._load_cached(self._kept)
        elif self._scan is not None:
            self._load_scanned(self._scan)
        elif self._position < self._size:
            until_ns = self._clock.now_ns() + SLICE_NS
            while self._position < self._size and self._clock.now_ns() < until_ns:
                self._position = self._index(self._position, self._position + SLICE_BYTES)
            self._note_end()
        else:
            self._watch()
        return before != (self.log.revision, len(self.notices))

    def close(self) -> None:
        """Close the file and end the indexing process."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None
        self._reader.close()

    def _index_in_background(self, indexes: Path | None, scan: ScanProcess | None) -> None:
        """Use the cached index if it is valid, else start the indexing process."""
        from inspector.recording.index_file import index_path, read_index

        self._kept_at = index_path(indexes, self.path) if indexes is not None else None
        if self._kept_at is not None:
            self._kept = read_index(self._kept_at, self._reader.fd, self._size)
        if self._kept is None:
            self._start_scan(scan)

    def _start_scan(self, scan: ScanProcess | None = None) -> None:
        from inspector.recording.scan_process import ScanProcess

        self._scan = scan or ScanProcess()
        self._scan.start(self.path, self._reader.start, self._size, self._kept_at)

    def _index(self, start: int, end: int) -> int:
        try:
            position = self._reader.index_rows(self.log, start, end)
        except RecordingError as error:
            self.notices.append(error.message)
            return self._size
        # Blank lines and an incomplete last line do not advance the position; skip them, or each slice would read them again.
        return max(position, min(end, self._size))

    def _load_cached(self, blocks: Iterator[Block | None]) -> None:
        from inspector.recording.index_file import DamagedIndex

        until_ns = self._clock.now_ns() + SLICE_NS
        try:
            for block in blocks:
                if block is None:
                    return
                self.log.load_block(block)
                self._position = block.end
                if self._clock.now_ns() >= until_ns:
                    return
        except DamagedIndex:
            self._kept = None
            self._start_scan()
            return
        self._kept = None
        self._note_end()

    def _load_scanned(self, scan: ScanProcess) -> None:
        until_ns = self._clock.now_ns() + SLICE_NS
        # Checked before the blocks are read: if the process has ended by then, none of its blocks can be missed.
        is_finished = scan.is_finished
        while (block := scan.next_block()) is not None:
            self.log.load_block(block)
            self._position = max(self._position, block.end)
            if self._clock.now_ns() >= until_ns:
                return
        if is_finished:
            self._scan = None
            self._position = max(scan.end, self._position)
            if scan.failure:
                self.notices.append(
                    f"the indexing process failed, so opening takes longer: {scan.failure}"
                )
            scan.close()
            self._note_end()

    def _watch(self) -> None:
        if not self._is_replaced and self._reader.is_replaced():
            self._is_replaced = True
            self.notices.append(
                "the file was replaced or deleted; the version that was opened is still shown"
            )
        size = self._reader.size
        if size == self._size:
            return
        if size < self._size:
            self.notices.append(
                "the file was truncated, and rows past its end cannot be read; open it again"
            )
            self._size = self._position = size
            return
        self._size = size
        # The writer may have completed the incomplete last line, so its notice is withdrawn.
        if self._is_torn:
            self._is_torn = False
            self.notices = [
                notice for notice in self.notices if not notice.startswith("the last line")
            ]
        self._position = self._resume_at()

    def _resume_at(self) -> int:
        """Return the offset of the first line that is not indexed yet."""
        if not len(self.log):
            return self._reader.start
        last = len(self.log) - 1
        return self.log.offset[last] + self.log.length[last] + 1

    def _note_end(self) -> None:
        if self._position >= self._size and not self._has_noted_times:
            # Only after the file was read completely for the first time, not again whenever it grows.
            self._has_noted_times = True
            self.notices += self._reader.time_notes()
        if self._position >= self._size and not self._is_torn:
            try:
                torn = self._reader.torn_tail()
            except RecordingError:  # already reported when its rows were read
                return
            if torn:
                self._is_torn = True
                self.notices.append(
                    f"the last line is incomplete ({len(torn):,} bytes) and was left out"
                )


def open_recording(
    path: Path,
    clock: Clock | None = None,
    indexes: Path | None = None,
    scan: ScanProcess | None = None,
) -> RecordingOpening:
    """Open a recording of any size; the arguments are those of ``RecordingOpening``, with the system's clock by default.

    Raises:
        RecordingError: the file is not a recording.
    """
    return RecordingOpening(path, clock or SystemClock(), indexes, scan)
