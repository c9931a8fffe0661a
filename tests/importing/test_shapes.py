"""Events in the shapes in which people keep them: which, in what direction, when."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

import pytest

from inspector.importing.importers import IMPORTERS
from tests.importing.imports import import_text
from tests.importing.shapes import BEGAN, EVENTS, SHAPES, STEP_MS, WITHOUT_DIRECTIONS, flow

BODIES = [event for _, event in EVENTS]
DIRECTIONS = [direction for direction, _ in EVENTS]


@pytest.mark.parametrize("name", SHAPES)
def test_events_are_found_with_direction_and_time(name: str, tmp_path: Path) -> None:
    text, kind = SHAPES[name]
    result = import_text(tmp_path, text)

    assert [event.body for event in result.events] == BODIES
    assert [event.direction for event in result.events] == DIRECTIONS
    assert (result.summary.inferred, result.summary.time_kind) == (0, kind)
    assert (result.summary.lost, result.summary.elided, result.summary.sessions) == (0, 0, 1)
    times = [event.t_ns for event in result.events]
    if kind == "none":
        assert times == [None] * 3
        return
    first, second, third = (time for time in times if time is not None)
    # A log with whole seconds cannot be more precise.
    step_ns = 0 if name == "openai-sdk" else STEP_MS * 1_000_000
    assert (second - first, third - second) == pytest.approx((step_ns, step_ns), abs=1_000_000)
    assert bool(result.header["started_at"]) == (kind == "absolute")
    if kind == "absolute":
        began = datetime.fromisoformat(result.header["started_at"]).timestamp() + first / 1e9
        assert began == pytest.approx(BEGAN.timestamp(), abs=0.002)


@pytest.mark.parametrize("name", WITHOUT_DIRECTIONS)
def test_directions_that_are_not_said_are_inferred_and_times_unknown(
    name: str, tmp_path: Path
) -> None:
    result = import_text(tmp_path, WITHOUT_DIRECTIONS[name])

    assert [event.body for event in result.events] == BODIES
    assert [event.direction for event in result.events] == DIRECTIONS
    assert result.summary.inferred == 3
    if name != "journal":
        assert [event.t_ns for event in result.events] == [None] * 3


@pytest.mark.parametrize("form", ["gzip", "utf-16", "bom and crlf", "nul"])
def test_a_log_is_read_however_it_is_stored(form: str, tmp_path: Path) -> None:
    text = SHAPES["wscat"][0]
    data = {
        "gzip": gzip.compress(text.encode()),
        "utf-16": text.encode("utf-16"),
        "bom and crlf": b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        "nul": b"\0" * 5000 + text.encode() + b"\0" * 9,
    }[form]

    assert [event.body for event in import_text(tmp_path, data).events] == BODIES


def test_flows_are_read_with_their_handshake_and_close(tmp_path: Path) -> None:
    result = import_text(
        tmp_path,
        flow("/chat").replace(b"session.", b"sessiox.").replace(b"response.", b"responsx.")
        + flow(),
    )

    assert [event.body for event in result.events] == BODIES
    assert [event.direction for event in result.events] == DIRECTIONS
    opened, closed = result.rows[0], result.rows[-1]
    assert opened.body is not None
    assert closed.body is not None
    assert opened.body["url"] == "wss://api.openai.com/v1/realtime?model=m"
    assert (opened.body["status"], opened.body["request_headers"]) == (101, {})
    assert (closed.body["code"], closed.body["by"]) == (1000, "client")
    assert result.summary.skipped == {"another WebSocket (wss://api.openai.com/chat)": 1}
    assert result.header["model"] == "m"


def test_the_last_importer_takes_everything() -> None:
    assert IMPORTERS[-1].recognises(b"anything", "at.all")
    assert not any(each.recognises(b"anything", "at.all") for each in IMPORTERS[:-1])
