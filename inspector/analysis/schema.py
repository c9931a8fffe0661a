"""Access to the generated schema of the API's events.

Unions in the schema are decisions: ``x-kinds`` selects by JSON type, ``x-branches`` by the ``type`` member (for messages also the
``role``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

Schema = Mapping[str, Any]


@cache
def document() -> Mapping[str, Any]:
    """Return the generated schema; the file is read once."""
    data: Mapping[str, Any] = orjson.loads((files("inspector.spec") / "schema.json").read_bytes())
    return data


def event_schema(event_type: str, direction: str = "client") -> Schema | None:
    """Return the schema of an event type, or None."""
    found: Schema | None = document()[direction].get(event_type)
    return found


def client_schema(event_type: str, *, is_translation: bool) -> Schema | None:
    """Return the schema of a client event, or None; translation sessions have their own shape of ``session.update``."""
    is_own = is_translation and event_type == "session.update"
    return event_schema("session.update (translation)" if is_own else event_type)


def resolved(schema: Schema, direction: str = "client") -> Schema:
    """Return a schema with its reference, if it is one, resolved."""
    ref = schema.get("$ref")
    if not isinstance(ref, str):
        return schema
    definition: Schema = document()[f"{direction}_defs"][ref.rpartition("/")[2]]
    return definition


def json_type(value: object) -> str:
    """Return the JSON type of a decoded value."""
    return _JSON_TYPES.get(type(value), "object")


_JSON_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def of_kind(schema: Schema, kind: str) -> Schema | None:
    """Return the part of a schema for a JSON type; None if that type is not allowed. An integer is also a number."""
    kinds = schema.get("x-kinds")
    # A number in JSON has no integer type of its own, so an integer also fits where a number is expected.
    if kinds is None:
        allowed = schema.get("type")
        fits = allowed in (None, kind) or (kind == "integer" and allowed == "number")
        return schema if fits else None
    found = kinds.get(kind) or (kinds.get("number") if kind == "integer" else None)
    return found if isinstance(found, dict) else None


def branch_for(schema: Schema, value: Mapping[str, Any]) -> Schema | None:
    """Return the branch of a schema for an object, by its ``type`` (and ``role``); None if no branch matches."""
    branches = schema.get("x-branches")
    if branches is None:
        return schema
    name = value.get("type")
    found = branches.get(name) if isinstance(name, str) else None
    if found is None:
        role = value.get("role")
        found = branches.get(f"{name}/{role}") if isinstance(role, str) else None
    return found if isinstance(found, dict) else None
