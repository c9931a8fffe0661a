"""Every key has an id, keys do not conflict by accident, and a user's keymap is applied and checked."""

from __future__ import annotations

import asyncio
import pkgutil
from importlib import import_module

import pytest
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

import inspector.tui
from inspector.tui.app import InspectorApp
from inspector.tui.common.help import HelpScreen
from inspector.tui.common.keycaps import key_words
from inspector.tui.common.keymap import (
    PLACES,
    KeyContext,
    all_bindings,
    bindings_of,
    bindings_on,
    keymap_problems,
)
from inspector.tui.common.look import Look

BASES = {"KeyedScreen", "CompletingInput"}
"""Base classes of screens and lines: each is used only through a subclass."""
LINE = {"tab", "shift+tab"}
FORM = ("session form", *(f"form{part}" for part in ("", ": choice", ": switch", ": switches")))
FORM += ("form: JSON", "form: number")
SHADOWS = {
    "conversation": {"y", "P", "a"},
    "detail": {"left_square_bracket", "right_square_bracket"},  # its pages before other sessions
    "send editor": {"tab", "escape"},
    "timeline": {"P", "l", "plus", "equals_sign", "minus", "0", "right", "left", "escape"},
    **{
        where: {"ctrl+z"} for where in FORM
    },  # takes an edit back, and elsewhere suspends the program
    "findings": {"y", "m"},  # copies the fix, mutes the rule
    "usage": {"left", "right"},  # columns of the table before the time of a replay
    "filter": LINE,
    "command line": LINE,
    "turns": {
        "plus",
        "equals_sign",
        "minus",
        "0",
        "right",
        "left",
    },  # zoom and phases before the replay
    "sound": {"v", "right", "left"},  # its other page and columns
    "VAD lab": {  # settings before the replay's speed and the server's items
        "v",
        "V",
        "plus",
        "equals_sign",
        "minus",
        "0",
        "right",
        "left",
    },
    "page": {"enter", "g"},  # whose own is only for lists that lead to events
}
"""Keys that a focused widget intentionally shadows on the screen around it."""


def own_kinds(base: type[DOMNode]) -> set[type[DOMNode]]:
    for module in pkgutil.walk_packages(inspector.tui.__path__, "inspector.tui."):
        import_module(module.name)

    def below(kind: type[DOMNode]) -> set[type[DOMNode]]:
        return {kind} | {found for child in kind.__subclasses__() for found in below(child)}

    return {kind for kind in below(base) if kind.__module__.startswith("inspector.")}


def test_every_screen_and_every_widget_with_keys_is_in_the_table() -> None:
    screens = {kind.__name__ for kind in own_kinds(Screen)} - BASES
    widgets = {
        kind.__name__ for kind in own_kinds(Widget) - own_kinds(Screen) if bindings_of(kind, "")
    } - BASES
    listed = [place.screen.partition(":")[2] for place in PLACES]
    owners = {owner for place in PLACES for owner in (*place.parts, *place.widgets)}
    on_screens = {name.partition(":")[2] for name in owners}

    assert set(listed) - {"InspectorApp"} == screens
    assert on_screens == widgets


def test_every_binding_has_an_id_of_its_own() -> None:
    for kind in own_kinds(DOMNode):
        declared = kind.__dict__.get("BINDINGS", ())
        ids = [binding.id for binding in declared]

        assert all(ids), kind
        assert len(ids) == len(set(ids)), kind


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_no_screen_has_two_bindings_on_one_key(place: KeyContext) -> None:
    for where, groups in bindings_on(place):
        holders: dict[str, str] = {}
        for depth, bindings in enumerate(groups):
            for binding in bindings:
                for key in binding.keys:
                    holder = holders.setdefault(key, binding.id)
                    is_meant = depth > 0 and key in SHADOWS.get(where, ())
                    assert holder == binding.id or is_meant, (
                        f"{where}: {key} is {holder} and {binding.id}"
                    )


def test_each_problem_of_a_users_keymap_is_reported_once() -> None:
    problems = keymap_problems(
        {
            "session.send": "g",
            "session.craete": "y",
            "session.cancel": "crtl+k",
            "form.send": "z",
            "pane.fold": "f9",
        }
    )

    assert len(problems) == 4
    assert "'session.craete'; did you mean 'session.create'?" in problems[0]
    assert "'crtl+k' is not a valid key" in problems[1]
    assert "could then not be typed" in problems[2]
    assert "session.send: g is already used for" in problems[3]
    assert "pane.first" in problems[3]


def test_keys_that_change_places_do_not_clash() -> None:
    assert keymap_problems({"session.send": "c", "session.create": "s"}) == []
    assert keymap_problems({}) == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("question_mark", "?"),
        ("?", "?"),
        ("slash", "/"),
        ("ctrl+r", "ctrl+r"),
        ("f2", "F2"),
        ("escape", "esc"),
        ("right", "right"),
        ("x", "x"),
    ],
)
def test_a_key_is_named_as_it_is_typed(key: str, words: str) -> None:
    assert key_words(key) == words


def test_a_users_key_replaces_the_default() -> None:
    async def run() -> None:
        app = InspectorApp(Screen(), Look(keys={"help.close": "z", "app.themes": "f8"}))
        async with app.run_test() as pilot:
            app.push_screen(HelpScreen("help", []))
            await pilot.pause()
            await pilot.press("q")
            assert isinstance(app.screen, HelpScreen)
            await pilot.press("z")
            assert not isinstance(app.screen, HelpScreen)
            await pilot.press("f8")
            await pilot.pause()
            assert type(app.screen).__name__ == "ThemeDialog"

    asyncio.run(run())


def test_the_list_of_keys_names_every_binding_once() -> None:
    ids = [binding.id for binding in all_bindings()]

    assert len(ids) == len(set(ids))
    assert {"session.truncate", "pane.fold", "home.live", "app.themes"} <= set(ids)
