"""Checks of a tool list beyond the API's schema: function parameters must be a JSON Schema, and names must be unique."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inspector.analysis.schema import json_type
from inspector.analysis.validate import EventPath, SchemaProblem, dotted

MAX_NODES = 5_000
"""Sub-schemas checked per tool; no real tool has as many."""
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_NUMBER = ("integer", "number")
_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "properties": ("object",),
    "patternProperties": ("object",),
    "$defs": ("object",),
    "definitions": ("object",),
    "items": ("object", "boolean", "array"),
    "additionalProperties": ("object", "boolean"),
    "not": ("object", "boolean"),
    "anyOf": ("array",),
    "oneOf": ("array",),
    "allOf": ("array",),
    "prefixItems": ("array",),
    "required": ("array",),
    "enum": ("array",),
    "description": ("string",),
    "title": ("string",),
    "format": ("string",),
    "pattern": ("string",),
    "$ref": ("string",),
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "exclusiveMinimum": (*_NUMBER, "boolean"),
    "exclusiveMaximum": (*_NUMBER, "boolean"),
    "multipleOf": _NUMBER,
    "minLength": ("integer",),
    "maxLength": ("integer",),
    "minItems": ("integer",),
    "maxItems": ("integer",),
    "uniqueItems": ("boolean",),
    "strict": ("boolean",),
}
"""Keywords of JSON Schema (2020-12 and draft 7) with the JSON types that each may have."""
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")


def tool_problems(tools: object, *, takes_nested: bool = False) -> list[SchemaProblem]:
    """Return the problems of a session's ``tools``, with paths from the session object; never raises.

    Args:
        tools: the value of ``session.tools``.
        takes_nested: whether the server also accepts functions in the shape of the chat completions API.
    """
    if not isinstance(tools, list):
        return [_problem(("tools",), "expected a list of tools", tools)]
    found: list[SchemaProblem] = []
    for index, tool in enumerate(tools):
        found += _one_tool(tool, ("tools", index), takes_nested=takes_nested)
    return found + list(_duplicates(tools))


def _one_tool(tool: object, path: EventPath, *, takes_nested: bool) -> Iterator[SchemaProblem]:
    if not isinstance(tool, Mapping):
        yield _problem(path, "expected a tool, an object", tool)
        return
    nested = tool.get("function")
    if isinstance(nested, Mapping) and takes_nested:
        yield from _function(nested, (*path, "function"))
        return
    if isinstance(nested, Mapping):
        here = (*path, "function")
        hint = "put name, description and parameters beside type"
        yield SchemaProblem(
            here, "unknown_parameter", f"Unknown parameter: '{_named(here)}'.", hint
        )
        return
    kind = tool.get("type", "function")  # the schema check reports a missing type
    if kind == "function":
        yield from _function(tool, path)
    elif kind == "mcp":
        yield from _mcp(tool, path)


def _function(tool: Mapping[str, Any], path: EventPath) -> Iterator[SchemaProblem]:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        here = (*path, "name")
        yield SchemaProblem(
            here, "missing_required_parameter", f"Missing required parameter: '{_named(here)}'."
        )
    if "parameters" not in tool:
        return
    parameters, here = tool["parameters"], (*path, "parameters")
    if not isinstance(parameters, Mapping):
        yield _problem(here, "expected a JSON Schema, an object", parameters)
    elif parameters.get("type", "object") != "object":
        yield SchemaProblem(
            (*here, "type"),
            "invalid_function_parameters",
            f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', "
            f"got 'type: \"{parameters.get('type')}\"'.",
        )
    else:
        yield from schema_problems(parameters, here)


def _mcp(tool: Mapping[str, Any], path: EventPath) -> Iterator[SchemaProblem]:
    ways = [way for way in ("server_url", "connector_id", "tunnel_id") if tool.get(way)]
    if len(ways) > 1:
        yield SchemaProblem(
            (*path, ways[1]),
            "invalid_value",
            f"An MCP server must have only one of server_url, connector_id and tunnel_id, not {' and '.join(ways)}.",
        )
    headers = tool.get("headers")
    names = [str(name).lower() for name in headers] if isinstance(headers, Mapping) else []
    if tool.get("authorization") and "authorization" in names:
        yield SchemaProblem(
            (*path, "authorization"),
            "invalid_value",
            "authorization and headers.Authorization are both set; the server accepts only one.",
        )


def _duplicates(tools: list[Any]) -> Iterator[SchemaProblem]:
    for member, kind in (("name", "function"), ("server_label", "mcp")):
        seen: set[str] = set()
        for index, tool in enumerate(tools):
            name = tool.get(member) if isinstance(tool, Mapping) else None
            if not isinstance(name, str) or tool.get("type", "function") != kind:
                continue
            if name in seen:
                here: EventPath = ("tools", index, member)
                yield SchemaProblem(
                    here, "invalid_value", f"'{name}' is the {member} of two tools."
                )
            seen.add(name)


def schema_problems(schema: Mapping[str, Any], path: EventPath = ()) -> list[SchemaProblem]:
    """Return where a value is not a JSON Schema; unknown keywords are ignored, as annotations are."""
    # A queue in place of recursion, so that hostile nesting cannot exhaust the stack.
    found: list[SchemaProblem] = []
    waiting: list[tuple[EventPath, object]] = [(path, schema)]
    for _ in range(MAX_NODES):
        if not waiting:
            break
        here, node = waiting.pop(0)
        if isinstance(node, bool):
            continue
        if not isinstance(node, Mapping):
            found.append(_problem(here, "expected a JSON Schema, an object or a boolean", node))
            continue
        found += _keyword_problems(node, here)
        waiting += _inner(node, here)
    return found


def _keyword_problems(node: Mapping[str, Any], path: EventPath) -> Iterator[SchemaProblem]:
    for keyword, value in node.items():
        allowed = _KEYWORDS.get(keyword)
        if allowed is not None and json_type(value) not in allowed:
            yield _problem((*path, keyword), f"expected {' or '.join(allowed)}", value)
    yield from _wrong_types(node, path)
    required = node.get("required")
    for index, name in enumerate(required if isinstance(required, list) else ()):
        if not isinstance(name, str):
            yield _problem((*path, "required", index), "expected the name of a property", name)


def _wrong_types(node: Mapping[str, Any], path: EventPath) -> Iterator[SchemaProblem]:
    if "type" not in node:
        return
    types = node["type"]
    for name in types if isinstance(types, list) else [types]:
        if name not in _TYPES:
            yield SchemaProblem(
                (*path, "type"),
                "invalid_function_parameters",
                f"{name!r} is not a JSON Schema type; valid types: {', '.join(_TYPES)}.",
            )


def _inner(node: Mapping[str, Any], path: EventPath) -> Iterator[tuple[EventPath, object]]:
    for keyword in _MAPS:
        inner = node.get(keyword)
        for name, child in inner.items() if isinstance(inner, Mapping) else ():
            yield (*path, keyword, str(name)), child
    for keyword in (*_LISTS, "items"):
        inner = node.get(keyword)
        for index, child in enumerate(inner if isinstance(inner, list) else ()):
            yield (*path, keyword, index), child
    for keyword in _SINGLE:
        if keyword in node and json_type(node[keyword]) in ("object", "boolean"):
            yield (*path, keyword), node[keyword]


def tools_text(tools: object) -> str:
    """Return a summary of a tool list: ``2 functions, 1 MCP server``."""
    if not isinstance(tools, list) or not tools:
        return "none"
    servers = sum(isinstance(tool, Mapping) and tool.get("type") == "mcp" for tool in tools)
    counts = [(len(tools) - servers, "function"), (servers, "MCP server")]
    return ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count)


def _named(path: EventPath) -> str:
    return dotted(("session", *path))


def _problem(path: EventPath, words: str, value: object) -> SchemaProblem:
    got = {"array": "a list", "object": "an object", "null": "null"}.get(
        json_type(value), f"a {json_type(value)}"
    )
    message = f"Invalid value at '{_named(path)}': {words}, but got {got} instead."
    return SchemaProblem(path, "invalid_type", message)
