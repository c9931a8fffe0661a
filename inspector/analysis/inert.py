"""Text from the wire, made harmless for a terminal.

Control characters, escape sequences, bidirectional controls, zero-width characters and lone surrogates are shown as visible
escapes, and so are the marks past the eighth on one letter. What is left has no effect but to be read; markup is never interpreted by whoever prints it.
"""

from __future__ import annotations

import re

from inspector.analysis.combining import bounded

_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "↵", "\r": "\\r", "\t": "\\t"}


def inert(text: str) -> str:
    """Return ``text`` on one line, with everything that a terminal could act on made visible."""
    if text.isascii() and text.isprintable():
        return text
    return bounded(_DANGEROUS.sub(_escape, text), _escaped)


def _escape(found: re.Match[str]) -> str:
    return _escaped(found.group())


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
