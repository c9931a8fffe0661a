"""``inspector export``: a recording in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError

FORMATS = ("wav", "text")
PARTS = ("stereo", "heard", "user", "assistant", "items")


def export(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The recording; - is stdin.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="wav, or text: a transcript.")],
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            metavar="PART",
            help="For wav: stereo (user left, assistant right; the default), heard (the same, without what was cut off), "
            "user or assistant (one side, back to back), items (a file each).",
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
    json: options.Json = False,
) -> None:
    """Write the sound of a recording as WAV, or its conversation as text."""
    if to not in FORMATS:
        raise UsageError(f"no format {to!r}", hint=f"there are {', '.join(FORMATS)}")
    if what is not None and what not in PARTS:
        raise UsageError(f"no part {what!r}", hint=f"there are {', '.join(PARTS)}")
    if what is not None and to != "wav":
        raise UsageError("--what is for --to wav")
    if json and (output == "-" or to != "wav"):
        raise UsageError(
            "--json tells which files were written, so it goes with --to wav and a file"
        )

    from inspector.cli.exporting import export_text, export_wav

    source = None if file == "-" else Path(file)
    if to == "text":
        export_text(source, None if output in (None, "-") else Path(output or ""))
    else:
        export_wav(source, what or "stereo", output, as_json=json)
