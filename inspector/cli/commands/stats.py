"""``inspector stats``: percentiles over the turns of many recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from inspector.analysis.percentiles import GROUPINGS
from inspector.cli import options
from inspector.errors import UsageError


def stats(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE|-…", help="Recordings; - is stdin.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help=f"Group by {', '.join(GROUPINGS)}.")
    ] = "kind",
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    csv: options.Csv = False,
    no_sound: options.NoSound = False,
    vad: options.Vad = "energy",
    explain: options.Explain = None,
) -> None:
    """Print p50, p90 and p95 of every figure over the turns of recordings; kinds of turn and of evidence never mix."""
    from inspector.cli import measuring

    if explain is not None:
        measuring.explain(explain)
        return
    if by not in GROUPINGS:
        raise UsageError(f"turns cannot be grouped by {by!r}", hint=f"--by {', '.join(GROUPINGS)}")
    if not files:
        raise UsageError("which recordings?", hint="inspector stats FILE…")
    form = measuring.form_of(json=json, jsonl=jsonl, csv=csv)
    found = measuring.measured(files, has_sound=not no_sound, detector=vad)
    measuring.print_stats(found, form, by)
