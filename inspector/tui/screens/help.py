"""Help: the keys that work here and now, grouped by what they belong to, and a few words about the view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from inspector.tui.widgets.text_page import PageLine, TextPage

Group = tuple[str, Sequence[tuple[str, str]]]
"""A heading, and (key, what it does) under it."""

FILTER_WORDS: Group = (
    "filters",
    (
        ('word  "two words"', "substring of the frame"),
        ("~regex~", "regular expression"),
        ("type:response.*", "event type, with * and ?"),
        ("dir:client|server|local", "who sent it"),
        ("item:ID resp:ID call:ID", "what it is about"),
        ("turn:3   err   origin:hand", "turn, failures, what made it"),
        ("t>12.5  dt>200ms  size>4k", "time, distance, size"),
        ("!x   x y   x | y   ( )", "not, and, or, group"),
    ),
)


class HelpScreen(ModalScreen[None]):
    """One page of keys."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "back", id="help.close")]

    def __init__(self, title: str, groups: Sequence[Group]) -> None:
        super().__init__()
        self._heading = title
        self._groups = groups

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with Vertical(id="help"):
            yield TextPage()

    def on_mount(self) -> None:
        """Fill the page."""
        lines = [
            PageLine(((f" {self._heading}", "head"),)),
            PageLine(((" esc or q closes this page", "dim"),)),
            PageLine((("", "base"),)),
        ]
        for heading, keys in self._groups:
            lines.append(PageLine(((f" {heading}", "client"),)))
            lines += [PageLine(((f"   {key:<26}", "head"), (what, "base"))) for key, what in keys]
            lines.append(PageLine((("", "base"),)))
        page = self.query_one(TextPage)
        page.show(lines)
        page.focus()
