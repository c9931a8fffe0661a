"""VerdictProcess: the parent's side of the process that judges a large recording, which would hold up a screen for seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from inspector.recording.blocks import anonymous_file

MAX_OUTPUT_BYTES = 1 << 20
"""Read of the child's stdout; a verdict is a few hundred bytes."""


class VerdictProcess:
    """A verdict in the making, in a child process."""

    def __init__(self, path: Path) -> None:
        """Start it.

        Raises:
            OSError: no process can be started.
        """
        # A file, not a pipe: the child never waits for a parent that does not read.
        self._output = anonymous_file()
        root = str(Path(__file__).resolve().parents[2])
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # do not import modules from the user's current folder
                    "-m",
                    "inspector.recording.recorded_verdict",
                    str(path.resolve()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.DEVNULL,
                # OpenBLAS would start a thread per core at import, although nothing here uses linear algebra.
                env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError:
            os.close(self._output)
            raise

    @property
    def is_finished(self) -> bool:
        """Return True if the child has ended, with or without a verdict."""
        return self._process.poll() is not None

    def rows(self) -> list[dict[str, Any]] | None:
        """Return the verdict as plain values, once the child has ended; None if it failed."""
        if self._process.returncode != 0:
            return None
        try:
            found: list[dict[str, Any]] = orjson.loads(os.pread(self._output, MAX_OUTPUT_BYTES, 0))
        except (OSError, ValueError):
            return None
        return found

    def close(self) -> None:
        """End the child and discard its output."""
        if self._output >= 0:
            self._process.kill()
            self._process.wait()
            os.close(self._output)
            self._output = -1
