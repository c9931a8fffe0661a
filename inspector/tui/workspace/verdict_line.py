"""VerdictLine: what there is to know of the session, the worst first; each part leads to an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.terminal.strips import UncachedStrip, fitted

if TYPE_CHECKING:
    from inspector.analysis.verdict import VerdictPart

_TONES = ("error", "warning", "note", "fact")


class VerdictLine(Widget):
    """The verdict in one line; what does not fit is cut off at the end, where it matters least."""

    DEFAULT_CSS = """
    VerdictLine { height: 1; background: $background; color: $dim; }
    VerdictLine > .verdict--error { background: $background; color: $error; text-style: bold; }
    VerdictLine > .verdict--warning { background: $background; color: $warning; }
    VerdictLine > .verdict--note { background: $background; color: $foreground; }
    VerdictLine > .verdict--fact { background: $background; color: $dim; }
    VerdictLine > .verdict--base { background: $background; color: $dim; }
    """
    COMPONENT_CLASSES = {f"verdict--{tone}" for tone in (*_TONES, "base")}

    class PartChosen(Message):
        """The user wants to see the event that a part is about."""

        def __init__(self, seq: int) -> None:
            super().__init__()
            self.seq = seq

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.parts: Sequence[VerdictPart] = ()
        self.chosen = -1
        """Place of the part that was walked to; -1 for none."""
        self._words = ""

    def show(self, parts: Sequence[VerdictPart], words: str) -> list[CellUpdate]:
        """Take another verdict, and return the line where it looks otherwise.

        Args:
            parts: the verdict.
            words: text shown without a verdict.
        """
        if parts == self.parts and (parts or words == self._words):
            return []
        if parts != self.parts:
            self.chosen = -1
        self.parts, self._words = parts, words
        return [CellUpdate(0, 0, self._line())]

    def choose_next(self) -> int:
        """Go to the next part that leads to an event; return its ``seq``, 0 where none does."""
        count = len(self.parts)
        places = ((self.chosen + step) % count for step in range(1, count + 1))
        self.chosen = next((at for at in places if self.parts[at].seq), -1)
        self.refresh()
        return self.parts[self.chosen].seq if self.chosen >= 0 else 0

    def on_click(self, event: events.Click) -> None:
        """Lead to the event of the part that was clicked."""
        for place, start, text in self._placed():
            if start <= event.x < start + cell_len(text) and self.parts[place].seq:
                self.chosen = place
                self.refresh()
                self.post_message(self.PartChosen(self.parts[place].seq))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the one line."""
        return [self._line().crop(crop.x, crop.right)] * crop.height

    def _placed(self) -> Iterator[tuple[int, int, str]]:
        """Yield place, first cell and text of each part."""
        from inspector.analysis.verdict import BAR

        at = 1
        for place, part in enumerate(self.parts):
            yield place, at, part.text
            at += cell_len(part.text) + len(BAR)

    def _line(self) -> Strip:
        width, base = self.size.width, self._style("base")
        if not self.parts:
            return UncachedStrip([Segment(fitted(f" {self._words}", width), base)], width)
        from inspector.analysis.verdict import BAR

        segments = [Segment(" ", base)]
        for place, start, text in self._placed():
            if start >= width:
                break
            if place:
                segments.append(Segment(BAR, base))
            style = self._style(self.parts[place].tone.value)
            if place == self.chosen:
                style += Style(underline=True)
            room = width - start
            segments.append(Segment(fitted(text, room) if cell_len(text) > room else text, style))
        return UncachedStrip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"verdict--{name}")
