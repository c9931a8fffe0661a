"""How findings are printed: for people, for programs, for code scanning and for CI. One class per form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import orjson

from inspector import __version__
from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.findings_groups import counts_text
from inspector.analysis.lint.lint_rule import LintRule
from inspector.analysis.sanitize import sanitized
from inspector.cli.linted_recording import LintedRecording, PlacedFinding
from inspector.cli.printing import SCHEMA, write_bytes, write_json, write_line, write_object

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
    Severity.HARMLESS: "none",
}


class LintForm(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    OBJECT = "json"
    STREAM = "jsonl"
    SARIF = "sarif"
    JUNIT = "junit"


class FindingsPrinter(Protocol):
    """Prints the findings of recordings, one after the other."""

    def add(self, one: LintedRecording) -> None:
        """Print a recording, or keep it until the end."""
        ...

    def end(self) -> None:
        """Print what comes after the last recording."""
        ...


class TextPrinter:
    """For people: by rule, worst first, with the fix below."""

    def __init__(
        self, rules: Sequence[type[LintRule]], write: Callable[[str], None] = write_line
    ) -> None:
        """Begin.

        Args:
            rules: the rules that are applied.
            write: takes each line.
        """
        self._titles = {rule.id: rule.title for rule in rules}
        self._write = write
        self._is_first = True

    def add(self, one: LintedRecording) -> None:
        """Print a recording."""
        if not self._is_first:
            self._write("")
        self._is_first = False
        self._write(sanitized(f"{one.name}: {counts_text(one.report.findings) or 'nothing found'}"))
        by_rule: dict[tuple[Severity, str], list[PlacedFinding]] = {}
        for placed in one.placed:
            key = placed.finding.severity, placed.finding.rule
            by_rule.setdefault(key, []).append(placed)
        for (severity, rule), group in by_rule.items():
            times = f" ({len(group)}×)" if len(group) > 1 else ""
            self._write(f"  {severity.value} {rule}: {self._titles[rule]}{times}")
            for placed in group:
                self._print(placed)
        for spot in one.report.coverage:
            self._write(f"  not judged: {spot.words}")

    def _print(self, placed: PlacedFinding) -> None:
        finding = placed.finding
        when = "" if placed.t_ns is None else f"{placed.t_ns / 1e9:,.3f} s  "
        event = f"#{finding.seqs[0]}  " if finding.seqs else ""
        doubt = "" if finding.confidence == "certain" else f" ({finding.confidence.value})"
        self._write(sanitized(f"    {event}{when}{finding.text}{doubt}"))
        for line in finding.fix.splitlines():
            self._write(sanitized(f"      fix: {line}"))

    def end(self) -> None:
        """Print nothing more."""


def finding_json(placed: PlacedFinding) -> dict[str, Any]:
    """Return a finding as JSON."""
    finding = placed.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "text": finding.text,
        "fix": finding.fix or None,
        "seq": list(finding.seqs),
        "line": placed.line,
        "t": None if placed.t_ns is None else placed.t_ns / 1e9,
    }


class ObjectPrinter:
    """One JSON object."""

    def __init__(self, rules: Sequence[type[LintRule]]) -> None:
        self._rules = rules
        self._recordings: list[dict[str, Any]] = []

    def add(self, one: LintedRecording) -> None:
        """Take a recording."""
        worst = one.report.worst
        self._recordings.append(
            {
                "recording": one.name,
                "worst": None if worst is None else worst.value,
                "findings": [finding_json(placed) for placed in one.placed],
                "coverage": [
                    {"missing": spot.sight.value, "reason": spot.reason, "silent": list(spot.rules)}
                    for spot in one.report.coverage
                ],
                "failed_rules": [failure.rule for failure in one.report.failures],
                "notes": list(one.notes),
            }
        )

    def end(self) -> None:
        """Print the object."""
        rules = {
            rule.id: {"title": rule.title, "severity": rule.severity.value, "why": rule.why, "links": list(rule.links)}
            for rule in self._rules
        }  # fmt: skip
        write_object({"recordings": self._recordings, "rules": rules})


class StreamPrinter:
    """One JSON object per finding."""

    def __init__(self, rules: Sequence[type[LintRule]]) -> None:
        """Begin; the stream has no head."""

    def add(self, one: LintedRecording) -> None:
        """Print the findings of a recording."""
        for placed in one.placed:
            row = {"schema": SCHEMA, "recording": one.name, **finding_json(placed)}
            write_json(_dumped(row) + b"\n")

    def end(self) -> None:
        """Print nothing more."""


class SarifPrinter:
    """SARIF 2.1.0, as code scanning reads it: one run, a result per finding."""

    def __init__(self, rules: Sequence[type[LintRule]]) -> None:
        self._rules = rules
        self._index = {rule.id: at for at, rule in enumerate(rules)}
        self._results: list[dict[str, Any]] = []

    def add(self, one: LintedRecording) -> None:
        """Take the findings of a recording."""
        for placed in one.placed:
            finding = placed.finding
            place = {
                "artifactLocation": {"uri": _uri(one.name)},
                "region": {"startLine": placed.line},
            }
            self._results.append(
                {
                    "ruleId": finding.rule,
                    "ruleIndex": self._index[finding.rule],
                    "level": SARIF_LEVELS[finding.severity],
                    "kind": "informational" if finding.severity is Severity.HARMLESS else "fail",
                    "message": {"text": f"{finding.text}\n{finding.fix}".rstrip()},
                    "locations": [{"physicalLocation": place}],
                    "properties": {
                        "confidence": finding.confidence.value,
                        "seq": list(finding.seqs),
                    },
                }
            )

    def end(self) -> None:
        """Print the document."""
        described = [
            {
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "helpUri": rule.links[0],
                "help": {"text": "\n".join((rule.why, *rule.links))},
                "defaultConfiguration": {"level": SARIF_LEVELS[rule.severity]},
            }
            for rule in self._rules
        ]
        driver = {"name": "Realtime Inspector", "version": __version__, "rules": described}
        run = {
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "results": self._results,
        }
        document = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
        write_json(_dumped(document, orjson.OPT_INDENT_2) + b"\n")


def _dumped(data: Mapping[str, Any], option: int = 0) -> bytes:
    try:
        return orjson.dumps(data, option=option)
    except TypeError:  # the name of a file that is not UTF-8, or a lone surrogate from the wire
        return json.dumps(data).encode()


def _uri(name: str) -> str:
    """Return a path as a URI reference (RFC 3986)."""
    from urllib.parse import quote

    return quote(name.encode("utf-8", "surrogateescape"))


class JunitPrinter:
    """JUnit XML: a suite per recording, a case per rule; findings are failures, rules that cannot judge are skipped."""

    def __init__(self, rules: Sequence[type[LintRule]]) -> None:
        from xml.etree.ElementTree import Element

        self._rules = rules
        self._root = Element("testsuites", name="inspector lint")

    def add(self, one: LintedRecording) -> None:
        """Take the findings of a recording."""
        from xml.etree.ElementTree import SubElement

        bad = [one for one in one.placed if one.finding.severity is not Severity.HARMLESS]
        silent = {rule: spot.reason for spot in one.report.coverage for rule in spot.rules}
        failed = {placed.finding.rule for placed in bad}
        suite = SubElement(
            self._root,
            "testsuite",
            name=_xml(one.name),
            tests=str(len(self._rules)),
            failures=str(len(failed)),
            skipped=str(len(silent)),
        )
        for rule in self._rules:
            case = SubElement(suite, "testcase", classname=_xml(one.name), name=rule.id)
            mine = [placed for placed in bad if placed.finding.rule == rule.id]
            if mine:
                worst = mine[0].finding
                failure = SubElement(
                    case, "failure", type=worst.severity.value, message=_xml(worst.text)
                )
                failure.text = _xml(
                    "\n".join(
                        f"line {placed.line}: {placed.finding.text}\n{placed.finding.fix}".rstrip()
                        for placed in mine
                    )
                )
            elif rule.id in silent:
                SubElement(case, "skipped", message=_xml(silent[rule.id]))

    def end(self) -> None:
        """Print the document."""
        from xml.etree.ElementTree import indent, tostring

        indent(self._root)
        head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
        write_bytes(head + tostring(self._root, encoding="us-ascii", xml_declaration=False) + b"\n")


def _xml(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold; its lines stay."""
    lines = "\n".join(map(sanitized, text.splitlines()))
    return lines.replace("\ufffe", "").replace("\uffff", "")


PRINTERS: Mapping[LintForm, Callable[[Sequence[type[LintRule]]], FindingsPrinter]] = {
    LintForm.TEXT: TextPrinter,
    LintForm.OBJECT: ObjectPrinter,
    LintForm.STREAM: StreamPrinter,
    LintForm.SARIF: SarifPrinter,
    LintForm.JUNIT: JunitPrinter,
}
"""The printer of each form."""
