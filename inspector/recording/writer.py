"""The file that a session is written to: append only, one ``os.write`` per event, readable while it grows.

Offsets are those of one growing text. While the disk accepts writes, all of it is in the file. When a write fails, the
text that could not be written waits in memory at the offsets that it will have, so that every event stays readable, and
each later append tries again at most once a second: if the disk recovers, the file ends up complete.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from inspector.clock import Clock
from inspector.core.units import NS_PER_S
from inspector.errors import EXIT_CANNOT_WRITE, RecordingError

MODE = 0o600
"""A recording holds someone's voice."""
MAX_WAITING_BYTES = 256 << 20
"""Half an hour of audio both ways; past it the events go on, but their text is not kept."""
RETRY_NS = NS_PER_S
COPY_BYTES = 1 << 20
NOT_KEPT = -1
"""Offset of a line that was dropped because ``MAX_WAITING_BYTES`` were waiting already."""


class RecordingFile:
    """One recording being written; also the ``LineSink`` and ``RowStore`` of a live session."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Create the file.

        Args:
            path: where to record; None keeps everything in memory (and is how a folder that cannot be written is
                survived).
            clock: paces the retries after a failed write.

        Raises:
            RecordingError: the file exists already, or cannot be created.
        """
        self.path = path
        self.failure = ""
        """Why the disk has not taken everything; ``""`` while all is written."""
        self._clock = clock
        self._fd = -1
        self._written = 0
        self._waiting = bytearray()
        self._retry_at_ns = 0
        self._is_dead = path is None
        self._gathers = False
        self.dropped_lines = 0
        if path is not None:
            self._fd = _create(path)

    @property
    def is_complete(self) -> bool:
        """Tell whether every line so far stands in the file."""
        return not self._is_dead and not self._waiting and not self.dropped_lines

    def append(self, line: bytes) -> int:
        """Add one line (newline included) and return its offset; never raises, never blocks on a retry."""
        if self._waiting and not self._gathers and self._clock.now_ns() >= self._retry_at_ns:
            self.flush()
        offset = self._written + len(self._waiting)
        can_write = not (self._waiting or self._is_dead or self._gathers)
        if can_write and self._write(line):
            return offset
        if len(self._waiting) + len(line) > MAX_WAITING_BYTES:
            self.dropped_lines += 1
            return NOT_KEPT
        self._waiting += line
        return offset

    def gather(self, is_on: bool) -> None:
        """Let lines wait that come together, and write them at once when they have all come."""
        self._gathers = is_on
        if not is_on and self._waiting and self._clock.now_ns() >= self._retry_at_ns:
            self.flush()

    def read(self, offset: int, length: int) -> bytes:
        """Return a line by where it stands, from the file or from what waits in memory."""
        if offset < 0:
            return b""
        if offset >= self._written:
            start = offset - self._written
            return bytes(self._waiting[start : start + length])
        return os.pread(self._fd, length, offset)

    def flush(self) -> bool:
        """Try to write what waits; tell whether nothing waits any more."""
        if not self._waiting or self._is_dead:
            return not self._waiting
        if self._write(bytes(self._waiting)):
            self._waiting.clear()
            return True
        return False

    def rescue(self, folder: Path) -> Path | None:
        """Write the whole recording to another folder, if the disk has not taken all of it; return where it is.

        Raises:
            RecordingError: that folder does not take it either.
        """
        if not self._waiting or self.flush():
            return None
        name = self.path.name if self.path is not None else "unrecorded-session.jsonl"
        target = folder / f"rescued-{self._clock.utc_now():%Y%m%dT%H%M%S%f}-{name}"
        fd = _create(target)
        try:
            with os.fdopen(fd, "wb") as file:
                for start in range(0, self._written, COPY_BYTES):
                    file.write(os.pread(self._fd, min(COPY_BYTES, self._written - start), start))
                file.write(self._waiting)
        except OSError as error:
            raise _cannot_record(target, error) from error
        self._waiting.clear()
        return target

    def close(self) -> None:
        """Write what waits, if the disk lets us, and let go of the file; reading ends here too."""
        if self._fd >= 0:
            self.flush()
            os.close(self._fd)
            self._fd = -1

    def _write(self, data: bytes) -> bool:
        """Write all of ``data`` or none of it: a part that did get through is cut off again."""
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._retry_at_ns = self._clock.now_ns() + RETRY_NS
            self._cut_back()
            return False
        self._written += len(data)
        self.failure = ""
        return True

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._written)
        except OSError:
            # A torn tail is legal in the format, but only as the last line: nothing may be written after it.
            self._is_dead = True


def _create(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_record(path, error) from error
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, MODE)
    except FileExistsError:
        raise RecordingError(
            f"{path} exists already; a recording is never overwritten",
            code="exists",
            hint="choose another name with -o",
        ) from None
    except OSError as error:
        raise _cannot_record(path, error) from error
    # Two processes must never share a recording; the lock goes with the descriptor.
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def _cannot_record(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"cannot record to {path}: {error.strerror}",
        code="cannot_record",
        hint="choose another place with -o",
        exit_code=EXIT_CANNOT_WRITE,
    )
