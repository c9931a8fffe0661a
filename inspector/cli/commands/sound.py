"""``inspector sound``: print the sound of both sides: timing, levels, encoding, echo."""

from __future__ import annotations

from inspector.cli import options


def sound(
    files: options.Recordings = None,
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    csv: options.Csv = False,
    explain: options.Explain = None,
) -> None:
    """Print how the sound of recordings travelled and what is in it: jitter, drift, gaps, level, noise, encoding, echo."""
    from inspector.cli import measuring

    if explain is not None:
        measuring.explain(explain)
        return
    from inspector.cli.sounding import print_sound

    form = measuring.form_of(json=json, jsonl=jsonl, csv=csv)
    print_sound(options.required(files, "sound"), form)
