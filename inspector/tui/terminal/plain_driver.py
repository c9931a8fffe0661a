"""PlainDriver: a terminal without UTF-8, without colour, or without both. Loaded only where it is needed.

It works on what is about to be written, so that no screen, widget or library can forget about it.
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
"""How many numbers a colour takes, by its kind: 24 bit, or of the table of 256."""

CACHED_STYLES = 4096


class PlainDriver(LinuxDriver):
    """Writes ASCII, or no colours, or both."""

    is_ascii = False
    colours: ColourFilter | None = None

    def write(self, data: str) -> None:
        """Write what the terminal can show."""
        if self.is_ascii and not data.isascii():
            data = ascii_text(data)
        if self.colours is not None and "\x1b[" in data:
            data = self.colours.without(data)
        super().write(data)


def plain_driver(*, is_ascii: bool, colours: ColourFilter | None) -> type[PlainDriver]:
    """Return a driver class.

    Args:
        is_ascii: nothing but ASCII leaves.
        colours: takes them out; None leaves them.
    """
    return type("PlainDriver", (PlainDriver,), {"is_ascii": is_ascii, "colours": colours})


class ColourFilter:
    """Takes colours out of terminal output, and says by an attribute what some of them mean.

    It tells colours apart by their 24 bits, so the output must be made for a terminal that has them.
    """

    def __init__(self) -> None:
        self._attributes: dict[tuple[str, ...], str] = {}
        self._known: dict[str, str] = {}

    def learn(self, theme: Theme) -> None:
        """Go by a theme from now on: its cursors become reverse, what is said aside dim, what is wrong bold."""
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
        if len(self._known) > CACHED_STYLES:
            self._known.clear()
        return _STYLE.sub(self._plain, data)

    def _plain(self, found: re.Match[str]) -> str:
        codes = found.group(1)
        plain = self._known.get(codes)
        if plain is None:
            plain = self._known[codes] = self._worked_out(codes)
        return plain

    def _worked_out(self, codes: str) -> str:
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
            is_colour = number.isdigit() and (30 <= int(number) <= 49 or 90 <= int(number) <= 107)
            kept += [] if is_colour else [number]
            at += 1
        return f"\x1b[{';'.join(kept)}m" if kept else ""


def _codes(colour: str, *, is_text: bool) -> tuple[str, ...]:
    red, green, blue = Color.parse(colour).rgb
    return (_TEXT if is_text else _GROUND, "2", str(red), str(green), str(blue))
