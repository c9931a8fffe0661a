"""Themes as files: one TOML each, from those shipped and from the user's folder."""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from inspector.shipped import shipped_folder

DEFAULT = "inspector-dark"
COLOURS = (
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


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """Themes as found."""

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]
    """What is wrong with files that are none, a sentence each."""


def load_themes(user_folder: Path | None = None) -> LoadedThemes:
    """Return the shipped themes and the user's, which win over shipped ones of the same name."""
    found: dict[str, Theme] = {}
    problems = []
    for path in _files(shipped_folder("themes"), user_folder):
        try:
            theme = read_theme(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            problems.append(f"theme {path} is left out: {why}")
            continue
        found[theme.name] = theme
    return LoadedThemes(tuple(found.values()), tuple(problems))


def read_theme(path: Path) -> Theme:
    """Read one theme.

    Raises:
        ValueError: it is not TOML, lacks a colour, or has one that is none.
        OSError: it cannot be read.
    """
    data = tomllib.loads(path.read_text("utf-8"))
    variables = data.get("variables", {})
    if not isinstance(variables, dict):
        raise ValueError("[variables] must be a table")  # noqa: TRY004 - the file is wrong, not our call
    missing = [name for name in COLOURS if name not in data] + [
        name for name in VARIABLES if name not in variables
    ]
    if missing:
        raise ValueError(f"no colour for {', '.join(missing)}")
    colours: dict[str, Any] = {name: _colour(name, data[name]) for name in COLOURS}
    return Theme(
        name=str(data.get("name", path.stem)),
        dark=bool(data.get("dark", True)),
        variables={name: _colour(name, value) for name, value in variables.items()},
        **colours,
    )


def _colour(name: str, value: object) -> str:
    try:
        Color.parse(str(value))
    except ColorParseError:
        raise ValueError(
            f"{name} = {value!r} is not a valid colour; write it like #7aa2c8"
        ) from None
    return str(value)


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


def _files(*folders: Path | None) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        with contextlib.suppress(OSError):  # a folder that is not there has no themes
            found += sorted(folder.glob("*.toml")) if folder is not None else []
    return found
