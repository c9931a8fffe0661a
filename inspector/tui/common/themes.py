"""Loading of theme files (TOML, one per theme) from the shipped folder and the user's."""

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
"""Tokens of this program that every theme defines, in addition to Textual's."""


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """The result of loading the theme folders."""

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]
    """One sentence for each file that could not be loaded."""


def load_themes(user_folder: Path | None = None) -> LoadedThemes:
    """Return the shipped and the user's themes; a user's theme replaces a shipped one of the same name."""
    found: dict[str, Theme] = {}
    problems = []
    for path in _files(shipped_folder("themes"), user_folder):
        try:
            theme = read_theme(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            # One broken file must not keep the program from starting.
            problems.append(f"skipped theme {path}: {why}")
            continue
        found[theme.name] = theme
    return LoadedThemes(tuple(found.values()), tuple(problems))


def read_theme(path: Path) -> Theme:
    """Parse a theme file.

    Raises:
        ValueError: the file is not TOML, lacks a colour, or has an invalid one.
        OSError: the file cannot be read.
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
    """Return values for the program's tokens in a theme that does not define them, such as Textual's."""
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
        with contextlib.suppress(OSError):  # a missing folder has no themes
            found += sorted(folder.glob("*.toml")) if folder is not None else []
    return found
