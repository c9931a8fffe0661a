"""The verdict on a recording in a file, read once and leanly: for lists, and for what is printed without a screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from inspector.analysis.latency_summary import latency_summary
from inspector.analysis.ledger import CostLedger, turns_by_id
from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.lint.proofs import Proofs, fault_count
from inspector.analysis.prices import PriceTable
from inspector.analysis.verdict import VerdictPart, VerdictTone, verdict
from inspector.core.state import SessionState
from inspector.price_file import prices_here
from inspector.recording.format import Header
from inspector.recording.linted_reading import LintedReading
from inspector.recording.reader import RecordingReader

NICENESS = 10
"""Of the process that judges a large recording: the screen and the indexing come first."""


@dataclass(frozen=True, slots=True)
class RecordingJudgement:
    """What there is to know of a recording."""

    parts: list[VerdictPart]
    """The verdict."""
    findings: Sequence[Finding] | None
    """What the rules find; None where no rules have watched the session."""
    faults: int
    """Errors, without those that the rules find harmless."""


def recorded_verdict(reader: RecordingReader, prices: PriceTable) -> list[VerdictPart]:
    """Return the verdict on a recording.

    Raises:
        RecordingError: the file cannot be read.
    """
    return judgement_of(state_at_end(reader, prices), reader.header, prices).parts


def state_at_end(reader: RecordingReader, prices: PriceTable) -> LintedState:
    """Return the state after the last event of a recording.

    Args:
        reader: the recording.
        prices: the table, for the rules.

    Raises:
        RecordingError: the file cannot be read.
    """
    header = reader.header
    state = LintedState(new_ledger=lambda: CostLedger(prices, header.day, model=header.model))
    LintedReading(reader, state).run()
    return state


def verdict_of(state: SessionState, header: Header, prices: PriceTable) -> list[VerdictPart]:
    """Return the verdict on a session that is over.

    Args:
        state: after its last event; the findings of a ``LintedState`` are part of the verdict.
        header: of its recording.
        prices: the table.
    """
    return judgement_of(state, header, prices).parts


def judgement_of(state: SessionState, header: Header, prices: PriceTable) -> RecordingJudgement:
    """Return what there is to know of a session that is over; see ``verdict_of``."""
    ledger = CostLedger(prices, header.day, model=header.model)
    ledger.update(state.usage)
    turns = state.turns.all
    responses = {answer.response_id: turn.number for turn in turns for answer in turn.answers}
    turn_of = turns_by_id(responses) if turns else None
    cost = ledger.summary(state.usage, turn_of) if len(ledger) else None
    latency = latency_summary(turns, is_over=True)
    report = state.report(is_over=True) if isinstance(state, LintedState) else None
    findings = report.findings if report is not None else ()
    parts = verdict(state, cost, latency, findings, unit="turn" if turns else "response")
    found = None if report is None else findings
    return RecordingJudgement(parts, found, fault_count(state, Proofs(findings)))


def verdict_rows(parts: Sequence[VerdictPart]) -> list[dict[str, Any]]:
    """Return a verdict as plain JSON values."""
    return [
        {
            "words": part.words,
            "tone": part.tone.value,
            "seq": part.seq or None,
            "rule": part.rule or None,
        }
        for part in parts
    ]


def parts_of(rows: Iterable[Mapping[str, Any]]) -> list[VerdictPart]:
    """Return a verdict from the values of ``verdict_rows``."""
    return [
        VerdictPart(row["words"], VerdictTone(row["tone"]), row["seq"] or 0, rule=row["rule"] or "")
        for row in rows
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the verdict on a recording as JSON: the child's side of ``VerdictProcess``."""
    os.nice(NICENESS)
    reader = RecordingReader(Path(arguments[0]))
    found = recorded_verdict(reader, prices_here())
    sys.stdout.buffer.write(orjson.dumps(verdict_rows(found)))


if __name__ == "__main__":
    main(sys.argv[1:])
