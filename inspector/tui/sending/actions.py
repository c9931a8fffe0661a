"""SessionActions: asks for what an event needs, builds the event and submits it; reports what the server rejects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.analysis.conversation_entry import OpenRequest
from inspector.analysis.sanitize import sanitized
from inspector.core.event import Origin
from inspector.engine.record import SessionRecord
from inspector.errors import InspectorError
from inspector.tui.common.dialog import DialogUpdate, Field, FormDialog
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.sending import event_builders


class SessionActions:
    """The manual actions of one session."""

    def __init__(self, screen: KeyedScreen[None], engine: SessionRecord) -> None:
        """Create the actions.

        Args:
            screen: shows the dialogs and notifications.
            engine: receives the events.
        """
        self._screen = screen
        self._engine = engine
        self._problems_seen = 0

    def submit(self, payload: dict[str, Any] | str, origin: Origin = Origin.BUTTON) -> str | None:
        """Submit an event or a text; return the event's id, or None if it could not be submitted."""
        try:
            return self._engine.submit(payload, origin)
        except InspectorError as error:
            self._report(f"not sent: {error.message}", error)
            return None

    def report_refusals(self) -> None:
        """Notify of events from buttons and the form that the server has rejected since the last call."""
        problems = self._engine.state.problems.all
        for problem in problems[self._problems_seen :][
            :3
        ]:  # more notifications would cover the screen
            if problem.cause_seq:
                cause = self._engine.log.event(problem.cause_seq - 1)
                # The editor shows the rejection of its own event, the open form that at the field.
                if cause.origin is Origin.BUTTON or (
                    cause.origin is Origin.FORM and self._screen.is_current
                ):
                    blamed = self._engine.state.causes.blamed.get(problem.seq)
                    adverb = blamed.confidence.adverb if blamed is not None else ""
                    words = f"{cause.type} was {adverb}rejected: {sanitized(problem.message)}"
                    self._screen.say(words, "error")
        self._problems_seen = len(problems)

    def say(self, text: str) -> None:
        """Send a user message and ask for a response."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        if text and self.submit({"type": "conversation.item.create", "item": item}) is not None:
            self.create()

    def create(self) -> None:
        """Ask for a response with the session's settings."""
        self.submit({"type": "response.create"})

    def ask_create(self) -> None:
        """Ask for a response after a dialog for its options."""
        note = "Leave a field empty to use the session's setting."
        self._ask(
            "Create a response",
            event_builders.create_fields(),
            event_builders.create_response,
            note,
        )

    def cancel(self) -> None:
        """Cancel the response in progress."""
        responses = self._engine.state.responses
        body: dict[str, Any] = {"type": "response.cancel"}
        if responses.active and responses.active_default() is None:
            # Without an id the API cancels only a response of the default conversation.
            body["response_id"] = responses.active[-1]
        self.submit(body)

    def ask_truncate(self, item_id: str) -> None:
        """Ask where to truncate: the item being played, else the given item or the one played last."""
        engine, cancel_key = self._engine, self._screen.key("session.cancel")
        fields = event_builders.truncate_fields(engine.state, engine.now_ns, item_id)

        def update(values: Mapping[str, str]) -> DialogUpdate:
            item = values["item_id"]
            return event_builders.truncation_now(engine.state, engine.now_ns, item, cancel_key)

        note = update({field.name: field.value for field in fields}).note
        title = "Truncate an assistant item"
        self._ask(title, fields, event_builders.truncate_item, note, update)

    def ask_about_item(self, action: str, item_id: str) -> None:
        """Ask which item to ``delete`` or ``retrieve``."""
        fields = event_builders.item_fields(self._engine.state, item_id)
        title = f"{action.capitalize()} an item"
        self._ask(title, fields, lambda answers: event_builders.about_item(action, answers))

    def ask_approval(self, question: OpenRequest) -> None:
        """Ask whether an MCP tool call may run, and submit the answer."""
        create = self._screen.key("session.create")
        self._ask(
            f'Allow MCP tool "{sanitized(question.name)}" of {sanitized(question.server_label)}?',
            event_builders.approval_fields(),
            lambda answers: event_builders.approval(question, answers),
            f"The model does not respond to the tool's result by itself; press {create} afterwards.",
        )

    def offer_response(self, call_id: str) -> None:
        """Ask for a response after the output of a call, unless another call or response is pending."""
        state, key = self._engine.state, self._screen.key
        create = key("session.create")
        others = [c for c in state.conversation.pending_calls() if c.call_id != call_id]
        if others:
            more = "1 more call needs" if len(others) == 1 else f"{len(others)} more calls need"
            self._screen.say(f"output sent; {more} output: {key('talk.answer')}, then {create}")
        elif state.responses.active:
            words = f"output sent; press {create} to ask for a response once this one is done"
            self._screen.say(words)
        else:
            self.ask_create()

    def note(self, text: str) -> None:
        """Add a note to the log and the recording."""
        self._engine.note("inspector.note", {"text": text}, Origin.HAND)

    def _ask(
        self,
        title: str,
        fields: tuple[Field, ...],
        make: Callable[[Mapping[str, str]], dict[str, Any]],
        note: str = "",
        update: Callable[[Mapping[str, str]], DialogUpdate] | None = None,
    ) -> None:
        def answered(answers: dict[str, str] | None) -> None:
            if answers is None:
                return
            try:
                self.submit(make(answers))
            except InspectorError as error:
                self._screen.say(error.message, "error")

        self._screen.app.push_screen(FormDialog(title, fields, note, update), answered)

    def _report(self, words: str, error: InspectorError) -> None:
        self._screen.say(f"{words}{'; ' + error.hint if error.hint else ''}", "error")
