"""A recording folded at once: the state that its events lead to, and nothing noted twice by reading it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.core.state import SessionState, ends_of_sessions
from inspector.recording.folding import fold_recording
from inspector.recording.reader import RecordingReader
from tests.support import facts, local, numbered, server

SESSIONS = sorted((Path(__file__).parents[2] / "sessions").glob("*.jsonl"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_recording_folds_to_the_state_of_its_events(path: Path) -> None:
    reader, again = RecordingReader(path), RecordingReader(path)
    state = SessionState()
    for event in again.events():
        state.apply(event, strict=True)

    assert facts(fold_recording(reader)) == facts(state)
    reader.close()
    again.close()


def test_a_foreign_file_that_is_folded_and_then_read_notes_its_times_once(tmp_path: Path) -> None:
    path = tmp_path / "foreign.jsonl"
    lines = [(1, "session.created"), (3, "session.updated"), (2, "response.created")]
    path.write_text(
        "".join(f'{{"dir":"recv","t":{t},"event":{{"type":"{name}"}}}}\n' for t, name in lines)
        + '{"dir":"recv","t":"soon","event":{"type":"response.done"}}\n'
    )
    once, twice = RecordingReader(path), RecordingReader(path)
    fold_recording(once)
    fold_recording(twice)
    list(twice.events())

    assert len(once.time_notes()) == 2
    assert twice.time_notes() == once.time_notes()
    once.close()
    twice.close()


def test_every_session_of_a_log_ends_with_a_state_of_its_own() -> None:
    session = [
        server("session.created", session={"model": "one"}),
        server("response.created", response={"id": "r"}),
    ]
    events = numbered([*session, local("inspector.opened"), *session])

    ends = [(state.session.model, len(state.responses.all)) for state in ends_of_sessions(events)]

    assert len(ends) == 2
    assert ends[0] == ends[1]


def test_a_log_without_events_has_one_empty_session() -> None:
    assert [state.session.model for state in ends_of_sessions([])] == [""]
