"""A baseline: findings that are known, so that CI reports only new ones.

A finding is known by its rule and its text without numbers and ids, which differ from one recording to the next.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.lint_run import LintReport
from inspector.cli.printing import SCHEMA
from inspector.core.read import objects_at, text_at
from inspector.errors import EXIT_CANNOT_WRITE, UsageError

KnownFinding = tuple[str, str]
"""Rule and text, without what differs between recordings."""
_IDS = re.compile(r"\b(?:resp|item|call|event|evt|sess|conv|msg|mcpr|mcpl)_\w+")
_NUMBERS = re.compile(r"\d[\d,.:]*")


def known_as(finding: Finding) -> KnownFinding:
    """Return what makes a finding the same in another recording."""
    return finding.rule, _NUMBERS.sub("#", _IDS.sub("ID", finding.text))


def without_known(report: LintReport, known: Collection[KnownFinding]) -> LintReport:
    """Return a report without the findings of a baseline."""
    new = tuple(one for one in report.findings if known_as(one) not in known)
    return replace(report, findings=new)


def read_baseline(path: Path) -> frozenset[KnownFinding]:
    """Return the findings of a baseline.

    Raises:
        UsageError: the file cannot be read, or is not a baseline.
    """
    try:
        body = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"cannot read the baseline {path}: {error.strerror}",
            hint="write one with --write-baseline FILE",
        ) from error
    except ValueError as error:
        raise UsageError(f"the baseline {path} is not JSON: {error}") from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} is not a baseline of version {SCHEMA}",
            hint="write one with --write-baseline FILE",
        )
    return frozenset(
        (text_at(row, "rule"), text_at(row, "text")) for row in objects_at(body, "known")
    )


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings as a baseline.

    Raises:
        UsageError: the file cannot be written.
    """
    known = sorted({known_as(finding) for finding in findings})
    rows = [
        {"rule": rule, "text": text.encode("utf-8", "replace").decode()} for rule, text in known
    ]
    body = {"schema": SCHEMA, "known": rows}
    try:
        path.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise UsageError(
            f"cannot write the baseline {path}: {error.strerror}", exit_code=EXIT_CANNOT_WRITE
        ) from error
