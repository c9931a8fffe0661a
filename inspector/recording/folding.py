"""Folding a whole recording into the state of its session, for commands that report on the file as a whole.

Screens use ``engine.replay`` instead, which folds in slices: a screen cannot wait for a gigabyte.
"""

from __future__ import annotations

from inspector.core.state import SessionState
from inspector.recording.reader import RecordingReader


def fold_recording(reader: RecordingReader, state: SessionState | None = None) -> SessionState:
    """Return the state of a session after the last event of its recording. Events are read one at a time and not kept.

    For a recording of several sessions (after a reconnect) it is the state of the last one; ``core.state.ends_of_sessions``
    yields the state of each.

    Args:
        reader: the recording.
        state: the state before the first event, such as a ``LintedState``; None for a new ``SessionState``.

    Raises:
        RecordingError: if the file cannot be read.
    """
    state = SessionState() if state is None else state
    for event in reader.events():
        state.apply(event)
    return state
