"""SourceFile: the bytes of a foreign file by offset, unpacked if it is gzip, and decoded to UTF-8 if it is UTF-16."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from inspector.errors import RecordingError

SNIFFED = 1 << 16
"""Bytes by which the structure of a file is recognised."""
MOST_UNPACKED = 4 << 30
"""Limit of an unpacked gzip file: a megabyte may unpack to a gigabyte of nothing."""
_GZIP = b"\x1f\x8b"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""PowerShell writes UTF-16 when the output of a program is redirected to a file."""


class SourceFile:
    """A foreign file that is open for reading."""

    def __init__(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Open a file.

        Args:
            path: a regular file.
            progress: called now and then with the number of bytes of the file that were read; it may raise to cancel.

        Raises:
            RecordingError: the file cannot be read.
        """
        self.path = path
        self._progress = progress
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        self._file: BufferedReader | gzip.GzipFile = self._raw
        self.is_packed = self._raw.read(2) == _GZIP
        self._raw.seek(0)
        if self.is_packed:
            self._file = gzip.GzipFile(fileobj=self._raw)
        try:
            start = self.read(0, 4)
        except BaseException:  # the progress may cancel
            self.close()
            raise
        self._coding = next((name for bom, name in _UTF16.items() if start.startswith(bom)), "")
        self.start = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
        """Offset of the first byte after a byte order mark."""

    @property
    def is_utf16(self) -> bool:
        """Return whether the file is UTF-16, so that only ``blocks`` yields its text."""
        return bool(self._coding)

    @property
    def size(self) -> int:
        """Return the size on disk in bytes."""
        return os.fstat(self._raw.fileno()).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes, fewer at the end.

        Raises:
            RecordingError: the disk does not give them, or they do not unpack within bounds.
        """
        if self.is_packed and offset + size > MOST_UNPACKED:
            raise RecordingError(
                f"{self.path} unpacks to more than {MOST_UNPACKED >> 30} GiB",
                code="too_large",
                hint="unpack it yourself, and import the part that you need",
            )
        parts: list[bytes] = []
        try:
            self._file.seek(offset)
            while size > 0 and (part := self._file.read1(size)):
                parts.append(part)
                size -= len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass  # a packed file that was cut off or damaged ends where it no longer unpacks
        except OSError as error:
            raise _unreadable(self.path, error) from error
        self._progress(self._raw.tell())
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def head(self) -> bytes:
        """Return the first bytes, as UTF-8 where they are text."""
        data = self.read(self.start, SNIFFED)
        return _decoded(data, self._coding) if self._coding else data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()

    def text(self, offset: int, size: int) -> tuple[bytes, int]:
        """Return text as UTF-8 and the offset behind it; ``b""`` at the end.

        Args:
            offset: 0 or an offset that was returned before.
            size: bytes of the file; one more is read where characters have two.
        """
        data = self.read(offset, size + (size & 1 if self._coding else 0))
        return (_decoded(data, self._coding) if self._coding else data), offset + len(data)


def _decoded(data: bytes, coding: str) -> bytes:
    return data.decode(coding, "replace").encode("utf-8", "replace").removeprefix(codecs.BOM_UTF8)


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"cannot read {path}: {error.strerror or error}",
        code="cannot_read",
        hint="check the path and the file's permissions",
    )
