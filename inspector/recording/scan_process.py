"""The child process that indexes a large recording, seen from the parent: blocks, whenever they are there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

from inspector.core.log import Block
from inspector.recording.blocks import BlockFile


class ScanProcess:
    """One running scan."""

    def __init__(self, path: Path, start: int, end: int, index: Path | None = None) -> None:
        """Start to index ``[start, end)`` of a file, and keep that as ``index`` for the next time."""
        self.end = start
        """Byte offset up to which blocks have been handed out."""
        self.failure = ""
        self._blocks = BlockFile()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",  # whatever lies in the user's folder
                "-m",
                "inspector.recording.scan",
                str(path.resolve()),
                str(start),
                str(end),
                str(self._blocks.fd),
                str(index.absolute()) if index is not None else "",
            ],
            pass_fds=(self._blocks.fd,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def is_over(self) -> bool:
        """Tell whether the child has ended; blocks may still be waiting."""
        if self._process.poll() is None:
            return False
        if self._process.returncode and not self.failure:
            self._errors.seek(0)
            lines = self._errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
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
            self._errors.close()
            self._blocks.close()
