"""Folding: compute the session state of a whole recording at once.

``Replay`` folds in slices under a cursor instead, since a screen cannot wait for a gigabyte.
"""

from __future__ import annotations

from inspector.core.state import SessionState
from inspector.recording.reader import RecordingReader


def fold_recording(reader: RecordingReader) -> SessionState:
    """Return the state of a session after every event of its recording, in constant memory for any file size.

    A recording of several sessions (a reconnect) ends in the state of the last one; ``core.state.ends_of_sessions`` gives each.

    Raises:
        RecordingError: the disk does not give the file.
    """
    state = SessionState()
    for event in reader.events():
        state.apply(event)
    return state
