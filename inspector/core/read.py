"""Typed access to the members of an untrusted JSON body; a member of the wrong type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]
_NOTHING: Body = {}


def text_at(body: Body, key: str) -> str:
    """Return a string member, ``""`` if it is absent or of another type."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def int_at(body: Body, key: str, default: int = 0) -> int:
    """Return an integer member (a float is truncated), ``default`` if it is absent or of another type."""
    value = body.get(key)
    # JSON's true and false decode to bool, which Python counts as int.
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    # The bound excludes inf and nan, on which int() raises, and floats too large to be exact milliseconds or counts.
    return int(value) if isinstance(value, float) and abs(value) < 1e15 else default


def object_at(body: Body, key: str) -> Body:
    """Return an object member, an empty one if it is absent or of another type."""
    value = body.get(key)
    return value if isinstance(value, dict) else _NOTHING


def objects_at(body: Body, key: str) -> list[Body]:
    """Return the objects in a list member, without elements of other types."""
    value = body.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
