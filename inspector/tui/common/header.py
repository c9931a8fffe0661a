"""The first line of a screen, fitted to its width: what matters least gives way first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from inspector.tui.terminal.strips import fitted

GAP = "   "
NARROW_GAP = "  "


@dataclass(frozen=True, slots=True)
class HeaderPart:
    """One fact of the line; an empty one takes no room."""

    text: str
    """Harmless for a terminal (``inert``)."""
    rank: int = 0
    """Who gives way: the highest first, 0 never."""
    shortest: int = 0
    """Cells that it may be cut down to; 0 leaves it out."""


def header_line(parts: Sequence[HeaderPart], width: int) -> str:
    """Return the parts side by side in at most ``width`` cells, as far as their ranks allow."""
    shown = {place: part.text for place, part in enumerate(parts) if part.text}
    line = f" {GAP.join(shown.values())}"
    if cell_len(line) <= width:
        return line
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
