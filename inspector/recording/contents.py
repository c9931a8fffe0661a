"""Descriptions of files that are not recordings, for an error that tells the user what the file contains instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inspector.core.codec import decode
from inspector.core.dialect_evidence import protocol_of
from inspector.spec.dialects import FOREIGN
from inspector.spec.events import EVENT_TYPES

SHOWN_NAMES = 3
"""Types or keys listed in a description."""


def has_known_type(line: bytes) -> bool:
    """Return whether a line is a bare event of a known type."""
    name, body, _ = decode(line)
    return body is not None and name in EVENT_TYPES


def contents(head: bytes) -> str:
    """Return a description of a file's contents, by its first bytes; ``""`` for an empty file.

    Args:
        head: the first bytes; the last line may be incomplete.
    """
    text = head.lstrip()
    objects = list(_objects(head))
    if objects:
        return _lines_of(objects)
    if b"\0" in head:
        return "binary data"
    if text.startswith(b"["):
        return "a JSON array, not one event per line"
    if text.startswith(b"{"):
        is_har = b'"log"' in text[:200] and b'"entries"' in text
        return "a HAR file" if is_har else "JSON over several lines, not one event per line"
    return "text, not JSON lines" if text else ""


def _objects(head: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the first lines, up to the first line that is not an object."""
    for line in head.splitlines():
        if not line.strip():
            continue
        _, body, _ = decode(line)
        if body is None:
            return
        yield body


def _lines_of(objects: list[Mapping[str, Any]]) -> str:
    """Return a description of JSON lines."""
    for body in objects:
        protocol = protocol_of(body)
        if protocol and "type" not in body:
            firsts = dict.fromkeys(next(iter(body), "") for body in objects)
            return f"looks like {FOREIGN[protocol][0].short} ({_some(firsts)})"
    inner = {
        key: None
        for body in objects
        for key, value in body.items()
        if isinstance(value, dict) and _is_known(value)
    }
    if inner:
        return f'JSON lines with events under {_some(inner)}, but without "dir" beside them'
    types = {body["type"]: None for body in objects if isinstance(body.get("type"), str)}
    if types:
        return f"JSON lines, none of a known event type (types: {_some(types)})"
    keys = {key: None for body in objects for key in body}
    return f"JSON lines, none of a known event type (keys: {_some(keys)})"


def _is_known(event: Mapping[str, Any]) -> bool:
    name = event.get("type")
    return isinstance(name, str) and name in EVENT_TYPES


def _some(names: Mapping[str, None]) -> str:
    """Return the first names, separated by commas, with an ellipsis if there are more."""
    shown = [name[:40] for name in list(names)[:SHOWN_NAMES]]
    return ", ".join(shown) + (", …" if len(names) > SHOWN_NAMES else "")
