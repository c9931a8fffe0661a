"""ASCII fallbacks for terminals without UTF-8: for every character that the program draws, one of the same width.

Other text is reduced to its ASCII base letters (é to e), or to ``?`` per cell, so that columns stay aligned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

FALLBACKS = {
    **dict.fromkeys("→⇒⟶⇢", ">"),
    **dict.fromkeys("←⇐⇠", "<"),
    **dict.fromkeys("↑▲△↥", "^"),
    **dict.fromkeys("↓▼▽▾⌄", "v"),
    **dict.fromkeys("·∙", "."),
    "•": "*",
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
"""Single characters only, so that widths do not change."""
_OTHERS = re.compile(r"[^\x00-\x7f]")
_WIDE = ("W", "F")
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""Values that Python gives ``LC_CTYPE`` in a C locale (PEP 538); they say nothing about the terminal."""


def terminal_encoding(encoding: str, environment: Mapping[str, str], *, is_utf8_mode: bool) -> str:
    """Return the encoding of the user's locale, which differs from Python's own in a C locale (PEP 538, PEP 540).

    Args:
        encoding: the encoding that Python writes.
        environment: the environment variables that define the locale.
        is_utf8_mode: whether Python's UTF-8 mode is on, in which it ignores the locale.
    """
    if not is_utf8_mode or environment.get("PYTHONUTF8") == "1":
        return encoding
    ctype = environment.get("LC_CTYPE", "")
    own = "" if ctype in _COERCED else ctype
    named = (environment.get("LC_ALL") or own or environment.get("LANG") or "").lower()
    # No locale at all, as in a container, says nothing about the terminal; nearly all terminals use UTF-8.
    return encoding if not named or "utf" in named else "ascii"


def ascii_text(text: str) -> str:
    """Return a text converted to ASCII, with the same width."""
    return text if text.isascii() else _OTHERS.sub(_fallback, text)


def _fallback(found: re.Match[str]) -> str:
    character = found.group()
    fallback = FALLBACKS.get(character)
    if fallback is not None:
        return fallback
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    # The compatibility decomposition begins with the base letter: é is e and a combining accent.
    base = unicodedata.normalize("NFKD", character)[0]
    plain = base if base.isascii() and base.isprintable() and not base.isspace() else "?"
    return plain * 2 if unicodedata.east_asian_width(character) in _WIDE else plain
