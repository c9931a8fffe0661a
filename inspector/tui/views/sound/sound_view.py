"""SoundView: the sound of the session on the bench, and the VAD lab."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget

from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.view import Commands, View

if TYPE_CHECKING:
    from inspector.tui.views.sound.sound_pages import SoundPages

PAGES = ("bench", "lab")


class SoundView(View):
    """The sound of the whole session; worked out in a thread, and only while it is looked at."""

    id = "sound"
    title = "Sound"
    key = "8"
    is_eager = False

    @cached_property
    def widget(self) -> SoundPages:
        """Both pages."""
        from inspector.tui.views.sound.sound_pages import SoundPages

        return SoundPages(self.context, id=self.id)

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Show what has been worked out; nothing is painted past Textual."""
        self.widget.pull()
        return ()

    def take_focus(self) -> None:
        """Focus the page that is shown."""
        self.widget.page.focus()

    def commands(self) -> Commands:
        """Return the command that shows a page."""
        return {"sound": self._show}

    def _show(self, text: str) -> None:
        """Show a page by its name.

        Raises:
            ValueError: the page does not exist.
        """
        if text not in PAGES:
            raise ValueError(f"sound {' or sound '.join(PAGES)}")
        pages = self.widget
        pages.turn_to(pages.lab if text == "lab" else pages.bench)

    def show_event(self, row: int) -> bool:
        """Go to the figure or turn of an event."""
        return self.widget.page.select_seq(row + 1)

    def go_back(self) -> bool:
        """Return from the lab to the figures first, or close the explanation."""
        pages = self.widget
        if pages.lab.display:
            pages.turn_to(pages.bench)
            return True
        return pages.bench.close_explanation()
