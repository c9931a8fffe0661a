"""An index kept of a large recording, so that opening it again is instant.

Never required and never trusted: it is used only if the recording's size and a hash of samples of it are what they were, and
if its own checksum is right. That begins the file; a line of JSON says what it is of; raw columns follow. It holds times, offsets
and types, nothing of what was said.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from inspector.core.groups import GROUP_COLUMNS, DeltaGroups
from inspector.core.log import COLUMNS, Block

VERSION = 6
"""Of the columns too: to be raised whenever the scanner would find something else in the same bytes."""
KEPT_FILES = 32
STALE_NS = 3600 * 10**9
SAMPLES = 64
SAMPLE_BYTES = 4096
BLOCK_ROWS = 1 << 17
"""Rows handed over at a time: a few milliseconds."""
_SUM_FORMAT = b"%08x\n"
_SUM_BYTES = len(_SUM_FORMAT % 0)
_CHECKED_BYTES = 1 << 20
CHECK_WAIT_S = 0.002
"""Enough for a gigabyte with sound; in a larger index it is no more than a key can wait."""
_WIDTHS = {"q": 8, "I": 4, "i": 4, "H": 2, "B": 1}


def index_path(folder: Path, recording: Path) -> Path:
    """Return where the index of a recording is kept."""
    name = hashlib.blake2b(os.fsencode(recording.resolve()), digest_size=16).hexdigest()
    return folder / f"{name}.index"


def fingerprint(fd: int, size: int) -> str:
    """Return a hash of samples spread over an open file, first and last bytes included."""
    found = hashlib.blake2b(str(size).encode(), digest_size=16)
    step = max(1, (size - SAMPLE_BYTES) // (SAMPLES - 1))
    for number in range(SAMPLES):
        found.update(os.pread(fd, SAMPLE_BYTES, min(number * step, max(0, size - SAMPLE_BYTES))))
    return found.hexdigest()


class IndexWriter:
    """Collects the blocks of a scan and keeps them as an index."""

    def __init__(self) -> None:
        self._columns: dict[str, list[bytes]] = {name: [] for name, _ in COLUMNS}
        self._groups = DeltaGroups()
        self._last: Block | None = None

    def add(self, block: Block) -> None:
        """Take the next block."""
        for name, parts in self._columns.items():
            parts.append(block.columns[name])
        self._groups.take(block.first_group, block.groups, block.grown)
        self._last = block

    def save(self, path: Path, recording: Path, size: int) -> None:
        """Write the index; where that fails there is none.

        Args:
            path: of the index.
            recording: what it is of.
            size: of the recording when it was indexed.
        """
        if self._last is None:
            return
        with contextlib.suppress(OSError):
            fd = os.open(recording, os.O_RDONLY | os.O_CLOEXEC)
            try:
                header = {
                    **_expected(fd, size),
                    "end": self._last.end,
                    "rows": sum(map(len, self._columns["direction"])),
                    "groups": len(self._groups),
                    "kinds": self._last.kinds,
                }
            finally:
                os.close(fd)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = path.with_suffix(f".{os.getpid()}.new")
            with os.fdopen(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(_SUM_FORMAT % 0)
                checksum = 0
                for part in self._parts(header):
                    file.write(part)
                    checksum = zlib.crc32(part, checksum)
                file.seek(0)
                file.write(_SUM_FORMAT % checksum)
                file.flush()
                # A name that a power cut leaves without its content would only be found by the checksum.
                os.fsync(file.fileno())
            new.replace(path)
            _forget_oldest(path.parent)

    def _parts(self, header: Mapping[str, Any]) -> Iterator[bytes]:
        yield orjson.dumps(header) + b"\n"
        for parts in self._columns.values():
            yield from parts
        for name, _ in GROUP_COLUMNS:
            yield getattr(self._groups, name).tobytes()


def read_index(path: Path, recording_fd: int, size: int) -> Iterator[Block | None] | None:
    """Return what is in a kept index; None where there is none, or it is not of this recording as it is now.

    Returns:
        The blocks; a None before them says that the checksum is being worked out. The iterator raises ``DamagedIndex`` before
        the first block if that is wrong, and later if the file cannot be read any more.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        line = os.pread(fd, 1 << 20, _SUM_BYTES).partition(b"\n")[0]
        header = orjson.loads(line)
        is_ours = all(header.get(k) == v for k, v in _expected(recording_fd, size).items())
        begin = _SUM_BYTES + len(line) + 1
        if is_ours and os.fstat(fd).st_size == begin + _size(header):
            with contextlib.suppress(OSError):
                os.utime(fd)
            return _checked_blocks(os.dup(fd), header, begin)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    finally:
        os.close(fd)
    return None


def read_whole_index(path: Path, recording_fd: int, size: int) -> list[Block] | None:
    """Return all blocks of a kept index as ``read_index`` finds them; None also where it is damaged."""
    try:
        return [block for block in read_index(path, recording_fd, size) or () if block is not None]
    except DamagedIndex:
        return None


class DamagedIndex(Exception):
    """A kept index is not what was written; never shown to users, who get a new one."""


def _checked_blocks(fd: int, header: Mapping[str, Any], begin: int) -> Iterator[Block | None]:
    check = _Check(fd)
    try:
        while check.is_alive():
            check.join(CHECK_WAIT_S)
            yield None
        if not check.is_right:
            raise DamagedIndex
        yield from _blocks(fd, header, begin)
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DamagedIndex from error
    finally:
        check.join()
        os.close(fd)


class _Check(threading.Thread):
    """Works out the checksum of a file beside the loop: reading and summing let go of the interpreter."""

    def __init__(self, fd: int) -> None:
        super().__init__(daemon=True)
        self.is_right = False
        self._fd = fd
        self.start()

    def run(self) -> None:
        at, checksum = _SUM_BYTES, 0
        with contextlib.suppress(OSError):
            while part := os.pread(self._fd, _CHECKED_BYTES, at):
                checksum = zlib.crc32(part, checksum)
                at += len(part)
            self.is_right = os.pread(self._fd, _SUM_BYTES, 0) == _SUM_FORMAT % checksum


def _expected(fd: int, size: int) -> dict[str, Any]:
    return {
        "index": "realtime-session",
        "version": VERSION,
        "byteorder": sys.byteorder,
        "columns": [f"{name}:{code}" for name, code in (*COLUMNS, *GROUP_COLUMNS)],
        "size": size,
        "hash": fingerprint(fd, size),
    }


def _size(header: Mapping[str, Any]) -> int:
    row = sum(_WIDTHS[code] for _, code in COLUMNS)
    group = sum(_WIDTHS[code] for _, code in GROUP_COLUMNS)
    return int(header["rows"]) * row + int(header["groups"]) * group


def _blocks(fd: int, header: Mapping[str, Any], at: int) -> Iterator[Block]:
    rows, groups = int(header["rows"]), int(header["groups"])
    begins = {}
    for name, code in COLUMNS:
        begins[name] = at
        at += rows * _WIDTHS[code]
    group_columns = {}
    for name, code in GROUP_COLUMNS:
        group_columns[name] = _bytes_at(fd, groups * _WIDTHS[code], at)
        at += groups * _WIDTHS[code]
    for first in range(0, rows, BLOCK_ROWS):
        count = min(BLOCK_ROWS, rows - first)
        columns = {
            name: _bytes_at(fd, count * _WIDTHS[code], begins[name] + first * _WIDTHS[code])
            for name, code in COLUMNS
        }
        is_last = first + count == rows
        offset, length = columns["offset"][-8:], columns["length"][-4:]
        end = _number(offset) + _number(length) + 1
        yield Block(
            first,
            int(header["end"]) if is_last else end,
            columns,
            list(header["kinds"]),
            0 if first == 0 else groups,
            group_columns if first == 0 else dict.fromkeys(group_columns, b""),
            {},
        )


def _bytes_at(fd: int, size: int, at: int) -> bytes:
    """Return a part of a file; raise ``ValueError`` where it is shorter by now."""
    part = os.pread(fd, size, at)
    if len(part) != size:
        raise ValueError("the file has shrunk")
    return part


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, sys.byteorder)


def _forget_oldest(folder: Path) -> None:
    """Keep so many indexes, and none that a process did not live to finish."""
    kept = sorted(folder.glob("*.index"), key=_age)
    unfinished = [path for path in folder.glob("*.new") if _age(path) < _age(kept[-1]) - STALE_NS]
    for path in (*kept[:-KEPT_FILES], *unfinished):
        path.unlink(missing_ok=True)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns
