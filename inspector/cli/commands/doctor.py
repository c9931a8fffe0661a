"""``inspector doctor``: check the installation and say what to do about problems."""

from __future__ import annotations

import typer

from inspector.analysis.sanitize import sanitized
from inspector.cli import options
from inspector.cli.printing import use_colour, write_line, write_object

_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}


def doctor(json: options.JsonOption = False) -> None:
    """Check Python, packages, terminal, sound, folders and keys. Keys are never shown.

    Exit status 1 if there is a problem; a warning means that something works, but with restrictions.
    """
    from inspector.cli.doctor_checks import Status, doctor_checks

    checks = list(doctor_checks())
    is_well = all(check.status is not Status.PROBLEM for check in checks)
    if json:
        shown = [
            {"name": c.name, "status": str(c.status), "found": c.found, "advice": c.advice}
            for c in checks
        ]
        write_object({"ok": is_well, "checks": shown})
        raise typer.Exit(0 if is_well else 1)
    for check in checks:
        status, colour = str(check.status), _COLOURS[check.status]
        if check.is_missing_extra:
            status, colour = "–", "2"  # "ok … not installed" would read as a contradiction
        status = f"{status:<8}"
        if use_colour():
            status = f"\x1b[{colour}m{status}\x1b[0m"
        write_line(f"{status} {check.name:<12} {sanitized(check.found)}")
        if check.advice:
            write_line(f"{'':<22}{sanitized(check.advice)}")
    raise typer.Exit(0 if is_well else 1)
