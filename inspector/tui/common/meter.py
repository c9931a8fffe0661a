"""Meter: the sound level of one side of a session in one line; MeterRow: both sides next to each other.

Meters are pulled: the screen passes a ``Reading`` 30 times a second, and the meter returns its line if that has changed; the
screen paints it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.clock import SYSTEM_CLOCK
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.terminal.strips import fitted

BOTTOM_DBFS = -60.0
"""The left end of the bar, about the noise of a quiet room."""
LOUD_DBFS, OVER_DBFS = -12.0, -3.0
"""Where speech begins to be loud, and where the next peak may clip."""
WORDS_NS = 100_000_000
"""Interval of the numbers: faster ones cannot be read, although the bar moves 30 times a second."""
LEAST_BAR, MOST_BAR = 6, 24


@dataclass(frozen=True, slots=True)
class Reading:
    """What one meter shows."""

    label: str
    rms_dbfs: float = -math.inf
    peak_dbfs: float = -math.inf
    """Peak, held for two seconds."""
    clips: int = 0
    note: str = ""
    """State of this side in words."""
    tone: str = ""
    """``active`` or ``warning``; ``""`` for the normal state."""
    has_level: bool = True
    """False if there is no audio to measure; only the note is then shown."""


Readings = tuple[Reading, Reading]
"""Of the microphone and the output, in this order."""


class _LineKey(NamedTuple):
    """Everything that a line depends on, rounded to what can be seen."""

    words: Reading
    width: int
    halves: int
    peak: int


class Meter(Widget):
    """The level of one side of the sound."""

    DEFAULT_CSS = """
    Meter { height: 1; width: 1fr; }
    """
    COMPONENT_CLASSES = {
        f"meter--{name}"
        for name in ("base", "label", "low", "loud", "over", "empty", "active", "warning")
    }

    def __init__(self, label: str, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._glyphs = glyphs
        self._reading = self._words = Reading(label, has_level=False)
        self._words_until_ns = 0
        self._width = 0
        self._line_key: _LineKey | None = None
        self._strip: Strip | None = None
        self._styles: dict[str, Style] = {}
        """Cached by component; looking one up takes half of the time of a meter's frame."""

    def show(self, reading: Reading) -> list[CellUpdate]:
        """Take a reading; return the line if it differs from the last one."""
        self._reading = reading
        now_ns = SYSTEM_CLOCK.now_ns()
        # A change of tone (muted, a warning) must be visible at once.
        if now_ns >= self._words_until_ns or reading.tone != self._words.tone:
            levels = _rounded(reading.rms_dbfs), _rounded(reading.peak_dbfs)
            self._words = replace(reading, rms_dbfs=levels[0], peak_dbfs=levels[1])
            self._words_until_ns = now_ns + WORDS_NS
        before = self._strip
        strip = self._line()
        return [] if strip is before else [CellUpdate(0, 0, strip)]

    def on_resize(self, event: Resize) -> None:
        """Store the width, which direct painting needs before Textual asks for lines."""
        self._width = event.size.width

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the meter's line, repeated for the height of the crop."""
        self._width = self.size.width
        return [self._line().crop(crop.x, crop.right)] * crop.height

    def notify_style_update(self) -> None:
        """Drop cached styles when the theme changes."""
        super().notify_style_update()
        self._strip = None
        self._styles.clear()

    def _line(self) -> Strip:
        key = self._current_key()
        if self._strip is None or key != self._line_key:
            self._line_key, self._strip = key, self._drawn(key)
        return self._strip

    def _current_key(self) -> _LineKey:
        cells = _bar_cells(self._width)
        halves = round(_share(self._reading.rms_dbfs) * cells * 2)
        return _LineKey(self._words, self._width, halves, _cell(self._reading.peak_dbfs, cells))

    def _drawn(self, key: _LineKey) -> Strip:
        reading, width = key.words, key.width
        tone = self._style(reading.tone) if reading.tone else self._style("base")
        label = Segment(f" {reading.label} ", self._style("label"))
        if not reading.has_level:
            note = fitted(reading.note, max(0, width - label.cell_length))
            return Strip([label, Segment(note, tone)]).crop(0, width)
        bar = [label, *self._bar(key)]
        clips = f"{reading.clips} clipped " if reading.clips else ""
        left = width - sum(segment.cell_length for segment in bar) - len(clips)
        rms, peak = self._number(reading.rms_dbfs), self._number(reading.peak_dbfs)
        level = f"{rms} rms {peak} peak dBFS "
        # The bar shows the peak too, so the note has priority over the peak's number.
        if len(level) + cell_len(reading.note) > left:
            level = f"{rms} dBFS "
        note = fitted(reading.note, max(0, left - len(level)))
        segments = [
            *bar,
            Segment(level, self._style("base")),
            Segment(clips, self._style("over")),
            Segment(note, tone),
        ]
        return Strip(segments).crop(0, width)

    def _bar(self, key: _LineKey) -> list[Segment]:
        glyphs, cells = self._glyphs, _bar_cells(key.width)
        drawn = [(glyphs.meter_open, "empty")]
        for cell in range(cells):
            filled = key.halves - 2 * cell
            if filled > 0:
                glyph = glyphs.meter_full if filled > 1 else glyphs.meter_half
                drawn.append((glyph, _zone(cell, cells)))
            elif cell == key.peak:
                drawn.append((glyphs.meter_peak, _zone(cell, cells)))
            else:
                drawn.append((glyphs.meter_empty, "empty"))
        drawn.append((glyphs.meter_close, "empty"))
        # One segment per run of a colour, not per cell: less work for the terminal and the compositor.
        return [
            Segment("".join(glyph for glyph, _ in run), self._style(name))
            for name, run in groupby(drawn, key=lambda cell: cell[1])
        ]

    def _number(self, dbfs: float) -> str:
        """Return a level in four cells; anything below the range of 16 bits (96 dB) is silence."""
        if dbfs <= -100:
            return f"{self._glyphs.silence:>4}"
        return f"{round(dbfs):4d}".replace("-", self._glyphs.minus)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"meter--{name}")
        return style


class MeterRow(Horizontal):
    """The meters of the user's and the assistant's side."""

    DEFAULT_CSS = """
    MeterRow { height: 1; }
    MeterRow.hidden { display: none; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._meters = Meter("mic", glyphs, id="meter-in"), Meter("out", glyphs, id="meter-out")

    def compose(self) -> ComposeResult:
        """Lay out both meters."""
        yield from self._meters

    def show(self, readings: tuple[Reading, Reading]) -> list[tuple[Widget, list[CellUpdate]]]:
        """Take the readings of both sides; return the changed lines by meter."""
        shown = zip(self._meters, readings, strict=True)
        return [(meter, patches) for meter, reading in shown if (patches := meter.show(reading))]


def _bar_cells(width: int) -> int:
    return max(LEAST_BAR, min(MOST_BAR, width // 5))


def _rounded(dbfs: float) -> float:
    return round(dbfs, 1) if dbfs > -math.inf else dbfs


def _share(dbfs: float) -> float:
    return max(0.0, min(1.0, 1 - dbfs / BOTTOM_DBFS))


def _cell(dbfs: float, cells: int) -> int:
    # No peak mark for levels below the range of the bar.
    return min(cells - 1, int(_share(dbfs) * cells)) if dbfs > BOTTOM_DBFS else -1


def _zone(cell: int, cells: int) -> str:
    at_dbfs = BOTTOM_DBFS * (1 - (cell + 0.5) / cells)
    return "over" if at_dbfs > OVER_DBFS else "loud" if at_dbfs > LOUD_DBFS else "low"
