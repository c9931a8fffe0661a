"""``inspector export``: a recording in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError
from inspector.export.formats import FORMATS

_NAMES = [to.name for to in FORMATS]
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
            help=f"The part: {', '.join(_PARTS)}.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH|-",
            help="Where to; - is stdout (default: a wav beside you, named like FILE; a transcript on stdout).",
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Write the sound of a recording as WAV, or its conversation as text."""
    found = next((each for each in FORMATS if each.name == to), None)
    if found is None:
        raise UsageError(f"no format {to!r}", hint=f"there are {', '.join(_NAMES)}")
    if what is not None and not found.parts:
        raise UsageError(f"--what is not for --to {to}")
    if what is not None and what not in found.parts:
        raise UsageError(f"no part {what!r}", hint=f"there are {', '.join(found.parts)}")
    if json and (output == "-" or (found.is_text and output is None)):
        raise UsageError("--json tells which files were written, so name one with -o")

    from inspector.cli.exporting import export_recording

    source = None if file == "-" else Path(file)
    part = what or (found.parts[0] if found.parts else "")
    export_recording(source, found, part, output, as_json=json)
