"""Frame bytes to a decoded body. Never raises, whatever the bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from inspector.core.event import DecodeProblem

# The only reading that is left when a frame is too deep for every decoder.
_TYPE_HEAD = re.compile(rb'^\s*\{\s*"type"\s*:\s*"([^"\\]{1,200})"')

MAX_DEPTH = 100
"""Deeper than any tool schema, and far from what exhausts a recursive reader in a program that has a screen below it."""
_KINDS = {bool: "true or false", str: "a string", list: "an array", type(None): "null"}

_FLAT = frozenset({str, int, bool, type(None)})
"""Not floats: NaN becomes null. Not the subclasses: they become what they derive from."""

Decoded = tuple[str, Mapping[str, Any] | None, DecodeProblem | None]


def decode(data: bytes, *, is_text: bool = True) -> Decoded:
    """Read a frame's bytes as a typed JSON object.

    Returns:
        ``(type, body, problem)``: either ``body`` or ``problem`` is None. ``type`` is ``""`` where there is none, and
        is still found, where possible, in a frame that is too deeply nested to decode.
    """
    if not is_text:
        return "", None, DecodeProblem("binary", f"binary frame of {len(data):,} bytes")
    try:
        body = orjson.loads(data)
    except ValueError as error:
        return _decode_slowly(data, error)
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_too_deep(body):
        return _beyond_depth(data)
    return _typed(body)


def _typed(body: object) -> Decoded:
    if not isinstance(body, dict):
        kind = _KINDS.get(type(body), "a number")
        return "", None, DecodeProblem("not_an_object", f"JSON, but {kind} and not an object")
    return typed(body)


def typed(body: Mapping[str, Any]) -> Decoded:
    """Return what a body is that need not be decoded."""
    name = body.get("type", "")
    return (name if isinstance(name, str) else ""), body, None


def is_flat(body: Mapping[str, Any]) -> bool:
    """Tell whether a body decodes, once encoded, to what it is now, and shares nothing that may change: words and whole numbers."""
    return all(type(value) in _FLAT for value in body.values())


def _decode_slowly(data: bytes, error: ValueError) -> Decoded:
    """Read what is JSON by the grammar but refused by orjson (lone surrogates, 1e999); name what is not JSON."""
    if "depth" not in str(error):
        try:
            body = json.loads(
                data.decode(), parse_constant=_refuse_constant, parse_int=whole_number
            )
            if not _is_too_deep(body):
                return _typed(_without_surrogates(body))
        except RecursionError:
            pass
        except ValueError:
            return "", None, DecodeProblem("invalid_json", f"not JSON: {error}")
    return _beyond_depth(data)


def _is_too_deep(value: object) -> bool:
    """Tell whether a value nests deeper than ``MAX_DEPTH``, without recursion."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def _beyond_depth(data: bytes) -> Decoded:
    return _outer_type(data), None, DecodeProblem("too_deep", "nested too deeply to decode")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def whole_number(digits: str) -> int | float:
    """Read an integer of any length; one that Python refuses, since it takes too long, is a float like any that is too large."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _outer_type(data: bytes) -> str:
    found = _TYPE_HEAD.match(data)
    return found.group(1).decode(errors="replace") if found else ""


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates by U+FFFD so that every later encode succeeds."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(v) for v in value]
    return value
