"""TurnsView: the turns as a waterfall: what the user waited for, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget

from inspector.clock import time_is_up
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.view import Commands, View

if TYPE_CHECKING:
    from inspector.tui.views.turns.turns_pane import TurnsPane

MEASURE_BUDGET_S = 0.006
"""Time for measuring turns per frame: a fifth of it, so that keys are answered in the same frame."""


class TurnsView(View):
    """The turns as of now, or as of the cursor."""

    id = "turns"
    title = "Turns"
    key = "5"
    is_eager = False

    _is_resting = False
    """Whether the last frame was passed over: 15 a second are enough for bars."""

    @cached_property
    def widget(self) -> TurnsPane:
        """The waterfall."""
        from inspector.tui.views.turns.turns_pane import TurnsPane

        context = self.context
        return TurnsPane(context.glyphs, key=context.key(TurnsPane), id=self.id)

    def refresh(self) -> None:
        """Show the turns by now."""
        context = self.context
        context.latency.step(context.state(), time_is_up(MEASURE_BUDGET_S))
        self.widget.show(context)

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Measure on, and let running turns grow, in every second frame; nothing is painted past Textual."""
        self._is_resting = not self._is_resting
        if not self._is_resting:
            self.refresh()
        return ()

    def commands(self) -> Commands:
        """Return the command that sorts the turns."""
        return {"sort": self._sort}

    def _sort(self, text: str) -> None:
        self.widget.sort_by(text)

    def show_event(self, row: int) -> bool:
        """Go to the turn of an event."""
        self.refresh()
        return self.widget.select_seq(row + 1)

    def go_back(self) -> bool:
        """Close the explanation first."""
        return self.widget.close_explanation()
