"""The session view, the form and the rows agree about a rejection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from inspector.analysis.form.history import Outcome, UpdateHistory
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from inspector.tui.views.events.relations import rejection_of
from inspector.tui.views.session.session_lines import session_lines
from tests.support import client, numbered, server


def update(event_id: str = "") -> Event:
    ids = {"event_id": event_id} if event_id else {}
    return client("session.update", **ids, session={"type": "realtime", "voice": "x"})


def error(code: str = "unknown_parameter", param: str | None = None, event_id: str | None = None) -> Event:  # fmt: skip
    words = {"code": code, "message": "no", "param": param, "event_id": event_id}
    return server("error", error=words)


CREATED = server("session.created", session={"id": "s", "type": "realtime"})
UPDATED = server("session.updated", session={"id": "s", "type": "realtime"})


def read(events: Sequence[Event], folder: Path) -> tuple[EventLog, SessionState, UpdateHistory]:
    """Return the log of some events, the state after them, and the form's state."""
    path = folder / "r.jsonl"
    lines = [render_header(Header("2026-11-27T00:00:00.000000Z", "sim"))]
    path.write_bytes(b"".join([*lines, *map(render, numbered(events))]))
    reader = RecordingReader(path)
    log, state, history = reader.new_log(), SessionState(), UpdateHistory()
    reader.index_rows(log, reader.start, reader.size)
    for row in range(len(log)):
        state.apply(log.event(row), strict=True)
    history.read(log, len(log), state.causes)
    return log, state, history


@pytest.mark.parametrize(
    ("events", "refused", "row"),
    [
        ([update(), error(param="session.voice")], [2], "✗? unknown_parameter"),
        ([update(), error(param="voice")], [2], "✗? unknown_parameter"),
        ([update(), error("cannot_update_voice")], [2], "✗? cannot_update_voice"),
        ([update("e1"), update("e2"), error("invalid_value", event_id="e2"), UPDATED], [3], "✗ invalid_value"),
        ([update(), error(param="session.voice", event_id="other")], [], ""),
        ([update(), UPDATED, error(param="session.voice")], [], ""),
    ],
)  # fmt: skip
def test_every_view_names_the_same_rejected_update(
    events: Sequence[Event], refused: list[int], row: str, tmp_path: Path
) -> None:
    log, state, history = read([CREATED, *events], tmp_path)
    page = " ".join(text for line in session_lines(state, 120) for text, _ in line.spans)

    assert list(state.causes.rejected) == refused
    assert [u.seq for u in history.updates if u.outcome is Outcome.REJECTED] == refused
    assert ("rejected the whole update" in page) is bool(refused)
    assert ("probably rejected" in page) is ("?" in row)
    assert [rejection_of(log, state, seq) for seq in refused] == [row] * len(refused)


def test_an_error_row_names_the_event_that_it_rejects(tmp_path: Path) -> None:
    log, state, _ = read([CREATED, update(), error(param="session.voice")], tmp_path)

    assert rejection_of(log, state, 3) == "✗? #2 session.update"
