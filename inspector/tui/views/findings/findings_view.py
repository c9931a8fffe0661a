"""FindingsView: what rules found in the session or in the whole recording, worst first, with the change to make."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from inspector.tui.views.view import View

if TYPE_CHECKING:
    from inspector.tui.views.findings.findings_page import FindingsPage


class FindingsView(View):
    """The findings as a page of text."""

    id = "findings"
    title = "Findings"
    key = "6"
    is_eager = False

    @cached_property
    def widget(self) -> FindingsPage:
        """The page."""
        from inspector.tui.views.findings.findings_page import FindingsPage

        return FindingsPage(id=self.id)

    def refresh(self) -> None:
        """Show what has been found by now."""
        self.widget.show_report(self.context.findings)

    def show_event(self, row: int) -> bool:
        """Go to the finding that an event proves."""
        self.refresh()
        return self.widget.select_seq(row + 1)

    def go_back(self) -> bool:
        """Close the explanations first."""
        return self.widget.close_explanations()
