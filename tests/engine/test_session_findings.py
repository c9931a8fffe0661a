"""Findings of a session that is followed: in slices, live with the clock, and over a reconnect."""

from __future__ import annotations

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.engine.session_findings import SessionFindings
from inspector.recording.format import parse, render
from tests.linted import OPENED, began, called, later, result, session
from tests.support import Lines, local, numbered, server


def log_of(events: list[Event]) -> EventLog:
    store = Lines()
    log = EventLog(store, parse)
    for event in events:
        line = render(event).rstrip(b"\n")
        log.append(event, len(store.lines), len(line))
        store.lines.append(line)
    return log


def rules_of(found: SessionFindings) -> list[str]:
    return [] if found.report is None else [one.rule for one in found.report.findings]


def test_a_recording_is_read_in_slices_and_judged_at_its_end() -> None:
    found = SessionFindings(log_of(numbered([*began(), *called(), result(), later(5000)])))

    assert not found.advance(lambda: True, is_over=True)
    assert 0 < found.progress < 1
    assert found.report is None
    assert found.advance(lambda: True, is_over=True)
    assert rules_of(found) == ["tool-result-unspoken"]
    assert not found.advance(lambda: True, is_over=True)


def test_a_live_session_is_judged_by_the_clock() -> None:
    found = SessionFindings(log_of(numbered([*began(), *called(), result()])))
    found.advance(lambda: False, now_ns=200_000_000)

    assert rules_of(found) == []
    revision = found.revision
    assert found.advance(lambda: False, now_ns=5_000_000_000)
    assert rules_of(found) == ["tool-result-unspoken"]
    assert found.revision == revision + 1


def test_the_findings_of_a_connection_stay_after_a_reconnect() -> None:
    lost = local("inspector.closed", code=1006, by="network")
    again = [OPENED, server("session.created", session=session(id="sess_2"))]
    found = SessionFindings(log_of(numbered([*began(), lost, *again])))
    found.advance(lambda: False, is_over=True)

    assert "connection-lost" in rules_of(found)


def test_nothing_is_loaded_or_said_before_the_first_event() -> None:
    found = SessionFindings(log_of([]))

    assert not found.advance(lambda: False)
    assert (found.report, found.progress) == (None, 1.0)
