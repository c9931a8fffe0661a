"""``inspector lint``: print what is wrong in recordings, why, and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError

_LEVELS = ("error", "warning", "note")


def _level(name: str) -> str:
    if name not in _LEVELS:
        raise typer.BadParameter(f"'{name}' is not one of {', '.join(_LEVELS)}")
    return name


def lint(
    files: options.Recordings = None,
    json: options.JsonOption = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print a stream: one JSON object per finding.")
    ] = False,
    sarif: Annotated[
        bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code scanning.")
    ] = False,
    junit: Annotated[
        bool, typer.Option("--junit", help="Print JUnit XML, one test case per rule.")
    ] = False,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="ID", help="Apply only this rule; may be repeated."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="ID", help="Do not apply this rule; may be repeated."),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="LEVEL",
            callback=_level,
            help="Exit with 1 from this severity on: error, warning or note.",
        ),
    ] = "warning",
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Leave out the findings that FILE knows."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option(
            "--write-baseline",
            metavar="FILE",
            help="Write all findings to FILE, as known from now on.",
        ),
    ] = None,
    muted: Annotated[
        bool,
        typer.Option(
            "--muted",
            help="Leave out the rules that are muted on the screen. Without it they are applied, so that the result does not depend on the machine.",
        ),
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain", metavar="ID", help="Print what a rule finds, and why it matters."
        ),
    ] = None,
) -> None:
    """Print what is wrong in recordings, with the events that prove it and what to change; exit 1 if anything is."""
    if json + jsonl + sarif + junit > 1:
        raise UsageError("--json, --jsonl, --sarif and --junit exclude each other")

    from inspector.cli import linting
    from inspector.cli.lint_baseline import read_baseline
    from inspector.cli.lint_printers import LintForm

    if explain is not None:
        linting.explain_rule(explain)
        return
    names = ("json", "jsonl", "sarif", "junit")
    asked = zip(names, (json, jsonl, sarif, junit), strict=True)
    form = LintForm(next((name for name, is_asked in asked if is_asked), "text"))
    rules = linting.chosen_rules(rule or (), ignore or ())
    paths = options.required(files, "lint")
    known = read_baseline(baseline) if baseline is not None else ()
    raise typer.Exit(
        linting.print_findings(
            paths, form, rules, fail_on, known, baseline=write_baseline, honours_mutes=muted
        )
    )
