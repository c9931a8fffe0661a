"""Prestarting the indexing process of a large recording, which loads its modules while the screen starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspector.recording.scan_process import ScanProcess

# A process and not a thread: a thread that indexes holds the interpreter lock, and keys stall; a child uses another core and hands over
# raw columns. It is started before anything else is loaded, since importing numpy takes it longer than the file.
SMALL_BYTES = 8 << 20
"""Files up to this size are indexed in the main process, faster than a child process starts."""


def prestarted_index(path: Path) -> ScanProcess | None:
    """Return a starting indexing process; None if the file is too small for one or does not exist."""
    try:
        if path.stat().st_size <= SMALL_BYTES:
            return None
    except OSError:
        return None
    from inspector.recording.scan_process import ScanProcess

    return ScanProcess()
