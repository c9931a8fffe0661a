"""BlockFile: a queue of values from one process to another, through an anonymous file.

In contrast to a pipe, the writer never waits for a busy reader, and the reader never waits for the writer.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct

_LENGTH = struct.Struct("<Q")


class BlockFile:
    """A queue of values with one writer and one reader, in processes that hold the same open file."""

    def __init__(self, fd: int | None = None) -> None:
        """Use an open file, or create one if ``fd`` is None."""
        self.fd = anonymous_file() if fd is None else fd
        self._read_at = 0

    def put(self, value: object) -> None:
        """Append a value."""
        payload = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        for part in (_LENGTH.pack(len(payload)), payload):
            data = memoryview(part)
            while data:  # os.write may write less than it is given
                data = data[os.write(self.fd, data) :]

    def get(self) -> object | None:
        """Return the next value; None if it has not been completely written yet."""
        available = os.fstat(self.fd).st_size - self._read_at - _LENGTH.size
        if available < 0:
            return None
        (size,) = _LENGTH.unpack(os.pread(self.fd, _LENGTH.size, self._read_at))
        if available < size:
            return None
        # Mapped, so that the bytes of the columns are copied only once, by pickle. A mapping must begin at a page.
        begin = self._read_at + _LENGTH.size
        before = begin % mmap.ALLOCATIONGRANULARITY
        with (
            mmap.mmap(
                self.fd, before + size, access=mmap.ACCESS_READ, offset=begin - before
            ) as mapped,
            memoryview(mapped) as whole,
            whole[before:] as payload,
        ):
            value: object = pickle.loads(payload)  # noqa: S301 - written by this program, in memory
        self._read_at = begin + size
        return value

    def close(self) -> None:
        """Close the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def anonymous_file() -> int:
    """Return the descriptor of an unnamed file: in memory if the system supports it (Linux), else on disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("recording-index", 0)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
