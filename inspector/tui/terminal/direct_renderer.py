"""DirectRenderer: paints what moves 30 times a second straight to the terminal, where nothing lies over it.

Textual takes 2 ms of processor time to bring one changed line to the terminal: a message, a timer, a crop of every widget
between the first and the last line that changed. A brush writes all that changed in one piece, in a tenth of that. It only
paints what its widgets would answer in ``render_lines`` at that moment, so that whatever Textual paints, before or after,
shows the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from textual.geometry import Offset, Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

Places = dict[Widget, tuple[Region, Region]]
"""Where Textual has put the widgets of a screen, and how each is clipped; what lies on top comes first."""


class CellUpdate(NamedTuple):
    """Cells of a widget that have changed: a strip, and where it begins."""

    x: int
    y: int
    strip: Strip

    @property
    def region(self) -> Region:
        """Return where it lies in its widget."""
        return Region(self.x, self.y, self.strip.cell_length, 1)


@runtime_checkable
class Paced(Protocol):
    """An app that does not paint faster than its terminal takes it."""

    def holds_back(self) -> bool:
        """Tell whether nothing is to be painted now; all of it is, later."""
        ...


class DirectRenderer:
    """Paints widgets of one screen."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._places: Places = {}
        self._origins: dict[Widget, Offset | None] = {}
        """Of the places above; Textual makes others with each layout."""

    def paint(self, changes: Iterable[tuple[Widget, Sequence[CellUpdate]]]) -> None:
        """Paint what has changed; through Textual where a widget is covered or cut off, or there is no terminal."""
        app = self._screen.app
        driver = app._driver  # noqa: SLF001 - Textual has no public way to its terminal
        is_painting = not (app._batch_count or app.is_headless or app.is_inline)  # noqa: SLF001
        if isinstance(app, Paced) and app.holds_back():
            return  # everything is painted once the terminal has caught up
        words: list[str] = []
        for widget, patches in changes:
            origin = self._origin(widget) if is_painting else None
            if origin is None:
                widget.refresh(*(patch.region for patch in patches))
                continue
            left, top = origin.x + 1, origin.y + 1
            words += (
                f"\x1b[{top + y};{left + x}H{strip.render(app.console)}" for x, y, strip in patches
            )
        if words and driver is not None:
            # The terminal's cursor stays where a text field has put it.
            x, y = app.cursor_position
            driver.write(f"{''.join(words)}\x1b[{y + 1};{x + 1}H")
            driver.flush()

    def _origin(self, widget: Widget) -> Offset | None:
        """Return where a widget begins on the terminal; None where it is not there whole and uncovered."""
        if self._screen.app.screen is not self._screen:
            return None
        places = self._screen._compositor.visible_widgets  # noqa: SLF001 - nor to what lies over what
        if places is not self._places:
            self._places = places
            self._origins.clear()
        if widget not in self._origins:
            self._origins[widget] = _origin_in(places, widget)
        return self._origins[widget]


def _origin_in(places: Places, widget: Widget) -> Offset | None:
    if widget not in places:
        return None
    own, clip = places[widget]
    if own.intersection(clip) != own:
        return None
    for other, (region, other_clip) in places.items():
        if other is widget:
            break
        if region.intersection(other_clip).overlaps(own):
            return None
    return own.offset
