"""Indenting the text of a JSON value without touching what it says: numbers, escapes and repeated keys stay as they were written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inspector.core.codec import decode

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_STEP = "  "


def indented(text: str) -> str:
    """Return a JSON text with a line for each member; the same text if it is not a JSON object."""
    _, body, problem = decode(text.encode("utf-8", "replace"))
    if problem is not None or body is None:
        return text
    return "".join(_laid_out(_TOKEN.findall(text)))


def _laid_out(pieces: list[str]) -> Iterator[str]:
    depth = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else ""
        if piece in "{[":
            depth += 1
            is_empty = following in ("}", "]")
            yield piece if is_empty else f"{piece}\n{_STEP * depth}"
        elif piece in "}]":
            depth -= 1
            is_empty = index > 0 and pieces[index - 1] in ("{", "[")
            yield piece if is_empty else f"\n{_STEP * depth}{piece}"
        elif piece == ",":
            yield f",\n{_STEP * depth}"
        elif piece == ":":
            yield ": "
        else:
            yield piece
