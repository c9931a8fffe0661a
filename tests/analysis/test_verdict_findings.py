"""Findings in a verdict: they stand in place of the errors that they explain."""

from __future__ import annotations

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.verdict import VerdictPart, VerdictTone, with_findings

ERROR = VerdictPart("2 errors: Unknown parameter: 'session.voice'", VerdictTone.ERROR, 7)
OTHER = VerdictPart("1 error: There is no room", VerdictTone.ERROR, 9)
COST = VerdictPart("$1.12", VerdictTone.FACT, 7)


def found(severity: Severity, *seqs: int, text: str = "the update is void") -> Finding:
    return Finding("update-void", severity, seqs, text)


def test_an_explained_error_gives_way_to_its_explanation() -> None:
    parts = with_findings([ERROR, OTHER, COST], [found(Severity.ERROR, 4, 7)])

    assert [(part.words, part.seq) for part in parts] == [
        ("the update is void", 4),
        (OTHER.words, 9),
        ("$1.12", 7),
    ]


def test_a_harmless_finding_takes_its_error_away_and_says_nothing() -> None:
    assert with_findings([ERROR, COST], [found(Severity.HARMLESS, 7)]) == [COST]


def test_notes_are_left_to_the_findings_view() -> None:
    assert with_findings([ERROR], [found(Severity.NOTE, 7)]) == [ERROR]


def test_a_long_finding_is_cut() -> None:
    [part] = with_findings([], [found(Severity.WARNING, 1, text="x" * 400)])

    assert part.tone is VerdictTone.WARNING
    assert len(part.words) == 150
