"""ASCII for terminals without UTF-8: a twin for every character that the program draws, of the same width.

What others wrote is brought as near as can be (é to e) and marked where it cannot (``?`` for each cell), so that
columns stay columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

TWINS = {
    **dict.fromkeys("→⇒⟶⇢", ">"),
    **dict.fromkeys("←⇐⇠", "<"),
    **dict.fromkeys("↑▲△↥", "^"),
    **dict.fromkeys("↓▼▽▾⌄", "v"),
    **dict.fromkeys("·•∙", "."),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    **dict.fromkeys("–—‐‑−─━╌┄▔▁", "-"),
    **dict.fromkeys("│┃▏▕╎┆▐▌▎▍▊▉", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬┏┓┗┛", "+"),
    **dict.fromkeys("═", "="),
    **dict.fromkeys("║", "|"),
    **dict.fromkeys("█▇▆▓■▀▄", "#"),
    **dict.fromkeys("▂▃▅░▒", "."),
    **dict.fromkeys("●◆⏺◉★", "*"),
    **dict.fromkeys("○◯◇□☐", "o"),
    **dict.fromkeys("✓✔☑", "+"),
    **dict.fromkeys("✗✘✕×☒", "x"),
    **dict.fromkeys("▶▸›»▷⏵⟩", ">"),
    **dict.fromkeys("◀‹«⟨", "<"),
    "⚠": "!",
    "⏸": "=",
    "✂": "%",
    "…": "~",
    "⏎": "<",
    "↵": "$",
    "∞": "8",
    "≈": "~",
    "≤": "<",
    "≥": ">",
    "€": "E",
    "£": "L",
    "°": "o",
    "⌫": "<",
    "⌦": ">",
    "⇧": "^",
    "⇥": ">",
    "␣": "_",
    "⭘": "o",
    "\u00a0": " ",
}
"""One character each: what stands in a column goes on to stand in it."""
_OTHERS = re.compile(r"[^\x00-\x7f]")
_WIDE = ("W", "F")
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python sets ``LC_CTYPE`` to where the locale is C (PEP 538)."""


def terminal_encoding(encoding: str, environment: Mapping[str, str], *, is_utf8_mode: bool) -> str:
    """Return the encoding that the user's locale names; Python writes UTF-8 where that is C.

    Args:
        encoding: what Python writes.
        environment: where the locale is named.
        is_utf8_mode: Python does not go by the locale (PEP 540).
    """
    if not is_utf8_mode or environment.get("PYTHONUTF8") == "1":
        return encoding
    ctype = environment.get("LC_CTYPE", "")
    own = "" if ctype in _COERCED else ctype
    named = (environment.get("LC_ALL") or own or environment.get("LANG") or "").lower()
    # None at all, as in a container, says nothing about the terminal; nearly all of them are UTF-8.
    return encoding if not named or "utf" in named else "ascii"


def ascii_text(text: str) -> str:
    """Return a text with nothing but ASCII in it, as wide as it was."""
    return text if text.isascii() else _OTHERS.sub(_clone, text)


def _clone(found: re.Match[str]) -> str:
    character = found.group()
    clone = TWINS.get(character)
    if clone is not None:
        return clone
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    base = unicodedata.normalize("NFKD", character)[0]
    plain = base if base.isascii() and base.isprintable() and not base.isspace() else "?"
    return plain * 2 if unicodedata.east_asian_width(character) in _WIDE else plain
