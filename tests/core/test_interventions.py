"""Frames added or changed by a proxy: not counted as the server's errors, and attributed to the rule or person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspector.analysis.query import EventFacts, parse
from inspector.analysis.row_list import RowList
from inspector.cli.printed_row import PrintedRow
from inspector.core.event import Direction, Event, Origin
from inspector.core.state import SessionState
from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from inspector.recording.recording_facts import read_facts
from tests.support import at, client, frame_event, local, numbered, server

RULE, HAND = {"by": "rule 2", "rule": "inject x"}, {"by": "hand"}


def made(event: Event, origin: Origin = Origin.RULE) -> Event:
    return replace(event, origin=origin)


def injected(to: str, **who: str) -> Event:
    return local("inspector.injected", to=to, event_type="x", **who)


def altered(direction: str, change: str, **who: str) -> Event:
    return local("inspector.altered", direction=direction, event_type="x", change=change, **who)


FAILED = server("response.done", response={"id": "r", "status": "failed"})
OURS: list[Event] = [
    injected("app", **RULE),
    made(server("error", error={"code": "rate_limit_exceeded", "message": "slow down"})),
    altered("server", "replace /response/status", by="rule 1"),
    altered("server", "replace /response/id", by="rule 3"),
    made(FAILED),
    injected("app", **HAND),
    made(frame_event(Direction.SERVER, b"no json"), Origin.HAND),
    injected("api", **HAND),
    made(client("response.create"), Origin.HAND),
    altered("server", "drop", by="rule 1"),
]
THEIRS: list[Event] = [server("error", error={"code": "x", "message": "no"}), FAILED]
EVENTS = numbered([at(ms, event) for ms, event in enumerate([*OURS, *THEIRS])])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    header = Header("2026-11-20T23:12:00.123456Z", "proxy", "wss://x", "m")
    path.write_bytes(render_header(header) + b"".join(map(render, EVENTS)))
    return path


def test_header_filter_and_list_count_the_servers_errors_only(path: Path) -> None:
    state = SessionState()
    for event in EVENTS:
        state.apply(event, strict=True)
    theirs = [len(OURS) + 1, len(OURS) + 2]

    assert [problem.seq for problem in state.problems.all if problem.is_error] == theirs
    is_error = parse("err")
    assert [event.seq for event in EVENTS if is_error.test(EventFacts(event))] == theirs
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, 1 << 60)
    rows = RowList(log, (Direction.SERVER,))
    rows.filter(is_error)
    rows.refresh()
    assert [row + 1 for row in rows.rows] == theirs
    reader.close()
    assert read_facts(path, path.stat(), None).errors == len(theirs)


def test_frames_are_attributed_to_the_rule_or_person() -> None:
    state = SessionState()
    for event in EVENTS:
        state.apply(event, strict=True)
    clone = state.copy()

    assert {seq: str(one) for seq, one in clone.interventions.of.items()} == {
        2: "injected (rule 2)",
        5: "changed (rule 1, rule 3)",
        7: "injected (hand)",
        9: "injected (hand)",
    }


def test_a_frame_that_ends_before_an_injected_one_is_not_marked() -> None:
    state = SessionState()
    for event in numbered(
        [injected("app", **RULE), server("response.created"), made(server("error"))]
    ):
        state.apply(event, strict=True)

    assert list(state.interventions.of) == [3]


@pytest.mark.parametrize(
    ("directions", "expected"),
    [
        ((Direction.CLIENT, Direction.LOCAL), [7, 8]),
        ((Direction.SERVER,), [0, 1, 2, 3, 4, 5, 6, 9, 10, 11]),
        (tuple(Direction), list(range(12))),
    ],
)
@pytest.mark.parametrize("expression", ["", "t>=0"])
def test_local_events_about_a_frame_are_listed_at_its_receiver(
    path: Path, directions: tuple[Direction, ...], expected: list[int], expression: str
) -> None:
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, 1 << 60)
    rows = RowList(log, directions)
    rows.filter(parse(expression))
    rows.refresh()
    reader.close()

    assert list(rows.rows) == expected
    assert (len(rows), rows.total) == (len(expected), len(expected))
    assert [row for row in range(len(log)) if rows.holds(row)] == expected


def test_lines_of_text_mark_them() -> None:
    rows = PrintedRow()
    lines = []
    for event in EVENTS:
        rows.see(event)
        lines.append(rows.line(event, None))
    words = [line.split(maxsplit=2)[2].split() for line in lines]

    assert " ".join(words[1]) == "⇠ error injected (rule 2) rate_limit_exceeded slow down"
    assert " ".join(words[8]) == "⇢ response.create injected (hand)"
    assert " ".join(words[9]) == "· inspector.altered dropped (rule 1) x to the app"
    assert words[10][:2] == ["!←", "error"]
