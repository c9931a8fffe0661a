"""RecordingOpening: a recording whose rows arrive while the screen is already up.

The first rows are indexed at once, so that the first frame has something to show. A small file is indexed here in slices; a
large one by other processes (``recording.scan``), which use the other cores and cannot hold up a key, and keep their index for
the next time. Afterwards the file is watched: one that grows is followed, one that shrinks is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.clock import NS_PER_MS, Clock, SystemClock
from inspector.core.log import Block, EventLog
from inspector.errors import RecordingError
from inspector.recording.format import FileShape, Header
from inspector.recording.prestart import SMALL_BYTES
from inspector.recording.reader import RecordingReader

if TYPE_CHECKING:
    from inspector.recording.scan_process import ScanProcess

FIRST_BYTES = 256 << 10
"""Indexed at once: a few hundred rows with audio, a few milliseconds."""
SLICE_BYTES = 64 << 10
SLICE_NS = 8 * NS_PER_MS


class RecordingOpening:
    """A recording being opened."""

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
            clock: bounds the slices.
            indexes: folder in which indexes of large recordings are kept; None keeps none.
            scan: a child that is ready to index it, and is closed with this; None starts one where it is needed.

        Raises:
            RecordingError: the file is not a recording.
        """
        self.path = path
        self.notices: list[str] = []
        self._reader = RecordingReader(path)
        self._clock = clock
        self._size = self._reader.size
        self._is_torn = False
        self._has_told_times = False
        self._is_replaced = False
        self._scan: ScanProcess | None = None
        self._kept: Iterator[Block | None] | None = None
        self._kept_at: Path | None = None
        self.log: EventLog = self._reader.new_log()
        if self._size > SMALL_BYTES and self._reader.shape is FileShape.OURS:
            self._index_elsewhere(indexes, scan)
        if scan is not None and self._scan is None:
            scan.close()
        self._position = self._index(self._reader.start, self._reader.start + FIRST_BYTES)
        if not self._size:
            self.notices.append("the file is empty")
        elif self._reader.shape is not FileShape.OURS:
            self.notices.append(f"not a recording of this program: read as {self._reader.shape}")
        self._note_end()

    @property
    def header(self) -> Header:
        """Return the recording's first line."""
        return self._reader.header

    @property
    def progress(self) -> float:
        """Return how much of the file is indexed, 0..1."""
        return min(1.0, self._position / self._size) if self._size else 1.0

    def advance(self) -> bool:
        """Index for a bounded time, then watch the file; tell whether anything changed."""
        before = self.log.revision, len(self.notices)
        if self._kept is not None:
            self._take_kept(self._kept)
        elif self._scan is not None:
            self._take_blocks(self._scan)
        elif self._position < self._size:
            until_ns = self._clock.now_ns() + SLICE_NS
            while self._position < self._size and self._clock.now_ns() < until_ns:
                self._position = self._index(self._position, self._position + SLICE_BYTES)
            self._note_end()
        else:
            self._watch()
        return before != (self.log.revision, len(self.notices))

    def close(self) -> None:
        """Let go of the file and of the child process."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None
        self._reader.close()

    def _index_elsewhere(self, indexes: Path | None, scan: ScanProcess | None) -> None:
        """Begin to index by other means than reading line by line."""
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
        # Blank lines and a torn tail leave the position where it was; never look at them again.
        return max(position, min(end, self._size))

    def _take_kept(self, blocks: Iterator[Block | None]) -> None:
        from inspector.recording.index_file import DamagedIndex

        until_ns = self._clock.now_ns() + SLICE_NS
        try:
            for block in blocks:
                if block is None:
                    return
                self.log.take(block)
                self._position = block.end
                if self._clock.now_ns() >= until_ns:
                    return
        except DamagedIndex:
            self._kept = None
            self._start_scan()
            return
        self._kept = None
        self._note_end()

    def _take_blocks(self, scan: ScanProcess) -> None:
        until_ns = self._clock.now_ns() + SLICE_NS
        # Asked first: what the child wrote before it ended is then there to be taken.
        is_over = scan.is_over
        while (block := scan.next_block()) is not None:
            self.log.take(block)
            self._position = max(self._position, block.end)
            if self._clock.now_ns() >= until_ns:
                return
        if is_over:
            self._scan = None
            self._position = max(scan.end, self._position)
            if scan.failure:
                self.notices.append(
                    f"the fast indexer failed, so this takes longer: {scan.failure}"
                )
            scan.close()
            self._note_end()

    def _watch(self) -> None:
        if not self._is_replaced and self._reader.is_replaced():
            self._is_replaced = True
            self.notices.append(
                "another file, or none, has taken this one's place; what is shown is the one that was opened"
            )
        size = self._reader.size
        if size == self._size:
            return
        if size < self._size:
            self.notices.append(
                "the file has become shorter; rows past its end cannot be read: open it again"
            )
            self._size = self._position = size
            return
        self._size = size
        if self._is_torn:
            self._is_torn = False
            self.notices = [
                notice for notice in self.notices if not notice.startswith("the last line")
            ]
        self._position = self._resume_at()

    def _resume_at(self) -> int:
        """Return where the first line that is not yet indexed begins."""
        if not len(self.log):
            return self._reader.start
        last = len(self.log) - 1
        return self.log.offset[last] + self.log.length[last] + 1

    def _note_end(self) -> None:
        if self._position >= self._size and not self._has_told_times:
            # Once, when all of it was read for the first time: a file that grows does not say it again.
            self._has_told_times = True
            self.notices += self._reader.time_notes()
        if self._position >= self._size and not self._is_torn:
            try:
                torn = self._reader.torn_tail()
            except RecordingError:  # told where its rows were read
                return
            if torn:
                self._is_torn = True
                self.notices.append(f"the last line is torn ({len(torn):,} bytes) and is left out")


def open_recording(
    path: Path,
    clock: Clock | None = None,
    indexes: Path | None = None,
    scan: ScanProcess | None = None,
) -> RecordingOpening:
    """Open a recording of any size; arguments as for ``RecordingOpening``.

    Raises:
        RecordingError: the file is not a recording.
    """
    return RecordingOpening(path, clock or SystemClock(), indexes, scan)
