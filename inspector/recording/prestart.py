"""Large recordings: which they are, and the head start that indexing one gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspector.recording.scan_process import ScanProcess

# A process and not a thread: a thread that indexes holds the interpreter lock, and keys stall; a child uses another core and hands over
# raw columns. It is started before anything else is loaded, since importing numpy takes it longer than the file.
SMALL_BYTES = 8 << 20
"""A file up to this size is not worth a child process."""


def prestarted_index(path: Path) -> ScanProcess | None:
    """Return a child that can soon index a file, None where the file is too small for one, or not there."""
    try:
        if path.stat().st_size <= SMALL_BYTES:
            return None
    except OSError:
        return None
    from inspector.recording.scan_process import ScanProcess

    return ScanProcess()
