"""LineStream: writes lines to stdout in a thread, so that a slow reader does not stall the sessions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from inspector.cli.printing import (
    OutputFailed,
    ReaderGone,
    escaped_json,
    flush,
    say,
    to_terminal,
    write_bytes,
)

STREAM_LINES = 20_000
"""Lines that may wait for the reader of stdout."""


class LineStream:
    """Writes lines in order; drops lines while the reader is too slow."""

    def __init__(self, failed: Callable[[], object]) -> None:
        self._failed = failed
        self._lines: queue.Queue[bytes | None] = queue.Queue(STREAM_LINES)
        self._error: ReaderGone | OutputFailed | None = None
        self._dropped = 0
        self._safe = to_terminal()
        # A daemon: a reader that never reads must not keep the process alive.
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Queue a line without waiting."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> ReaderGone | OutputFailed | None:
        """Write the queued lines; return the error that has stopped the stream, if any."""
        if self._error is None:
            self._lines.put(None)
            self._thread.join()
        if self._dropped:
            say(
                f"warning: {self._dropped:,} events were not written to stdout: its reader was too slow"
            )
        return self._error

    def _write(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                write_bytes(escaped_json(line[:-1]) + b"\n" if self._safe else line)
                if self._lines.empty():
                    flush()
            flush()
        except (ReaderGone, OutputFailed) as error:
            self._error = error
            self._failed()
