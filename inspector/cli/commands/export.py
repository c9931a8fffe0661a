"""``inspector export``: write a recording in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError
from inspector.export.formats import FORMATS

_NAMES = [to.name for to in FORMATS]
_TEXTS = ", ".join(to.name for to in FORMATS if to.is_text)
_PARTS = dict.fromkeys(part for to in FORMATS for part in to.parts)


def export(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The recording; - is stdin.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help=f"{'; '.join(to.help for to in FORMATS)}.")
    ],
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            metavar="PART",
            help=f"Part to export: {', '.join(_PARTS)}.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH|-",
            help=f"Target; - is stdout (default: stdout for {_TEXTS}, otherwise a file in the current folder, named like FILE).",
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Write a recording in another format."""
    found = next((each for each in FORMATS if each.name == to), None)
    if found is None:
        raise UsageError(f"unknown format {to!r}", hint=f"choose one of {', '.join(_NAMES)}")
    if what is not None and not found.parts:
        raise UsageError(f"--what does not apply to --to {to}")
    if what is not None and what not in found.parts:
        raise UsageError(f"unknown part {what!r}", hint=f"choose one of {', '.join(found.parts)}")
    if json and (output == "-" or (found.is_text and output is None)):
        raise UsageError("--json reports the written files, so name a file with -o")

    from inspector.cli.exporting import export_recording

    source = None if file == "-" else Path(file)
    part = what or (found.parts[0] if found.parts else "")
    export_recording(source, found, part, output, as_json=json)
