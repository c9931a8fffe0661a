"""The help page: the keys that work on the current screen, grouped, with a few words about the view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from inspector.tui.common.keycaps import keycap
from inspector.tui.common.text_page import PageLine, TextPage

Group = tuple[str, Sequence[tuple[str, str]]]
"""A heading, and pairs (key, description) under it."""


def filter_help() -> Group:
    """Return the filter language, line by line."""
    from inspector.analysis.filter_words import filter_usages

    return "filters", [("  ".join(usage.examples), usage.means) for usage in filter_usages()]


class HelpScreen(ModalScreen[None]):
    """A modal page that lists keys."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "close", id="help.close")]

    def __init__(self, title: str, groups: Sequence[Group]) -> None:
        super().__init__()
        self._heading = title
        self._groups = groups

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with Vertical(id="help"):
            yield TextPage()

    def on_mount(self) -> None:
        """Fill the page and focus it."""
        lines = [
            PageLine(((f" {self._heading}", "head"),)),
            PageLine(
                ((f" {keycap(self.app, (HelpScreen,), 'help.close')} close this page", "dim"),)
            ),
            PageLine((("", "base"),)),
        ]
        for heading, keys in self._groups:
            lines.append(PageLine(((f" {heading}", "client"),)))
            lines += [PageLine(((f"   {key:<27}", "head"), (what, "base"))) for key, what in keys]
            lines.append(PageLine((("", "base"),)))
        page = self.query_one(TextPage)
        page.show(lines)
        page.focus()


def keys_of(screen: Screen[Any]) -> Iterator[Group]:
    """Yield the keys that work on a screen now, those of the focused pane first."""
    groups: dict[str, dict[str, list[str]]] = {}
    for bound in screen.active_bindings.values():
        binding = bound.binding
        if not binding.description or not binding.id:  # Textual's own bindings have no id
            continue
        name = (
            "everywhere"
            if bound.node is screen.app
            else "focused pane"
            if bound.node is screen.focused
            else "this screen"
        )
        keys = groups.setdefault(name, {}).setdefault(binding.description, [])
        keys.append(screen.app.get_key_display(binding))
    for name in ("focused pane", "this screen", "everywhere"):
        if name in groups:
            yield name, [(" ".join(keys), what) for what, keys in groups[name].items()]
