"""The files that exports go to: each appears whole, or not at all.

What is no regular file cannot be replaced without destroying it: a pipe, a device or an open descriptor (``/dev/stdout``,
``>(command)``) is written in place. Links are followed, so that they stay links.
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
"""As many as Linux follows (path_resolution(7))."""


@contextmanager
def written(target: Path, source: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that takes the target's place once all of it is written; what cannot be replaced is written in place.

    Raises:
        ExportError: it would replace the recording itself, or cannot be written.
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
    """Open what is there and no regular file; None where a file may be put in its place.

    Raises:
        OSError: it cannot be opened.
    """
    number = _descriptor(target)
    if number is not None:
        # Opened by its name, a file that the shell has opened for us would be written from its beginning.
        return os.dup(number)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    # No O_TRUNC and no O_CREAT: neither means anything for a pipe or a device. A directory refuses by itself.
    return None if stat.S_ISREG(mode) else os.open(target, os.O_WRONLY | os.O_CLOEXEC)


def _descriptor(target: Path) -> int | None:
    """Return the descriptor of this process that a path stands for; None where it is a path like any other."""
    own = {os.path.realpath(folder) for folder in ("/dev/fd", "/proc/self/fd")}
    path = target.absolute()
    for _ in range(MOST_LINKS):
        # The last part is not resolved: what it leads to has no name that could be opened, but a number.
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
    # O_EXCL and O_NOFOLLOW, mode 0600, and a name that nobody else has: two exports at once must not share it.
    fd, name = tempfile.mkstemp(dir=target.parent, prefix=".export-", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
