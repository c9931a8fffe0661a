"""SessionScreen: a live session. It and what it is made of (``manual``, ``sending``) hold its engine, nobody else.

Translates keys, clicks and messages of widgets; ``Manual`` has the one way to the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import ContentSwitcher, Static

from inspector.core.event import Direction, Origin
from inspector.core.keys import keys_of
from inspector.core.state import SessionState
from inspector.engine.host import Host
from inspector.engine.record import Connection, SessionRecord
from inspector.engine.session import Engine
from inspector.tui.action_line import SESSION_BUTTONS, Button, action_line, useless_actions
from inspector.tui.glyphs import Glyphs
from inspector.tui.header import HeaderPart, header_line
from inspector.tui.hint import Hint
from inspector.tui.keycaps import keycap
from inspector.tui.readings import Readings, live_readings
from inspector.tui.screens.manual import Manual
from inspector.tui.screens.sending import Sending
from inspector.tui.screens.sound import SoundScreen
from inspector.tui.session_header import session_header
from inspector.tui.session_hints import session_hint
from inspector.tui.widgets.send_editor import SendEditor

if TYPE_CHECKING:
    from inspector.engine.sound import Sound
    from inspector.tui.widgets.conversation_view import ConversationView


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
    BUTTONS: tuple[Button, ...] = SESSION_BUTTONS

    def __init__(self, host: Host, engine: SessionRecord, glyphs: Glyphs) -> None:
        super().__init__(engine.log, glyphs)
        self.title = "Session"
        self._host = host
        self._engine = engine
        self._manual = Manual(self, engine)
        self._sending = Sending(self, engine, self._manual)
        self._ticks = 0
        self._hint = Hint(())
        """As of the last tick."""
        self._shown_actions: tuple[frozenset[str], str, int] = (frozenset(), "", 0)

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
        self._manual.report_refusals()
        self._sending.follow_up(self.glyphs.folded)
        self._hint = self.hint()
        self._show_actions(self._hint.step)

    def recording_stem(self) -> str:
        """Return the recording's name, or a word where nothing is recorded."""
        path = self._engine.recording.path
        return path.stem if path is not None else "session"

    def now_us(self) -> int:
        """Return the time of the session: that of its last event once it has ended."""
        if self._engine.connection in (Connection.LIVE, Connection.CONNECTING):
            return self._engine.now_ns // 1000
        return self.event_log.end_us or 0

    def header_text(self) -> str:
        """Return the connection, model, recording, count, time and errors."""
        engine = self._engine
        is_troubled = bool(self.state.problems.errors or engine.recording.failure)
        self.query_one("#header").set_class(is_troubled, "has-errors")
        parts = session_header(engine, self.glyphs, self.now_us(), self._ticks)
        return header_line((*parts, *self.header_parts()), self.size.width)

    def header_parts(self) -> tuple[HeaderPart, ...]:
        """Return what else stands in the header."""
        return ()

    def hint_text(self) -> str:
        """Return what is true, and what to do next."""
        return self._hint.line(self.size.width)

    def _show_actions(self, step: str) -> None:
        """Draw the buttons, where another step comes next or there is other room."""
        width = self.size.width
        useless = useless_actions(self.state.session.kind, is_connected=self._engine.can_send)
        if (useless, step, width) != self._shown_actions:
            self._shown_actions = (useless, step, width)
            buttons = [button for button in self.BUTTONS if button.action not in useless]
            line = action_line(buttons, self.key, step, width)
            self.query_one("#actions", Static).update(line, layout=False)

    def hint(self) -> Hint:
        """Return what is true, and what to do next, in parts that can give way."""
        return session_hint(self._engine, self.key, self.place)

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return the commands of a live session."""
        manual = self._manual
        return {
            **super().commands(),
            "say": manual.say,
            "create": lambda _: manual.create(),
            "cancel": lambda _: manual.cancel(),
            "commit": lambda _: self.action_commit(),
            "clear": lambda _: self.action_clear(),
            "truncate": lambda _: self.action_truncate(),
            "delete": lambda _: self.action_delete(),
            "retrieve": lambda _: self.action_retrieve(),
            "note": manual.note,
            "fault": manual.raise_fault,
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
        self._manual.ask_create()

    def action_cancel(self) -> None:
        """Cancel the response in progress."""
        self._manual.cancel()

    def action_truncate(self) -> None:
        """Ask where, and truncate the item being played or played last."""
        self._manual.ask_truncate(self._selected_item())

    def action_commit(self) -> None:
        """Commit the input buffer."""
        self._manual.submit({"type": "input_audio_buffer.commit"})

    def action_clear(self) -> None:
        """Clear the input buffer."""
        self._manual.submit({"type": "input_audio_buffer.clear"})

    def action_delete(self) -> None:
        """Ask which, and delete an item."""
        self._manual.ask_about_item("delete", self._selected_item())

    def action_retrieve(self) -> None:
        """Ask which, and retrieve an item."""
        self._manual.ask_about_item("retrieve", self._selected_item())

    def action_fault(self) -> None:
        """Ask which, and let something go wrong in the simulator."""
        self._manual.ask_fault()

    def action_send(self) -> None:
        """Open the editor."""
        self._sending.open()

    def action_form(self, command: str = "") -> None:
        """Open the session as a form."""
        self.open_form(lambda text: self._manual.submit(text, Origin.FORM), command)

    def action_resend(self) -> None:
        """Send the selected client event again, as it was."""
        text = self._selected_text()
        if text is not None:
            self._manual.submit(text, Origin.HAND)

    def action_edit(self) -> None:
        """Open the selected event in the editor."""
        text = self._selected_text()
        if text is not None:
            self._sending.open(text)

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
        self._sending.send(message.text)

    @on(SendEditor.Closed)
    def _editor_closed(self) -> None:
        self._sending.close()
        self.refocus()

    @on(SendEditor.ExternalEditRequested)
    @work
    async def _external_edit(self, message: SendEditor.ExternalEditRequested) -> None:
        await self._sending.edit_outside(message.text)

    def on_conversation_view_answer_requested(
        self, message: ConversationView.AnswerRequested
    ) -> None:
        """Open what answers a call or an approval request."""
        self._sending.answer(message.question)

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
