"""SessionFormScreen: the session as a form: see what is in force, change it, and see what the server makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from inspector.analysis.form.checks import judge
from inspector.analysis.form.draft import Draft
from inspector.analysis.form.fields import FormField, Kind
from inspector.analysis.form.history import UpdateHistory
from inspector.analysis.form.locks import locks
from inspector.analysis.form.presets import preset_text, read_preset, session_for
from inspector.analysis.form.shapes import shape_of
from inspector.analysis.inert import inert
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import InspectorError
from inspector.tui.external import edit_text
from inspector.tui.form_pages import diff_lines, history_lines
from inspector.tui.glyphs import Glyphs
from inspector.tui.screens.dialog import Field, FormDialog
from inspector.tui.screens.form_dialogs import STYLES, ChoiceDialog, JsonDialog, PageDialog
from inspector.tui.widgets.form_fields import DialogRequested, FieldEdited, FieldUnreadable
from inspector.tui.widgets.send_editor import Verdict
from inspector.tui.widgets.session_form import SessionForm

TICK_HZ = 15
MAX_PRESET_BYTES = 4 << 20
"""A preset is instructions and tools; a larger file is something else."""
DEFAULT_PRESET = "session.json"


@dataclass(slots=True)
class FormSession:
    """The session behind a form. It outlives the screen, so that edits are there when the form is opened again."""

    state: Callable[[], SessionState]
    """Returns the state as of now, or as of the cursor."""
    log: EventLog
    end: Callable[[], int]
    """Returns how many rows of the log count."""
    submit: Callable[[str], str | None] | None = None
    """Sends a text and returns its event id, or None where it could not; None: the form is read only."""
    draft: Draft | None = None


class SessionFormScreen(Screen[int | None]):
    """The form; returns a row of the log that the user wants to see, or None."""

    CSS_PATH = STYLES
    BINDINGS = [
        Binding("ctrl+s", "send_changes", "send", id="form.send", priority=True),
        Binding("f6,ctrl+shift+s", "send_whole", "whole", id="form.whole", priority=True),
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
        """Prepare the form.

        Args:
            session: what it is about.
            glyphs: characters that the terminal can show.
            command: what to do first: ``whole``, ``diff``, ``history``, ``load FILE`` or ``save FILE``.
        """
        super().__init__()
        self.title = "Session form"
        self._session = session
        self._glyphs = glyphs
        self._command = command
        self._history = UpdateHistory()
        self._seen: tuple[object, ...] = ()
        self._events_made = 0
        self._draft = session.draft or Draft(self._shape_now())
        session.draft = self._draft

    @property
    def draft(self) -> Draft:
        """Return the session in force with the edits."""
        return self._draft

    @property
    def is_read_only(self) -> bool:
        """Tell whether there is no server to send to."""
        return self._session.submit is None

    def compose(self) -> ComposeResult:
        """Lay out header, form and hint."""
        yield Static("", id="form-header")
        yield SessionForm(self._glyphs, id="form")
        yield Static("", id="form-hint")
        # Not a Footer: that makes all its keys anew each time the focus moves, which is at every key here.
        yield Static("", id="form-keys")

    def on_mount(self) -> None:
        """Show the session, and go on to do so."""
        self.tick()
        self.query_one("#form-keys", Static).update(self._keys())
        first = next(iter(self._draft.applicable()), None)
        locked = locks(self._draft.shape, self._session.state())
        free = (field for field in self._draft.applicable() if field.path not in locked)
        target = first if self.is_read_only else next(free, first)
        if target is not None:
            self.call_after_refresh(self.query_one(SessionForm).focus_field, target.path)
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self._run, self._command)

    def on_resize(self) -> None:
        """Show what there is room for."""
        self._seen = ()

    def tick(self) -> None:
        """Pull what is new, and repaint where anything has changed."""
        state = self._session.state()
        self._history.read(self._session.log, self._session.end())
        seen = (
            self._history.revision,
            id(state),
            state.session.confirmed_seq,
            state.conversation.changed_seq,
            state.responses.active,
            len(state.output_audio.items),
            self.size,
        )
        if seen != self._seen:
            self._seen = seen
            self._observe(state)
            self.show()

    def show(self) -> None:
        """Repaint everything from the draft."""
        state = self._session.state()
        views = self._draft.views(locks(self._draft.shape, state))
        self.query_one(SessionForm).show(views, is_read_only=self.is_read_only)
        self.query_one("#form-header", Static).update(Text(self._header(state)))
        self.query_one("#form-hint", Static).update(Text(self._hint(state), overflow="ellipsis"))
        self.query_one("#form-hint").set_class(bool(self._draft.unblamed()), "wrong")

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Tell the user something, once."""
        self.notify(message, severity=severity, markup=False, timeout=6)

    def scroll_to_center(self, widget: Widget, animate: bool = True, **options: Any) -> None:  # noqa: ARG002 - an override
        """Go to a field at once: an animated form lags behind a key that is held down."""
        super().scroll_to_center(widget, animate=False, **options)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Leave out of a read-only form what changes a session."""
        return not (self.is_read_only and action in _CHANGING)

    def action_send_changes(self) -> None:
        """Show the smallest update, and send it."""
        if self._is_unreadable():
            return
        changed = self._draft.changed()
        if not changed:
            self.say("nothing is edited; F6 sends the whole session", "warning")
            return
        fields = f"{len(changed)} field{'s' * (len(changed) != 1)}"
        self._preview(self._draft.patch(), f"Send {fields}")

    def action_send_whole(self) -> None:
        """Show an update with everything that can be set, and send it."""
        if not self._is_unreadable():
            locked = locks(self._draft.shape, self._session.state())
            self._preview(self._draft.whole(locked), "Send the whole session")

    def action_revert(self) -> None:
        """Take back the edit of the field with the cursor."""
        field = self.query_one(SessionForm).focused_field
        if field is not None:
            self._draft.revert(field)
            self.show()

    def action_load(self) -> None:
        """Ask for a preset, and edit what it holds."""
        self._ask_file("Load a preset", "session JSON, or a session.update", self.load)

    def action_save(self) -> None:
        """Ask for a file, and save the session with the edits as a preset."""
        self._ask_file("Save a preset", "what can be set, with your edits", self.save)

    def load(self, name: str) -> None:
        """Edit what a preset holds.

        Raises:
            InspectorError: it is no preset, or one for another kind of session.
            OSError: it cannot be read.
        """
        path = Path(name).expanduser()
        with path.open("rb") as file:
            text = file.read(MAX_PRESET_BYTES).decode("utf-8", "replace")
        before = len(self._draft.changed())
        session = session_for(self._draft.shape, read_preset(text, path.name), path.name)
        unknown = self._draft.take(session)
        self.show()
        count = len(self._draft.changed())
        self.say(f"{path.name}: {count - before} more edits, {count} in all; ctrl+s sends them")
        if unknown:
            names = ", ".join(".".join(member) for member in unknown[:5])
            self.say(f"{path.name}: left out, since this session has no {inert(names)}", "warning")

    def save(self, name: str) -> None:
        """Save the session with the edits as a preset.

        Raises:
            InspectorError: there is another file of that name, which is no preset.
            OSError: it cannot be written.
        """
        path = Path(name).expanduser()
        if path.exists():
            read_preset(path.read_text("utf-8", "replace"), path.name)
        path.touch(mode=0o600)
        path.write_text(preset_text(self._draft.shape, self._draft.whole()), "utf-8")
        self.say(f"saved {path}; inspector sim --session {path.name} begins with it")

    def action_diff(self) -> None:
        """Show the last update beside what is in force."""
        updates, session = self._history.updates, self._draft.session
        self._page("Difference", lambda width: diff_lines(updates, session, width, self._glyphs))

    def action_history(self) -> None:
        """Show every update."""
        updates = self._history.updates
        self._page("History", lambda width: history_lines(updates, width))

    def action_external(self) -> None:
        """Edit the text with the cursor in the user's own editor."""
        field = self.query_one(SessionForm).focused_field
        if field is None or field.kind not in (Kind.TEXT, Kind.LINE):
            self.say("put the cursor into a text first", "warning")
            return
        value = field.read(self._draft.target)
        try:
            with self.app.suspend():
                text = edit_text(value if isinstance(value, str) else "", ".txt")
        except InspectorError as error:
            self.say(_words(error), "error")
            return
        self._edit(field, text.removesuffix("\n"))

    def action_back(self) -> None:
        """Close the form; the edits stay."""
        self.dismiss(None)

    @on(FieldEdited)
    def _edited(self, message: FieldEdited) -> None:
        self._edit(message.field, message.value)

    @on(FieldUnreadable)
    def _unreadable(self, message: FieldUnreadable) -> None:
        self._draft.cannot_read(message.field, message.why)
        self.show()

    @on(DialogRequested)
    def _dialog_requested(self, message: DialogRequested) -> None:
        field = message.field
        value = field.read(self._draft.target)
        if field.kind is Kind.JSON:
            self._edit_json(field, value)
            return

        def chosen(answer: tuple[Any] | None) -> None:
            if answer is not None:
                self._edit(field, answer[0])

        title = f"{field.label}   {field.note}"
        self.app.push_screen(
            ChoiceDialog(title, field.offers(), value, is_open=field.is_open), chosen
        )

    def _edit_json(self, field: FormField, value: Any) -> None:
        text = json.dumps(value if _is_json(value) else None, ensure_ascii=False, indent=2)

        def edited(answer: str | None) -> None:
            if answer is None:
                return
            try:
                self._edit(field, json.loads(answer))
            except (ValueError, RecursionError) as error:
                self._draft.cannot_read(field, f"not JSON: {error}")
                self.show()

        shape = self._draft.shape
        self.app.push_screen(
            JsonDialog(field.label, text, "take", lambda text: _verdict(judge(shape, field, text))),
            edited,
        )

    def _edit(self, field: FormField, value: Any) -> None:
        self._draft.edit(field, value)
        self.show()

    def _preview(self, event: dict[str, Any], title: str) -> None:
        self._events_made += 1
        event_id = f"evt_form_{len(self._session.log):06d}_{self._events_made}"
        event = {"type": event["type"], "event_id": event_id, "session": event["session"]}
        text = json.dumps(event, ensure_ascii=False, indent=2)
        shape = self._draft.shape
        self.app.push_screen(
            JsonDialog(
                f"{title}: {event['type']}",
                text,
                "send",
                lambda text: _verdict(judge(shape, None, text)),
            ),
            self._send,
        )

    def _send(self, text: str | None) -> None:
        if text is None or self._session.submit is None:
            return
        try:
            # Whitespace is for the reader: on the wire and in the recording an event is one line.
            text = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            self.say("this is not JSON; it is sent as it is", "warning")
        self._session.submit(text)

    def _is_unreadable(self) -> bool:
        """Go to the first field that holds no value, and say so."""
        for field in self._draft.applicable():
            if field.path in self._draft.unreadable:
                self.query_one(SessionForm).focus_field(field.path)
                self.say(f"not sent: {self._draft.unreadable[field.path]}", "error")
                return True
        return False

    def _ask_file(self, title: str, note: str, act: Callable[[str], None]) -> None:
        def answered(answers: dict[str, str] | None) -> None:
            if answers and answers["file"]:
                self._attempt(act, answers["file"])

        self.app.push_screen(
            FormDialog(title, (Field("file", "file", DEFAULT_PRESET),), note), answered
        )

    def _attempt(self, act: Callable[[str], None], name: str) -> None:
        try:
            act(name)
        except InspectorError as error:
            self.say(_words(error), "error")
        except OSError as error:
            self.say(f"{name}: {error.strerror or error}", "error")

    def _page(self, title: str, lines: Callable[[int], Sequence[Any]]) -> None:
        def left(row: int | None) -> None:
            if row is not None:
                self.dismiss(row)

        self.app.push_screen(PageDialog(title, lines), left)

    def _run(self, command: str) -> None:
        name, _, rest = command.strip().partition(" ")
        if not name:
            return
        if name in ("load", "save") and rest:
            if not (self.is_read_only and name == "load"):
                self._attempt(self.load if name == "load" else self.save, rest.strip())
            return
        action = _COMMANDS.get(name)
        if action is None:
            self.say(f"no :form {name}; there are {', '.join(_COMMANDS)}", "warning")
        elif self.check_action(action, ()):
            self.call_later(self.run_action, action)

    def _observe(self, state: SessionState) -> None:
        shape = self._shape_now()
        if self._draft.session and shape.name != self._draft.shape.name:
            if self._draft.edits and not self.is_read_only:
                self.say(f"this is {shape.title} now; the edits were for another kind", "warning")
            self._draft = self._session.draft = Draft(shape)
        elif not self._draft.session and shape.name != self._draft.shape.name:
            self._draft = self._session.draft = Draft(shape)
        self._draft.observe(state.session.config, self._history.updates)

    def _shape_now(self) -> Any:
        session = self._session.state().session
        return shape_of(session.config, session.url)

    def _header(self, state: SessionState) -> str:
        session, draft = state.session, self._draft
        reading = ", read only as of the cursor" if self.is_read_only else ""
        parts = [f" {draft.shape.title}{reading}", inert(session.model)]
        if session.config:
            parts.append(f"confirmed {session.confirmed_t_ns / 1e9:.3f} s")
        edited = len(draft.changed()) + len(draft.unreadable)
        if edited and not self.is_read_only:
            parts.append(f"{edited} edited")
        return "   ".join(part for part in parts if part)

    def _keys(self) -> str:
        """Return the keys as markup that can be clicked too."""
        bound = (found.binding for found in self.active_bindings.values() if found.node is self)
        keys = {binding.action: binding for binding in reversed(list(bound)) if binding.show}
        return "  ".join(
            f"[@click=screen.{action}]{self.app.get_key_display(binding)} {binding.description}[/]"
            for action, binding in reversed(keys.items())
        )

    def _hint(self, state: SessionState) -> str:
        refused = self._draft.unblamed()
        if refused:
            return f" {self._glyphs.bad} the last update was refused whole: {inert(refused)}"
        if not state.session.config:
            return " no session yet: the server describes it as soon as the connection is open"
        if self.is_read_only:
            return " ↑↓ fields   F8 sent against in force   F9 history   esc back"
        return " ↑↓ fields   ←→ or enter: other values   shift+↑↓ steps   esc back"


_CHANGING = frozenset({"send_changes", "send_whole", "revert", "load", "external"})
_COMMANDS: Mapping[str, str] = {
    "whole": "send_whole",
    "send": "send_changes",
    "diff": "diff",
    "history": "history",
    "load": "load",
    "save": "save",
}


def _words(error: InspectorError) -> str:
    return f"{error.message}{': ' + error.hint if error.hint else ''}"


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _verdict(problem: str) -> Verdict:
    return Verdict(problem, "warning") if problem else Verdict("valid", "good")
