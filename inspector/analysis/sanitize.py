"""Sanitizing of text from the wire before it is written to a terminal.

Control characters, escape sequences, bidirectional controls, zero-width characters and lone surrogates become visible escapes, as
do combining marks beyond the eighth on one letter. The result has no effect on a terminal; callers must not parse it as markup.
Joiners (U+200C, U+200D) are part of the spelling between letters of some scripts (Persian, Hindi) and between emoji, and are kept
there.
"""

from __future__ import annotations

import re
import unicodedata

from inspector.analysis.combining import JOINERS, bounded

_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_JOINED_FROM = 0x0590
"""First code point of scripts with joiners; in Latin, Greek, Cyrillic and Armenian below it a joiner can only deceive."""
_NAMED = {"\n": "↵", "\r": "\\r", "\t": "\\t"}


def sanitized(text: str) -> str:
    """Return ``text`` on one line, with every character that a terminal might act on made visible."""
    # Nearly all texts take this path, and both tests run in C.
    if text.isascii() and text.isprintable():
        return text
    return bounded(_DANGEROUS.sub(_escape, text), _escaped)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in JOINERS and _joins(found.string, found.start()):
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
    """Return whether the joiner at an index is between two characters that it can join."""
    return 0 < at < len(text) - 1 and _is_joined(text[at - 1]) and _is_joined(text[at + 1])


def _is_joined(character: str) -> bool:
    """Return whether a character is a letter, vowel sign or emoji; a skin tone is a modifier symbol."""
    category = unicodedata.category(character)
    is_spelling = category[0] in "LM" or category in ("So", "Sk")
    return is_spelling and ord(character) >= _JOINED_FROM and not _DANGEROUS.match(character)
