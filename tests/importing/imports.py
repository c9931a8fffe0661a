"""Importing a text in a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from inspector.core.event import Direction, Event
from inspector.importing.import_run import ImportRun
from inspector.importing.import_summary import ImportSummary
from inspector.importing.source_file import SourceFile
from inspector.recording.format import parse


class ImportResult(NamedTuple):
    """What an import wrote."""

    header: dict[str, Any]
    rows: list[Event]
    """All lines, local events included."""
    summary: ImportSummary
    lines: list[int]
    text: bytes

    @property
    def events(self) -> list[Event]:
        """The frames."""
        return [event for event in self.rows if event.direction is not Direction.LOCAL]


def import_text(folder: Path, text: str | bytes, name: str = "file.txt") -> ImportResult:
    """Import a text as a file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    written: list[bytes] = []
    source = SourceFile(path)
    try:
        run = ImportRun(source, written.append)
        summary = run.run()
    finally:
        source.close()
    header, *rows = b"".join(written).splitlines()
    events = [parse(line, row) for row, line in enumerate(rows)]
    return ImportResult(json.loads(header), events, summary, list(run.lines), b"".join(written))
