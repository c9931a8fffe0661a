"""ScanProcess: the parent's side of the process that indexes a large recording; delivers blocks as they become available."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from inspector.recording.blocks import BlockFile, anonymous_file

if TYPE_CHECKING:
    from inspector.core.log import Block

FAILURE_BYTES = 1 << 16
"""Read of the child's stderr."""


class ScanProcess:
    """A scan in a child process, which may be started before its file is known, because it takes a while to load numpy."""

    def __init__(self) -> None:
        self.end = 0
        """Byte offset up to which blocks have been returned."""
        self.failure = ""
        """Why the child failed; ``""`` while it has not."""
        self._blocks = BlockFile()
        # A file, not a pipe: a child that writes much must not wait for a parent that does not read yet.
        self._errors = anonymous_file()
        job_reader, self._job = os.pipe()
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",  # do not import modules from the user's current folder
                "-m",
                "inspector.recording.scan",
                str(self._blocks.fd),
            ],
            pass_fds=(self._blocks.fd,),
            stdin=job_reader,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            # OpenBLAS would start a thread per core at import, although nothing here uses linear algebra.
            env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
        )
        os.close(job_reader)

    def start(self, path: Path, start: int, end: int, index: Path | None = None) -> None:
        """Index ``[start, end)`` of a file, and cache the result at the path ``index``."""
        self.end = start
        job = (path.resolve(), start, end, index.absolute() if index is not None else "")
        with contextlib.suppress(BrokenPipeError):  # ``is_finished`` reports why the child ended
            os.write(self._job, b"\0".join(os.fsencode(str(part)) for part in job))
        self._close_job()

    @property
    def is_finished(self) -> bool:
        """Return whether the child has ended; blocks may still be unread."""
        if self._process.poll() is None:
            return False
        if self._process.returncode and not self.failure:
            output = os.pread(self._errors, FAILURE_BYTES, 0)
            lines = output.decode("utf-8", "replace").strip().splitlines()
            self.failure = lines[-1] if lines else f"status {self._process.returncode}"
        return True

    def next_block(self) -> Block | None:
        """Return the next block; None if it is not available yet."""
        block = cast("Block | None", self._blocks.get())
        if block is not None:
            self.end = block.end
        return block

    def close(self) -> None:
        """End the child and discard its output."""
        if self._blocks.fd >= 0:
            self._process.kill()
            self._process.wait()
            self._close_job()
            os.close(self._errors)
            self._blocks.close()

    def _close_job(self) -> None:
        if self._job >= 0:
            os.close(self._job)
            self._job = -1
