"""The child process that indexes a large recording, seen from the parent: blocks, whenever they are there.

The child writes to an anonymous file that both hold open, not to a pipe: so it never waits for a parent that is busy with
the screen, and the parent never waits for it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from inspector.core.groups import GROUP_COLUMNS
from inspector.core.log import COLUMNS, Block

_MAGIC = struct.Struct("<QQQ")
_LENGTH = struct.Struct("<Q")


class ScanProcess:
    """One running scan."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        """Start to index ``[start, end)`` of a file."""
        self.end = start
        """Byte offset up to which blocks have been handed out."""
        self.failure = ""
        self._read_at = 0
        self._fd = _anonymous_file()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "inspector.recording.scan",
                str(path.resolve()),
                str(start),
                str(end),
                str(self._fd),
            ],
            pass_fds=(self._fd,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def is_over(self) -> bool:
        """Tell whether the child has ended and every block was handed out."""
        if self._process.poll() is None or self._has_block():
            return False
        if self._process.returncode and not self.failure:
            self._errors.seek(0)
            lines = self._errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
            self.failure = lines[-1] if lines else f"status {self._process.returncode}"
        return True

    def next_block(self) -> Block | None:
        """Return the next block, None where it is not there yet."""
        if not self._has_block():
            return None
        first_row, end, size = _MAGIC.unpack(os.pread(self._fd, _MAGIC.size, self._read_at))
        payload = memoryview(os.pread(self._fd, size, self._read_at + _MAGIC.size))
        self._read_at += _MAGIC.size + size
        parts = []
        while payload:
            (length,) = _LENGTH.unpack(payload[: _LENGTH.size])
            parts.append(bytes(payload[_LENGTH.size : _LENGTH.size + length]))
            payload = payload[_LENGTH.size + length :]
        columns = {name: parts.pop(0) for name, _ in COLUMNS}
        groups = {name: parts.pop(0) for name, _ in GROUP_COLUMNS}
        self.end = end
        return Block(first_row, end, columns, parts[0].decode().split("\n"), groups)

    def close(self) -> None:
        """End the child and let go of what it wrote."""
        if self._fd >= 0:
            self._process.kill()
            self._process.wait()
            self._errors.close()
            os.close(self._fd)
            self._fd = -1

    def _has_block(self) -> bool:
        there = os.fstat(self._fd).st_size - self._read_at
        if there < _MAGIC.size:
            return False
        _, _, size = _MAGIC.unpack(os.pread(self._fd, _MAGIC.size, self._read_at))
        return there >= _MAGIC.size + int(size)


def _anonymous_file() -> int:
    """Return a file without a name: in memory where the system has such a thing, else on disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("recording-index", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
