"""FindingsView: what is wrong with the session, with its proof, the reason and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget

from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.view import View

if TYPE_CHECKING:
    from inspector.tui.views.findings.findings_pane import FindingsPane


class FindingsView(View):
    """The findings as of now, or as of the cursor; of a recording also those that come later."""

    id = "findings"
    title = "Findings"
    short = "Find"
    key = "6"
    is_eager = False

    _wanted: tuple[int, str] | None = None
    """The event, by ``seq``, and the rule whose finding is to be selected as soon as it is listed."""

    @cached_property
    def widget(self) -> FindingsPane:
        """The list."""
        from inspector.tui.views.findings.findings_pane import FindingsPane

        context = self.context
        return FindingsPane(context.glyphs, key=context.key(FindingsPane), id=self.id)

    def refresh(self) -> None:
        """Show what the rules find by now."""
        findings = self.context.findings
        pane = self.widget
        pane.show(
            findings.report,
            findings.revision,
            self.context.whole_report(),
            findings.muted,
            findings.after,
        )
        if self._wanted is not None:
            seq, rule = self._wanted
            self._wanted = None
            if rule or not pane.is_at(seq):
                pane.select_seq(seq, rule)

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Show findings that were collected after the session changed; nothing is painted past Textual."""
        self.refresh()
        return ()

    def show_event(self, row: int) -> bool:
        """Go to the finding that an event proves."""
        self.refresh()
        return self.widget.select_seq(row + 1)

    def enter(self, row: int, part: str = "") -> None:
        """Select what the selected event proves, unless that is selected already."""
        self._wanted = (row + 1, part) if row >= 0 else None

    def go_back(self) -> bool:
        """Close the explanation first."""
        return self.widget.close_explanation()
