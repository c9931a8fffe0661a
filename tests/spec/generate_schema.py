"""Write ``inspector/spec/schema.json`` from the types of the ``openai`` package: names, types, enums, required keys.

    python tests/spec/generate_schema.py

Unions become decisions: by JSON type, then by the ``type`` member, so that a validator reports what is wrong in the intended
branch instead of "no branch matched". Client objects are closed, because the server rejects unknown parameters.
"""

from __future__ import annotations

import sys
import typing
from pathlib import Path
from typing import Any

import openai
import orjson
from openai.types.realtime.realtime_client_event_param import RealtimeClientEventParam
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from openai.types.realtime.realtime_translation_client_event_param import (
    RealtimeTranslationClientEventParam,
)
from openai.types.realtime.realtime_translation_server_event import RealtimeTranslationServerEvent
from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.spec.constraints import (  # noqa: E402 - found through the line above
    ALSO_ACCEPTED,
    CONSTRAINTS,
    NOT_REQUIRED,
    NULLABLE,
    PARTS,
    REFERENCE,
    REFERRING,
    REQUIRED,
)

TARGET = ROOT / "inspector" / "spec" / "schema.json"
KEPT = ("type", "enum", "items", "required", "minimum", "maximum", "additionalProperties")

Schema = dict[str, Any]


def union_members(union: Any) -> list[Any]:
    """Return the members of a union, with or without ``Annotated`` around it."""
    inner = typing.get_args(union)
    if len(inner) and typing.get_origin(inner[0]) is not None and typing.get_args(inner[0]):
        return list(typing.get_args(inner[0]))
    return list(inner)


class Converter:
    """Turns pydantic's schemas into ours, collecting shared definitions."""

    def __init__(self, *, is_closed: bool) -> None:
        self.is_closed = is_closed
        self.defs: dict[str, Schema] = {}
        self._raw: dict[str, Schema] = {}

    def event(self, model: Any) -> tuple[str, Schema]:
        """Return the event type of a model, and its schema."""
        raw = TypeAdapter(model).json_schema(ref_template="#/$defs/{model}")
        self._raw = raw.pop("$defs", {})
        schema = self.convert(raw)
        return self.const(schema["properties"]["type"]), schema

    def convert(self, raw: Schema) -> Schema:
        """Convert one schema."""
        if "$ref" in raw:
            return self.reference(raw["$ref"])
        branches = raw.get("anyOf") or raw.get("oneOf")
        if branches:
            return self.choose([self.convert(branch) for branch in branches])
        schema = {key: raw[key] for key in KEPT if key in raw}
        if "const" in raw:
            schema["enum"] = [raw["const"]]
        if isinstance(raw.get("items"), dict):
            schema["items"] = self.convert(raw["items"])
        if isinstance(raw.get("additionalProperties"), dict):
            schema["additionalProperties"] = self.convert(raw["additionalProperties"])
        if "properties" in raw:
            schema["properties"] = {
                name: self.convert(value) for name, value in raw["properties"].items()
            }
            schema.pop("additionalProperties", None)
            if self.is_closed:
                schema["additionalProperties"] = False
        elif schema.get("additionalProperties") is True:
            del schema["additionalProperties"]
        return schema

    def reference(self, ref: str) -> Schema:
        """Convert a definition once; refer to it afterwards."""
        name = ref.rpartition("/")[2]
        short = (
            name.rpartition("__")[2] if "__types__" not in name else name.split("realtime__")[-1]
        )
        if short not in self.defs:
            self.defs[short] = {}
            self.defs[short].update(self.convert(self._raw[name]))
        return {"$ref": f"#/$defs/{short}"}

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference."""
        return self.defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def const(self, schema: Schema) -> str:
        """Return the only value that a member may have, ``""`` if several are allowed."""
        for branch in [schema, *schema.get("allOf", [])]:
            values = [value for value in branch.get("enum", []) if value is not None]
            if len(values) == 1:
                return str(values[0])
        return ""

    def kind(self, schema: Schema) -> str:
        """Return the JSON type of a branch."""
        resolved = self.resolve(schema)
        found = resolved.get("type")
        if isinstance(found, str):
            return found
        return "object" if "x-branches" in resolved or "properties" in resolved else ""

    def choose(self, branches: list[Schema]) -> Schema:
        """Join the branches of a union into decisions."""
        by_kind: dict[str, list[Schema]] = {}
        for branch in branches:
            inner = branch.get("x-kinds")
            for kind, part in inner.items() if inner else [(self.kind(branch), branch)]:
                by_kind.setdefault(kind, []).append(part)
        if len(by_kind) == 1:
            (kind,) = by_kind
            return (
                self.discriminate(by_kind[kind]) if kind == "object" else self.merge(by_kind[kind])
            )
        joined = {
            kind: self.discriminate(parts) if kind == "object" else self.merge(parts)
            for kind, parts in by_kind.items()
        }
        return {"type": sorted(kind for kind in joined if kind), "x-kinds": joined}

    def merge(self, parts: list[Schema]) -> Schema:
        """Join branches of one scalar type; an enum joined with an unrestricted branch is unrestricted."""
        if len(parts) == 1:
            return parts[0]
        enums = [part.get("enum") for part in parts]
        if all(enums):
            return {
                "type": parts[0].get("type", "string"),
                "enum": [v for enum in enums for v in enum or []],
            }
        if parts[0].get("type") == "array":
            items = self.choose([part["items"] for part in parts if "items" in part])
            return {"type": "array", "items": items}
        suggested = [v for enum in enums for v in enum or []]
        return {
            "type": parts[0].get("type", "string"),
            **({"x-suggested": suggested} if suggested else {}),
        }

    def discriminate(self, parts: list[Schema]) -> Schema:
        """Join object branches by their ``type`` member."""
        flat: dict[str, Schema] = {}
        for part in parts:
            resolved = self.resolve(part)
            nested = resolved.get("x-branches")
            if nested:
                flat.update(nested)
                continue
            named = resolved.get("properties", {}).get("type", {})
            name = self.const(self.resolve(named)) or self.const(
                named.get("x-kinds", {}).get("string", {})
            )
            role = self.const(resolved.get("properties", {}).get("role", {}))
            key = f"{name}/{role}" if role else name
            if key in flat or not name:
                return parts[0] if len(parts) == 1 else {"type": "object"}
            flat[key] = part
        return parts[0] if len(parts) == 1 else {"type": "object", "x-branches": flat}


def member_of(defs: dict[str, Schema], definition: str, member: str) -> Schema:
    """Return a member's schema.

    Raises:
        SystemExit: the SDK has renamed the definition or the member.
    """
    found = defs.get(definition, {}).get("properties", {}).get(member)
    if not isinstance(found, dict):
        raise SystemExit(f"{definition}.{member} does not exist in this version of the SDK")
    return found


def constrain(defs: dict[str, Schema]) -> None:
    """Add the limits that the API documents and the SDK's types leave out."""
    for (definition, member), rules in CONSTRAINTS.items():
        schema = member_of(defs, definition, member)
        kinds = schema.get("x-kinds", {})
        (kinds.get("number") or kinds.get("integer") or schema).update(rules)
    for (definition, member), values in ALSO_ACCEPTED.items():
        schema = member_of(defs, definition, member)
        (schema.get("x-kinds", {}).get("string") or schema)["enum"].extend(values)
    for definition, members in REQUIRED.items():
        defs[definition]["required"] = [*defs[definition].get("required", []), *members]
    for definition, member in NOT_REQUIRED:
        defs[definition]["required"].remove(member)
    for definition, wanted in PARTS.items():
        branches = {
            kind: {**defs[definition], "required": ["type", member]}
            for kind, member in wanted.items()
        }
        defs[definition] = {"type": "object", "x-branches": branches}
    member_of(defs, *REFERRING)["items"]["x-branches"]["item_reference"] = dict(REFERENCE)
    for definition, member in NULLABLE:
        schema = member_of(defs, definition, member)
        kind = "array" if "items" in schema else "object"
        defs[definition]["properties"][member] = {
            "type": sorted([kind, "null"]),
            "x-kinds": {kind: schema, "null": {"type": "null"}},
        }


def build() -> Schema:
    """Return the whole document."""
    client, server = Converter(is_closed=True), Converter(is_closed=False)
    sent: dict[str, Schema] = {}
    received: dict[str, Schema] = {}
    for union, target, converter in (
        (RealtimeTranslationClientEventParam, sent, client),
        (RealtimeClientEventParam, sent, client),
        (RealtimeTranslationServerEvent, received, server),
        (RealtimeServerEvent, received, server),
    ):
        for model in union_members(union):
            name, schema = converter.event(model)
            if name in target:
                # Both session kinds have an event of this name; the translation union is converted first.
                target[f"{name} (translation)"] = target[name]
            target[name] = schema
    constrain(client.defs)
    return {
        "sdk": f"openai {openai.__version__}",
        "client": dict(sorted(sent.items())),
        "server": dict(sorted(received.items())),
        "client_defs": dict(sorted(client.defs.items())),
        "server_defs": dict(sorted(server.defs.items())),
    }


def render() -> bytes:
    """Return the file's bytes."""
    return orjson.dumps(build(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    TARGET.write_bytes(render())
    print(f"wrote {TARGET.name}: {TARGET.stat().st_size:,} bytes")
