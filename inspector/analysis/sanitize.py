"""Text from the wire, made harmless for a terminal.

Control characters, escape sequences, bidirectional controls, zero-width characters and lone surrogates are shown as visible
escapes, and so are the marks past the eighth on one letter. What is left has no effect but to be read; markup is never
interpreted by whoever prints it. Joiners (U+200C, U+200D) are part of the spelling between letters of scripts that join them
(Persian, Hindi) and between emoji: there they stay.
"""

from __future__ import annotations

import re
import unicodedata

from inspector.analysis.combining import bounded

_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_JOINERS = "\u200c\u200d"
_JOINED_FROM = 0x0590
"""Below it are Latin, Greek, Cyrillic and Armenian, which join nothing: there a joiner only hides."""
_NAMED = {"\n": "↵", "\r": "\\r", "\t": "\\t"}


def sanitized(text: str) -> str:
    """Return ``text`` on one line, with everything that a terminal could act on made visible."""
    if text.isascii() and text.isprintable():
        return text
    return bounded(_DANGEROUS.sub(_escape, text), _escaped)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in _JOINERS and _joins(found.string, found.start()):
        return character
    return _escaped(character)


def _escaped(character: str) -> str:
    named = _NAMED.get(character)
    if named is not None:
        return named
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _joins(text: str, at: int) -> bool:
    """Tell whether the joiner at a place stands between two characters that it can join."""
    return 0 < at < len(text) - 1 and _is_joined(text[at - 1]) and _is_joined(text[at + 1])


def _is_joined(character: str) -> bool:
    """Tell whether a character is a letter, vowel sign or emoji; a skin tone is a modifier symbol."""
    category = unicodedata.category(character)
    is_spelling = category[0] in "LM" or category in ("So", "Sk")
    return is_spelling and ord(character) >= _JOINED_FROM and not _DANGEROUS.match(character)
