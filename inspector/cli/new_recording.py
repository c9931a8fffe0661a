"""The recording of a new session: creating, naming and closing it, and reporting where it is."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspector.analysis.lint.linted_state import LintedState, faults_of
from inspector.cli.printing import is_utf8, say
from inspector.clock import Clock
from inspector.core.state import SessionState
from inspector.engine.record import Described, SessionRecord
from inspector.errors import RecordingError, UsageError
from inspector.folders import make_folder
from inspector.recording.format import Header
from inspector.recording.reader import RecordingReader
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
        return create_unique(make_folder(folder), name, clock)
    except (OSError, RecordingError) as error:
        tell(f"warning: the session is not recorded to disk: {error}")
        return RecordingFile(None, clock)


def recording_name(source: Described, now: datetime) -> str:
    """Return the name of a recording without suffix, like ``2026-11-20T23-12-00-live-gpt-realtime``."""
    words = [now.strftime("%Y-%m-%dT%H-%M-%S"), source.kind]
    model = re.sub(r"[^A-Za-z0-9._-]+", "-", source.model).strip("-.")[:60]
    return "-".join([*words, *([model] if model else [])])


def create_unique(folder: Path, name: str, clock: Clock) -> RecordingFile:
    """Create a recording with a name that no other process has taken in the same second.

    Args:
        folder: of the recordings; must exist.
        name: without suffix; ``-2`` and so on is appended if it is taken.
        clock: stamps the events.

    Raises:
        RecordingError: the folder is not writable.
    """
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
    """What is left of a recording at the end of its session."""

    path: Path | None = None
    """The recording; None if it is not on disk."""
    is_whole: bool = True
    """Whether it contains every event."""


def finish_recording(recording: RecordingFile, tell: Callable[[str], None] = say) -> KeptRecording:
    """Close a recording; if the disk did not accept all of it, save the rest to the temporary folder."""
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


def say_recorded(
    kept: KeptRecording, events: int, errors: int, sessions: int = 1, verdict: str = ""
) -> None:
    """Print where a session was recorded and how to replay it; the last line can be pasted into a shell.

    Args:
        kept: the recording, the newest one of several.
        events: number of events in all.
        errors: number of events that report an error.
        sessions: number of sessions, each recorded to a file in the same folder.
        verdict: the verdict on the newest session in one line; ``""`` for none.
    """
    counts = f"{counted(events, 'event')}, {counted(errors, 'error')}"
    if sessions != 1:
        counts = f"{counted(sessions, 'session')}, {counts}"
    if kept.path is None:
        say(f"{counts}; nothing was recorded to disk")
        return
    place = pasted(kept.path if sessions == 1 else kept.path.parent)
    say(f"recorded {counts}: {place}" if kept.is_whole else f"{counts}; recorded in part: {place}")
    if verdict:
        say(f"  {verdict}")
    say(f"  inspector replay {pasted(kept.path)}")


class RecordedSessions:
    """Counts over all sessions of a run, for the report at its end."""

    def __init__(self) -> None:
        self._sessions = self._events = self._errors = 0
        self._newest = KeptRecording()
        self.paths: list[Path] = []
        """The recordings on disk."""
        self._last: tuple[Header, SessionState] | None = None
        """Of the newest session; the session itself would keep its screen in memory."""
        self._warnings: list[str] = []

    def count(self, session: SessionRecord) -> None:
        """Count a session that has ended."""
        self._sessions += 1
        self._events += len(session.log)
        self._errors += faults_of(session.state)
        header = session.header
        if self._last is None or header.started_at >= self._last[0].started_at:
            self._last = header, session.state

    def finish(self, recording: RecordingFile, tell: Callable[[str], None] | None = None) -> None:
        """Close a recording, and store its path, which differs from the original one if the disk was full.

        Args:
            recording: of a session that has ended.
            tell: called with warnings; None keeps them for the report, since a screen must not be overwritten by stderr.
        """
        kept = finish_recording(recording, tell or self._warnings.append)
        self.paths += [kept.path] if kept.path is not None else []
        is_whole = kept.is_whole and self._newest.is_whole
        self._newest = KeptRecording(kept.path or self._newest.path, is_whole)

    def say(self) -> None:
        """Print the counts, and the verdict on the newest session and how to replay it."""
        for warning in self._warnings:
            say(warning)
        if self._last is not None:
            words = printed_verdict(*self._last, self._newest.path)
            say_recorded(self._newest, self._events, self._errors, self._sessions, words)


def printed_verdict(header: Header, state: SessionState, path: Path | None) -> str:
    """Return the verdict on a session that is over, in one line; ``""`` where nothing happened.

    Args:
        header: header of its recording.
        state: its last state.
        path: its recording, which is read if no rules have watched the session; None if there is no file.
    """
    # Imported late: a proxy must not load the analysis of costs before its first session.
    from inspector.analysis.verdict import verdict_line
    from inspector.price_file import prices_here
    from inspector.recording.recorded_verdict import recorded_verdict, verdict_of

    if path is not None and not isinstance(state, LintedState):
        with (
            contextlib.suppress(RecordingError),
            contextlib.closing(RecordingReader(path)) as reader,
        ):
            return verdict_line(recorded_verdict(reader, prices_here()))
    return verdict_line(verdict_of(state, header, prices_here()))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def pasted(path: Path) -> str:
    """Return a path quoted for a shell, and never mistaken for an option."""
    text = str(path)
    if not is_utf8(text) or not text.isprintable():
        escaped = "".join(
            chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\{byte:03o}"
            for byte in os.fsencode(text)
        )
        return f"$'{escaped}'"  # bash, zsh and POSIX 2024 read this
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
