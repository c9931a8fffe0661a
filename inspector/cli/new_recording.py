"""The recording of a new session: where it goes, what it is called, and how it ends well."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspector.cli.printing import is_utf8, say
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


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """What there is of a recording when its session is over."""

    path: Path | None = None
    """Where it is; None where nothing is on disk."""
    is_whole: bool = True
    """Whether every event is in it."""


def finish_recording(recording: RecordingFile, tell: Callable[[str], None] = say) -> KeptRecording:
    """Close a recording; what its disk did not take is put into the temporary folder, and said."""
    failure, path = recording.failure, recording.path
    is_whole = not recording.dropped_lines
    try:
        rescued = recording.rescue(Path(tempfile.gettempdir()))
    except RecordingError as error:
        tell(f"warning: part of the recording is lost: {error.message}")
        is_whole = False
    else:
        if rescued is not None:
            why = failure or "it could not be written where it belongs"
            what = "the whole recording" if is_whole else "what was kept of the recording"
            tell(f"warning: {why}; {what} is in {rescued}")
            path = rescued
    recording.close()
    return KeptRecording(path, is_whole)


def say_recorded(kept: KeptRecording, events: int, errors: int, sessions: int = 1) -> None:
    """Say what was recorded where, and how to look at it again; the lines can be pasted into a shell.

    Args:
        kept: the recording, the newest one where there are several.
        events: how many there were in all.
        errors: how many of them report one.
        sessions: how many were recorded, each to a file of its own in one folder.
    """
    counts = f"{counted(events, 'event')}, {counted(errors, 'error')}"
    if sessions != 1:
        counts = f"{counted(sessions, 'session')}, {counts}"
    if kept.path is None:
        say(f"{counts}; nothing was recorded to disk")
        return
    place = pasted(kept.path if sessions == 1 else kept.path.parent)
    say(f"recorded {counts}: {place}" if kept.is_whole else f"{counts}; recorded in part: {place}")
    say(f"  inspector replay {pasted(kept.path)}")


class RecordedSessions:
    """What the sessions of a run have left on disk, for its last words."""

    def __init__(self) -> None:
        self._sessions = self._events = self._errors = 0
        self._newest = KeptRecording()
        self._warnings: list[str] = []

    def count(self, events: int, errors: int) -> None:
        """Count a session that has ended."""
        self._sessions += 1
        self._events += events
        self._errors += errors

    def finish(self, recording: RecordingFile, tell: Callable[[str], None] | None = None) -> None:
        """Close a recording, and remember where it is: not always where it was begun.

        Args:
            recording: of a session that has ended.
            tell: takes warnings; None keeps them for the last words, as words on stderr would be drawn across a screen.
        """
        kept = finish_recording(recording, tell or self._warnings.append)
        is_whole = kept.is_whole and self._newest.is_whole
        self._newest = KeptRecording(kept.path or self._newest.path, is_whole)

    def say(self) -> None:
        """Say how much there is, and how to look at the newest of it."""
        for warning in self._warnings:
            say(warning)
        if self._sessions:
            say_recorded(self._newest, self._events, self._errors, self._sessions)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def pasted(path: Path) -> str:
    """Return a path as a shell takes it for one word, and a command for no option."""
    text = str(path)
    if not is_utf8(text) or not text.isprintable():
        escaped = "".join(
            chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\{byte:03o}"
            for byte in os.fsencode(text)
        )
        return f"$'{escaped}'"  # bash, zsh and POSIX 2024 read this
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
