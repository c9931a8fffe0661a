"""Look: the user's preferences for the screens, passed in by the command line. Imports nothing of Textual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def _forget(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Look:
    """The user's preferences for the screens."""

    theme: str = ""
    """Name of the initial theme; ``""`` or an unknown name means the default."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by binding id that replace the default ones."""
    themes: Path | None = None
    """Folder with the user's themes."""
    has_colour: bool = True
    """False for no colour (``NO_COLOR``); differences are then shown by bold, dim and reverse."""
    remember_theme: Callable[[str], str] = _forget
    """Stores the name of a chosen theme for the next start; returns a message for the user, or ``""``."""
