"""Finding the value in an event's JSON that the user is going to type."""

from __future__ import annotations

import re

_MEMBERS = ("text", "output", "instructions", "item_id", "call_id", "voice")
"""Members with a value to type; the first one that the event has is used."""
_STRING = r'"((?:[^"\\]|\\.)*)"'


def typing_place(text: str) -> tuple[int, int] | None:
    """Return the offsets of the value to type, without its quotes; None if the event has no such member."""
    for name in _MEMBERS:
        found = re.search(rf'"{name}"\s*:\s*{_STRING}', text)
        if found is not None:
            return found.span(1)
    return None
