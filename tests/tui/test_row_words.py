"""The text of folded rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.style import Style

from inspector.analysis.lint.finding import Severity
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.recording.format import parse, render
from inspector.recording.writer import RecordingFile
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.views.events.row_text import RowLook, RowStyles, RowText
from tests.core.test_output_audio import delta
from tests.support import ManualClock, at, client, logged, numbered, server, silence

CALM = Severity.HARMLESS
STYLES = RowStyles(*([Style()] * len(RowStyles.__dataclass_fields__)))


def drawn_row(events: list[Event], row: int, severity: Severity | None) -> str:
    """Return a row without its time, with the names of styles of what has one: ``[error]!``."""
    styles = RowStyles(*(Style(meta={"name": name}) for name in RowStyles.__dataclass_fields__))
    look = RowLook(120, severity=severity, rejection="· c" if severity is CALM else "✗ c")
    strip = RowText(logged(events), UNICODE, has_both_sides=False).strip(row, look, styles)
    runs = [(one.text.strip(), one.style.meta["name"]) for one in strip if one.style is not None]
    return " ".join(f"[{name}]{text}" for text, name in runs[2:] if text)


def first_row(events: list[Event], *, has_times: bool = True) -> str:
    store = RecordingFile(None, ManualClock())
    log = EventLog(store, parse)
    for event in numbered(events):
        event = event if has_times else replace(event, t_ns=None)
        line = render(event)
        log.append(event, store.append(line), len(line) - 1)
    return RowText(log, UNICODE, has_both_sides=False).strip(0, RowLook(120), STYLES).text


def append(ms: float) -> Event:
    return at(ms, client("input_audio_buffer.append", audio=silence(100)))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([delta(1000, 1600), delta(1500, 1600)], "×2  3.20 s in 0.5 s  154 KB"),
        (
            [delta(1000, 300), delta(14_900, 300)],
            "×2  600 ms in 13.9 s, slower than playback  29 KB",
        ),
        ([append(100), append(600)], "×2  200 ms in 0.5 s  10 KB"),
    ],
)
def test_a_folded_row_shows_how_long_its_audio_took(events: list[Event], words: str) -> None:
    assert words in first_row(events)


def test_a_folded_row_without_times_shows_no_duration() -> None:
    assert "×2  600 ms  29 KB" in first_row([delta(1, 300), delta(2, 300)], has_times=False)


@pytest.mark.parametrize(
    ("severity", "begins", "ends"),
    [
        (None, "[error]! [error]error [error]✗ c [error]", "gone"),
        (Severity.ERROR, "[error]✗ [error]! [error]error [error]✗ c [error]", "gone"),
        (Severity.WARNING, "[warning]⚠ [error]! ", "gone"),
        (Severity.NOTE, "[time]• [error]! ", "gone"),
        (CALM, "[time]· [server]← [server]error [summary]· c [summary]", "gone"),
    ],
)
def test_the_sign_of_a_finding_stands_before_the_arrow_and_calms_a_harmless_error(
    severity: Severity | None, begins: str, ends: str
) -> None:
    row = drawn_row([server("error", error={"code": "c", "message": "gone"})], 0, severity)

    assert row.startswith(begins)
    assert row.endswith(ends)
