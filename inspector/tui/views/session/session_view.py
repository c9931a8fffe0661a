"""SessionView: the tab with the settings in effect and their meaning."""

from __future__ import annotations

from functools import cached_property

from inspector.tui.common.text_page import TextPage
from inspector.tui.views.view import View


class SessionView(View):
    """The session as a page of text."""

    id = "session"
    title = "Session"
    key = "3"

    @cached_property
    def widget(self) -> TextPage:
        """The page."""
        return TextPage(id=self.id)

    def refresh(self) -> None:
        """Show the current session."""
        from inspector.tui.views.session.session_lines import session_lines

        width = self.widget.size.width or self.widget.screen.size.width
        self.widget.show(session_lines(self.context.state(), width, self.context.losses()))
