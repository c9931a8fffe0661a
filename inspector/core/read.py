"""Reading a decoded body without trusting it: the wrong type reads as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]
_NOTHING: Body = {}


def text_at(body: Body, key: str) -> str:
    """Return a string member, ``""`` where it is absent or something else."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def int_at(body: Body, key: str, default: int = 0) -> int:
    """Return an integer member (a float is rounded down), ``default`` where it is absent or something else."""
    value = body.get(key)
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and abs(value) < 1e15 else default


def object_at(body: Body, key: str) -> Body:
    """Return an object member, an empty one where it is absent or something else."""
    value = body.get(key)
    return value if isinstance(value, dict) else _NOTHING


def objects_at(body: Body, key: str) -> list[Body]:
    """Return the objects in a list member, leaving out whatever else is in it."""
    value = body.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
