"""Keys that arrive all at once do the same as keys one by one."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Input, Static

from inspector.tui.app import InspectorApp


class Asking(Screen[None]):
    """A dialog with one field."""

    def compose(self) -> ComposeResult:
        """Lay out the field."""
        yield Input(id="answer")

    def on_mount(self) -> None:
        """Focus the field, as a dialog does when mounted."""
        self.query_one(Input).focus()


class Keyed(Screen[None]):
    """A screen whose keys open an input line or a dialog."""

    BINDINGS = [
        Binding("colon", "ask", "ask"),
        Binding("d", "dialog", "dialog"),
        Binding("x", "harm", "harm"),
        Binding("w", "wait", "wait"),
    ]
    harm = 0

    def __init__(self) -> None:
        super().__init__()
        self.waited = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out a focusable widget and the line."""
        pane = Static("pane")
        pane.can_focus = True
        yield pane
        yield Input(id="line")

    def on_mount(self) -> None:
        """Focus the widget."""
        self.query_one(Static).focus()

    def action_ask(self) -> None:
        """Focus the line."""
        self.query_one("#line", Input).focus()

    def action_dialog(self) -> None:
        """Open the dialog."""
        self.app.push_screen(Asking())

    def action_harm(self) -> None:
        """Count keys that reached the wrong widget."""
        self.harm += 1

    async def action_wait(self) -> None:
        """Take longer than any key may delay the others."""
        await asyncio.sleep(0.05)
        self.waited.set()


def typed(*keys: str) -> tuple[int, str, str]:
    """Press keys all at once; return the number of misdirected keys, the text of the line, and that of the dialog."""

    async def run() -> tuple[int, str, str]:
        screen = Keyed()
        app = InspectorApp(screen)
        async with app.run_test() as pilot:
            for key in keys:
                name = {":": "colon", " ": "space"}.get(key, key)
                character = " " if key == " " else key if len(key) == 1 else None
                app.post_message(events.Key(name, character))
            if "w" in keys:
                await screen.waited.wait()
            await pilot.pause()
            line = screen.query_one("#line", Input).value
            asked = app.screen.query_one(Input).value if isinstance(app.screen, Asking) else ""
            return screen.harm, line, asked

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("keys", "after"),
    [
        (":xxx", (0, "xxx", "")),
        ("dxxx", (0, "", "xxx")),
        ("x:x", (1, "x", "")),
        ("xxx", (3, "", "")),
        ("wx:x x", (1, "x x", "")),
    ],
)
def test_fast_keys_do_the_same_as_slow_ones(keys: str, after: tuple[int, str, str]) -> None:
    assert typed(*keys) == after


def test_a_paste_waits_for_the_keys_before_it() -> None:
    async def run() -> str:
        screen = Keyed()
        app = InspectorApp(screen)
        async with app.run_test() as pilot:
            app.post_message(events.Key("colon", ":"))
            app.post_message(events.Key("a", "a"))
            app.post_message(events.Paste("pasted"))
            app.post_message(events.Key("b", "b"))
            await pilot.pause()
            return screen.query_one("#line", Input).value

    assert asyncio.run(run()) == "apastedb"
