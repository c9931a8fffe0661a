"""PlainDriver: a Textual driver for terminals without UTF-8 or without colour. Imported only when needed.

It filters what is about to be written, so no screen, widget or library can bypass it.
"""

from __future__ import annotations

import re

from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.theme import Theme

from inspector.analysis.ascii_fallbacks import ascii_text
from inspector.tui.common.themes import derived_variables

_STYLE = re.compile(r"\x1b\[([0-9;:]*)m")
_TEXT, _GROUND = "38", "48"
_ARGUMENTS = {"2": 4, "5": 2}
"""How many numbers follow 38 or 48, by kind of colour: 24 bit, or an index of the 256."""

CACHED_STYLES = 4096


class PlainDriver(LinuxDriver):
    """Writes ASCII only, or without colours, or both."""

    is_ascii = False
    colours: ColourFilter | None = None

    def write(self, data: str) -> None:
        """Write text in what the terminal can show."""
        if self.is_ascii and not data.isascii():
            data = ascii_text(data)
        if self.colours is not None and "\x1b[" in data:
            data = self.colours.without(data)
        super().write(data)


def plain_driver(*, is_ascii: bool, colours: ColourFilter | None) -> type[PlainDriver]:
    """Return a driver class.

    Args:
        is_ascii: replace non-ASCII characters.
        colours: filter for colours; None keeps them.
    """
    return type("PlainDriver", (PlainDriver,), {"is_ascii": is_ascii, "colours": colours})


class ColourFilter:
    """Removes colours from terminal output and replaces some of them by attributes with the same meaning.

    Colours are told apart by their 24-bit values, so the output must be meant for a true-colour terminal.
    """

    def __init__(self) -> None:
        self._attributes: dict[tuple[str, ...], str] = {}
        self._known: dict[str, str] = {}

    def learn(self, theme: Theme) -> None:
        """Use a theme: its cursors become reverse, secondary text dim, warnings and errors bold."""
        variables = {**derived_variables(theme), **theme.variables}
        grounds = (variables["cursor"], theme.foreground, theme.primary)
        self._known.clear()
        self._attributes = {
            **{_codes(colour, is_text=False): "7" for colour in grounds if colour},
            **{_codes(variables[name], is_text=True): "2" for name in ("dim", "faint")},
            **{
                _codes(colour, is_text=True): "1"
                for colour in (theme.error, theme.warning)
                if colour
            },
        }

    def without(self, data: str) -> str:
        """Return terminal output without colours."""
        # A theme has a few hundred styles; a session with many themes must not fill memory.
        if len(self._known) > CACHED_STYLES:
            self._known.clear()
        return _STYLE.sub(self._plain, data)

    def _plain(self, found: re.Match[str]) -> str:
        codes = found.group(1)
        plain = self._known.get(codes)
        if plain is None:
            plain = self._known[codes] = self._without_colours(codes)
        return plain

    def _without_colours(self, codes: str) -> str:
        numbers, at = codes.split(";"), 0
        kept: list[str] = []
        while at < len(numbers):
            number = numbers[at]
            if number in (_TEXT, _GROUND) and at + 1 < len(numbers):
                taken = 1 + _ARGUMENTS.get(numbers[at + 1], 1)
                attribute = self._attributes.get(tuple(numbers[at : at + taken]))
                kept += [attribute] if attribute else []
                at += taken
                continue
            # 30 to 49 and 90 to 107 are the palette's colours and their resets (ECMA-48 SGR).
            is_colour = number.isdigit() and (30 <= int(number) <= 49 or 90 <= int(number) <= 107)
            kept += [] if is_colour else [number]
            at += 1
        return f"\x1b[{';'.join(kept)}m" if kept else ""


def _codes(colour: str, *, is_text: bool) -> tuple[str, ...]:
    red, green, blue = Color.parse(colour).rgb
    return (_TEXT if is_text else _GROUND, "2", str(red), str(green), str(blue))
