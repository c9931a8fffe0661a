"""The bulk scanner: indexes a large recording by column, in several processes.

    python -m inspector.recording.scan OUT_FD < JOB

The file is divided into chunks. Every worker takes the next free chunk and indexes it (``chunk_scanner``); the first worker also
joins the chunks in order (``merge_chunks``) and passes the blocks to the parent. The result equals that of appending every event
to a log, and is cached as an index (``index_file``).

Processes rather than threads: most of the work holds the interpreter lock, which would stall the screen.
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
"""More workers would only wait for the disk and for the worker that joins the chunks."""
NICENESS = 10
"""The screen's process takes precedence."""
_NUMBER_BYTES = 4


class _ChunkNumbers:
    """The numbers of the chunks, distributed over all processes that share the file: each number is taken once."""

    def __init__(self, count: int) -> None:
        self._file = BlockFile()
        os.write(self._file.fd, np.arange(count, dtype="<u4").tobytes())
        os.lseek(self._file.fd, 0, os.SEEK_SET)

    def __iter__(self) -> Iterator[int]:
        # Forked processes share the file's position, which read(2) advances atomically: a lock-free work queue.
        while number := os.read(self._file.fd, _NUMBER_BYTES):
            yield int.from_bytes(number, "little")


def scan(
    path: Path,
    start: int,
    end: int,
    emit: Callable[[Block], None],
    workers: int = 1,
    size: int = 0,
) -> None:
    """Index ``[start, end)`` of a file and emit the blocks in order.

    Args:
        path: the file.
        start: offset of the first line to index.
        end: offset at which to stop.
        emit: called with each block.
        workers: number of processes, this one included.
        size: bytes per chunk; 0 chooses a size that suits the file.
    """
    file = ChunkFile(path, start, end, size or chunk_bytes(path, start, end))
    count = file.count
    numbers = _ChunkNumbers(count)
    scanner, merger = ChunkScanner(), ChunkMerger()
    ready: dict[int, Chunk] = {}
    helpers: list[_Worker] = []
    following = 0

    def join() -> None:
        nonlocal following
        for helper in helpers:
            ready.update(helper.chunks())
        while following in ready:
            emit(merger.add(ready.pop(following)))
            following += 1

    for number in numbers:
        ready[number] = scanner.scan(file.read(number))
        join()
        # Forked only after the first chunk, so that the workers inherit the layouts that the scanner has learnt from it.
        if not number:
            helpers += [_Worker(scanner, file, numbers) for _ in range(min(workers, count) - 1)]
    for helper in helpers:
        helper.wait()
    join()
    for number in range(following, count):  # chunks lost with a worker that died
        if number not in ready:
            ready[number] = scanner.scan(file.read(number))
        join()


class _Worker:
    """A further worker, in a forked process."""

    def __init__(self, scanner: ChunkScanner, file: ChunkFile, numbers: _ChunkNumbers) -> None:
        self._chunks = BlockFile()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid:
            return
        status = 1
        try:
            for number in numbers:
                if os.getppid() != parent:
                    break  # the parent has died, so the result would never be read
                self._chunks.put((number, scanner.scan(file.read(number))))
            status = 0
        finally:
            # Not sys.exit: the child must not run the parent's cleanup handlers.
            os._exit(status)

    def chunks(self) -> Iterator[tuple[int, Chunk]]:
        """Yield the chunks indexed since the last call, with their numbers."""
        while (found := self._chunks.get()) is not None:
            yield cast("tuple[int, Chunk]", found)

    def wait(self) -> None:
        """Wait until the worker has ended."""
        os.waitpid(self._pid, 0)


def main(out_fd: str) -> None:
    """Scan a file for the parent process.

    The job is read from stdin: path, start, end and the path of the index, separated by zero bytes. An empty job ends the process:
    it was prestarted and is not needed.
    """
    job = sys.stdin.buffer.read()
    if not job:
        return
    file, start, end, index = job.split(b"\0")
    path, index_file = Path(os.fsdecode(file)), Path(os.fsdecode(index)) if index else None
    os.nice(NICENESS)
    out, writer = BlockFile(int(out_fd)), IndexWriter()

    def emit(block: Block) -> None:
        out.put(block)
        if index_file is not None:
            writer.add(block)

    workers = min(MAX_WORKERS, len(os.sched_getaffinity(0)))
    scan(path, int(start), int(end), emit, workers)
    if index_file is not None:
        writer.save(index_file, path, int(end))


if __name__ == "__main__":
    main(*sys.argv[1:])
