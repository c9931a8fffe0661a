"""The recording of a new session: where it goes, what it is called, and how it ends well."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from inspector.cli.printing import say
from inspector.clock import Clock
from inspector.engine.record import Described
from inspector.errors import RecordingError, UsageError
from inspector.folders import make_folder
from inspector.recording.writer import RecordingFile

NAMES_TRIED = 100
"""Recordings that may start within one second."""


def new_recording(
    source: Described, folder: Path, output: Path | None, clock: Clock, tell: Callable[[str], None]
) -> RecordingFile:
    """Begin the recording of a session.

    Args:
        source: where its frames will come from.
        folder: where recordings go.
        output: a file of the user's own choice; None for a new one in the folder, or none where that takes none.
        clock: tells when.
        tell: takes a warning.

    Raises:
        UsageError: the file is standard output.
        RecordingError: the user's file cannot be created.
    """
    if output is not None:
        if str(output) == "-":
            raise UsageError(
                "a recording needs a file", hint="use --headless --jsonl for a stream on stdout"
            )
        return RecordingFile(output, clock)
    try:
        name = recording_name(source, clock.utc_now())
        return _create_unique(make_folder(folder), name, clock)
    except (OSError, RecordingError) as error:
        tell(f"warning: nothing is recorded to disk: {error}")
        return RecordingFile(None, clock)


def recording_name(source: Described, now: datetime) -> str:
    """Return the name of a recording without its ending, like ``2026-11-20T23-12-00-live-gpt-realtime``."""
    words = [now.strftime("%Y-%m-%dT%H-%M-%S"), source.kind]
    model = re.sub(r"[^A-Za-z0-9._-]+", "-", source.model).strip("-.")[:60]
    return "-".join([*words, *([model] if model else [])])


def _create_unique(folder: Path, name: str, clock: Clock) -> RecordingFile:
    for attempt in range(1, NAMES_TRIED):
        path = folder / f"{name}{f'-{attempt}' if attempt > 1 else ''}.jsonl"
        try:
            return RecordingFile(path, clock)
        except RecordingError as error:
            if error.code != "exists":
                raise
    return RecordingFile(folder / f"{name}-{os.getpid()}.jsonl", clock)


def finish_recording(recording: RecordingFile, tell: Callable[[str], None] = say) -> Path | None:
    """Close a recording; what its disk did not take is put into the temporary folder, and said.

    Returns:
        Where the whole of it is; None where it is nowhere on disk.
    """
    failure, path = recording.failure, recording.path
    try:
        rescued = recording.rescue(Path(tempfile.gettempdir()))
    except RecordingError as error:
        tell(f"warning: part of the recording is lost: {error.message}")
    else:
        if rescued is not None:
            why = failure or "it could not be written where it belongs"
            tell(f"warning: {why}; the whole recording is in {rescued}")
            path = rescued
    recording.close()
    return path


def say_recorded(path: Path | None, events: int, errors: int, what: str = "") -> None:
    """Say what was recorded where, and how to look at it again; the lines can be pasted into a shell.

    Args:
        path: of the recording; None where nothing is on disk.
        events: how many it has.
        errors: how many of them report one.
        what: what stands before the counts, like ``3 sessions, ``.
    """
    counts = f"{what}{counted(events, 'event')}, {counted(errors, 'error')}"
    if path is None:
        say(f"{counts}; nothing was recorded to disk")
        return
    say(f"recorded {counts}: {pasted(path)}")
    say(f"  inspector replay {pasted(path)}")


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def pasted(path: Path) -> str:
    """Return a path as a shell takes it for one word, and a command for no option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
