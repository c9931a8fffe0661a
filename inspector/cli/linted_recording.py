"""LintedRecording: the findings of one recording, with the lines and times of the events that prove them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.lint_rule import LintRule
from inspector.analysis.lint.lint_run import LintReport, LintRun
from inspector.analysis.lint.linted_state import LintedState
from inspector.cli.lint_baseline import KnownFinding, without_known
from inspector.cli.listing import opened
from inspector.errors import UsageError
from inspector.muted_rules import MutedRules
from inspector.price_file import ledger_here
from inspector.recording.linted_reading import LintedReading
from inspector.recording.reader import READ_BYTES, RecordingReader
from inspector.recording.reconnects import RecordedConnection, connection_in, is_reconnect
from inspector.recording.sound_rows import LinePlaces


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
    connection: RecordedConnection
    """What identifies its app."""
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
        connection, ledger = connection_in(reader), partial(ledger_here, reader.header)
        run = LintRun(rules, new_ledger=ledger)
        if before is not None and is_reconnect(
            before.connection, before.run.now_ns or 0, connection
        ):
            run = before.run.next_log(ledger)
        state, places = LintedState(run=run), LinePlaces()
        LintedReading(reader, state, places).run()
        report = without_known(run.report(state, is_over=True), known)
        notes = list(reader.time_notes())
        if reader.torn_tail():
            notes.insert(0, "the last line is incomplete; the recording was cut off there")
        placed = _placed(reader, places, report.findings)
        return LintedRecording(name, report, placed, tuple(notes), connection, run)


def without_muted(one: LintedRecording) -> LintedRecording:
    """Return a recording without the findings of the rules that the user has muted on the screen.

    Raises:
        UsageError: the muted rules cannot be read.
    """
    folder = None if one.name == "-" else Path(one.name).absolute().parent
    muted = MutedRules(folder)
    muted.refresh()
    if muted.problem:
        raise UsageError(muted.problem, code="bad_mutes")
    findings = tuple(finding for finding in one.report.findings if finding.rule not in muted)
    placed = tuple(place for place in one.placed if place.finding.rule not in muted)
    return replace(one, report=replace(one.report, findings=findings), placed=placed)


def report_of(reader: RecordingReader) -> LintReport:
    """Return what all rules say about an open recording."""
    state = LintedState(new_ledger=partial(ledger_here, reader.header))
    LintedReading(reader, state).run()
    return state.rules.report(state, is_over=True)


def _placed(
    reader: RecordingReader, places: LinePlaces, findings: Sequence[Finding]
) -> tuple[PlacedFinding, ...]:
    """Return findings with their lines and times."""
    rows = sorted({_row(finding) for finding in findings if finding.seqs})
    found = [places.of(row) for row in rows]
    numbers = _line_numbers(reader, [place.offset for place in found])
    # Code scanning shows the file that the user has, not the recording that it was imported to.
    theirs = reader.source_lines
    lines = {
        row: (theirs[row] or 1) if theirs else number
        for row, number in zip(rows, numbers, strict=True)
    }
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
