"""``inspector turns``: what each turn of recordings waited for."""

from __future__ import annotations

from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError


def turns(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE|-…", help="Recordings; - is stdin.")
    ] = None,
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    csv: options.Csv = False,
    no_sound: options.NoSound = False,
    vad: options.Vad = "energy",
    explain: options.Explain = None,
) -> None:
    """Print the turns of recordings: how long each wait was, and what it consisted of."""
    from inspector.cli import measuring

    if explain is not None:
        measuring.explain(explain)
        return
    if not files:
        raise UsageError("which recordings?", hint="inspector turns FILE…")
    form = measuring.form_of(json=json, jsonl=jsonl, csv=csv)
    found = measuring.measured(files, has_sound=not no_sound, detector=vad)
    measuring.print_turns(found, form)
