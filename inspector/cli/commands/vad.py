"""``inspector vad``: re-run server_vad over recordings with other settings."""

from __future__ import annotations

from typing import Annotated

import typer

from inspector.cli import options


def vad(
    files: options.Recordings = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0,
            max=1,
            metavar="P",
            help="Probability from which sound is speech; default: as in force.",
        ),
    ] = None,
    silence: Annotated[
        int | None,
        typer.Option(
            "--silence",
            min=0,
            max=60_000,
            metavar="MS",
            help="silence_duration_ms that ends a turn; default: as in force.",
        ),
    ] = None,
    padding: Annotated[
        int | None,
        typer.Option(
            "--padding",
            min=0,
            max=60_000,
            metavar="MS",
            help="prefix_padding_ms before a turn; default: as in force.",
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Try a grid of thresholds and silences, one line each."),
    ] = False,
    json: options.JsonOption = False,
    vad: options.TrialVad = None,
) -> None:
    """Print what other settings of server_vad would have done: time saved per turn, sentences cut or joined, speech missed."""
    from inspector.cli.vad_trial import AskedSettings, print_trials

    asked = AskedSettings(threshold, padding, silence)
    print_trials(options.required(files, "vad"), asked, vad, sweeps=sweep, as_json=json)
