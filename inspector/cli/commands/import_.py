"""``inspector import``: make recordings of other programs' logs, HAR files, flows and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|-…", help="Foreign files; - is stdin.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|DIR|-",
            help="The recording, a folder for several, or - for stdout (default: new files in the sessions folder).",
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Import sessions from files of other programs: each file becomes a recording.

    Read are logs and prose with events in them (JSON, Python, JavaScript, over one line or several), JSON arrays, HAR files,
    mitmproxy flows, CSV and YAML, also packed with gzip. What the file does not say is not made up: a direction follows from the
    type of the event, a time is unknown. Keys, cookies and client secrets are left out. All other commands do the same with a file
    that is not a recording, without keeping the result.
    """
    from inspector.cli.importing import import_files

    def sessions() -> Path:
        from inspector.cli.launch import launcher

        return launcher({}).folders.sessions

    raise typer.Exit(import_files(files, output, sessions, as_json=json))
