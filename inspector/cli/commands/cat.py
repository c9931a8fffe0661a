"""``inspector cat``: print the events of a recording as text, with a filter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError


def cat(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The recording; - is stdin.")],
    filter_: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="Only events that match, e.g. 'type:response.* !type:*.delta'.",
        ),
    ] = "",
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print only the frames, verbatim.")] = False,
    no_deltas: Annotated[
        bool, typer.Option("--no-deltas", help="Omit deltas and audio appends.")
    ] = False,
) -> None:
    """Print the events of a recording, one per line: time, time since the previous one, direction, type, summary."""
    if jsonl + json + raw > 1:
        raise UsageError("--jsonl, --json and --raw cannot be combined")

    from inspector.cli.listing import PrintForm, print_recording

    form = (
        PrintForm.STREAM
        if jsonl
        else PrintForm.OBJECT
        if json
        else PrintForm.RAW
        if raw
        else PrintForm.ROWS
    )
    print_recording(None if file == "-" else Path(file), form, filter_, with_deltas=not no_deltas)
