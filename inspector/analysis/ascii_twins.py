"""ASCII for terminals without UTF-8: a twin for every character that the program draws, of the same width.

What others wrote is brought as near as can be (é to e) and marked where it cannot (``?`` for each cell), so that
columns stay columns.
"""

from __future__ import annotations

import re
import unicodedata

TWINS = {
    **dict.fromkeys("→⇒⟶", ">"),
    **dict.fromkeys("←⇐", "<"),
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


def ascii_text(text: str) -> str:
    """Return a text with nothing but ASCII in it, as wide as it was."""
    return text if text.isascii() else _OTHERS.sub(_twin, text)


def _twin(found: re.Match[str]) -> str:
    character = found.group()
    twin = TWINS.get(character)
    if twin is not None:
        return twin
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    base = unicodedata.normalize("NFKD", character)[0]
    plain = base if base.isascii() and base.isprintable() and not base.isspace() else "?"
    return plain * 2 if unicodedata.east_asian_width(character) in _WIDE else plain
