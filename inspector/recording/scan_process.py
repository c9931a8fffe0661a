"""The child process that indexes a large recording, seen from the parent: blocks, whenever they are there."""

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


class ScanProcess:
    """One scan, in a child that may be there before it is known what to scan: it has much to load."""

    def __init__(self) -> None:
        self.end = 0
        """Byte offset up to which blocks have been handed out."""
        self.failure = ""
        self._blocks = BlockFile()
        self._errors = anonymous_file()
        told, self._job = os.pipe()
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",  # whatever lies in the user's folder
                "-m",
                "inspector.recording.scan",
                str(self._blocks.fd),
            ],
            pass_fds=(self._blocks.fd,),
            stdin=told,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
        )
        os.close(told)

    def start(self, path: Path, start: int, end: int, index: Path | None = None) -> None:
        """Index ``[start, end)`` of a file, and keep that as ``index`` for the next time."""
        self.end = start
        job = (path.resolve(), start, end, index.absolute() if index is not None else "")
        with contextlib.suppress(BrokenPipeError):  # why it ended, ``is_over`` finds out
            os.write(self._job, b"\0".join(os.fsencode(str(part)) for part in job))
        self._hang_up()

    @property
    def is_over(self) -> bool:
        """Tell whether the child has ended; blocks may still be waiting."""
        if self._process.poll() is None:
            return False
        if self._process.returncode and not self.failure:
            told = os.pread(self._errors, FAILURE_BYTES, 0)
            lines = told.decode("utf-8", "replace").strip().splitlines()
            self.failure = lines[-1] if lines else f"status {self._process.returncode}"
        return True

    def next_block(self) -> Block | None:
        """Return the next block, None where it is not there yet."""
        block = cast("Block | None", self._blocks.get())
        if block is not None:
            self.end = block.end
        return block

    def close(self) -> None:
        """End the child and let go of what it wrote."""
        if self._blocks.fd >= 0:
            self._process.kill()
            self._process.wait()
            self._hang_up()
            os.close(self._errors)
            self._blocks.close()

    def _hang_up(self) -> None:
        if self._job >= 0:
            os.close(self._job)
            self._job = -1
