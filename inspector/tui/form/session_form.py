"""SessionForm: a scrolling list of rows, one per field, with the editor, the state and the server's message.

It is given views of fields and posts the user's changes; it does not decide what an edit means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from inspector.analysis.form.draft import FieldView, Mark
from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.form.values import MemberPath
from inspector.analysis.sanitize import sanitized
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.measures import NARROW_COLUMNS
from inspector.tui.form.editing import FieldEditor
from inspector.tui.form.field_editors import editor_for
from inspector.tui.form.texts import shown

LABEL_COLUMNS = 24


class FieldRow(Widget):
    """One field: label, editor and state. Draws its texts itself: half as many widgets open twice as fast."""

    DEFAULT_CSS = f"""
    FieldRow {{ height: auto; layout: horizontal; }}
    FieldRow > .editor {{ width: 58%; max-width: 64; margin-left: {LABEL_COLUMNS}; }}
    FieldRow > TextEditor.editor {{ width: 1fr; max-width: 100%; }}
    """

    def __init__(self, view: FieldView, glyphs: Glyphs, *, is_read_only: bool) -> None:
        super().__init__()
        self.view = view
        self._glyphs = glyphs
        self._editor = editor_for(view.field)
        self._drawn: tuple[object, ...] = ()
        self._is_read_only = is_read_only

    @property
    def field(self) -> FormField:
        """Return the field of this row."""
        return self.view.field

    @property
    def editor(self) -> Widget:
        """Return the editor of the field."""
        return self._editor

    def compose(self) -> ComposeResult:
        """Lay out the editor; label and state are drawn."""
        yield self._editor

    def on_mount(self) -> None:
        """Show the first view."""
        self.show(self.view, is_read_only=self._is_read_only, force=True)

    def show(self, view: FieldView, *, is_read_only: bool, force: bool = False) -> None:
        """Show a view of the field, unless it is shown already."""
        self._is_read_only = is_read_only
        if (view, is_read_only) == self._drawn and not force:
            return
        self.view, self._drawn = view, (view, is_read_only)
        # Every editor implements the protocol, which a Widget's type does not express.
        editor = cast("FieldEditor", self._editor)
        # An invalid text stays in the editor, so that the user can correct it.
        if not view.is_unreadable:
            editor.show(view.value)
        is_locked = view.lock is not None and not view.lock.is_passing and not view.is_edited
        editor.set_locked(is_locked=is_read_only or is_locked)
        self.refresh()

    def render(self) -> Text:
        """Draw label and state, with a gap for the editor."""
        width = self.size.width
        indent = "   " if self.field.when is not None else " "
        label = Text(
            indent + sanitized(self.field.label),
            self._style("focus" if self._has_focus else "label"),
        )
        label.truncate(LABEL_COLUMNS, overflow="ellipsis", pad=True)
        style = self._style(self.view.mark or "dim")
        if self.field.kind is FieldKind.TEXT:
            below = Text(f"   {self._words(is_narrow=True)}"[:LABEL_COLUMNS], style)
            return Text.assemble(label, "\n", below)
        taken = LABEL_COLUMNS + self._editor.outer_size.width
        state = Text(
            f"  {self._words(is_narrow=width < NARROW_COLUMNS)}",
            self._style(self.view.mark or "dim"),
        )
        state.truncate(max(0, width - taken), overflow="ellipsis")
        return Text.assemble(label, " " * self._editor.outer_size.width, state, no_wrap=True)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self.refresh()

    @property
    def _has_focus(self) -> bool:
        return self._editor.has_focus

    def _style(self, name: str) -> Style:
        form = self.parent
        if isinstance(form, SessionForm):
            return form.get_component_rich_style(f"form--{name}")
        return Style()

    def _words(self, *, is_narrow: bool) -> str:
        view, glyphs = self.view, self._glyphs
        parts = [f"{glyph_of(view.mark, glyphs)} {view.mark}"] if view.mark else []
        if view.is_edited and self.field.kind is not FieldKind.TEXT:
            parts.append(f"was {shown(view.effective, self.field, 24)}")
        if view.lock and (not view.is_edited or is_narrow):
            parts.append(view.lock.why)
        elif not view.mark or not is_narrow:
            parts.append(self.field.range_text or ("" if is_narrow else self.field.note))
        return "   ".join(part for part in parts if part)


# The inherited keys would scroll, where the arrows are to move between fields.
class SessionForm(VerticalScroll, inherit_bindings=False):
    """The rows of a session's fields, in groups."""

    DEFAULT_CSS = """
    SessionForm { height: 1fr; }
    SessionForm > .group { height: 1; margin-top: 1; }
    SessionForm > .message { height: auto; display: none; padding: 0 2 0 5; }
    SessionForm > .message.shown { display: block; }
    """
    COMPONENT_CLASSES = {
        f"form--{name}"
        for name in ("label", "focus", "dim", *(mark.value for mark in Mark if mark))
    }
    BINDINGS = [
        Binding("down", "move(1)", "next field", show=False, id="form.down"),
        Binding("up", "move(-1)", "previous field", show=False, id="form.up"),
        Binding("pagedown", "scroll_page(1)", "page down", show=False, id="form.page_down"),
        Binding("pageup", "scroll_page(-1)", "page up", show=False, id="form.page_up"),
    ]

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, can_focus=False)
        self._glyphs = glyphs
        self._rows: dict[MemberPath, FieldRow] = {}
        self._messages: dict[MemberPath, Static] = {}
        self._groups: dict[str, Static] = {}
        self._shown_messages: dict[MemberPath, tuple[object, ...]] = {}

    @property
    def focused_field(self) -> FormField | None:
        """Return the focused field."""
        focused = self.screen.focused
        row = next((row for row in self._rows.values() if row.editor is focused), None)
        return row.field if row is not None else None

    def row_of(self, path: MemberPath) -> FieldRow | None:
        """Return the row of a field."""
        return self._rows.get(path)

    def focus_field(self, path: MemberPath) -> None:
        """Focus the editor of a field."""
        row = self._rows.get(path)
        if row is not None:
            row.editor.focus()

    def show(self, views: Sequence[FieldView], *, is_read_only: bool = False) -> None:
        """Show the current fields; mount and hide rows as needed."""
        self._place(views, is_read_only=is_read_only)
        there = {view.field.path: view for view in views}
        for path, row in self._rows.items():
            view = there.get(path)
            row.display = view is not None
            if view is not None and row.is_mounted:
                row.show(view, is_read_only=is_read_only)
            self._show_message(path, row, view)
        groups = {view.field.group for view in views}
        for name, heading in self._groups.items():
            heading.display = name in groups

    def action_move(self, step: int) -> None:
        """Focus the next field."""
        order = [row for row in self._in_order() if row.display and row.editor.focusable]
        focused = self.screen.focused
        here = next((at for at, row in enumerate(order) if row.editor is focused), -1)
        at = here + step if here >= 0 else 0
        if 0 <= at < len(order):
            order[at].editor.focus()
        elif order and at < 0:
            # Above the first field there is the group's heading, which cannot be focused.
            self.scroll_home(animate=False)

    def action_scroll_page(self, step: int) -> None:
        """Move the focus by a screenful of fields."""
        self.action_move(step * max(1, self.size.height // 2))

    def _in_order(self) -> Iterator[FieldRow]:
        return (child for child in self.children if isinstance(child, FieldRow))

    def _place(self, views: Sequence[FieldView], *, is_read_only: bool) -> None:
        """Mount rows for new fields in their places."""
        last: Widget | None = None
        for view in views:
            field = view.field
            heading = self._groups.get(field.group)
            if heading is None:
                heading = Static(Text(field.group.upper()), classes="group")
                self._groups[field.group] = heading
                self.mount(heading) if last is None else self.mount(heading, after=last)
                last = heading
            row = self._rows.get(field.path)
            if row is None or row.field != field:
                if row is not None:
                    row.remove()
                row = self._rows[field.path] = FieldRow(
                    view, self._glyphs, is_read_only=is_read_only
                )
                self.mount(row, after=last or heading)
            last = self._messages.get(field.path) or row

    def _show_message(self, path: MemberPath, row: FieldRow, view: FieldView | None) -> None:
        """Show the message of the server or of the validation below a field."""
        words = view.message if view is not None else ""
        message = self._messages.get(path)
        if message is None:
            if not words:
                return
            message = self._messages[path] = Static("", classes="message")
            self.mount(message, after=row)
        shown_now = (
            words,
            view.mark if view is not None else "",
            view is not None and view.is_wrong,
        )
        if self._shown_messages.get(path) == shown_now:
            return
        self._shown_messages[path] = shown_now
        is_wrong = view is not None and view.is_wrong
        is_rejected = view is not None and view.mark is Mark.REJECTED
        sign = self._glyphs.bad if is_rejected else "!" if is_wrong else self._glyphs.local
        message.update(Text(f"{sign} {sanitized(words)}"))
        style = "rejected" if is_rejected else ""
        message.set_classes(
            f"message {'shown' if words else ''} {'wrong' if is_wrong else ''} {style}"
        )


def glyph_of(mark: Mark, glyphs: Glyphs) -> str:
    """Return the character for a mark."""
    return {
        Mark.UNCHANGED: " ",
        Mark.EDITED: glyphs.mark,
        Mark.SENT: glyphs.client,
        Mark.CONFIRMED: glyphs.good,
        Mark.ACCEPTED: glyphs.good,
        Mark.REJECTED: glyphs.bad,
    }[mark]
