"""Sending: the part of a workspace for sending by hand: buttons, editor, session form, and the results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from inspector.core.event import Direction, Origin
from inspector.core.event_keys import keys_of
from inspector.engine.record import SessionRecord
from inspector.tui.common.keycaps import keycap
from inspector.tui.sending.action_line import Button, action_line, useless_actions
from inspector.tui.sending.actions import SessionActions
from inspector.tui.sending.composer import Composer
from inspector.tui.sending.send_editor import SendEditor
from inspector.tui.views.conversation.answer_requested import AnswerRequested
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part


class Sending(Part):
    """The actions that send something to the server."""

    BINDINGS = [
        Binding("s", "send", "send", id="session.send", tooltip="Write an event and send it"),
        Binding(
            "c",
            "create",
            "create",
            show=False,
            id="session.create",
            tooltip="Ask the model for a response (response.create)",
        ),
        Binding(
            "x",
            "cancel",
            "cancel",
            show=False,
            id="session.cancel",
            tooltip="Cancel the response (response.cancel)",
        ),
        Binding(
            "t",
            "truncate",
            "truncate",
            show=False,
            id="session.truncate",
            tooltip="Truncate an answer's audio (conversation.item.truncate)",
        ),
        Binding("b", "commit", "commit buffer", show=False, id="session.commit"),
        Binding("B", "clear", "clear buffer", show=False, id="session.clear"),
        Binding("D", "delete", "delete item", show=False, id="session.delete"),
        Binding("V", "retrieve", "retrieve item", show=False, id="session.retrieve"),
        Binding("r", "resend", "re-send event", show=False, id="session.resend"),
        Binding("i", "edit", "edit and send", show=False, id="session.edit"),
    ]

    def __init__(self, engine: SessionRecord, buttons: Sequence[Button]) -> None:
        """Create the part.

        Args:
            engine: receives the events; its log shows what became of them.
            buttons: the line below the views, most used first.
        """
        super().__init__()
        self._engine = engine
        self._buttons = buttons
        self._shown: tuple[object, ...] = ()
        """Arguments of the last drawing of the buttons."""

    def submit_form(self, text: str) -> str | None:
        """Send the edited session; return the event's id, or None if it could not be submitted."""
        return self._actions.submit(text, Origin.FORM)

    def compose_below(self) -> ComposeResult:
        """Lay out the editor and the buttons."""
        self._actions = SessionActions(self.workspace, self._engine)
        self._composer = Composer(self.workspace, self._engine, self._actions)
        yield SendEditor(partial(keycap, self.app, (SendEditor,)), id="send")
        yield Static("", id="actions")

    def advance(self) -> None:
        """Report new rejections beside their cause, and redraw the buttons."""
        self._actions.report_refusals()
        self._composer.follow_up(self.workspace.glyphs.folded)
        self._draw_buttons()

    def commands(self) -> Commands:
        """Return the commands that send something."""
        actions = self._actions
        return {
            "say": actions.say,
            "create": lambda _: actions.create(),
            "cancel": lambda _: actions.cancel(),
            "commit": lambda _: self.action_commit(),
            "clear": lambda _: self.action_clear(),
            "truncate": lambda _: self.action_truncate(),
            "delete": lambda _: self.action_delete(),
            "retrieve": lambda _: self.action_retrieve(),
            "note": actions.note,
        }

    def event_marked(self, row: int) -> None:
        """Write a mark of the user into the recording."""
        name = self._engine.log.type_of(row)
        self._engine.note("inspector.mark", {"seq": row + 1, "name": name}, Origin.HAND)

    def action_send(self) -> None:
        """Open the editor."""
        self._composer.open()

    def action_create(self) -> None:
        """Ask for a response after a dialog for its options."""
        self._actions.ask_create()

    def action_cancel(self) -> None:
        """Cancel the response in progress."""
        self._actions.cancel()

    def action_truncate(self) -> None:
        """Truncate the item being played or played last, after a dialog."""
        self._actions.ask_truncate(self._selected_item())

    def action_commit(self) -> None:
        """Commit the input buffer."""
        self._actions.submit({"type": "input_audio_buffer.commit"})

    def action_clear(self) -> None:
        """Clear the input buffer."""
        self._actions.submit({"type": "input_audio_buffer.clear"})

    def action_delete(self) -> None:
        """Delete an item after a dialog."""
        self._actions.ask_about_item("delete", self._selected_item())

    def action_retrieve(self) -> None:
        """Retrieve an item after a dialog."""
        self._actions.ask_about_item("retrieve", self._selected_item())

    def action_resend(self) -> None:
        """Send the selected client event again, unchanged."""
        text = self._selected_text()
        if text is not None:
            self._actions.submit(text, Origin.HAND)

    def action_edit(self) -> None:
        """Open the selected event in the editor."""
        text = self._selected_text()
        if text is not None:
            self._composer.open(text)

    @on(SendEditor.SendRequested)
    def _send_requested(self, message: SendEditor.SendRequested) -> None:
        self._composer.send(message.text)

    @on(SendEditor.Closed)
    def _editor_closed(self) -> None:
        self._composer.close()
        self.workspace.refocus()

    @on(SendEditor.ExternalEditRequested)
    @work
    async def _external_edit(self, message: SendEditor.ExternalEditRequested) -> None:
        await self._composer.edit_outside(message.text)

    @on(AnswerRequested)
    def _answer_requested(self, message: AnswerRequested) -> None:
        self._composer.answer(message.question)

    def _draw_buttons(self) -> None:
        """Redraw the buttons if the next step or the width has changed."""
        workspace, width = self.workspace, self.workspace.size.width
        step = workspace.model.hint(workspace.key, workspace.place).step
        kind = self._engine.state.session.kind
        useless = useless_actions(kind, is_connected=self._engine.can_send)
        if (useless, step, width) != self._shown:
            self._shown = (useless, step, width)
            buttons = [button for button in self._buttons if button.action not in useless]
            line = action_line(buttons, workspace.key, step, width)
            # The line's height is fixed, and a layout would repaint the whole screen.
            self.query_one("#actions", Static).update(line, layout=False)

    def _selected_item(self) -> str:
        """Return the item at the view's cursor, else that of the selected event; ``""`` for none."""
        workspace = self.workspace
        item_id = workspace.current.item_id()
        event = workspace.selected_event()
        if item_id is None:
            item_id = keys_of(event).item_id if event is not None else ""
        return item_id

    def _selected_text(self) -> str | None:
        event = self.workspace.selected_event()
        if event is None:
            self.workspace.say("select an event first", "warning")
        elif event.direction is not Direction.CLIENT or not event.is_text:
            words = "select an event in the client pane: only client events can be sent"
            self.workspace.say(words, "warning")
        else:
            return event.data.decode("utf-8", "replace")
        return None
