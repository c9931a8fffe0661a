"""RecordingFile: the file that a session is written to; append only, one ``os.write`` per event, readable while it grows.

When a write fails, the lines that could not be written stay in memory at the offsets that they will have in the file, so that
every event remains readable. Later appends retry at most once a second: if the disk recovers, the file ends up complete.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from inspector.clock import Clock
from inspector.core.units import NS_PER_S
from inspector.errors import EXIT_CANNOT_WRITE, RecordingError

MODE = 0o600
"""Readable by the owner only: a recording contains someone's voice."""
MAX_WAITING_BYTES = 256 << 20
"""Limit of the lines in memory, half an hour of audio in both directions; beyond it the session continues, but lines are dropped."""
RETRY_NS = NS_PER_S
"""Interval of the retries: a failing disk may block each attempt."""
COPY_BYTES = 1 << 20
NOT_KEPT = -1
"""Offset of a line that was dropped because of ``MAX_WAITING_BYTES``."""


class RecordingFile:
    """A recording that is being written; also the ``LineSink`` and ``RowStore`` of a live session."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Create the file.

        Args:
            path: the file; None keeps everything in memory, for example because the folder cannot be written.
            clock: times the retries after a failed write.

        Raises:
            RecordingError: the file exists already, or cannot be created.
        """
        self.path = path
        self.failure = ""
        """Why the last write failed; ``""`` if it succeeded."""
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
        """Return whether every line so far was written to the file."""
        return not self._is_dead and not self._waiting and not self.dropped_lines

    def append(self, line: bytes) -> int:
        """Append one line (newline included) and return its offset; never raises."""
        if self._waiting and not self._gathers and self._clock.now_ns() >= self._retry_at_ns:
            self.flush()
        offset = self._written + len(self._waiting)
        # Lines are written directly only if none waits, because their order in the file must not change.
        can_write = not (self._waiting or self._is_dead or self._gathers)
        if can_write and self._write(line):
            return offset
        if len(self._waiting) + len(line) > MAX_WAITING_BYTES:
            self.dropped_lines += 1
            return NOT_KEPT
        self._waiting += line
        return offset

    def gather(self, is_on: bool) -> None:
        """Switch collecting on or off: collected lines are written together when it is switched off, in one system call."""
        self._gathers = is_on
        if not is_on and self._waiting and self._clock.now_ns() >= self._retry_at_ns:
            self.flush()

    def read(self, offset: int, length: int) -> bytes:
        """Return a line by its offset, from the file or from memory."""
        if offset < 0:
            return b""
        if offset >= self._written:
            start = offset - self._written
            return bytes(self._waiting[start : start + length])
        return os.pread(self._fd, length, offset)

    def flush(self) -> bool:
        """Try to write the lines in memory; return whether all of them were written."""
        if not self._waiting or self._is_dead:
            return not self._waiting
        if self._write(bytes(self._waiting)):
            self._waiting.clear()
            return True
        return False

    def rescue(self, folder: Path) -> Path | None:
        """Write the whole recording to another folder if its file is incomplete; return the new path, else None.

        Raises:
            RecordingError: the other folder cannot be written either.
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
        """Write the lines in memory, if possible, and close the file; it cannot be read through this object afterwards."""
        if self._fd >= 0:
            self.flush()
            os.close(self._fd)
            self._fd = -1

    def _write(self, data: bytes) -> bool:
        """Write all of ``data`` or none of it: a partial write is truncated again."""
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
            # The format allows an incomplete line at the end of the file only, so nothing may be written after it.
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
            f"{path} already exists; recordings are not overwritten",
            code="exists",
            hint="choose another name with -o",
        ) from None
    except OSError as error:
        raise _cannot_record(path, error) from error
    # Two processes must never write one recording. The lock is released with the descriptor, even if the process is killed.
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def _cannot_record(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"cannot record to {path}: {error.strerror}",
        code="cannot_record",
        hint="choose another file with -o",
        exit_code=EXIT_CANNOT_WRITE,
    )
