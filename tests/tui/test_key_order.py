"""Keys that come all at once do what they would have done one by one."""

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
        """Begin in the field, as a dialog does once it is there."""
        self.query_one(Input).focus()


class Keyed(Screen[None]):
    """A screen whose keys open a line to type into, or a dialog."""

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
        """Lay out something that has the focus, and the line."""
        pane = Static("pane")
        pane.can_focus = True
        yield pane
        yield Input(id="line")

    def on_mount(self) -> None:
        """Begin outside of the line."""
        self.query_one(Static).focus()

    def action_ask(self) -> None:
        """Go to the line."""
        self.query_one("#line", Input).focus()

    def action_dialog(self) -> None:
        """Open the dialog."""
        self.app.push_screen(Asking())

    def action_harm(self) -> None:
        """Count what should not happen."""
        self.harm += 1

    async def action_wait(self) -> None:
        """Take longer than any key may hold up the others."""
        await asyncio.sleep(0.05)
        self.waited.set()


def typed(*keys: str) -> tuple[int, str, str]:
    """Return, after these keys came all at once: harm done, text of the line, text of the dialog."""

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
def test_keys_at_once_do_what_they_do_one_by_one(keys: str, after: tuple[int, str, str]) -> None:
    assert typed(*keys) == after


def test_what_is_pasted_waits_for_the_keys_before_it() -> None:
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
