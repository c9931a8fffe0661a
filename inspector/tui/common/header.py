"""Fitting the parts of a line into its width: the least important parts are shortened or left out first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from inspector.tui.terminal.strips import fitted

GAP = "   "
NARROW_GAP = "  "


@dataclass(frozen=True, slots=True)
class HeaderPart:
    """One part of the line; an empty one takes no room."""

    text: str
    """Text that is safe for the terminal (``sanitized``)."""
    rank: int = 0
    """Order of giving way: the highest rank first; 0 is never shortened."""
    shortest: int = 0
    """Width in cells that it may be shortened to; 0 leaves the part out instead."""


def header_line(parts: Sequence[HeaderPart], width: int) -> str:
    """Return the parts side by side in at most ``width`` cells, as far as their ranks allow."""
    shown = {place: part.text for place, part in enumerate(parts) if part.text}
    line = f" {GAP.join(shown.values())}"
    if cell_len(line) <= width:
        return line
    # One part at a time, so that no more is lost than necessary; narrow gaps cost no text, so
    # they come first.
    for place in sorted(shown, key=lambda at: parts[at].rank, reverse=True):
        line = f" {NARROW_GAP.join(shown.values())}"
        excess = cell_len(line) - width
        if excess <= 0 or not parts[place].rank:
            break
        cells, shortest = cell_len(shown[place]), parts[place].shortest
        if shortest:
            shown[place] = fitted(shown[place], min(cells, max(shortest, cells - excess)))
        else:
            del shown[place]
    return f" {NARROW_GAP.join(shown.values())}"
