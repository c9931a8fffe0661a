"""LintedRecording: the findings of one recording, with the lines and times of the events that prove them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.lint_rule import LintRule
from inspector.analysis.lint.lint_run import LintReport, LintRun
from inspector.analysis.lint.linted_state import LintedState
from inspector.cli.lint_baseline import KnownFinding, without_known
from inspector.cli.listing import opened
from inspector.core.units import NS_PER_S
from inspector.price_file import ledger_here
from inspector.recording.format import Header
from inspector.recording.linted_reading import LintedReading
from inspector.recording.reader import READ_BYTES, RecordingReader
from inspector.recording.sound_rows import LinePlaces

RECONNECT_S = 600
"""An app that lost its connection is back within minutes."""


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding and where it stands in its file."""

    finding: Finding
    line: int
    """Line of the decisive event, from 1; 1 if no event proves it."""
    t_ns: int | None
    """Time of that event; None if unknown."""


@dataclass(frozen=True, slots=True)
class LintedRecording:
    """The findings of one recording."""

    name: str
    """The file name as given; ``-`` for stdin."""
    report: LintReport
    placed: tuple[PlacedFinding, ...]
    """The findings of the report, in its order."""
    notes: tuple[str, ...]
    """Remarks about the file."""
    header: Header
    """Of the recording."""
    run: LintRun
    """The rules after its last event."""


def lint_file(
    name: str,
    rules: Sequence[type[LintRule]] = RULES,
    before: LintedRecording | None = None,
    known: Collection[KnownFinding] = (),
) -> LintedRecording:
    """Return the findings of a recording.

    Args:
        name: of the file; ``-`` for stdin.
        rules: the rules to apply.
        before: the recording before; if it is of the same app, this one may be its reconnect.
        known: findings to leave out.

    Raises:
        RecordingError: the file is not a recording.
    """
    with opened(None if name == "-" else Path(name)) as reader:
        is_next = before is not None and is_reconnect(before, reader.header)
        ledger = partial(ledger_here, reader.header)
        if before is not None and is_next:
            run = before.run.next_log(ledger)
        else:
            run = LintRun(rules, new_ledger=ledger)
        state, places = LintedState(rules=run), LinePlaces()
        LintedReading(reader, state, places).run()
        report = without_known(run.report(state, is_over=True), known)
        notes = list(reader.time_notes())
        if reader.torn_tail():
            notes.insert(0, "the last line is incomplete; the recording was cut off there")
        placed = _placed(reader, places, report.findings)
        return LintedRecording(name, report, placed, tuple(notes), reader.header, run)


def is_reconnect(before: LintedRecording, header: Header) -> bool:
    """Return whether a recording is of the same app as another one, and begins soon after it."""
    try:
        begun = datetime.fromisoformat(header.started_at)
        earlier = datetime.fromisoformat(before.header.started_at)
        gap_s = (begun - earlier).total_seconds() - (before.run.now_ns or 0) / NS_PER_S
    except (ValueError, TypeError):  # no time, or one with a zone and one without
        return False
    same = [(one.source, one.url.partition("?")[0], one.model) for one in (before.header, header)]
    return same[0] == same[1] and 0 <= gap_s <= RECONNECT_S


def _placed(
    reader: RecordingReader, places: LinePlaces, findings: Sequence[Finding]
) -> tuple[PlacedFinding, ...]:
    """Return findings with their lines and times."""
    rows = sorted({_row(finding) for finding in findings if finding.seqs})
    found = [places.of(row) for row in rows]
    numbers = _line_numbers(reader, [place.offset for place in found])
    lines = dict(zip(rows, numbers, strict=True))
    times = {
        place.row: reader.decode(reader.read(place.offset, place.length), place.row).t_ns
        for place in found
    }
    return tuple(
        PlacedFinding(finding, lines[_row(finding)], times[_row(finding)])
        if finding.seqs
        else PlacedFinding(finding, 1, None)
        for finding in findings
    )


def _line_numbers(reader: RecordingReader, offsets: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of the lines that begin at ascending offsets, from 1."""
    count, position = 1, 0
    for offset in offsets:
        while position < offset:
            part = reader.part(min(READ_BYTES, offset - position), position)
            if not part:
                break
            count += part.count(b"\n")
            position += len(part)
        yield count


def _row(finding: Finding) -> int:
    return finding.seqs[0] - 1
