"""The recording of a new session: creating, naming and closing it, and reporting where it is."""

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
"""Attempts to find a free name; only recordings started within the same second conflict."""


def new_recording(
    source: Described, folder: Path, output: Path | None, clock: Clock, tell: Callable[[str], None]
) -> RecordingFile:
    """Start the recording of a session.

    Args:
        source: the source of the session's frames.
        folder: the folder for recordings.
        output: a file chosen by the user; None for a new file in the folder, or none if that cannot be written.
        clock: provides the date for the name.
        tell: called with a warning.

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
        tell(f"warning: the session is not recorded to disk: {error}")
        return RecordingFile(None, clock)


def recording_name(source: Described, now: datetime) -> str:
    """Return the name of a recording without suffix, like ``2026-11-20T23-12-00-live-gpt-realtime``."""
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
    """Close a recording; if the disk did not accept all of it, save the whole to the temporary folder.

    Returns:
        The path of the complete recording; None if it is not on disk.
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
    """Print where a session was recorded and how to replay it; the second line can be pasted into a shell.

    Args:
        path: the recording; None if it is not on disk.
        events: number of events.
        errors: number of events that report an error.
        what: text before the counts, such as ``3 sessions, ``.
    """
    counts = f"{what}{counted(events, 'event')}, {counted(errors, 'error')}"
    if path is None:
        say(f"{counts}; nothing was recorded to disk")
        return
    say(f"recorded {counts}: {pasted(path)}")
    say(f"  inspector replay {pasted(path)}")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def pasted(path: Path) -> str:
    """Return a path quoted for a shell, and never mistaken for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
