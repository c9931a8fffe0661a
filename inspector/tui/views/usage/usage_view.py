"""UsageView: tokens and money, turn by turn: what was cached, what was billed again, and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget

from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.view import Commands, View

if TYPE_CHECKING:
    from inspector.tui.views.usage.usage_pane import UsagePane


class UsageView(View):
    """The use as of now, or as of the cursor."""

    id = "usage"
    title = "Usage"
    key = "7"
    is_eager = False

    @cached_property
    def widget(self) -> UsagePane:
        """The table."""
        from inspector.tui.views.usage.usage_pane import UsagePane

        context = self.context
        return UsagePane(context.glyphs, key=context.key(UsagePane), id=self.id)

    def refresh(self) -> None:
        """Show what was billed by now."""
        self.widget.show(self.context.state(), self.context.cost)

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Show a summary that was not ready when the session changed; nothing is painted past Textual."""
        self.refresh()
        return ()

    def commands(self) -> Commands:
        """Return what sorts the table."""
        return {"sort": self._sort}

    def _sort(self, text: str) -> None:
        self.widget.sort_by(text)

    def show_event(self, row: int) -> bool:
        """Go to the charge of an event."""
        self.refresh()
        return self.widget.select_seq(row + 1)

    def go_back(self) -> bool:
        """Close the explanation first."""
        return self.widget.close_explanation()
