"""PlainDriver: a terminal without UTF-8, without colour, or without both. Loaded only where it is needed.

It works on what is about to be written, so that no screen, widget or library can forget about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from rich.color import Color, ColorSystem
from textual.color import Color as TextualColor
from textual.drivers.linux_driver import LinuxDriver
from textual.theme import Theme

from inspector.analysis.ascii_twins import ascii_text

_STYLE = re.compile(r"\x1b\[([0-9;:]*)m")
_FOREGROUND, _BACKGROUND = "38", "48"
_ARGUMENTS = {"2": 4, "5": 2}
"""How many numbers a colour takes, by its kind: 24 bit, or of the table of 256."""

Attributes = Mapping[tuple[str, ...], str]
"""By the numbers of a colour: the attribute (SGR code) that stands for it."""


class PlainDriver(LinuxDriver):
    """Writes ASCII, or no colours, or both."""

    attributes: Attributes = {}
    is_ascii = False
    has_colour = True

    def write(self, data: str) -> None:
        """Write what the terminal can show."""
        if self.is_ascii and not data.isascii():
            data = ascii_text(data)
        if not self.has_colour and "\x1b[" in data:
            data = without_colour(data, self.attributes)
        super().write(data)


def plain_driver(*, is_ascii: bool, attributes: Attributes | None) -> type[PlainDriver]:
    """Return a driver class.

    Args:
        is_ascii: nothing but ASCII leaves.
        attributes: what stands for which colour; None leaves colours as they are.
    """
    members: dict[str, Any] = {"is_ascii": is_ascii, "has_colour": attributes is None}
    return type("PlainDriver", (PlainDriver,), {**members, "attributes": attributes or {}})


def colour_attributes(themes: Iterable[Theme]) -> Attributes:
    """Return what stands for the colours of some themes: reverse for cursors, dim for what is said aside, bold for errors."""
    found: dict[tuple[str, ...], str] = {}
    for theme in themes:
        grounds = (
            theme.variables["cursor"],
            theme.foreground,
            theme.primary,
            theme.variables["dim"],
        )
        for colours, attribute, is_foreground in (
            (grounds, "7", False),
            ((theme.variables["dim"], theme.variables["faint"]), "2", True),
            ((theme.error, theme.warning, theme.variables["kin"]), "1", True),
        ):
            for colour in colours:
                for codes in _codes(colour or theme.primary, is_foreground=is_foreground):
                    found[codes] = attribute
    return found


def _codes(colour: str, *, is_foreground: bool) -> Iterator[tuple[str, ...]]:
    wanted = Color.parse(TextualColor.parse(colour).hex6)
    for system in (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT):
        yield tuple(wanted.downgrade(system).get_ansi_codes(foreground=is_foreground))


def without_colour(data: str, attributes: Attributes) -> str:
    """Return terminal output with every colour left out, and an attribute in the place of those that mean something."""
    frozen = tuple(attributes.items())
    return _STYLE.sub(lambda found: _plain(found.group(1), frozen), data)


@lru_cache(maxsize=4096)
def _plain(codes: str, attributes: tuple[tuple[tuple[str, ...], str], ...]) -> str:
    known = dict(attributes)
    numbers, kept, at = codes.split(";"), [], 0
    while at < len(numbers):
        number = numbers[at]
        if number in (_FOREGROUND, _BACKGROUND) and at + 1 < len(numbers):
            taken = 1 + _ARGUMENTS.get(numbers[at + 1], 1)
            attribute = known.get(tuple(numbers[at : at + taken]))
            kept += [attribute] if attribute else []
            at += taken
            continue
        is_colour = number.isdigit() and (30 <= int(number) <= 49 or 90 <= int(number) <= 107)
        kept += [] if is_colour else [number]
        at += 1
    return f"\x1b[{';'.join(kept)}m" if kept else ""
