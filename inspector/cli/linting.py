"""Findings of recordings, printed: for people, for programs, for code scanning and for CI."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from inspector import __version__
from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule
from inspector.analysis.lint.lint_run import LintReport, LintRun, lint, may_skip
from inspector.analysis.sanitize import sanitized
from inspector.cli.lint_baseline import KnownFinding, without_known, write_baseline
from inspector.cli.listing import opened
from inspector.cli.printing import (
    SCHEMA,
    flush,
    print_error,
    say,
    write_bytes,
    write_json,
    write_line,
    write_object,
)
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_S
from inspector.errors import RecordingError, UsageError
from inspector.recording.format import FileShape, Header, type_ahead
from inspector.recording.reader import READ_BYTES, RecordingReader

RECONNECT_S = 600
"""An app that lost its connection is back within minutes."""
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


def chosen_rules(only: Sequence[str], ignored: Sequence[str]) -> tuple[type[LintRule], ...]:
    """Return the rules to apply.

    Raises:
        UsageError: a rule is unknown.
    """
    known = {rule.id for rule in RULES}
    for name in (*only, *ignored):
        if name not in known:
            raise _unknown_rule(name)
    return tuple(rule for rule in RULES if (not only or rule.id in only) and rule.id not in ignored)


def _unknown_rule(name: str) -> UsageError:
    return UsageError(
        f"no rule is called {name!r}", hint=f"the rules are {', '.join(rule.id for rule in RULES)}"
    )


def explain_rule(name: str) -> None:
    """Print what a rule finds and why it matters.

    Raises:
        UsageError: no rule has that name.
    """
    rule = next((rule for rule in RULES if rule.id == name), None)
    if rule is None:
        raise _unknown_rule(name)
    needs = ", ".join(sorted(sight.value for sight in rule.needs)) or "nothing in particular"
    for line in (
        f"{rule.id}: {rule.title}",
        f"  {rule.severity.value} at worst; needs to see: {needs}",
        "",
        f"  {rule.why}",
        "",
        *(f"  {link}" for link in rule.links),
    ):
        write_line(line)
    flush()


def print_findings(
    files: Sequence[str],
    form: LintForm,
    rules: Sequence[type[LintRule]],
    fail_on: str,
    known: Collection[KnownFinding] = (),
    baseline: Path | None = None,
) -> int:
    """Print the findings of recordings.

    Args:
        files: the recordings.
        form: how to print.
        rules: the rules to apply.
        fail_on: the least severity that makes the exit status 1.
        known: findings to leave out.
        baseline: file to write all findings to, as known from now on; None for none.

    Returns:
        The exit status: 4 if a file is not a recording, else 1 if a finding is as bad as ``fail_on`` or worse, else 0.
    """
    printer = _PRINTERS[form](rules)
    limit = Severity(fail_on).rank
    status = found = 0
    before: LintedRecording | None = None
    findings: list[Finding] = []
    for file in files:
        try:
            one = before = lint_file(file, rules, before, known)
        except RecordingError as error:
            is_json = form in (LintForm.OBJECT, LintForm.STREAM)
            print_error(error.code, error.message, error.hint, as_json=is_json)
            status = error.exit_code
            continue
        printer.add(one)
        findings += one.report.findings
        found |= any(finding.severity.rank <= limit for finding in one.report.findings)
        for note in one.notes:
            say(f"note: {f'{one.name}: ' * (len(files) > 1)}{note}")
        for failure in one.report.failures:
            say(f"note: the rule {failure.rule} failed and was disabled: {failure.error!r}")
    printer.end()
    flush()
    if baseline is not None:
        write_baseline(baseline, findings)
        say(f"wrote {baseline}: what it holds is left out with --baseline {baseline}")
        return status
    return status or found


def say_findings(paths: Sequence[Path]) -> int:
    """Print the findings of recordings that were just made, to stderr; return 1 if there are errors or warnings, else 0."""
    printer, before, found = _Text(RULES, say), None, False
    for path in paths:
        try:
            one = before = lint_file(str(path), before=before)
        except RecordingError as error:
            say(f"{error.message}")
            continue
        printer.add(one)
        worst = one.report.worst
        found |= worst in (Severity.ERROR, Severity.WARNING)
    return int(found)


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
        reading, state = _Reading(reader), SessionState()
        is_next = before is not None and is_reconnect(before, reader.header)
        run = before.run.next_log() if before is not None and is_next else LintRun(rules)
        report = without_known(lint(reading.events(state), rules, state=state, run=run), known)
        notes = list(reader.time_notes())
        if reader.torn_tail():
            notes.insert(0, "the last line is incomplete; the recording was cut off there")
        placed = reading.placed(report.findings)
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


class _Reading:
    """A recording that is read once, and remembers where each event stands."""

    def __init__(self, reader: RecordingReader) -> None:
        self._reader = reader
        self._offsets, self._lengths = array("q"), array("I")

    def events(self, state: SessionState) -> Iterator[Event]:
        """Yield the events that rules need, numbered by their rows; ``state`` has taken in those before."""
        reader = self._reader
        is_ours = reader.shape is FileShape.OURS
        for row, (offset, line) in enumerate(reader.lines(reader.start, reader.size)):
            self._offsets.append(offset)
            self._lengths.append(len(line))
            name = type_ahead(line) if is_ours else None
            if name is not None and may_skip(name, state):
                continue
            event = reader.first_reading(line, row, offset)
            yield event if event.seq == row + 1 else replace(event, seq=row + 1)

    def placed(self, findings: Sequence[Finding]) -> tuple[PlacedFinding, ...]:
        """Return the findings with their lines and times."""
        rows = sorted({_row(finding) for finding in findings if finding.seqs})
        lines = dict(
            zip(rows, self._line_numbers([self._offsets[row] for row in rows]), strict=True)
        )
        return tuple(
            PlacedFinding(finding, lines[_row(finding)], self._time(_row(finding)))
            if finding.seqs
            else PlacedFinding(finding, 1, None)
            for finding in findings
        )

    def _time(self, row: int) -> int | None:
        line = self._reader.read(self._offsets[row], self._lengths[row])
        return self._reader.decode(line, row).t_ns

    def _line_numbers(self, offsets: Sequence[int]) -> Iterator[int]:
        """Yield the numbers of the lines that begin at ascending offsets, from 1."""
        count, position = 1, 0
        for offset in offsets:
            while position < offset:
                part = self._reader.part(min(READ_BYTES, offset - position), position)
                if not part:
                    break
                count += part.count(b"\n")
                position += len(part)
            yield count


def _row(finding: Finding) -> int:
    return finding.seqs[0] - 1


class _Text:
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
        self._write(sanitized(f"{one.name}: {_counts(one.report)}"))
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


def _counts(report: LintReport) -> str:
    counts = {
        severity: sum(one.severity is severity for one in report.findings) for severity in Severity
    }
    words = [
        f"{count} {severity.value}{'s' * (count != 1 and severity is not Severity.HARMLESS)}"
        for severity, count in counts.items()
        if count
    ]
    return ", ".join(words) or "nothing found"


def told_finding(placed: PlacedFinding) -> dict[str, Any]:
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


class _Object:
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
                "findings": [told_finding(placed) for placed in one.placed],
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


class _Stream:
    """One JSON object per finding."""

    def __init__(self, rules: Sequence[type[LintRule]]) -> None:
        """Begin; the stream has no head."""

    def add(self, one: LintedRecording) -> None:
        """Print the findings of a recording."""
        for placed in one.placed:
            row = {"schema": SCHEMA, "recording": one.name, **told_finding(placed)}
            write_json(_dumped(row) + b"\n")

    def end(self) -> None:
        """Print nothing more."""


class _Sarif:
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


class _Junit:
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


_PRINTERS: Mapping[LintForm, Callable[[Sequence[type[LintRule]]], Any]] = {
    LintForm.TEXT: _Text,
    LintForm.OBJECT: _Object,
    LintForm.STREAM: _Stream,
    LintForm.SARIF: _Sarif,
    LintForm.JUNIT: _Junit,
}
