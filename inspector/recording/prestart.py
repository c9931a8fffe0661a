"""Large recordings: which they are, and the head start that indexing one gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspector.recording.scan_process import ScanProcess

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
