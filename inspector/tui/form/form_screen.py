"""SessionFormScreen: shows the session in effect as a form, sends edits, and shows the server's reaction at each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.markup import escape
from textual.widget import Widget
from textual.widgets import Static

from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.form.history import Outcome
from inspector.analysis.summary import moment_text
from inspector.errors import InspectorError
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.common.measures import TICK_HZ
from inspector.tui.form.dialogs import STYLES, PageDialog
from inspector.tui.form.editing import DialogRequested, FieldEdited, FieldUnreadable
from inspector.tui.form.field_dialogs import FieldDialogs
from inspector.tui.form.form_lines import form_header, form_hint
from inspector.tui.form.form_pages import diff_lines, history_lines
from inspector.tui.form.model import FormSession
from inspector.tui.form.preset_files import Presets
from inspector.tui.form.session_form import SessionForm
from inspector.tui.terminal.external import edit_outside

_CHANGING = frozenset({"send_changes", "send_whole", "revert", "load", "external"})
_COMMANDS: Mapping[str, str] = {
    "whole": "send_whole",
    "send": "send_changes",
    "diff": "diff",
    "history": "history",
    "load": "load",
    "save": "save",
}


class SessionFormScreen(KeyedScreen[int | None]):
    """The form; dismissed with the row of the log to show, or None."""

    CSS_PATH = STYLES
    BINDINGS = [
        Binding("ctrl+s", "send_changes", "send", id="form.send", priority=True),
        Binding("f6,ctrl+shift+s", "send_whole", "send all", id="form.whole", priority=True),
        Binding("f3", "revert", "revert", id="form.revert", priority=True),
        Binding("ctrl+z", "revert", "revert", show=False, id="form.undo"),
        Binding("f4", "external", "$EDITOR", show=False, id="form.external", priority=True),
        Binding("ctrl+o", "load", "load", id="form.load", priority=True),
        Binding("f7", "save", "save", id="form.save", priority=True),
        Binding("f8", "diff", "diff", id="form.diff", priority=True),
        Binding("f9", "history", "history", id="form.history", priority=True),
        Binding("escape", "back", "back", id="form.back"),
    ]

    def __init__(self, session: FormSession, glyphs: Glyphs, command: str = "") -> None:
        """Create the screen.

        Args:
            session: the session and its edits.
            glyphs: characters that the terminal can show.
            command: action to start with: ``whole``, ``diff``, ``history``, ``load FILE`` or ``save FILE``.
        """
        super().__init__()
        self.title = "Session form"
        self.session = session
        self._glyphs = glyphs
        self._command = command
        self._presets = Presets(self, session)
        self._dialogs = FieldDialogs(self, session)

    @property
    def form(self) -> SessionForm:
        """Return the widget with the fields."""
        return self.query_one(SessionForm)

    def compose(self) -> ComposeResult:
        """Lay out header, form, hint and keys."""
        yield Static("", id="form-header")
        yield SessionForm(self._glyphs, id="form")
        yield Static("", id="form-hint")
        # Not a Footer: it would rebuild its keys whenever the focus moves, which here is on every arrow key.
        yield Static("", id="form-keys")

    def on_mount(self) -> None:
        """Show the session, focus the first field that can be edited, and start the tick."""
        self.session.pull()
        self.show()
        self.query_one("#form-keys", Static).update(self._keys())
        locked = self.session.locks()
        fields = self.session.draft.applicable()
        first = next((field for field in fields if field.path not in locked), None)
        if first is not None:
            self.call_after_refresh(self.form.focus_field, first.path)
        self.set_interval(1 / TICK_HZ, self.tick)
        # The actions need the mounted rows.
        self.call_after_refresh(self._run, self._command)

    def on_resize(self) -> None:
        """Repaint for the new size."""
        self.show()

    def tick(self) -> None:
        """Take in new events, and repaint if anything has changed."""
        if self.session.pull():
            self.show()
            self._follow_up()

    def show(self) -> None:
        """Repaint everything from the draft."""
        session = self.session
        self.form.show(session.views(), is_read_only=session.is_read_only)
        self.query_one("#form-header", Static).update(Text(form_header(session)))
        self.query_one("#form-hint", Static).update(
            Text(form_hint(session, self._glyphs, self.key))
        )
        self.query_one("#form-hint").set_class(bool(session.draft.general_rejection()), "wrong")

    def scroll_to_center(self, widget: Widget, animate: bool = True, **options: Any) -> None:  # noqa: ARG002 - an override
        """Scroll to a field without animation, which would lag behind a key that is held down."""
        super().scroll_to_center(widget, animate=False, **options)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Disable the actions that change the session while the form is read-only."""
        return not (self.session.is_read_only and action in _CHANGING)

    def action_send_changes(self) -> None:
        """Send the edited fields, after a preview."""
        if self._is_unreadable():
            return
        count = len(self.session.draft.changed())
        if count:
            event = self.session.draft.patch()
            self._dialogs.preview(event, f"Send {count} field{'s' * (count != 1)}")
        else:
            self.say(
                f"no edits to send; {self.key('form.whole')} sends the whole session", "warning"
            )

    def action_send_whole(self) -> None:
        """Send every field that can be set, after a preview."""
        if not self._is_unreadable():
            event = self.session.draft.whole(self.session.locks())
            self._dialogs.preview(event, "Send the whole session")

    def action_revert(self) -> None:
        """Undo the edit of the focused field."""
        field = self.form.focused_field
        if field is not None:
            self.session.draft.revert(field)
            self.show()

    def action_load(self) -> None:
        """Load a preset into the fields."""
        self._presets.ask_load()

    def action_save(self) -> None:
        """Save the session with the edits as a preset."""
        self._presets.ask_save()

    def action_diff(self) -> None:
        """Show the last update beside the session in effect."""
        session = self.session

        def lines(width: int) -> Sequence[Any]:
            return diff_lines(session.updates, session.draft.session, width, self._glyphs)

        self._page("Sent vs. in effect", lines)

    def action_history(self) -> None:
        """Show the history of updates."""
        self._page("History", lambda width: history_lines(self.session.updates, width))

    @work
    async def action_external(self) -> None:
        """Edit the focused text in the user's own editor."""
        field = self.form.focused_field
        if field is None or field.kind not in (FieldKind.TEXT, FieldKind.LINE):
            self.say("put the cursor into a text field first", "warning")
            return
        value = field.read(self.session.draft.target)
        try:
            text = await edit_outside(self.app, value if isinstance(value, str) else "", ".txt")
        except InspectorError as error:
            self.say(error.words, "error")
            return
        self.edit(field, text.removesuffix("\n"))

    def action_back(self) -> None:
        """Close the form and keep the edits."""
        self.dismiss(None)

    @on(FieldEdited)
    def _edited(self, message: FieldEdited) -> None:
        self.edit(message.field, message.value)

    @on(FieldUnreadable)
    def _unreadable(self, message: FieldUnreadable) -> None:
        self.session.draft.cannot_read(message.field, message.why)
        self.show()

    @on(DialogRequested)
    def _dialog_requested(self, message: DialogRequested) -> None:
        self._dialogs.open(message.field)

    def edit(self, field: FormField, value: Any) -> None:
        """Change the value of a field."""
        self.session.draft.edit(field, value)
        self.show()

    def _follow_up(self) -> None:
        """Notify of the outcome of the last update; go to the field that was rejected."""
        update = self.session.answered()
        if update is None:
            return
        if update.outcome is Outcome.CONFIRMED:
            self.say(f"confirmed at {moment_text(update.answer_t_ns, update.answer_seq)}")
        elif update.outcome is Outcome.REJECTED:
            field = self.session.rejected()
            if field is not None:
                self.form.focus_field(field.path)

    def _is_unreadable(self) -> bool:
        """Return whether a field has an invalid text; go to the first such field and show the error."""
        field = self.session.first_unreadable()
        if field is None:
            return False
        self.form.focus_field(field.path)
        self.say(f"not sent: {self.session.draft.unreadable[field.path]}", "error")
        return True

    def _page(self, title: str, lines: Callable[[int], Sequence[Any]]) -> None:
        def closed(row: int | None) -> None:
            if row is not None:
                self.dismiss(row)

        self.app.push_screen(PageDialog(title, lines), closed)

    def _run(self, command: str) -> None:
        name, _, rest = command.strip().partition(" ")
        action = _COMMANDS.get(name)
        if action is None:
            if name:
                self.say(
                    f"unknown command :form {name}; commands: {', '.join(_COMMANDS)}", "warning"
                )
        elif self.check_action(action, ()):
            if name in ("load", "save") and rest:
                (self._presets.load if name == "load" else self._presets.save)(rest.strip())
            else:
                self.call_later(self.run_action, action)

    def _keys(self) -> str:
        """Return the keys as clickable markup."""
        bound = (found.binding for found in self.active_bindings.values() if found.node is self)
        keys = {binding.action: binding for binding in reversed(list(bound)) if binding.show}
        return "  ".join(
            f"[@click=screen.{action}]{escape(self.app.get_key_display(binding))} {binding.description}[/]"
            for action, binding in reversed(keys.items())
        )
