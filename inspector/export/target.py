"""The files that exports go to: each appears whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from inspector.errors import ExportError

MODE = 0o600
"""An export holds someone's voice, as its recording does."""


@contextmanager
def written(target: Path, source: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that takes the target's place once all of it is written.

    Raises:
        ExportError: it would replace the recording itself, or cannot be written.
    """
    if source is not None and target.exists() and target.samefile(source):
        raise ExportError(f"{target} is the recording itself", hint="name another file with -o")
    part = target.with_name(f"{target.name}.part")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
        with os.fdopen(fd, "wb") as file:
            yield file
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ExportError(
            f"cannot write {target}: {error.strerror}", code="cannot_write"
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
