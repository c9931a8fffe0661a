"""The lines of the Findings view: the counts, a line per rule, its places below, and the explanation of the selected one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.findings_groups import RuleFindings
from inspector.analysis.lint.lint_run import LintReport
from inspector.core.error_attribution import Confidence
from inspector.tui.common.wrapping import Run, wrapped

MOST_PLACES = 200
"""Places listed per rule. More are of no use, and each must be wrapped."""
TONES = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "base",
    Severity.HARMLESS: "dim",
}


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """One line that can be selected: a rule, or one of its places."""

    group: RuleFindings
    finding: Finding
    """The finding of the place; of a rule, its first."""
    is_rule: bool
    """True for the line of the rule itself."""

    @property
    def name(self) -> tuple[str, Severity, int]:
        """Return what stays equal while findings are added: rule, severity, and the event of a place (0 for the rule)."""
        seq = self.finding.seqs[0] if self.finding.seqs and not self.is_rule else 0
        return self.group.rule, self.group.severity, seq


def entries(groups: tuple[RuleFindings, ...], unfolded: set[str]) -> list[FindingEntry]:
    """Return what can be selected; the places of rules in ``unfolded`` are included if there are several."""
    found = []
    for group in groups:
        found.append(FindingEntry(group, group.findings[0], True))
        if group.rule in unfolded and len(group.findings) > 1:
            found += [
                FindingEntry(group, finding, False) for finding in group.findings[:MOST_PLACES]
            ]
    return found


@dataclass(frozen=True, slots=True)
class FindingColumns:
    """Widths of the columns, in cells."""

    name: int
    """The longest id of a rule."""
    count: int
    """The longest count; 0 if no rule has several findings."""


def columns_of(groups: tuple[RuleFindings, ...]) -> FindingColumns:
    """Return the widths that these rules need."""
    counts = (len(f"{len(group.findings):,}×") for group in groups if len(group.findings) > 1)
    return FindingColumns(
        max((len(group.rule) for group in groups), default=0), max(counts, default=0)
    )


def entry_runs(entry: FindingEntry, columns: FindingColumns, sign: str, fold: str) -> list[Run]:
    """Return the line of an entry.

    Args:
        entry: the entry.
        columns: widths of the columns.
        sign: the sign of its severity.
        fold: the sign of a rule that can be unfolded, or ``" "``.
    """
    tone = TONES[entry.group.severity]
    if not entry.is_rule:
        seq = f"#{entry.finding.seqs[0]}" if entry.finding.seqs else ""
        return [(f"      {seq:<9} ", "dim"), (_words(entry.finding), "base")]
    count = len(entry.group.findings)
    times = f"{count:,}×" if count > 1 else ""
    gap = "  " if columns.count else ""
    return [
        (f"{sign} ", tone),
        (f"{fold} " if columns.count else "", "dim"),
        (f"{entry.group.rule:<{columns.name}}  ", tone),
        (f"{times:>{columns.count}}{gap}", "dim"),
        (_words(entry.finding), "base"),
    ]


def _words(finding: Finding) -> str:
    doubt = "" if finding.confidence is Confidence.CERTAIN else f" ({finding.confidence.value})"
    return f"{finding.text}{doubt}"


def explanation(entry: FindingEntry, width: int) -> list[list[Run]]:
    """Return what happened, why it matters, what proves it and what to change, wrapped."""
    group, finding = entry.group, entry.finding
    parts: list[tuple[str, str, str]] = [
        (group.severity.value, _words(finding), TONES[group.severity]),
        ("why", group.why, "base"),
        ("proof", _proof(finding), "base"),
        ("fix", finding.fix, "fix"),
        *(("see", link, "dim") for link in group.links),
    ]
    return [line for label, text, tone in parts if text for line in _part(label, text, tone, width)]


def _proof(finding: Finding) -> str:
    return "  ".join(f"#{seq}" for seq in finding.seqs)


def _part(label: str, text: str, tone: str, width: int) -> Iterator[list[Run]]:
    indent = 9
    for at, line in enumerate(wrapped([(text, tone)], max(8, width - indent - 1))):
        yield [(f" {label if not at else '':<{indent - 1}}", "dim"), *line]


def coverage_lines(report: LintReport, width: int) -> list[list[Run]]:
    """Return what could not be judged, and by which rules, wrapped."""
    runs: list[list[Run]] = [
        [(" What this session does not show, and the rules that are silent:", "head")]
    ]
    for spot in report.coverage:
        runs += _part("·", f"{spot.reason}: {', '.join(spot.rules)}", "dim", width)
    for failure in report.failures:
        runs += _part("✗", f"the rule {failure.rule} failed and was disabled", "warning", width)
    return runs


def silent_count(report: LintReport) -> int:
    """Return how many rules could not judge."""
    return len({rule for spot in report.coverage for rule in spot.rules})


EMPTY_WORDS = (
    "No findings.",
    "Rules look for known causes of faults here: answers that never come, tool results that are not spoken, settings without effect,",
    "audio in the wrong format, cut-offs, lost connections, costs. A finding leads to its proof and says what to change.",
)
"""Shown while there are no findings."""
