"""The bulk scanner: indexes a large recording in processes of its own, by column.

    python -m inspector.recording.scan OUT_FD < JOB

The file is cut into chunks. Every worker takes the next one that nobody has and indexes it (``chunk``); the first worker
also joins the chunks in their order (``stitch``) and hands the blocks over. The result is that of appending every event to a
log, and is kept as an index for the next time (``index_file``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np

from inspector.core.log import Block
from inspector.recording.blocks import BlockFile
from inspector.recording.chunk import Chunk
from inspector.recording.chunk_file import ChunkFile, chunk_bytes
from inspector.recording.chunk_scanner import ChunkScanner
from inspector.recording.index_file import IndexWriter
from inspector.recording.merge_chunks import ChunkMerger

MAX_WORKERS = 4
"""More would only wait for the disk and for the worker that joins."""
NICENESS = 10
_NUMBER_BYTES = 4


class _Numbers:
    """The numbers of the chunks; every process that shares the file takes each only once."""

    def __init__(self, count: int) -> None:
        self._file = BlockFile()
        os.write(self._file.fd, np.arange(count, dtype="<u4").tobytes())
        os.lseek(self._file.fd, 0, os.SEEK_SET)

    def __iter__(self) -> Iterator[int]:
        # Forked processes share the file's position, and the system moves it in one step.
        while number := os.read(self._file.fd, _NUMBER_BYTES):
            yield int.from_bytes(number, "little")


def scan(
    path: Path,
    start: int,
    end: int,
    give: Callable[[Block], None],
    workers: int = 1,
    size: int = 0,
) -> None:
    """Index ``[start, end)`` of a file and give the blocks away in their order.

    Args:
        path: the file.
        start: where its first line to index begins.
        end: where to stop.
        give: takes the blocks.
        workers: processes, this one included.
        size: bytes of a chunk; 0 for what suits the file.
    """
    file = ChunkFile(path, start, end, size or chunk_bytes(path, start, end))
    count = file.count
    numbers = _Numbers(count)
    scanner, stitcher = ChunkScanner(), ChunkMerger()
    ready: dict[int, Chunk] = {}
    helpers: list[_Helper] = []
    following = 0

    def join() -> None:
        nonlocal following
        for helper in helpers:
            ready.update(helper.chunks())
        while following in ready:
            give(stitcher.add(ready.pop(following)))
            following += 1

    for number in numbers:
        ready[number] = scanner.scan(file.read(number))
        join()
        if not number:  # from here on the others know what most lines look like
            helpers += [_Helper(scanner, file, numbers) for _ in range(min(workers, count) - 1)]
    for helper in helpers:
        helper.wait()
    join()
    for number in range(following, count):  # where a helper died
        if number not in ready:
            ready[number] = scanner.scan(file.read(number))
        join()


class _Helper:
    """Another worker, in a process of its own."""

    def __init__(self, scanner: ChunkScanner, file: ChunkFile, numbers: _Numbers) -> None:
        self._chunks = BlockFile()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid:
            return
        status = 1
        try:
            for number in numbers:
                if os.getppid() != parent:
                    break  # nobody is left to read this
                self._chunks.put((number, scanner.scan(file.read(number))))
            status = 0
        finally:
            os._exit(status)

    def chunks(self) -> Iterator[tuple[int, Chunk]]:
        """Yield the chunks that have been indexed since the last call."""
        while (found := self._chunks.get()) is not None:
            yield cast("tuple[int, Chunk]", found)

    def wait(self) -> None:
        """Wait until this worker has ended."""
        os.waitpid(self._pid, 0)


def main(out_fd: str) -> None:
    """Scan a file for the process that started this one, which goes first where both want the processor.

    What to scan stands on stdin: path, start, end and the index to keep, with zero bytes between them; nothing where it
    turned out that there is nothing to do.
    """
    job = sys.stdin.buffer.read()
    if not job:
        return
    file, start, end, index = job.split(b"\0")
    path, kept_at = Path(os.fsdecode(file)), Path(os.fsdecode(index)) if index else None
    os.nice(NICENESS)
    out, writer = BlockFile(int(out_fd)), IndexWriter()

    def give(block: Block) -> None:
        out.put(block)
        if kept_at is not None:
            writer.add(block)

    workers = min(MAX_WORKERS, len(os.sched_getaffinity(0)))
    scan(path, int(start), int(end), give, workers)
    if kept_at is not None:
        writer.save(kept_at, path, int(end))


if __name__ == "__main__":
    main(*sys.argv[1:])
