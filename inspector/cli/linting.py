"""``inspector lint``: which rules to apply, and the findings of recordings, printed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule
from inspector.cli.lint_baseline import KnownFinding, write_baseline
from inspector.cli.lint_printers import PRINTERS, LintForm, TextPrinter
from inspector.cli.linted_recording import LintedRecording, lint_file, without_muted
from inspector.cli.printing import flush, print_error, say, write_line
from inspector.errors import RecordingError, UsageError


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
    *,
    honours_mutes: bool = False,
) -> int:
    """Print the findings of recordings.

    Args:
        files: the recordings.
        form: how to print.
        rules: the rules to apply.
        fail_on: the least severity that makes the exit status 1.
        known: findings to leave out.
        baseline: file to write all findings to, as known from now on; None for none.
        honours_mutes: leave out the rules that the user has muted.

    Returns:
        The exit status: 4 if a file is not a recording, else 1 if a finding is as bad as ``fail_on`` or worse, else 0.
    """
    printer = PRINTERS[form](rules)
    limit = Severity(fail_on).rank
    status = found = 0
    before: LintedRecording | None = None
    findings: list[Finding] = []
    for file in files:
        try:
            one = before = lint_file(file, rules, before, known)
            if honours_mutes:
                one = without_muted(one)
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
    printer, before, found = TextPrinter(RULES, say), None, False
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
