"""Look: how the user wants the screens, as told by whoever knows the settings. Loads nothing of Textual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def _forget(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Look:
    """How the user wants the screens."""

    theme: str = ""
    """Name of the theme to begin with; ``""``, or one that there is not: the default."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by binding id, in place of the default ones."""
    themes: Path | None = None
    """Folder with themes of the user's own."""
    has_colour: bool = True
    """False where the user wants no colour (``NO_COLOR``): differences are then shown by bold, dim and reverse alone."""
    remember_theme: Callable[[str], str] = _forget
    """Keeps the name of a chosen theme for the next start; returns what to tell the user, ``""`` for nothing."""
