"""Terminals without UTF-8 or colour; the output is inspected byte by byte."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from textual.color import Color

from inspector.tui.common.themes import read_theme
from inspector.tui.terminal.plain_driver import ColourFilter
from tests.bench.pty_run import ROOT, Terminal, python, visible

THEME = read_theme(ROOT / "themes" / "inspector-dark.toml")
EXAMPLE = ROOT / "sessions" / "example-truncated-answer.jsonl"
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
WAIT_S = 20
KEYS = (
    (b"e", b"invalid_value"),
    (b"2", b"assistant"),
    (b"3", b"modalities"),
    (b"4", b"[4 Timeline]"),
    (b"1", b"rate_limits"),
    (b"u", b"fixed when"),
    (b"\x1b", b"rate_limits"),
    (b"?", b"close this page"),
    (b"\x1b", b"rate_limits"),
    (b"\x1bOQ", b"Themes"),
)
"""To the error, then every view, the form, the help and the themes; and what is painted then."""


def codes(ground: int, colour: str) -> str:
    return ";".join(map(str, (ground, 2, *Color.parse(colour).rgb)))


def test_colours_are_removed_and_their_meaning_stays() -> None:
    colours = ColourFilter()
    colours.learn(THEME)
    dim, cursor = THEME.variables["dim"], THEME.variables["cursor"]
    client, ground = THEME.variables["client"], THEME.variables["faint"]

    assert colours.without(f"\x1b[1;{codes(38, client)};{codes(48, ground)}mx\x1b[0m") == (
        "\x1b[1mx\x1b[0m"
    )
    assert colours.without(f"\x1b[{codes(38, dim)};{codes(48, cursor)}mx") == "\x1b[2;7mx"
    assert colours.without(f"\x1b[{codes(38, THEME.error or '')}mx") == "\x1b[1mx"
    assert (
        colours.without("\x1b[38;5;12;4mx\x1b[31;102my\x1b[2J\x1b[mz") == "\x1b[4mxy\x1b[2J\x1b[mz"
    )


def everything_painted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str]
) -> bytes:
    """Replay an example, go through its views and dialogs, and return the terminal's input."""
    for name in ("config", "state", "cache", "data"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(python("-m", "inspector", "replay", str(EXAMPLE)))
    try:
        assert terminal.first_text(WAIT_S) < WAIT_S
        assert terminal.wait_for(b"? help", WAIT_S) < WAIT_S
        painted = b""
        for key, words in KEYS:
            # Only what is painted from here on shows that the key was handled; a key after an early esc would be alt+key.
            painted += bytes(terminal.output)
            terminal.output.clear()
            os.write(terminal.fd, key)
            assert terminal.wait_for(words, WAIT_S) < WAIT_S, words
        return painted + bytes(terminal.output)
    finally:
        terminal.close()


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_without_utf_8_no_byte_beyond_ascii_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str]
) -> None:
    painted = everything_painted(monkeypatch, tmp_path, environment)

    assert painted.isascii()
    for word in (b"assistant", b"Themes", b"close this page", b"shift+"):
        assert word in visible(painted)
    assert b"\x1b[38;2;" in painted


def test_no_color_writes_no_colour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    painted = everything_painted(monkeypatch, tmp_path, {"NO_COLOR": "1"})

    assert COLOUR.findall(painted) == []
    assert "─".encode() in painted
