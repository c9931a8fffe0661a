"""Output files of exports: each appears complete or not at all.

A regular file is written under a temporary name and then renamed. Renaming would destroy a pipe, a device or an open descriptor
(``/dev/stdout``, ``>(command)``), so these are written in place. Links are followed, so that they stay links.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from inspector.errors import EXIT_CANNOT_WRITE, ExportError

MOST_LINKS = 40
"""The limit of Linux (path_resolution(7)), so that a loop of links ends."""


@contextmanager
def written(target: Path, source: Path | None = None) -> Iterator[BinaryIO]:
    """Yield a file that replaces the target once it is completely written; pipes and devices are written in place.

    Raises:
        ExportError: the target is the recording itself, or cannot be written.
    """
    try:
        if source is not None and _is_same(target, source):
            raise ExportError(f"{target} is the recording itself", hint="name another file with -o")
        fd = _opened_in_place(target)
        if fd is not None:
            with os.fdopen(fd, "wb") as file:
                yield file
            return
        with _replacing(Path(os.path.realpath(target))) as file:
            yield file
    except OSError as error:
        raise ExportError(
            f"cannot write {target}: {error.strerror or error}",
            hint="name another file with -o",
            code="cannot_write",
            exit_code=EXIT_CANNOT_WRITE,
        ) from error


def _is_same(target: Path, source: Path) -> bool:
    try:
        return target.samefile(source)
    except FileNotFoundError:
        return False


def _opened_in_place(target: Path) -> int | None:
    """Open a target that is not a regular file; return None if the target may be replaced.

    Raises:
        OSError: the target cannot be opened.
    """
    number = _descriptor(target)
    if number is not None:
        # Opening it by name would start at the beginning of a file that the shell has opened for appending.
        return os.dup(number)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    # Without O_TRUNC and O_CREAT, which mean nothing for a pipe or a device. Opening a directory fails, as it should.
    return None if stat.S_ISREG(mode) else os.open(target, os.O_WRONLY | os.O_CLOEXEC)


def _descriptor(target: Path) -> int | None:
    """Return the number of this process's descriptor that a path denotes; None for any other path."""
    own = {os.path.realpath(folder) for folder in ("/dev/fd", "/proc/self/fd")}
    path = target.absolute()
    for _ in range(MOST_LINKS):
        # The last part is not resolved: an entry of /dev/fd links to "pipe:[123]" and the like, which cannot be opened.
        folder = os.path.realpath(path.parent)
        if folder in own and path.name.isdecimal():
            return int(path.name)
        path = Path(folder) / path.name
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    # mkstemp opens with O_EXCL, O_NOFOLLOW and mode 0600, under a unique name: concurrent exports must not share one.
    fd, name = tempfile.mkstemp(dir=target.parent, prefix=".export-", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
        part.replace(target)
    except BaseException:  # an interrupt must not leave the temporary file behind either
        part.unlink(missing_ok=True)
        raise
