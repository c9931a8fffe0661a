"""Dialogs of the session form: for a JSON text, a list of choices, and a page of lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from inspector.analysis.form.values import is_same
from inspector.analysis.sanitize import sanitized
from inspector.errors import InspectorError
from inspector.tui.common.keycaps import keycap
from inspector.tui.common.measures import LARGE_TEXT
from inspector.tui.common.text_page import PageLine, TextPage
from inspector.tui.form.texts import shown
from inspector.tui.sending.send_editor import DraftVerdict
from inspector.tui.terminal.external import edit_outside
from inspector.tui.terminal.text_box import TextBox

STYLES = Path(__file__).with_name("form.tcss")


class JsonDialog(ModalScreen[str | None]):
    """An editor for JSON; dismissed with the text, or None when cancelled."""

    CSS_PATH = STYLES
    BINDINGS = [
        Binding("ctrl+s,f5,ctrl+enter", "accept", "accept", id="json.accept", priority=True),
        Binding("f4", "external", "$EDITOR", id="json.external", priority=True),
        Binding("escape", "cancel", "cancel", id="json.cancel", priority=True),
    ]

    def __init__(
        self, title: str, text: str, verb: str, judge: Callable[[str], DraftVerdict]
    ) -> None:
        """Create the dialog.

        Args:
            title: names the text.
            text: the initial text.
            verb: what accepting does, in one word; empty for a read-only text.
            judge: returns the judgement of a text, shown below it.
        """
        super().__init__()
        self._heading, self._text, self._verb, self._judge = title, text, verb, judge

    def compose(self) -> ComposeResult:
        """Lay out title, text, verdict and key hints."""
        with Vertical(id="json"):
            yield Static(Text(self._heading), classes="title")
            yield TextBox(
                self._text,
                soft_wrap=True,
                tab_behavior="indent",
                compact=True,
                read_only=not self._verb,
            )
            yield Static("", id="verdict")
            key = partial(keycap, self.app, (JsonDialog,))
            keys = f"{key('json.cancel')} {'cancel' if self._verb else 'close'}"
            if self._verb:
                keys = (
                    f"{key('json.accept')} {self._verb} · {key('json.external')} $EDITOR · {keys}"
                )
            yield Static(Text(keys), classes="keys")

    def on_mount(self) -> None:
        """Focus and check the initial text."""
        self.query_one(TextArea).focus()
        self._check()

    @on(TextArea.Changed)
    def _changed(self) -> None:
        if len(self.query_one(TextArea).text) < LARGE_TEXT:
            self._check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Disable accepting and the external editor for a read-only text."""
        return bool(self._verb) or action not in ("accept", "external")

    def action_accept(self) -> None:
        """Dismiss with the text."""
        self.dismiss(self.query_one(TextArea).text)

    def action_cancel(self) -> None:
        """Dismiss without a text."""
        self.dismiss(None)

    @work
    async def action_external(self) -> None:
        """Edit the text in the user's own editor."""
        area = self.query_one(TextArea)
        try:
            area.text = await edit_outside(self.app, area.text)
        except InspectorError as error:
            self.notify(error.message, severity="error", markup=False)

    def _check(self) -> None:
        verdict = self._judge(self.query_one(TextArea).text)
        line = self.query_one("#verdict", Static)
        line.set_classes(verdict.style)
        line.update(Text(sanitized(verdict.words)))


class ChoiceDialog(ModalScreen[tuple[Any] | None]):
    """A list of values; dismissed with the chosen one in a tuple, or None when cancelled."""

    CSS_PATH = STYLES
    BINDINGS = [
        Binding("escape", "cancel", "cancel", id="choice.cancel", priority=True),
        Binding("down", "move(1)", "next", show=False, id="choice.next", priority=True),
        Binding("up", "move(-1)", "previous", show=False, id="choice.previous", priority=True),
        Binding("enter", "accept", "accept", show=False, id="choice.accept", priority=True),
    ]

    def __init__(self, title: str, values: Sequence[Any], current: Any, *, is_open: bool) -> None:
        """Create the dialog; with ``is_open`` a value that is not listed can be typed."""
        super().__init__()
        self._heading, self._values, self._current = title, list(values), current
        self._is_open = is_open

    def compose(self) -> ComposeResult:
        """Lay out title, input and values."""
        with Vertical(id="choice"):
            yield Static(Text(self._heading), classes="title")
            if self._is_open:
                yield Input(placeholder="another value", compact=True)
            yield OptionList(*(Option(Text(shown(value))) for value in self._values), compact=True)
            key = partial(keycap, self.app, (ChoiceDialog,))
            keys = f"{key('choice.accept')} accept · {key('choice.cancel')} cancel"
            keys += " · type another value" if self._is_open else ""
            yield Static(Text(keys), classes="keys")

    def on_mount(self) -> None:
        """Highlight the current value."""
        values = self.query_one(OptionList)
        here = (at for at, value in enumerate(self._values) if is_same(value, self._current))
        values.highlighted = next(here, 0) if self._values else None
        self.query_one(Input if self._is_open else OptionList).focus()

    def action_move(self, step: int) -> None:
        """Highlight another value."""
        values = self.query_one(OptionList)
        values.action_cursor_down() if step > 0 else values.action_cursor_up()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss((self._values[event.option_index],))

    def action_accept(self) -> None:
        """Dismiss with the typed value, or else the highlighted one."""
        typed = self.query_one(Input).value.strip() if self._is_open else ""
        at = self.query_one(OptionList).highlighted
        if typed:
            self.dismiss((typed,))
        else:
            self.dismiss((self._values[at],) if at is not None else None)

    def action_cancel(self) -> None:
        """Dismiss without a value."""
        self.dismiss(None)


class PageDialog(ModalScreen[int | None]):
    """A page of lines; dismissed with the row of the log to show, or None."""

    CSS_PATH = STYLES
    BINDINGS = [Binding("escape,q", "cancel", "close", id="form_page.close")]

    def __init__(self, title: str, lines: Callable[[int], Sequence[PageLine]]) -> None:
        """Create the page.

        Args:
            title: heading of the page.
            lines: returns the lines for a width in columns.
        """
        super().__init__()
        self._heading, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """Lay out title, page and key hints."""
        with Vertical(id="page"):
            yield Static(Text(self._heading), classes="title")
            yield TextPage()
            key = keycap(self.app, (PageDialog,), "form_page.close")
            yield Static(Text(f"enter go to event · {key} close"), classes="keys")

    def on_mount(self) -> None:
        """Focus the page."""
        self.query_one(TextPage).focus()

    def on_resize(self) -> None:
        """Rebuild the lines for the new width."""
        page = self.query_one(TextPage)
        page.show(self._lines(page.size.width or self.size.width - 6))

    @on(TextPage.LineOpened)
    def _opened(self, message: TextPage.LineOpened) -> None:
        self.dismiss(message.row)

    def action_cancel(self) -> None:
        """Dismiss without a row."""
        self.dismiss(None)
