"""The levels of both sides of a recording at its cursor."""

from __future__ import annotations

import math

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.recorded_levels import RecordedLevels
from inspector.recording.format import parse, render
from inspector.recording.writer import RecordingFile
from tests.spoken import base64_of, tone
from tests.support import ManualClock, at, client, numbered, server


def log_of(events: list[Event]) -> EventLog:
    store = RecordingFile(None, ManualClock())
    log = EventLog(store, parse)
    for event in numbered(events):
        line = render(event)
        log.append(event, store.append(line), len(line) - 1)
    return log


def append(ms: float, **more: str) -> Event:
    return at(ms, client("input_audio_buffer.append", audio=base64_of(tone(100)), **more))


def loudest(events: list[Event]) -> float:
    """Return the highest level of the user's side over the whole recording, in dBFS."""
    log, state = log_of(events), SessionState()
    levels = RecordedLevels(log)
    found = -math.inf
    for row in range(len(log)):
        state.apply(log.event(row))
        found = max(found, levels.read(row, log.t_us[row] * 1000, state)[0].rms_dbfs)
    return found


def test_what_the_server_refused_is_not_on_the_users_meter() -> None:
    refusal = at(130, server("error", error={"param": "x", "event_id": None}))

    assert loudest([append(100), at(130, server("session.updated"))]) > -10
    assert loudest([append(100, x="1"), refusal]) == -math.inf


def test_what_is_no_audio_is_not_on_the_users_meter() -> None:
    audio = f"data:audio/wav;base64,{base64_of(tone(100))}"

    assert loudest([at(100, client("input_audio_buffer.append", audio=audio))]) == -math.inf
