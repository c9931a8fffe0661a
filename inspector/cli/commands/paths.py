"""``inspector paths``: list where the program keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

from inspector.analysis.sanitize import sanitized
from inspector.cli import options
from inspector.cli.printing import write_line, write_object


def paths(json: options.JsonOption = False) -> None:
    """Print the folders that the program uses."""
    from inspector.config import load_settings
    from inspector.folders import config_file, find_folders, path_exists
    from inspector.shipped import shipped_folder

    settings = load_settings({}, os.environ, config_file())
    folders = find_folders(settings.sessions, Path())
    shown = {
        "sessions": folders.sessions,
        "config": folders.config,
        "logs": folders.state,
        "data": folders.data,
        "cache": folders.cache,
        "themes": folders.themes,
        "shipped": shipped_folder("themes"),
        "examples": shipped_folder("sessions"),
    }
    if json:
        write_object({name: str(path.absolute()) for name, path in shown.items()})
        return
    for name, path in shown.items():
        note = "" if path_exists(path) else "   (does not exist yet)"
        write_line(f"{name:<10} {sanitized(str(path.absolute()))}{note}")
