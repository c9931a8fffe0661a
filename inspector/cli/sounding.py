"""The sound of recordings, measured and printed: what ``sound`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from inspector.analysis.sanitize import sanitized
from inspector.analysis.sound_bench import BENCH_TYPES, BenchReport, SoundBench, report_json
from inspector.analysis.sound_table import (
    SoundCell,
    SoundColumn,
    SoundRow,
    sound_rows,
    striking_lines,
)
from inspector.cli.each_recording import each_recording, file_notes
from inspector.cli.measuring import CsvTable, TableForm
from inspector.cli.printing import SCHEMA, flush, say, write_json, write_line
from inspector.recording.lean import feed_events
from inspector.recording.reader import RecordingReader

NAMED_FIGURES = 4
"""Figures named for each reason why they are unknown."""


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """One recording on the bench."""

    name: str
    """Its path, or ``-``."""
    report: BenchReport
    notes: tuple[str, ...]
    """What there is to say of the file."""


def bench_of(name: str, reader: RecordingReader) -> RecordedSound:
    """Measure the sound of a recording."""
    bench = SoundBench()
    feed_events(reader, BENCH_TYPES, bench.feed)
    return RecordedSound(name, bench.report(), tuple(file_notes(reader)))


def print_sound(files: Sequence[str], form: TableForm) -> None:
    """Print the sound of recordings.

    Raises:
        RecordingError: after the last, where one could not be read.
    """
    found = (bench_of(name, reader) for name, reader in each_recording(files))
    if form is TableForm.OBJECT:
        _print_objects(found)
        return
    table = CsvTable()
    for number, one in enumerate(found):
        if form is TableForm.STREAM:
            for row in _rows(one):
                write_json(orjson.dumps({"schema": SCHEMA, **row}) + b"\n")
        elif form is TableForm.CSV:
            for row in _rows(one):
                table.row({**row, "value": "" if row["value"] is None else row["value"]})
        else:
            _print_table(one, is_first=not number)
        _tell(one)
    flush()


def _print_objects(found: Iterator[RecordedSound]) -> None:
    write_json(b'{"schema":%d,"recordings":[' % SCHEMA)
    for number, one in enumerate(found):
        told = {"recording": one.name, "notes": list(one.notes), **report_json(one.report)}
        write_json(b"," * bool(number) + orjson.dumps(told))
        _tell(one)
    write_json(b"]}\n")
    flush()


def _rows(one: RecordedSound) -> Iterator[dict[str, Any]]:
    """Yield a row per figure and side."""
    for side, name in zip(one.report.sides, ("microphone", "answers"), strict=True):
        for figure in side.figures.values():
            yield {
                "recording": one.name,
                "side": name,
                "figure": figure.name,
                "value": figure.value,
                "note": figure.note,
                "unknown": figure.reason,
                "seq": figure.seq or None,
            }


def _tell(one: RecordedSound) -> None:
    for note in one.notes:
        say(f"note: {note}")


def _print_table(one: RecordedSound, *, is_first: bool) -> None:
    if not is_first:
        write_line("")
    write_line(sanitized(one.name))
    rows = sound_rows(one.report)
    lines = [("", "microphone", "answers")]
    lines += [(row.title, _shown(row.cells[0]), _shown(row.cells[1])) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    for title, microphone, answers in lines:
        line = f"  {title:<{widths[0]}}  {microphone:<{widths[1]}}  {answers}"
        write_line(sanitized(line.rstrip()))
    for words in (*_unknown(rows), *striking_lines(one.report)):
        write_line(sanitized(f"  {words}"))


def _shown(cell: SoundCell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _unknown(rows: Sequence[SoundRow]) -> Iterator[str]:
    """Yield each reason once, with the figures that are unknown for it."""
    for at, side in enumerate(SoundColumn):
        reasons: dict[str, list[str]] = {}
        for row in rows:
            if row.cells[at].reason:
                reasons.setdefault(row.cells[at].reason, []).append(row.title)
        for reason, titles in reasons.items():
            named = ", ".join(titles[:NAMED_FIGURES])
            more = len(titles) - NAMED_FIGURES
            yield f"? {side}: {reason} ({named}{f' and {more} more' if more > 0 else ''})"
