"""Theme files: every shipped one is complete and legible, and an invalid one is skipped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.color import Color
from textual.screen import Screen
from textual.widgets import OptionList

from inspector.folders import remember_theme, remembered_theme
from inspector.shipped import shipped_folder
from inspector.tui.app import InspectorApp
from inspector.tui.common.look import Look
from inspector.tui.common.themes import DEFAULT, load_themes, read_theme

SHIPPED = sorted(shipped_folder("themes").glob("*.toml"))
GROUNDS = ("background", "surface", "panel", "cursor")
TEXTS = (
    *("foreground", "primary", "secondary", "accent", "success", "warning", "error"),
    *("client", "server", "local", "dim", "kin", "mark"),
)
"""Tokens used for text. The remaining one, ``faint``, is used for lines and brackets only."""
LEAST, LEAST_HIGH = 4.5, 7.0
"""Contrast ratios of WCAG 2.2, levels AA and AAA."""


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(channel) for channel in Color.parse(colour).rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_theme_names_every_colour(path: Path) -> None:
    assert read_theme(path).name == path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_text_of_a_shipped_theme_is_legible_on_every_background(path: Path) -> None:
    theme = read_theme(path)
    colours = {**vars(theme), **theme.variables}
    least = LEAST_HIGH if "contrast" in theme.name else LEAST
    ratios = {
        f"{text} on {ground}": contrast(colours[text], colours[ground])
        for text in TEXTS
        for ground in GROUNDS
    }

    assert {name: ratio for name, ratio in ratios.items() if ratio < least} == {}


def test_the_shipped_themes_cover_dark_light_contrast_and_colour_blindness() -> None:
    themes = {theme.name: theme for theme in load_themes().themes}

    assert themes["inspector-dark"].dark
    assert not themes["inspector-light"].dark
    assert {"high-contrast", "colour-blind", "phosphor", DEFAULT} <= set(themes)


def test_a_users_theme_wins_and_a_broken_one_is_named(tmp_path: Path) -> None:
    text = (shipped_folder("themes") / "phosphor.toml").read_text("utf-8")
    (tmp_path / "a.toml").write_text(text.replace("dark = true", "dark = false"), "utf-8")
    (tmp_path / "b.toml").write_text("name = 'b'", "utf-8")
    (tmp_path / "c.toml").write_text("]]", "utf-8")
    (tmp_path / "d.toml").write_text(text.replace('"#050c07"', '"blakc"'), "utf-8")
    (tmp_path / "e.toml").write_bytes(b"\xff")
    (tmp_path / "f.toml").mkdir()

    loaded = load_themes(tmp_path)
    themes = {theme.name: theme for theme in loaded.themes}
    named = [next(name for name in "bcdef" if f"{name}.toml" in said) for said in loaded.problems]

    assert not themes["phosphor"].dark
    assert named == list("bcdef")
    assert "background = 'blakc' is not a valid colour" in loaded.problems[2]


def test_broken_and_unknown_themes_are_reported_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("name = 'mine'", "utf-8")

    async def run() -> list[str]:
        app = InspectorApp(Screen(), Look("nope", themes=tmp_path))
        async with app.run_test() as pilot:
            assert app.theme == DEFAULT
            await pilot.pause(0.6)
            return [notice.message for notice in app._notifications]

    said = asyncio.run(run())

    assert "mine.toml" in said[0]
    assert "Unknown theme 'nope'" in said[1]


def test_a_theme_is_previewed_and_then_kept_or_cancelled(tmp_path: Path) -> None:
    def remember(name: str) -> str:
        return "" if remember_theme(tmp_path, name) else "?"

    async def run() -> None:
        app = InspectorApp(Screen(), Look(remember_theme=remember))
        async with app.run_test() as pilot:
            await pilot.press("f2", "k")
            await pilot.pause()
            tried = app.theme
            await pilot.press("escape")
            await pilot.pause()
            assert tried != DEFAULT
            assert (app.theme, remembered_theme(tmp_path)) == (DEFAULT, "")

            await pilot.press("f2")
            await pilot.pause()
            names = app.screen.query_one(OptionList)
            names.highlighted = 0
            await pilot.press("enter")
            await pilot.pause()
            assert app.theme == remembered_theme(tmp_path) != DEFAULT

    asyncio.run(run())
