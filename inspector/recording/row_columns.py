"""The columns of a large recording's rows, chunk by chunk, worked out in another process while this one goes through them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inspector.recording.chunk_file import ChunkFile, chunk_bytes
from inspector.recording.chunk_scanner import ChunkScanner
from inspector.recording.spans import Ints

FORK_BYTES = 32 << 20
"""A file up to this size is not worth another process."""
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Rows that follow each other, by column; shape (rows,) each."""

    names: list[str]
    """Event types, by code."""
    kind: Ints
    """Codes of their types."""
    t_us: Ints
    """Microseconds since the start, ``NO_TIME_US`` for unknown."""
    direction: Ints
    """Codes of who sent them."""
    audio: Ints
    """Decoded size of their audio."""
    part: Ints
    """Keys of their content parts; 0 for none."""
    offset: Ints
    """Where their lines begin in the file."""
    length: Ints
    """How long their lines are."""


def row_columns(path: Path, start: int, end: int) -> Iterator[RowColumns]:
    """Yield the rows of ``[start, end)`` of a recording of ours, in order."""
    file = ChunkFile(path, start, end, chunk_bytes(path, start, end))
    number = 0
    if end - start > FORK_BYTES and len(os.sched_getaffinity(0)) > 1:
        for columns in _forked(file):
            yield columns
            number += 1
    scanner = ChunkScanner()  # the rest: all of it, or what is missing where the other process died
    for left in range(number, file.count):
        yield _columns(file, scanner, left)


def _columns(file: ChunkFile, scanner: ChunkScanner, number: int) -> RowColumns:
    lines = file.read(number)
    rows = scanner.read(lines)
    return RowColumns(
        scanner.kinds.names(),
        rows.kind,
        rows.t_us,
        rows.direction.astype("q"),
        rows.audio,
        rows.part.astype("q"),
        rows.starts + lines.offset,
        rows.lengths.astype("q"),
    )


def _forked(file: ChunkFile) -> Iterator[RowColumns]:
    """Yield the columns of chunks as another process hands them over; fewer where it dies."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(from_child)
            _hand_over(file, to_parent)
            status = 0
        finally:
            os._exit(status)  # nothing of the parent's is flushed or cleaned up twice
    os.close(to_parent)
    try:
        with os.fdopen(from_child, "rb") as pipe:
            while len(head := pipe.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
                size = int.from_bytes(head, "little")
                data = pipe.read(size)
                if len(data) < size:
                    break
                yield pickle.loads(data)  # noqa: S301 - by our own child
    finally:
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _hand_over(file: ChunkFile, to_parent: int) -> None:
    """Write the columns of every chunk to a pipe, until the reader closes it."""
    scanner = ChunkScanner()
    with os.fdopen(to_parent, "wb", buffering=0) as pipe, suppress(BrokenPipeError):
        for number in range(file.count):
            data = pickle.dumps(_columns(file, scanner, number), pickle.HIGHEST_PROTOCOL)
            rest = memoryview(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
            while rest:
                rest = rest[pipe.write(rest) :]
