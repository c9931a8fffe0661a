"""ConversationView: the tab with the conversation's items in the server's order."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from inspector.tui.views.view import View

if TYPE_CHECKING:
    from inspector.tui.views.conversation.conversation_pane import ConversationPane


class ConversationView(View):
    """The conversation now, or at the replay's cursor."""

    id = "conversation"
    title = "Conversation"
    short = "Conv"
    key = "2"

    @cached_property
    def widget(self) -> ConversationPane:
        """The list of entries."""
        from inspector.tui.views.conversation.conversation_pane import ConversationPane

        context = self.context
        return ConversationPane(
            context.glyphs,
            empty=context.empty_conversation(),
            key=context.key(ConversationPane),
            can_answer=context.can_answer,
            id=self.id,
        )

    def refresh(self) -> None:
        """Show the current items."""
        self.widget.empty = self.context.empty_conversation()
        self.widget.show(self.context.state())

    def show_event(self, row: int) -> bool:
        """Go to the entry that an event belongs to."""
        from inspector.analysis.dialogue import place_of  # not needed for the first frame

        place = place_of(self.context.state(), self.context.log.event(row))
        self.refresh()
        return place is not None and self.widget.select_place(place)

    def item_id(self) -> str | None:
        """Return the item under the cursor; ``""`` for other entries."""
        return self.widget.item_id
