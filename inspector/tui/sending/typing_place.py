"""Where one types in the JSON of an event: its words, not its first brace."""

from __future__ import annotations

import re

_MEMBERS = ("text", "output", "instructions", "item_id", "call_id", "voice")
"""Members whose value one writes, the first that an event has."""
_STRING = r'"((?:[^"\\]|\\.)*)"'


def typing_place(text: str) -> tuple[int, int] | None:
    """Return the offsets of the value that one is going to write, without its quotes; None if the event has none."""
    for name in _MEMBERS:
        found = re.search(rf'"{name}"\s*:\s*{_STRING}', text)
        if found is not None:
            return found.span(1)
    return None
