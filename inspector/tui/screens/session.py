"""SessionScreen: a live session. The one holder of an Engine, and the one way from keys to the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import ContentSwitcher, Static

from inspector.analysis.inert import inert
from inspector.core.event import Direction, Origin
from inspector.core.keys import keys_of
from inspector.core.state import SessionState
from inspector.engine.host import Host
from inspector.engine.record import Connection, SessionRecord
from inspector.engine.session import Engine
from inspector.errors import InspectorError
from inspector.tui import requests
from inspector.tui.action_line import Button, action_line
from inspector.tui.external import edit_outside
from inspector.tui.glyphs import Glyphs
from inspector.tui.header import HeaderPart, header_line
from inspector.tui.hints import Hint, session_hint
from inspector.tui.keycaps import keycap
from inspector.tui.readings import Readings, live_readings
from inspector.tui.screens.dialog import Field, FormDialog
from inspector.tui.screens.sound import SoundScreen
from inspector.tui.widgets.send_editor import SendEditor

if TYPE_CHECKING:
    from inspector.engine.sound import Sound
    from inspector.tui.widgets.conversation_view import ConversationView

_WORDS = {
    Connection.IDLE: "idle",
    Connection.CONNECTING: "connecting",
    Connection.LIVE: "live",
    Connection.CLOSED: "closed",
    Connection.REFUSED: "refused",
}


class SessionScreen(SoundScreen):
    """A session with a server.

    How it is connected and ended is up to ``connect`` and ``end``, which a session of somebody else's app does not share.
    """

    BINDINGS = [
        Binding("s", "send", "send", id="session.send"),
        Binding("c", "create", "create", show=False, id="session.create"),
        Binding("x", "cancel", "cancel", show=False, id="session.cancel"),
        Binding("t", "truncate", "truncate", show=False, id="session.truncate"),
        Binding("b", "commit", "commit buffer", show=False, id="session.commit"),
        Binding("B", "clear", "clear buffer", show=False, id="session.clear"),
        Binding("D", "delete", "delete item", show=False, id="session.delete"),
        Binding("V", "retrieve", "retrieve item", show=False, id="session.retrieve"),
        Binding("r", "resend", "re-send", show=False, id="session.resend"),
        Binding("i", "edit", "edit and send", show=False, id="session.edit"),
        Binding("exclamation_mark", "fault", "raise a fault", show=False, id="session.fault"),
        Binding("u", "form", "session form", show=False, id="session.form"),
        Binding("ctrl+r", "reconnect", "reconnect", show=False, id="session.reconnect"),
        Binding("ctrl+x", "disconnect", "disconnect", show=False, id="session.disconnect"),
    ]
    BUTTONS: tuple[Button, ...] = (
        Button("send", "send"),
        Button("create", "create"),
        Button("cancel", "cancel"),
        Button("truncate", "truncate", "cut"),
        Button("form", "session form", "form"),
        Button("commit", "commit"),
        Button("clear", "clear"),
        Button("delete", "delete"),
        Button("retrieve", "retrieve"),
        Button("reconnect", "reconnect"),
        Button("disconnect", "disconnect"),
    )
    """The most used first."""

    def __init__(self, host: Host, engine: SessionRecord, glyphs: Glyphs) -> None:
        super().__init__(engine.log, glyphs)
        self.title = "Session"
        self._host = host
        self._engine = engine
        self._problems_seen = 0
        self._sent_by_editor: tuple[str, int] | None = None
        self._ticks = 0
        self._shown_actions = ("", 0)

    @property
    def state(self) -> SessionState:
        """Return the state as of now."""
        return self._engine.state

    @property
    def sound(self) -> Sound | None:
        """Return the session's microphone and speaker."""
        return self._engine.sound if isinstance(self._engine, Engine) else None

    def empty_conversation(self) -> str:
        """Return what to do while the conversation is empty."""
        if self.state.session.kind == "translation":
            return f"What is said is shown here beside its translation; {self.key('sound.talk')} talks."
        send, create = self.key("session.send"), self.key("session.create")
        return f"{send} sends a message, {create} has it answered."

    def readings(self) -> Readings:
        """Return the levels as of now."""
        return live_readings(self.sound, self.state, self._engine.now_ns, self.key)

    def compose_below(self) -> ComposeResult:
        """Lay out the editor and the buttons."""
        yield SendEditor(partial(keycap, self.app, SendEditor), id="send")
        yield Static("", id="actions")

    def on_mount(self) -> None:
        """Connect."""
        if self._engine.connection is Connection.IDLE:
            self.connect()

    def connect(self) -> None:
        """Connect, or connect again."""
        if isinstance(self._engine, Engine):
            self._host.start(self._engine)

    async def end(self) -> None:
        """End the connection, and wait until that is recorded."""
        if isinstance(self._engine, Engine):
            await self._host.stop(self._engine)

    def advance(self) -> None:
        """Report what went wrong since the last tick, beside what caused it."""
        self._ticks += 1
        problems = self.state.problems.all
        for problem in problems[self._problems_seen :][:3]:
            if problem.cause_seq:
                cause = self.event_log.event(problem.cause_seq - 1)
                # The form, while it is open, shows a refusal at the field that caused it.
                if cause.origin is Origin.BUTTON or (
                    cause.origin is Origin.FORM and self.is_current
                ):
                    self.say(f"{cause.type} was refused: {inert(problem.message)}", "error")
        self._problems_seen = len(problems)
        self._follow_up()
        self._show_actions()

    def recording_stem(self) -> str:
        """Return the recording's name, or a word where nothing is recorded."""
        path = self._engine.recording.path
        return path.stem if path is not None else "session"

    def now_us(self) -> int:
        """Return the time of the session: that of its last event once it has ended."""
        if self._engine.connection in (Connection.LIVE, Connection.CONNECTING):
            return self._engine.now_ns // 1000
        return self.event_log.t_us[-1] if len(self.event_log) else 0

    def header_text(self) -> str:
        """Return the connection, model, recording, count, time and errors."""
        engine, glyphs = self._engine, self.glyphs
        dot = glyphs.dot if engine.connection is Connection.LIVE else glyphs.ring
        if engine.connection is Connection.CONNECTING:
            dot = glyphs.spinner[self._ticks % len(glyphs.spinner)]
        model = self.state.session.model or engine.source.model
        minutes, seconds = divmod(self.now_us() / 1e6, 60)
        errors = self.state.problems.errors
        recording = engine.recording
        if recording.failure or recording.path is None:
            lost = f"NOT RECORDED: {recording.failure or 'in memory only'}"
            where = HeaderPart(f"{glyphs.ring} {lost}", rank=1, shortest=14)
        else:
            name = inert(recording.path.name)
            where = HeaderPart(f"{glyphs.record} {name}", rank=3, shortest=12)
        tokens = self.state.usage.responses.total
        count = len(self.event_log)
        parts = (
            HeaderPart(f"{dot} {_WORDS[engine.connection]}"),
            HeaderPart(inert(model) or "no model", rank=2, shortest=10),
            HeaderPart(f"! {errors} error{'s' * (errors != 1)}" if errors else ""),
            HeaderPart(engine.source.kind, rank=4),
            HeaderPart(f"{int(minutes):02d}:{seconds:04.1f}"),
            HeaderPart(f"{count:,} event{'s' * (count != 1)}"),
            where,
            HeaderPart(f"{tokens:,} tok" if tokens else "", rank=5),
        )
        self.query_one("#header").set_class(bool(errors or recording.failure), "has-errors")
        return header_line(parts, self.size.width)

    def hint_text(self) -> str:
        """Return what is true, and what to do next."""
        return self.hint().line(self.size.width)

    def _show_actions(self) -> None:
        """Draw the buttons, where another step comes next or there is other room."""
        shown = (self.hint().step, self.size.width)
        if shown != self._shown_actions:
            self._shown_actions = shown
            line = action_line(self.BUTTONS, self.key, *shown)
            self.query_one("#actions", Static).update(line, layout=False)

    def hint(self) -> Hint:
        """Return what is true, and what to do next, in parts that can give way."""
        return session_hint(self._engine, self.key, self.place)

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return the commands of a live session."""
        return {
            **super().commands(),
            "say": self._say,
            "create": lambda _: self._create(),
            "cancel": lambda _: self.action_cancel(),
            "commit": lambda _: self.action_commit(),
            "clear": lambda _: self.action_clear(),
            "truncate": lambda _: self.action_truncate(),
            "delete": lambda _: self.action_delete(),
            "retrieve": lambda _: self.action_retrieve(),
            "note": self._note,
            "fault": self._fault,
            "form": self.action_form,
            "reconnect": lambda _: self.action_reconnect(),
            "disconnect": lambda _: self.action_disconnect(),
        }

    def on_marked(self, row: int) -> None:
        """Keep a mark in the recording too."""
        self._engine.note(
            "inspector.mark", {"seq": row + 1, "name": self.event_log.type_of(row)}, Origin.HAND
        )

    def leave(self) -> None:
        """End the session and go back."""
        self.run_worker(self._leave(), exclusive=True)

    async def _leave(self) -> None:
        await self.end()
        super().leave()

    def action_create(self) -> None:
        """Ask how, and create a response."""
        self._ask(
            "Create a response",
            requests.create_fields(),
            requests.create_response,
            "Empty fields mean: as the session has it.",
        )

    def action_cancel(self) -> None:
        """Cancel the response in progress."""
        active = self.state.responses.active
        body: dict[str, Any] = {"type": "response.cancel"}
        if active and self.state.responses.active_default() is None:
            body["response_id"] = active[-1]
        self._submit(body)

    def action_truncate(self) -> None:
        """Ask where, and truncate the item being played or played last."""
        now_ns, item_id = self._engine.now_ns, self._selected_item()
        fields = requests.truncate_fields(self.state, now_ns, item_id)
        note = requests.truncate_note(self.state, now_ns, item_id)
        self._ask("Truncate an assistant item", fields, requests.truncate_item, note)

    def action_commit(self) -> None:
        """Commit the input buffer."""
        self._submit({"type": "input_audio_buffer.commit"})

    def action_clear(self) -> None:
        """Clear the input buffer."""
        self._submit({"type": "input_audio_buffer.clear"})

    def action_delete(self) -> None:
        """Ask which, and delete an item."""
        self._ask(
            "Delete an item",
            self._item_fields(),
            lambda answers: requests.about_item("delete", answers),
        )

    def action_retrieve(self) -> None:
        """Ask which, and retrieve an item."""
        self._ask(
            "Retrieve an item",
            self._item_fields(),
            lambda answers: requests.about_item("retrieve", answers),
        )

    def action_send(self) -> None:
        """Open the editor."""
        editor = self.query_one("#send", SendEditor)
        editor.add_class("shown")
        editor.focus_text()

    def action_form(self, command: str = "") -> None:
        """Open the session as a form."""
        self.open_form(lambda text: self._submit(text, Origin.FORM), command)

    def action_resend(self) -> None:
        """Send the selected client event again, as it was."""
        text = self._selected_text()
        if text is not None:
            self._submit(text, Origin.HAND)

    def action_edit(self) -> None:
        """Open the selected event in the editor."""
        text = self._selected_text()
        if text is not None:
            editor = self.query_one("#send", SendEditor)
            editor.load(text)
            self.action_send()

    def action_reconnect(self) -> None:
        """Connect again, after the connection has ended; the recording goes on."""
        if self._engine.can_send:
            self.say(f"still connected; {self.key('session.disconnect')} disconnects", "warning")
        else:
            self.connect()

    def action_disconnect(self) -> None:
        """End the connection; the screen stays."""
        self.run_worker(self.end(), exclusive=True)

    @on(SendEditor.SendRequested)
    def _send_requested(self, message: SendEditor.SendRequested) -> None:
        editor = self.query_one("#send", SendEditor)
        before = len(self.event_log)
        if self._submit(message.text, Origin.HAND) is not None:
            editor.remember(message.text)
            editor.show_outcome("sent …")
            self._sent_by_editor = (message.text, before)
            call_id = requests.answered_call(message.text)
            if call_id:
                self._offer_response(call_id)

    def on_conversation_view_answer_requested(
        self, message: ConversationView.AnswerRequested
    ) -> None:
        """Open what answers a call or an approval request."""
        question = message.question
        if question.kind == "approval":
            self._ask(
                f"Let {inert(question.server_label)} run {inert(question.name)}?",
                requests.approval_fields(),
                lambda answers: requests.approval(question, answers),
                f"What it returns is not answered by itself: {self.key('session.create')} creates a response afterwards.",
            )
            return
        output = requests.call_output(question)
        self.query_one("#send", SendEditor).load(json.dumps(output, ensure_ascii=False, indent=2))
        self.action_send()

    def _offer_response(self, call_id: str) -> None:
        """After the output of a call: ask for a response, once no other call waits and none is being made."""
        create = self.key("session.create")
        others = [c for c in self.state.conversation.pending_calls() if c.call_id != call_id]
        if others:
            answer = self.key("talk.answer")
            self.say(
                f"the output is sent; {len(others)} more wait: {answer} answers, then {create}"
            )
        elif self.state.responses.active:
            self.say(f"the output is sent; {create} has it answered once this response is done")
        else:
            self.action_create()

    @on(SendEditor.Closed)
    def _editor_closed(self) -> None:
        self.query_one("#send").remove_class("shown")
        self.refocus()

    @on(SendEditor.ExternalEditRequested)
    @work
    async def _external_edit(self, message: SendEditor.ExternalEditRequested) -> None:
        try:
            text = await edit_outside(self.app, message.text)
        except InspectorError as error:
            self.say(f"{error.message}{': ' + error.hint if error.hint else ''}", "error")
            return
        self.query_one("#send", SendEditor).load(text)

    def _follow_up(self) -> None:
        """Tell the editor what became of what it sent."""
        if self._sent_by_editor is None:
            return
        text, before = self._sent_by_editor
        data = text.encode("utf-8", "replace")
        row = next(
            (
                at
                for at in range(before, len(self.event_log))
                if self.event_log.direction_of(at) is Direction.CLIENT
                and self.event_log.event(at).data == data
            ),
            None,
        )
        if row is None:
            return
        editor = self.query_one("#send", SendEditor)
        sent = f"sent {self.event_log.t_us[row] / 1e6:.3f}"
        refusal = self.state.causes.rejected.get(row + 1) or self._anonymous_error(row)
        effects = self.state.causes.effects_of.get(row + 1, ())
        if refusal:
            problem = next((p for p in self.state.problems.all if p.seq == refusal), None)
            words = problem.message if problem is not None else ""
            editor.show_outcome(
                f"{sent} {self.glyphs.folded} refused {self.event_log.t_us[refusal - 1] / 1e6:.3f}: {words}",
                "error",
            )
        elif effects:
            editor.show_outcome(
                f"{sent} {self.glyphs.folded} {self.event_log.type_of(effects[0] - 1)}", "good"
            )
        else:
            editor.show_outcome(sent)
            if len(self.event_log) - row < 200:
                return
        self._sent_by_editor = None

    def _anonymous_error(self, row: int) -> int:
        """Return the error right after a row, where a text without an event_id cannot be blamed by id."""
        for at in range(row + 1, min(row + 12, len(self.event_log))):
            if self.event_log.direction_of(at) is Direction.CLIENT:
                return 0
            if self.event_log.type_of(at) == "error" and not self.state.causes.cause_of.get(at + 1):
                return at + 1
        return 0

    def _ask(
        self,
        title: str,
        fields: tuple[Field, ...],
        make: Callable[[Mapping[str, str]], dict[str, Any]],
        note: str = "",
    ) -> None:
        def answered(answers: dict[str, str] | None) -> None:
            if answers is None:
                return
            try:
                self._submit(make(answers))
            except InspectorError as error:
                self.say(error.message, "error")

        self.app.push_screen(FormDialog(title, fields, note), answered)

    def _submit(self, payload: dict[str, Any] | str, origin: Origin = Origin.BUTTON) -> str | None:
        try:
            return self._engine.submit(payload, origin)
        except InspectorError as error:
            self.say(f"not sent: {error.message}{'; ' + error.hint if error.hint else ''}", "error")
            return None

    def _say(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        if text and self._submit({"type": "conversation.item.create", "item": item}) is not None:
            self._submit({"type": "response.create"})

    def _create(self) -> None:
        self._submit({"type": "response.create"})

    def _note(self, text: str) -> None:
        self._engine.note("inspector.note", {"text": text}, Origin.HAND)

    def action_fault(self) -> None:
        """Ask which, and let something go wrong in the simulator."""
        faults = self._engine.faults
        if not faults:
            self.say("only the simulator does wrong on purpose", "warning")
            return
        first = next(iter(faults))
        field = Field("name", "fault", first, suggestions=tuple(faults))
        note = f"there are {', '.join(faults)}"

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self._fault(answers["name"])

        self.app.push_screen(FormDialog("Let something go wrong", (field,), note), answered)

    def _fault(self, name: str) -> None:
        try:
            self._engine.raise_fault(name.strip())
        except InspectorError as error:
            self.say(f"{error.message}{'; ' + error.hint if error.hint else ''}", "error")
        else:
            self.say(f"fault raised: {name.strip()}")

    def _item_fields(self) -> tuple[Field, ...]:
        return requests.item_fields(self.state, self._selected_item())

    def _selected_item(self) -> str:
        if self.query_one("#views", ContentSwitcher).current == "conversation":
            return self.conversation.item_id
        return (
            keys_of(self.event_log.event(self.selected)).item_id
            if 0 <= self.selected < len(self.event_log)
            else ""
        )

    def _selected_text(self) -> str | None:
        if self.selected < 0:
            self.say("select an event first", "warning")
            return None
        event = self.event_log.event(self.selected)
        if event.direction is not Direction.CLIENT or not event.is_text:
            self.say(
                "select an event in the client pane: only what a client sends can be sent",
                "warning",
            )
            return None
        return event.data.decode("utf-8", "replace")
