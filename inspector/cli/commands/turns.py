"""``inspector turns``: print the latency of every turn, and its parts."""

from __future__ import annotations

from inspector.cli import options


def turns(
    files: options.Recordings = None,
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
    form = measuring.form_of(json=json, jsonl=jsonl, csv=csv)
    found = measuring.measured(
        options.required(files, "turns"), has_sound=not no_sound, detector=vad
    )
    measuring.print_turns(found, form)
