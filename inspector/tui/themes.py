"""Themes as files: one TOML each, from those shipped and from the user's folder."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable
from pathlib import Path

from textual.theme import Theme

from inspector.shipped import shipped_folder

DEFAULT = "inspector-dark"
_COLOURS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
VARIABLES = ("client", "server", "local", "dim", "faint", "cursor", "kin", "mark")
"""Tokens of ours that every theme defines, beside Textual's own."""
log = logging.getLogger(__name__)


def load_themes(user_folder: Path | None = None) -> list[Theme]:
    """Return the shipped themes and the user's, which win over shipped ones of the same name."""
    folders = [shipped_folder("themes"), *([user_folder] if user_folder is not None else [])]
    found: dict[str, Theme] = {}
    for path in _files(folders):
        try:
            theme = read_theme(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("theme %s left out: %s", path, error)
            continue
        found[theme.name] = theme
    return list(found.values())


def read_theme(path: Path) -> Theme:
    """Read one theme.

    Raises:
        ValueError: it is not TOML, or lacks a colour.
        OSError: it cannot be read.
    """
    data = tomllib.loads(path.read_text("utf-8"))
    variables = data.get("variables", {})
    missing = [name for name in _COLOURS if name not in data] + [
        name for name in VARIABLES if name not in variables
    ]
    if missing:
        raise ValueError(f"no colour for {', '.join(missing)}")
    colours = {name: str(data[name]) for name in _COLOURS}
    return Theme(
        name=str(data.get("name", path.stem)),
        dark=bool(data.get("dark", True)),
        variables={name: str(value) for name, value in variables.items()},
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
    )


def derived_variables(theme: Theme) -> dict[str, str]:
    """Return our tokens for a theme that lacks them (Textual's own)."""
    dim = "#808080"
    return {
        "client": theme.primary,
        "server": theme.secondary or theme.success or theme.primary,
        "local": dim,
        "dim": dim,
        "faint": theme.panel or dim,
        "cursor": theme.panel or dim,
        "kin": theme.accent or theme.warning or theme.primary,
        "mark": theme.accent or theme.primary,
    }


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.toml"))]
