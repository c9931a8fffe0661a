"""Composer: the editor of one session: what it is opened with, what it sends, and what it is told of that."""

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
    """The way from the editor to the wire and back."""

    def __init__(
        self, screen: KeyedScreen[None], engine: SessionRecord, actions: SessionActions
    ) -> None:
        """Serve the editor of a screen.

        Args:
            screen: has a ``SendEditor`` with the id ``send``.
            engine: what became of a text is read from its log.
            actions: submits.
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
        """Send a text; after the output of a call, offer to have it answered."""
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
        """Open what answers a call, or an approval request."""
        if question.kind == "approval":
            self._actions.ask_approval(question)
        else:
            output = event_builders.call_output(question)
            self.open(json.dumps(output, ensure_ascii=False, indent=2))

    async def edit_outside(self, text: str) -> None:
        """Go on in the user's own editor."""
        try:
            self._editor.load(await edit_outside(self._screen.app, text))
        except InspectorError as error:
            self._screen.say(error.words, "error")

    def follow_up(self, arrow: str) -> None:
        """Tell the editor what became of what it sent; ``arrow`` stands before the answer."""
        is_translation = self._engine.state.session.kind == "translation"
        self._editor.set_translation(is_translation=is_translation)
        if self._sent is None:
            return
        became = self._sent.became(self._engine.log, self._engine.state, arrow)
        if became is not None:
            self._editor.show_outcome(became.words, became.style)
            self._sent = None if became.is_final else self._sent
