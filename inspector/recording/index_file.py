"""The cached index of a large recording, which makes opening it again instant.

It is never required, and used only if the recording's size and a hash of samples of it are unchanged and the index's own checksum
is correct. The file consists of that checksum, a line of JSON that identifies the recording, and raw columns. It contains times,
offsets and types, but nothing of the conversation.
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
"""Version of the file and of its contents: increase it whenever the scanner would index the same bytes differently."""
KEPT_FILES = 32
"""Indexes kept; the least recently used are deleted."""
STALE_NS = 3600 * 10**9
"""Age after which an unfinished index was abandoned by its process."""
SAMPLES = 64
"""Parts of the recording that are hashed: hashing all of it would take as long as scanning it."""
SAMPLE_BYTES = 4096
BLOCK_ROWS = 1 << 17
"""Rows loaded at a time, which takes a few milliseconds."""
_SUM_FORMAT = b"%08x\n"
_SUM_BYTES = len(_SUM_FORMAT % 0)
_CHECKED_BYTES = 1 << 20
"""Bytes per step of the checksum."""
CHECK_WAIT_S = 0.002
"""Wait per tick for the checksum: enough for a gigabyte with audio, and short enough not to delay a key."""
_WIDTHS = {"q": 8, "I": 4, "i": 4, "H": 2, "B": 1}


def index_path(folder: Path, recording: Path) -> Path:
    """Return the path of a recording's index."""
    name = hashlib.blake2b(os.fsencode(recording.resolve()), digest_size=16).hexdigest()
    return folder / f"{name}.index"


def fingerprint(fd: int, size: int) -> str:
    """Return a hash of samples spread over an open file, including its first and last bytes."""
    found = hashlib.blake2b(str(size).encode(), digest_size=16)
    step = max(1, (size - SAMPLE_BYTES) // (SAMPLES - 1))
    for number in range(SAMPLES):
        found.update(os.pread(fd, SAMPLE_BYTES, min(number * step, max(0, size - SAMPLE_BYTES))))
    return found.hexdigest()


class IndexWriter:
    """Collects the blocks of a scan and saves them as an index."""

    def __init__(self) -> None:
        self._columns: dict[str, list[bytes]] = {name: [] for name, _ in COLUMNS}
        self._groups = DeltaGroups()
        self._last: Block | None = None

    def add(self, block: Block) -> None:
        """Append the next block."""
        for name, parts in self._columns.items():
            parts.append(block.columns[name])
        self._groups.load(block.first_group, block.groups, block.grown)
        self._last = block

    def save(self, path: Path, recording: Path, size: int) -> None:
        """Write the index; a failure is ignored, as the index is only a cache.

        Args:
            path: the index file.
            recording: the recording that was indexed.
            size: the recording's size at that time.
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
                # Without it, a power cut could leave the new name with missing content.
                os.fsync(file.fileno())
            new.replace(path)
            _delete_old(path.parent)

    def _parts(self, header: Mapping[str, Any]) -> Iterator[bytes]:
        yield orjson.dumps(header) + b"\n"
        for parts in self._columns.values():
            yield from parts
        for name, _ in GROUP_COLUMNS:
            yield getattr(self._groups, name).tobytes()


def read_index(path: Path, recording_fd: int, size: int) -> Iterator[Block | None] | None:
    """Return the blocks of a cached index; None if it is missing or does not match the recording's present state.

    Returns:
        An iterator of blocks, preceded by a None for each wait while the checksum is computed. It raises ``DamagedIndex`` before
        the first block if the checksum is wrong, and later if the file cannot be read.
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
                os.utime(fd)  # marks it as recently used
            return _checked_blocks(os.dup(fd), header, begin)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # another file in its place, or a damaged header: scan the recording instead
    finally:
        os.close(fd)
    return None


def read_whole_index(path: Path, recording_fd: int, size: int) -> list[Block] | None:
    """Return all blocks of a cached index; None if ``read_index`` finds none or the index is damaged."""
    try:
        return [block for block in read_index(path, recording_fd, size) or () if block is not None]
    except DamagedIndex:
        return None


class DamagedIndex(Exception):
    """A cached index differs from what was written. Never shown to users: the recording is scanned again."""


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
    """Computes the checksum of a file in a thread; reading and ``crc32`` release the interpreter lock, so the loop is not blocked."""

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
            # All groups come with the first block: they are few, and rows of every later block refer to them.
            0 if first == 0 else groups,
            group_columns if first == 0 else dict.fromkeys(group_columns, b""),
            {},
        )


def _bytes_at(fd: int, size: int, at: int) -> bytes:
    """Return a part of a file.

    Raises:
        ValueError: the file has become shorter.
    """
    part = os.pread(fd, size, at)
    if len(part) != size:
        raise ValueError("the file has shrunk")
    return part


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, sys.byteorder)


def _delete_old(folder: Path) -> None:
    """Delete all but the ``KEPT_FILES`` latest indexes, and the unfinished ones of processes that died."""
    kept = sorted(folder.glob("*.index"), key=_age)
    unfinished = [path for path in folder.glob("*.new") if _age(path) < _age(kept[-1]) - STALE_NS]
    for path in (*kept[:-KEPT_FILES], *unfinished):
        path.unlink(missing_ok=True)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns
