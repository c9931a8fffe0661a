"""The lines of the Findings view: the counts, a line per rule, its places below, and the explanation of the selected one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.findings_groups import RuleFindings, findings_by_rule
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


class Standing(StrEnum):
    """Where a finding stands in the list."""

    NOW = "now"
    """Found by now, or by the cursor."""
    LATER = "later"
    """Found after the cursor of a replay."""
    MUTED = "muted"
    """Not shown elsewhere, since its rule is muted."""


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """One line that can be selected: a rule, or one of its places."""

    group: RuleFindings
    finding: Finding
    """The finding of the place; of a rule, its first."""
    is_rule: bool
    """True for the line of the rule itself."""
    standing: Standing = Standing.NOW

    @property
    def name(self) -> tuple[str, Severity, int, Standing]:
        """Return what stays equal while findings are added: rule, severity, the event of a place (0 for the rule), standing."""
        seq = self.finding.seqs[0] if self.finding.seqs and not self.is_rule else 0
        return self.group.rule, self.group.severity, seq, self.standing

    @property
    def tone(self) -> str:
        """Return the style of the rule's name: the severity's, or dim if it is muted."""
        return "dim" if self.standing is Standing.MUTED else TONES[self.group.severity]


@dataclass(frozen=True, slots=True)
class ListedFindings:
    """The findings of a session as the view lists them."""

    now: Sequence[Finding] = ()
    """Found by now, or by the cursor."""
    later: Sequence[Finding] = ()
    """Of rules that find something only after the cursor."""
    muted: Sequence[Finding] = ()
    """Of muted rules."""

    @property
    def groups(self) -> list[tuple[Standing, RuleFindings]]:
        """Return the findings grouped by rule, in the order of the list."""
        parts = zip(Standing, (self.now, self.later, self.muted), strict=True)
        return [(standing, group) for standing, part in parts for group in findings_by_rule(part)]


def listed(
    report: LintReport | None, whole: LintReport | None, muted: Container[str]
) -> ListedFindings:
    """Return the findings of a session as the view lists them.

    Args:
        report: as of now, or of the cursor; None before the first event.
        whole: of the whole recording; None if that is not known, or there is no cursor.
        muted: ids of the muted rules.
    """
    here = () if report is None else report.findings
    rules = {finding.rule for finding in here}
    everything = here if whole is None else whole.findings
    return ListedFindings(
        [one for one in here if one.rule not in muted],
        [one for one in everything if one.rule not in rules and one.rule not in muted],
        [one for one in everything if one.rule in muted],
    )


def entries(
    groups: Iterable[tuple[Standing, RuleFindings]], unfolded: set[str]
) -> list[FindingEntry]:
    """Return what can be selected; the places of rules in ``unfolded`` are included if there are several."""
    found = []
    for standing, group in groups:
        found.append(FindingEntry(group, group.findings[0], True, standing))
        if group.rule in unfolded and len(group.findings) > 1:
            found += [
                FindingEntry(group, finding, False, standing)
                for finding in group.findings[:MOST_PLACES]
            ]
    return found


@dataclass(frozen=True, slots=True)
class FindingColumns:
    """Widths of the columns, in cells."""

    name: int
    """The longest id of a rule."""
    count: int
    """The longest count; 0 if no rule has several findings."""


def columns_of(groups: Sequence[RuleFindings]) -> FindingColumns:
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
    tone = entry.tone
    ink = "dim" if entry.standing is Standing.MUTED else "base"
    if not entry.is_rule:
        seq = f"#{entry.finding.seqs[0]}" if entry.finding.seqs else ""
        return [(f"      {seq:<9} ", "dim"), (_words(entry.finding), ink)]
    label = "" if entry.standing is Standing.NOW else f"{entry.standing}: "
    count = len(entry.group.findings)
    times = f"{count:,}×" if count > 1 else ""
    gap = "  " if columns.count else ""
    return [
        (f"{sign} ", tone),
        (f"{fold} " if columns.count else "", "dim"),
        (f"{entry.group.rule:<{columns.name}}  ", tone),
        (f"{times:>{columns.count}}{gap}", "dim"),
        (label, "dim"),
        (_words(entry.finding), ink),
    ]


def _words(finding: Finding) -> str:
    doubt = "" if finding.confidence is Confidence.CERTAIN else f" ({finding.confidence.value})"
    return f"{finding.text}{doubt}"


def explanation(entry: FindingEntry, width: int, room: int, remark: str = "") -> list[list[Run]]:
    """Return what happened, why it matters, what proves it and what to change, wrapped.

    Args:
        entry: the finding.
        width: of a line, in cells.
        room: lines; if there are too few, links give way first, then the reason and the remark: what to change comes before.
        remark: why it is not among the findings by now; ``""`` if it is.
    """
    group, finding = entry.group, entry.finding
    parts: list[tuple[str, str, str]] = [
        (entry.standing.value, remark, "dim"),
        (group.severity.value, _words(finding), TONES[group.severity]),
        ("why", group.why, "base"),
        ("proof", _proof(finding), "base"),
        ("fix", finding.fix, "fix"),
        *(("see", link, "dim") for link in group.links),
    ]
    wrapped_parts = [
        (label, list(_part(label, text, tone, width))) for label, text, tone in parts if text
    ]
    for label_out in ("see", "why", entry.standing.value):
        if sum(len(lines) for _, lines in wrapped_parts) > room:
            wrapped_parts = [one for one in wrapped_parts if one[0] != label_out]
    return [line for _, lines in wrapped_parts for line in lines]


def _proof(finding: Finding) -> str:
    return "  ".join(f"#{seq}" for seq in finding.seqs)


def _part(label: str, text: str, tone: str, width: int) -> Iterator[list[Run]]:
    indent = max(map(len, Severity)) + 2
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
