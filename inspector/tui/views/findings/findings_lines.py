"""The lines of the Findings view."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from itertools import groupby
from typing import NamedTuple

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_run import LintReport
from inspector.analysis.sanitize import sanitized
from inspector.tui.common.text_page import PageLine

_SIGNS = {
    Severity.ERROR: ("✗", "error"),
    Severity.WARNING: ("⚠", "warning"),
    Severity.NOTE: ("·", "head"),
    Severity.HARMLESS: ("✓", "dim"),
}
"""Sign and style of a severity, so that it does not depend on colour."""
_RULES = {rule.id: rule for rule in RULES}
_LEAST_WIDTH = 30
"""Narrower text is not wrapped further."""


class FindingLine(NamedTuple):
    """A line, and the finding that it belongs to."""

    line: PageLine
    finding: Finding | None = None


def findings_lines(
    report: LintReport | None, progress: float, width: int, explained: Collection[str]
) -> list[FindingLine]:
    """Return the findings by rule, worst first, and what could not be judged.

    Args:
        report: what the rules say; None before the first look.
        progress: how much of the log has been read, 0..1.
        width: of a line in cells.
        explained: rules whose explanation is shown.
    """
    lines = list(_found_lines(report, max(_LEAST_WIDTH, width - 1), explained))
    if progress < 1:
        lines.insert(0, _remark(f"  reading the recording … {progress:.0%}"))
    elif report is None or not report.findings:
        lines.insert(0, _remark("  Nothing found."))
    return lines


def _found_lines(
    report: LintReport | None, width: int, explained: Collection[str]
) -> Iterator[FindingLine]:
    if report is None:
        return
    for (severity, rule), group in groupby(
        report.findings, key=lambda one: (one.severity, one.rule)
    ):
        found = list(group)
        yield from _head(severity, rule, found)
        for one in found:
            yield from _finding(one, width)
        if rule in explained:
            yield from _explanation(rule, found[0], width)
        yield FindingLine(PageLine((("", "base"),)))
    for spot in report.coverage:
        rules = f" ({', '.join(spot.rules)})"
        for line in _wrapped(f"not judged: {spot.words}{rules}", width, "  ", "    "):
            yield _remark(line)
    for failure in report.failures:
        yield _remark(f"  the rule {failure.rule} failed and was disabled")


def _head(severity: Severity, rule: str, found: list[Finding]) -> Iterator[FindingLine]:
    sign, style = _SIGNS[severity]
    times = f"  {len(found)}×" if len(found) > 1 else ""
    spans = (
        (f"  {sign} {severity.value}  ", style),
        (_RULES[rule].title, "head"),
        (f"  {rule}{times}", "dim"),
    )
    yield FindingLine(PageLine(spans, _row(found[0])), found[0])


def _finding(one: Finding, width: int) -> Iterator[FindingLine]:
    doubt = "" if one.confidence == "certain" else f" ({one.confidence.value})"
    for line in _wrapped(f"{one.text}{doubt}", width, "    ", "    "):
        yield FindingLine(PageLine(((line, "base"),), _row(one)), one)
    for text in one.fix.splitlines():
        for line in _wrapped(text, width, "      fix: ", "           "):
            yield FindingLine(PageLine(((line, "client"),), _row(one)), one)


def _explanation(rule: str, one: Finding, width: int) -> Iterator[FindingLine]:
    known = _RULES[rule]
    for text in (known.why, *known.links):
        for line in _wrapped(text, width, "      ", "      "):
            yield FindingLine(PageLine(((line, "dim"),), _row(one)), one)


def _wrapped(text: str, width: int, first: str, other: str) -> list[str]:
    lines = textwrap.wrap(
        sanitized(text),
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_on_hyphens=False,
    )
    return lines or [first]


def _remark(words: str) -> FindingLine:
    return FindingLine(PageLine(((words, "dim"),)))


def _row(one: Finding) -> int:
    return one.seqs[0] - 1 if one.seqs else -1
