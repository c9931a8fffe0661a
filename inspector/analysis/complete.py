"""Completion in the event editor: the keys and values that the schema allows at the cursor.

The text is rarely valid JSON while it is typed, so a small scanner reads it up to the cursor: the objects around the cursor, their
members, and their ``type``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from inspector.analysis.meaning import meaning
from inspector.analysis.schema import Schema, branch_for, client_schema, document, of_kind, resolved
from inspector.spec.events import EVENT_TYPES

_UNTYPED: Schema = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "event_id": {"type": "string"}},
    "required": ["type"],
}
"""Schema of an event without a type yet."""
MAX_TEXT = 200_000
"""Larger texts (pasted audio) are not scanned, as every key would take too long."""


@dataclass(frozen=True, slots=True)
class EditorCompletion:
    """One completion."""

    label: str
    """Text in the list."""
    insert: str
    """Text that replaces ``[start, end)``."""
    detail: str
    """Short explanation."""
    start: int
    """Offset of the replaced text."""
    end: int
    """End offset of the replaced text."""


@dataclass(slots=True)
class _Level:
    is_object: bool
    key: str | int = ""
    members: dict[str, Any] = field(default_factory=dict)
    is_value: bool = False
    """True after the colon, where a value follows."""


@dataclass(slots=True)
class _Cursor:
    levels: list[_Level]
    start: int
    prefix: str
    is_quoted: bool


def complete(text: str, offset: int, *, is_translation: bool = False) -> list[EditorCompletion]:
    """Return the completions at ``offset``, required keys first; never raises.

    Args:
        text: the text of the editor.
        offset: position of the cursor.
        is_translation: whether the event is for a translation session, whose schema differs.
    """
    if len(text) > MAX_TEXT:
        return []
    offset = max(0, min(offset, len(text)))
    cursor = _scan(text[:offset])
    if not cursor.levels:
        is_blank = not text.strip()
        return [EditorCompletion("{…}", '{"type": ', "an event", 0, len(text))] if is_blank else []
    root = _members(text)
    name = root.get("type", cursor.levels[0].members.get("type"))
    level = cursor.levels[-1]
    # The completion brings its own closing quote, so it replaces one that is already there.
    end = offset + (1 if cursor.is_quoted and text[offset : offset + 1] == '"' else 0)
    if level.is_object and level.is_value and level.key == "type" and len(cursor.levels) == 1:
        proposals: Iterator[tuple[str, str, str]] = _event_types()
    else:
        event_type = name if isinstance(name, str) else ""
        known = client_schema(event_type, is_translation=is_translation) if event_type else _UNTYPED
        schema = _schema_at(known, cursor.levels, root)
        if schema is None:
            return []
        is_key = level.is_object and not level.is_value
        path = tuple(outer.key for outer in cursor.levels[:-1])
        proposals = _keys(schema, level, event_type, path) if is_key else _values(schema)
    wanted = cursor.prefix.lower()
    # Anywhere in the label, not only at its start: "created" should find "response.created".
    return [
        EditorCompletion(label, insert, detail, cursor.start, end)
        for label, insert, detail in proposals
        if wanted in label.lower()
    ]


def _event_types() -> Iterator[tuple[str, str, str]]:
    for name in document()["client"]:
        known = EVENT_TYPES.get(name)
        if known is not None:
            yield name, json.dumps(name), known.summary


def _schema_at(schema: Schema | None, levels: list[_Level], root: dict[str, Any]) -> Schema | None:
    if schema is None:
        return None
    whole: Any = root
    for depth, level in enumerate(levels):
        kind = "object" if level.is_object else "array"
        chosen = of_kind(resolved(schema), kind)
        if chosen is None:
            return None
        chosen = resolved(chosen)
        known = whole if isinstance(whole, dict) and depth else {}
        if level.is_object:
            branch = branch_for(chosen, {**known, **level.members})
            chosen = resolved(branch) if branch is not None else _any_branch(chosen, level.key)
        is_last = depth == len(levels) - 1
        if is_last and level.is_object and not level.is_value:
            return chosen
        inner = (
            chosen.get("properties", {}).get(level.key) if level.is_object else chosen.get("items")
        )
        if not isinstance(inner, dict):
            return None
        schema = inner
        whole = _step(whole, level.key)
    return schema


def _step(whole: Any, key: str | int) -> Any:
    if isinstance(whole, dict):
        return whole.get(str(key))
    if isinstance(whole, list) and isinstance(key, int) and key < len(whole):
        return whole[key]
    return None


def _any_branch(schema: Schema, key: str | int) -> Schema:
    """Return a schema for a union whose branch is unknown yet: the possible ``type`` and ``role``, and the member ``key``."""
    branches = [resolved(branch)["properties"] for branch in schema.get("x-branches", {}).values()]
    # Read from the branches, not their keys: "message/user" is type and role, but "audio/pcm" is a type with a slash.
    found = {
        name: list(dict.fromkeys(v for b in branches for v in b.get(name, {}).get("enum", ())))
        for name in ("type", "role")
    }
    members = {name: {"type": "string", "enum": names} for name, names in found.items() if names}
    member = next((branch[key] for branch in branches if key in branch), None)
    if member is not None and key not in members:
        members[str(key)] = member
    return {"type": "object", "properties": members, "required": ["type"]}


def _keys(
    schema: Schema, level: _Level, name: str, path: tuple[str | int, ...]
) -> Iterator[tuple[str, str, str]]:
    members = schema.get("properties", {})
    required = schema.get("required", ())
    for key in sorted(members, key=lambda key: (key not in required, list(members).index(key))):
        if key not in level.members:
            detail = "required  " if key in required else ""
            yield (
                key,
                f"{json.dumps(key)}: ",
                detail + (meaning(name, (*path, key)) if name else ""),
            )


def _values(schema: Schema) -> Iterator[tuple[str, str, str]]:
    schema = resolved(schema)
    for branch in schema.get("x-kinds", {"": schema}).values():
        chosen = resolved(branch)
        for value in [*chosen.get("enum", ()), *chosen.get("x-suggested", ())]:
            yield str(value), json.dumps(value), ""
        kind = chosen.get("type")
        if kind == "boolean":
            yield "true", "true", ""
            yield "false", "false", ""
        elif kind == "null":
            yield "null", "null", ""
        elif kind == "object":
            yield "{…}", "{}", "an object"
        elif kind == "array":
            yield "[…]", "[]", "a list"


def _members(text: str) -> dict[str, Any]:
    """Return the event's members: all of them if the text is valid JSON, else those that the scanner finds."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict):
        return whole
    cursor = _scan(text)
    return dict(cursor.levels[0].members) if cursor.levels else {}


def _scan(text: str) -> _Cursor:
    """Return the containers that are open at the end of a text, and the token that is being typed there."""
    levels: list[_Level] = []
    at, start, prefix, is_quoted = 0, len(text), "", False
    while at < len(text):
        character = text[at]
        if character == '"':
            end = _string_end(text, at)
            if end < 0:
                return _Cursor(levels, at, text[at + 1 :], True)
            _finish_string(levels, text[at + 1 : end])
            at = end + 1
            continue
        if character in "{[":
            levels.append(_Level(character == "{", "" if character == "{" else 0))
        elif character in "}]" and levels:
            levels.pop()
            _finish_string(levels, None)
        elif character == ":" and levels:
            levels[-1].is_value = True
        elif character == "," and levels:
            levels[-1].is_value = False
            if not levels[-1].is_object:
                levels[-1].key = int(levels[-1].key) + 1
        elif character not in "{}[],:" and not character.isspace():
            end = at
            while end < len(text) and text[end] not in '{}[],:" \t\r\n':
                end += 1
            if end == len(text):
                start, prefix = at, text[at:]
            at = end
            continue
        at += 1
    return _Cursor(levels, start, prefix, is_quoted)


def _finish_string(levels: list[_Level], value: str | None) -> None:
    """Record a finished string as a key or as the value of one; None stands for a finished container."""
    if not levels or not levels[-1].is_object:
        return
    level = levels[-1]
    if level.is_value:
        level.members[str(level.key)] = value
    elif value is not None:
        level.key = value
        level.members.setdefault(value, None)


def _string_end(text: str, at: int) -> int:
    position = at + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == '"':
            return position
        position += 1
    return -1
