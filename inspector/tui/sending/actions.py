"""SessionActions: what a user sends by hand. Asks what there is to ask, makes the event and submits it; says why where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.analysis.conversation_entry import OpenRequest
from inspector.analysis.sanitize import sanitized
from inspector.core.event import Origin
from inspector.engine.record import SessionRecord
from inspector.errors import InspectorError
from inspector.tui.common.dialog import Field, FormDialog, Running
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.sending import event_builders


class SessionActions:
    """The buttons of one session."""

    def __init__(self, screen: KeyedScreen[None], engine: SessionRecord) -> None:
        """Serve a screen.

        Args:
            screen: where questions and complaints appear.
            engine: what events are submitted to.
        """
        self._screen = screen
        self._engine = engine
        self._problems_seen = 0

    def submit(self, payload: dict[str, Any] | str, origin: Origin = Origin.BUTTON) -> str | None:
        """Send an event or a text; return the event's id, or None where it was not taken."""
        try:
            return self._engine.submit(payload, origin)
        except InspectorError as error:
            self._complain(f"not sent: {error.message}", error)
            return None

    def report_refusals(self) -> None:
        """Say what the server has refused since the last time, of what a button or the form sent; the editor says it of its own."""
        problems = self._engine.state.problems.all
        for problem in problems[self._problems_seen :][:3]:
            if problem.cause_seq:
                cause = self._engine.log.event(problem.cause_seq - 1)
                # The form, while it is open, shows a refusal at the field that caused it.
                if cause.origin is Origin.BUTTON or (
                    cause.origin is Origin.FORM and self._screen.is_current
                ):
                    blamed = self._engine.state.causes.blamed.get(problem.seq)
                    adverb = blamed.confidence.adverb if blamed is not None else ""
                    words = f"{cause.type} was {adverb}refused: {sanitized(problem.message)}"
                    self._screen.say(words, "error")
        self._problems_seen = len(problems)

    def say(self, text: str) -> None:
        """Send a message, and have it answered."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        if text and self.submit({"type": "conversation.item.create", "item": item}) is not None:
            self.create()

    def create(self) -> None:
        """Create a response with the session's settings."""
        self.submit({"type": "response.create"})

    def ask_create(self) -> None:
        """Ask how, and create a response."""
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
            body["response_id"] = responses.active[-1]
        self.submit(body)

    def ask_truncate(self, item_id: str) -> None:
        """Ask where, and truncate what is being played; where nothing is, this item, or what was played last."""
        engine, cancel_key = self._engine, self._screen.key("session.cancel")
        fields = event_builders.truncate_fields(engine.state, engine.now_ns, item_id)

        def running(answers: Mapping[str, str]) -> Running:
            chosen = answers["item_id"]
            return event_builders.truncation_now(engine.state, engine.now_ns, chosen, cancel_key)

        note = running({field.name: field.value for field in fields}).note
        title = "Truncate an assistant item"
        self._ask(title, fields, event_builders.truncate_item, note, running)

    def ask_about_item(self, action: str, item_id: str) -> None:
        """Ask which, and ``delete`` or ``retrieve`` an item."""
        fields = event_builders.item_fields(self._engine.state, item_id)
        title = f"{action.capitalize()} an item"
        self._ask(title, fields, lambda answers: event_builders.about_item(action, answers))

    def ask_approval(self, question: OpenRequest) -> None:
        """Ask whether an MCP call may be made, and answer that."""
        creates = f"{self._screen.key('session.create')} creates a response afterwards"
        self._ask(
            f"Let {sanitized(question.server_label)} run {sanitized(question.name)}?",
            event_builders.approval_fields(),
            lambda answers: event_builders.approval(question, answers),
            f"What it returns is not answered by itself: {creates}.",
        )

    def offer_response(self, call_id: str) -> None:
        """After the output of a call: ask for a response, once no other call waits and none is being made."""
        state, key = self._engine.state, self._screen.key
        create = key("session.create")
        others = [c for c in state.conversation.pending_calls() if c.call_id != call_id]
        if others:
            then = f"{key('talk.answer')} answers, then {create}"
            self._screen.say(f"the output is sent; {len(others)} more wait: {then}")
        elif state.responses.active:
            words = f"output sent; {create} requests a response once this one is done"
            self._screen.say(words)
        else:
            self.ask_create()

    def note(self, text: str) -> None:
        """Write something into the log."""
        self._engine.note("inspector.note", {"text": text}, Origin.HAND)

    def _ask(
        self,
        title: str,
        fields: tuple[Field, ...],
        make: Callable[[Mapping[str, str]], dict[str, Any]],
        note: str = "",
        running: Callable[[Mapping[str, str]], Running] | None = None,
    ) -> None:
        def answered(answers: dict[str, str] | None) -> None:
            if answers is None:
                return
            try:
                self.submit(make(answers))
            except InspectorError as error:
                self._screen.say(error.message, "error")

        self._screen.app.push_screen(FormDialog(title, fields, note, running), answered)

    def _complain(self, words: str, error: InspectorError) -> None:
        self._screen.say(f"{words}{'; ' + error.hint if error.hint else ''}", "error")
