"""TimelineStrips: the timeline's picture as strips, and the columns that have changed since the last drawing."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

from inspector.analysis.waveform import Waveform
from inspector.clock import SYSTEM_CLOCK
from inspector.core.units import NS_PER_S
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.terminal.strips import UncachedStrip
from inspector.tui.views.timeline.cursor_text import at_cursor, selection_text
from inspector.tui.views.timeline.timeline_drawing import (
    GROUND,
    GROUNDS,
    STYLES,
    DrawnStretch,
    Picture,
    drawn,
)

WORDS_HZ = 5  # faster numbers cannot be read


class TimelineStrips:
    """The last picture of a waveform."""

    def __init__(
        self, waveform: Waveform, glyphs: Glyphs, key: Key, style_of: Callable[[str], Style]
    ) -> None:
        """Start without a picture.

        Args:
            waveform: the session's audio.
            glyphs: characters for drawing the lanes.
            key: returns the key name of a binding.
            style_of: returns the theme's style for a name in ``STYLES`` or ``GROUNDS``.
        """
        self._waveform = waveform
        self._glyphs = glyphs
        self._key = key
        self._style_of = style_of
        self._picture: Picture | None = None
        self._styles: dict[int, Style] = {}
        self._cursor_text, self._cursor_text_ns = "", 0

    def draw(self, view: DrawnStretch) -> list[CellUpdate]:
        """Draw a stretch of the session, and return the columns that differ from the last picture."""
        before = self._picture
        picture = drawn(self._waveform, view, self._glyphs, self._words(view))
        self._picture = picture
        if before is None or before.cells.shape != picture.cells.shape:
            rows, columns = picture.cells.shape
            changed = [(row, 0, columns) for row in range(rows)]
        else:
            changed = picture.changed(before)
        return [
            CellUpdate(first, row, self._strip(picture, row, first, end))
            for row, first, end in changed
        ]

    def lines(self, crop: Region, size: Size) -> list[Strip]:
        """Return a part of the picture; blank lines if the picture has another size."""
        picture = self._picture
        if picture is None or picture.cells.shape != (size.height, size.width):
            blank = Strip.blank(size.width, self._style(0))
            return [blank.crop(crop.x, crop.right)] * crop.height
        return [self._strip(picture, row, crop.x, crop.right) for row in range(crop.y, crop.bottom)]

    def forget(self) -> None:
        """Drop the picture, for another theme."""
        self._styles.clear()
        self._picture = None

    def _strip(self, picture: Picture, row: int, first: int, end: int) -> Strip:
        runs = picture.runs(row, first, end)
        return UncachedStrip([Segment(text, self._style(code)) for text, code in runs], end - first)

    def _words(self, view: DrawnStretch) -> tuple[str, str]:
        """Return the texts below the axis; that of a moving cursor changes only as often as it can be read."""
        now_ns = SYSTEM_CLOCK.now_ns()
        if view.cursor_us is not None or now_ns >= self._cursor_text_ns + NS_PER_S / WORDS_HZ:
            self._cursor_text = at_cursor(self._waveform, view)
            self._cursor_text_ns = now_ns
        waveform = self._waveform
        rest = selection_text(view, waveform.progress, self._key, damaged=waveform.damaged)
        return self._cursor_text, rest

    def _style(self, code: int) -> Style:
        style = self._styles.get(code)
        if style is None:
            ink = self._style_of(STYLES[code % GROUND])
            ground = self._style_of(GROUNDS[code // GROUND])
            style = self._styles[code] = ink + Style(bgcolor=ground.bgcolor)
        return style
