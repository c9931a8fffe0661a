"""Foreign files for commands: imported to a recording of their own, or to a private temporary one that is removed afterwards."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from inspector.cli.printing import flush, print_error, say, write_bytes, write_object
from inspector.clock import SYSTEM_CLOCK, time_is_up
from inspector.core.units import NS_PER_S
from inspector.errors import EXIT_CANNOT_WRITE, RecordingError, UsageError
from inspector.folders import path_exists
from inspector.recording.format import FileShape
from inspector.recording.reader import NOT_A_RECORDING, RecordingReader
from inspector.recording.writer import MODE

if TYPE_CHECKING:
    from inspector.importing.import_summary import ImportSummary

Owner = TypeVar("Owner")

STDIN = STDOUT = "-"
MOST_NAMES = 1000
"""Attempts to find a free name in a folder."""
PROGRESS_S = 0.2
"""Time between two updates of the progress line."""
LONG_BYTES = 4 << 20
"""Smaller files are imported before a progress line could be read."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A foreign file that was imported."""

    path: Path
    """The recording."""
    summary: ImportSummary
    lines: array[int]
    """Line of the foreign file for each event, from 1; 0 if unknown."""


# ── inspector import ─────────────────────────────────────────────────────────────────────────────────────────────────


def import_files(
    files: Sequence[str], output: str | None, sessions: Callable[[], Path], *, as_json: bool
) -> int:
    """Import files, each to a recording of its own.

    Args:
        files: paths; ``-`` for stdin.
        output: a recording, an existing folder, or ``-`` for stdout; None for new files in the sessions folder.
        sessions: returns that folder.
        as_json: print a JSON object with the summaries to stdout.

    Returns:
        The exit status: that of the last file that could not be imported, else 0.

    Raises:
        UsageError: several files cannot go to one.
        RecordingError: the recording exists already, or the only file cannot be imported.
    """
    if output == STDOUT and (len(files) > 1 or as_json):
        raise UsageError("stdout takes one recording and nothing else", hint="use -o DIR")
    folder = _folder(output, len(files))
    status, done = 0, []
    for name in files:
        try:
            with _named(name) as source:
                if output == STDOUT:
                    summary = _import(source, write_bytes)[0]
                    target = None
                else:
                    target = _target(name, output, folder, sessions)
                    summary = _import_to(source, target)
        except KeyboardInterrupt:
            say(f"cancelled: nothing was written of {name}")
            raise
        except RecordingError as error:
            if len(files) == 1:
                raise
            print_error(error.code, error.message, error.hint, as_json=as_json)
            status = error.exit_code
            continue
        summary.file = name
        done.append({**summary.json(), "recording": None if target is None else str(target)})
        say(f"{name}: {summary.words}" if len(files) > 1 else summary.words)
        if target is not None:
            from inspector.cli.new_recording import pasted

            say(f"  inspector replay {pasted(target)}")
    if as_json:
        write_object({"imports": done})
    flush()
    return status


def _folder(output: str | None, count: int) -> Path | None:
    """Return the folder for the recordings; None if the output is a file, or the default."""
    if output is None or output == STDOUT:
        return None
    if path_exists(Path(output)) and Path(output).is_dir():
        return Path(output)
    if count > 1:
        raise UsageError(f"{output} is not a folder", hint="several files need -o DIR")
    return None


@contextmanager
def _named(name: str) -> Iterator[Path]:
    """Yield a file to import.

    Raises:
        RecordingError: it cannot be read, or is a recording already.
    """
    with _stdin_file() if name == STDIN else nullcontext(Path(name)) as path:
        try:
            _check_is_foreign(path, name)
            yield path
        except RecordingError as error:
            if name != STDIN:
                raise
            message = error.message.replace(str(path), "stdin")
            raise RecordingError(
                message, code=error.code, hint=error.hint, exit_code=error.exit_code
            ) from error


def _check_is_foreign(path: Path, name: str) -> None:
    """Raise RecordingError if a file cannot be read, or is a recording already."""
    try:
        reader = RecordingReader(path)
    except RecordingError as error:
        if error.code != NOT_A_RECORDING:
            raise
        return
    is_ours = reader.shape is FileShape.OURS and reader.size > 0
    reader.close()
    if is_ours:
        raise RecordingError(
            f"{name} is a recording already",
            code="is_a_recording",
            hint="every command opens it as it is",
        )


@contextmanager
def _stdin_file() -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="inspector-stdin-") as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.flush()
        yield Path(spool.name)


def _target(
    name: str, output: str | None, folder: Path | None, sessions: Callable[[], Path]
) -> Path:
    """Return the path of a recording that does not exist yet."""
    if output is not None and folder is None:
        path = Path(output)
        if path_exists(path):
            raise RecordingError(
                f"{path} already exists; recordings are not overwritten",
                code="exists",
                hint="choose another name with -o",
            )
        return path
    stem = "stdin" if name == STDIN else Path(name).stem
    within = folder or sessions()
    for number in range(1, MOST_NAMES):
        path = within / f"{stem}{f'-{number}' if number > 1 else ''}.jsonl"
        if not path_exists(path):
            return path
    raise RecordingError(f"no free name for {stem} in {within}", code="exists", hint="use -o FILE")


def _import_to(source: Path, target: Path) -> ImportSummary:
    """Import a file to a recording, which appears complete or not at all."""
    from inspector.export.output_file import written

    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(
            f"cannot create {target.parent}: {error.strerror}",
            code="cannot_write",
            exit_code=EXIT_CANNOT_WRITE,
        ) from error
    with written(target, source) as file:
        return _import(source, file.write)[0]


# ── behind every other command ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def imported(path: Path) -> Iterator[ImportedFile]:
    """Import a file that is not a recording to a temporary one, removed at the end, and say so.

    Raises:
        RecordingError: the file contains no session.
    """
    with tempfile.TemporaryDirectory(prefix="inspector-import-") as folder:
        found = _import_into(Path(folder), path)
        say(imported_words(path, found.summary))
        yield found


def imported_for(path: Path, owner: Callable[[Path], Owner]) -> tuple[Owner, ImportSummary]:
    """Import a file to a temporary recording that is removed when its owner is no longer used, at the latest when the program ends.

    Nothing is printed: a screen may be open.

    Args:
        path: the foreign file.
        owner: opens the recording, and returns what uses it.

    Raises:
        RecordingError: the file contains no session.
    """
    folder = Path(tempfile.mkdtemp(prefix="inspector-import-"))
    try:
        found = _import_into(folder, path, shows_progress=False)
        user = owner(found.path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(user, shutil.rmtree, folder, ignore_errors=True)
    return user, found.summary


def imported_words(path: Path, summary: ImportSummary) -> str:
    """Return the note about a file that was imported to be opened."""
    return f"note: {path} is not a recording; imported for this command ({summary.structure}): {summary.words}"


def _import_into(folder: Path, path: Path, *, shows_progress: bool = True) -> ImportedFile:
    # The name of the user's file stays visible on the screen and in messages.
    target = folder / f"{path.stem}.jsonl"
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        with os.fdopen(fd, "wb") as file:
            summary, lines = _import(path, file.write, shows_progress=shows_progress)
    except OSError as error:
        raise RecordingError(
            f"cannot write the temporary recording {target}: {error.strerror}",
            code="cannot_write",
            hint="set TMPDIR to a folder with more space, or use inspector import FILE -o RECORDING",
            exit_code=EXIT_CANNOT_WRITE,
        ) from error
    return ImportedFile(target, summary, lines)


def _import(
    source: Path, write: Callable[[bytes], object], *, shows_progress: bool = True
) -> tuple[ImportSummary, array[int]]:
    """Import a file, with a progress line if it is large and stderr is a terminal."""
    from inspector.importing.import_run import ImportRun
    from inspector.importing.source_file import SourceFile

    progress = _Progress(source, is_on=shows_progress and sys.stderr.isatty())
    file = SourceFile(source, progress.step)
    try:
        run = ImportRun(file, write)
        return run.run(), run.lines
    finally:
        file.close()
        progress.end()


class _Progress:
    """A line on stderr that says how far an import is."""

    def __init__(self, path: Path, *, is_on: bool) -> None:
        try:
            self._size = path.stat().st_size
        except OSError:
            self._size = 0
        self._is_on = is_on and self._size >= LONG_BYTES
        self._begun_ns = SYSTEM_CLOCK.now_ns()
        self._is_due = time_is_up(PROGRESS_S)
        self._is_shown = False

    def step(self, read: int) -> None:
        """Show how many bytes were read."""
        if not self._is_on or not self._is_due():
            return
        self._is_due = time_is_up(PROGRESS_S)
        seconds = (SYSTEM_CLOCK.now_ns() - self._begun_ns) / NS_PER_S
        share = min(1.0, read / self._size)
        self._is_shown = True
        text = f"\rimporting: {share:4.0%} of {self._size >> 20:,} MB, {read / seconds / 1e6:,.0f} MB/s (ctrl+c cancels)"
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._is_shown:
            with suppress(OSError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
