"""Lookup of the explanation of an event's field."""

from __future__ import annotations

from inspector.spec.events import EVENT_TYPES
from inspector.spec.fields import MEANINGS

LONGEST = 3
"""Keys from the end of a path that may identify an explanation."""


def meaning(event_type: str, path: tuple[str | int, ...]) -> str:
    """Return the explanation of a field; ``""`` if there is none.

    Args:
        event_type: type of the event with the field.
        path: keys and indexes from the event's root to the field.
    """
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return ""
    if names == ["type"]:
        known = EVENT_TYPES.get(event_type)
        return known.summary if known is not None else "not a documented event type"
    for length in range(min(LONGEST, len(names)), 0, -1):
        end = ".".join(names[-length:])
        found = MEANINGS.get(f"{event_type}:{end}") or MEANINGS.get(end)
        if found:
            return found
    return MEANINGS.get(f"/{names[0]}", "") if len(names) == 1 else ""
