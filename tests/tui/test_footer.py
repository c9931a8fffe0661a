"""The footer: the keys that work now, and no leaks."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

from textual._styles_cache import StylesCache
from textual.app import ComposeResult
from textual.binding import Binding
from textual.css.styles import StylesBase
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import Input

from inspector.tui.app import InspectorApp
from inspector.tui.common.footer import MAX_ENTRIES, Footer
from inspector.tui.common.keyed import KeyedScreen

KEPT = (MessagePump, StylesBase, StylesCache)
DIALOGS = 20
"""How many dialogs to open; the leak that this tests for would show with any number."""


class Keys(KeyedScreen[None]):
    BINDINGS = [
        *(Binding(key, f"press('{key}')", f"key {key}") for key in "abcdefghij"),
        Binding("z", "never", "not now"),
        Binding("slash", "press('/')", "filter"),
        KeyedScreen.HELP_KEY,
    ]
    pressed = ""

    def __init__(self) -> None:
        super().__init__()
        self.title = "Keys"

    def compose(self) -> ComposeResult:
        yield Input(id="text")
        yield Footer()

    def action_press(self, key: str) -> None:
        self.pressed += key


def line(screen: Screen[None]) -> str:
    strips = screen._compositor.render_strips()
    return "".join(segment.text for segment in strips[-1])


def test_the_footer_shows_at_most_eight_keys_and_a_click_presses_one() -> None:
    async def scenario() -> None:
        screen = Keys()
        async with InspectorApp(screen).run_test(size=(120, 10)) as pilot:
            screen.set_focus(None)
            await pilot.pause()
            footer = screen.query_one(Footer)
            assert [entry.description for entry in footer.entries] == [
                f"key {key}" for key in "abcdefgh"
            ]
            assert len(footer.entries) == MAX_ENTRIES
            assert line(screen).startswith(" a key a  b key b  c key c ")
            await pilot.click(Footer, offset=(12, 0))
            await pilot.click(Footer, offset=(115, 0))
            await pilot.pause()
            assert screen.pressed == "b"

    asyncio.run(scenario())


def test_no_key_is_cut() -> None:
    async def scenario() -> None:
        screen = Keys()
        async with InspectorApp(screen).run_test(size=(30, 10)) as pilot:
            screen.set_focus(None)
            await pilot.pause()
            assert line(screen).split() == ["a", "key", "a", "b", "key", "b", "c", "key", "c"]

    asyncio.run(scenario())


def test_a_key_that_is_typed_is_not_shown() -> None:
    async def scenario() -> None:
        screen = Keys()
        async with InspectorApp(screen).run_test(size=(120, 10)) as pilot:
            footer = screen.query_one(Footer)
            screen.query_one(Input).focus()
            await pilot.pause()
            assert [entry.words for entry in footer.entries] == ["F1"]

    asyncio.run(scenario())


def test_closed_dialogs_are_freed() -> None:
    def kept() -> Counter[str]:
        gc.collect()
        found = (one for one in gc.get_objects() if isinstance(one, KEPT))
        return Counter(type(one).__name__ for one in found)

    async def scenario() -> None:
        screen = Keys()
        async with InspectorApp(screen).run_test(size=(120, 30)) as pilot:
            screen.set_focus(None)
            for _ in range(3):
                await pilot.press("question_mark", "escape")
            before = kept()
            for _ in range(DIALOGS):
                await pilot.press("question_mark", "escape")
            assert isinstance(pilot.app.screen, Keys)
            grown = kept() - before
            # One dialog may still be remembered, until the next one goes.
            assert all(count <= 3 for count in grown.values()), grown

    asyncio.run(scenario())
