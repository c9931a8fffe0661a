"""Findings grouped by rule, and counted by severity: how the screen and the command line present them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import SIGNS, Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule

_RULES_BY_ID: Mapping[str, type[LintRule]] = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """The findings of one rule with one severity."""

    rule: str
    """Id of the rule."""
    severity: Severity
    """Severity of these findings."""
    findings: tuple[Finding, ...]
    """At least one, the most certain first."""

    @property
    def title(self) -> str:
        """Return what the rule finds, in a few words; ``""`` if the rule is unknown."""
        rule = _RULES_BY_ID.get(self.rule)
        return "" if rule is None else rule.title

    @property
    def why(self) -> str:
        """Return why it matters; ``""`` if the rule is unknown."""
        rule = _RULES_BY_ID.get(self.rule)
        return "" if rule is None else rule.why

    @property
    def links(self) -> tuple[str, ...]:
        """Return the reference and a public report."""
        rule = _RULES_BY_ID.get(self.rule)
        return () if rule is None else rule.links


def findings_by_rule(findings: Sequence[Finding]) -> tuple[RuleFindings, ...]:
    """Return findings grouped by severity and rule, in the order of the first of each group."""
    groups: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    return tuple(
        RuleFindings(rule, severity, tuple(group)) for (severity, rule), group in groups.items()
    )


def severity_counts(findings: Sequence[Finding]) -> dict[Severity, int]:
    """Return how many findings each severity has, worst first; severities without findings are left out."""
    counts = {
        severity: sum(finding.severity is severity for finding in findings) for severity in Severity
    }
    return {severity: count for severity, count in counts.items() if count}


def counts_text(findings: Sequence[Finding], *, with_signs: bool = False) -> str:
    """Return the counts as text: ``1 error, 2 warnings``; ``""`` without findings."""
    words = []
    for severity, count in severity_counts(findings).items():
        plural = "s" * (count != 1 and severity is not Severity.HARMLESS)
        sign = f"{SIGNS[severity]} " if with_signs else ""
        words.append(f"{sign}{count:,} {severity.value}{plural}")
    return ("   " if with_signs else ", ").join(words)
