"""Events as lines of text."""

from __future__ import annotations

from inspector.cli.printed_row import PrintedRow
from tests.support import client, server

G711 = {"type": "audio/pcmu"}
APPEND = client("input_audio_buffer.append", audio="A" * 428)
"""320 bytes."""


def test_audio_durations_use_the_sessions_format() -> None:
    rows = PrintedRow()
    before = rows.line(APPEND, None)
    session = {"type": "realtime", "audio": {"input": {"format": G711}}}
    rows.see(server("session.updated", session=session))

    assert "6 ms" in before
    assert "40 ms" in rows.line(APPEND, None)
