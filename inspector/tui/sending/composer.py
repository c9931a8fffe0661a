"""Composer: connects the editor with the session: what is loaded into it, what it sends, and the result."""

from __future__ import annotations

import json

from inspector.analysis.conversation_entry import OpenRequest
from inspector.core.event import Origin
from inspector.engine.record import SessionRecord
from inspector.errors import InspectorError
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.sending import event_builders
from inspector.tui.sending.actions import SessionActions
from inspector.tui.sending.send_editor import SendEditor
from inspector.tui.sending.sent_text import SentText
from inspector.tui.terminal.external import edit_outside


class Composer:
    """The controller of one session's editor."""

    def __init__(
        self, screen: KeyedScreen[None], engine: SessionRecord, actions: SessionActions
    ) -> None:
        """Create the controller.

        Args:
            screen: contains a ``SendEditor`` with the id ``send``.
            engine: its log shows the result of what was sent.
            actions: submits the text.
        """
        self._screen = screen
        self._engine = engine
        self._actions = actions
        self._sent: SentText | None = None

    @property
    def _editor(self) -> SendEditor:
        return self._screen.query_one("#send", SendEditor)

    def open(self, text: str | None = None) -> None:
        """Show the editor, with a text or as it was left."""
        editor = self._editor
        if text is not None:
            editor.load(text)
        editor.add_class("shown")
        editor.focus_text()

    def close(self) -> None:
        """Hide the editor."""
        self._editor.remove_class("shown")

    def send(self, text: str) -> None:
        """Send a text; after the output of a call, offer to ask for a response."""
        # The text is found again in the log by position and bytes, since it may have no event id.
        before = len(self._engine.log)
        if self._actions.submit(text, Origin.HAND) is None:
            return
        self._editor.remember(text)
        self._editor.show_outcome("sent …")
        self._sent = SentText(text.encode("utf-8", "replace"), before)
        call_id = event_builders.answered_call(text)
        if call_id:
            self._actions.offer_response(call_id)

    def answer(self, question: OpenRequest) -> None:
        """Open the dialog for an approval request, or the editor with an output for a function call."""
        if question.kind == "approval":
            self._actions.ask_approval(question)
        else:
            output = event_builders.call_output(question)
            self.open()
            self._editor.load_to_write(json.dumps(output, ensure_ascii=False, indent=2))

    async def edit_outside(self, text: str) -> None:
        """Edit the text in the user's own editor."""
        try:
            self._editor.load(await edit_outside(self._screen.app, text))
        except InspectorError as error:
            self._screen.say(error.words, "error")

    def follow_up(self, arrow: str) -> None:
        """Show the result of the last text that was sent; ``arrow`` separates it from the time of sending."""
        is_translation = self._engine.state.session.kind == "translation"
        self._editor.set_translation(is_translation=is_translation)
        if self._sent is None:
            return
        outcome = self._sent.outcome(self._engine.log, self._engine.state, arrow)
        if outcome is not None:
            self._editor.show_outcome(outcome.words, outcome.style)
            self._sent = None if outcome.is_final else self._sent
