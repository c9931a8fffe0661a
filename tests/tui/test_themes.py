"""Themes are files, and every one is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.shipped import shipped_folder
from inspector.tui.themes import DEFAULT, load_themes, read_theme

SHIPPED = sorted(shipped_folder("themes").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_theme_names_every_colour(path: Path) -> None:
    assert read_theme(path).name == path.stem


def test_the_default_theme_is_shipped() -> None:
    assert DEFAULT in {theme.name for theme in load_themes()}


def test_a_users_theme_wins_and_a_broken_one_is_left_out(tmp_path: Path) -> None:
    text = SHIPPED[0].read_text("utf-8")
    (tmp_path / "a.toml").write_text(text.replace("dark = true", "dark = false"), "utf-8")
    (tmp_path / "b.toml").write_text("name = 'b'", "utf-8")
    (tmp_path / "c.toml").write_text("]]", "utf-8")

    themes = {theme.name: theme for theme in load_themes(tmp_path)}

    assert not themes[SHIPPED[0].stem].dark
    assert "b" not in themes
