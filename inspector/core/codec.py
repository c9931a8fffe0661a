"""Decoding a frame's bytes to a JSON object. Never raises: invalid bytes become a ``DecodeProblem``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from inspector.core.event import DecodeProblem

# Finds the type of a frame that nests too deeply for a JSON decoder.
_TYPE_HEAD = re.compile(rb'^\s*\{\s*"type"\s*:\s*"([^"\\]{1,200})"')

MAX_DEPTH = 100
"""Deeper than any tool schema seen, and far below the recursion limit of code that walks a body under Textual's own frames."""
_KINDS = {bool: "true or false", str: "a string", list: "an array", type(None): "null"}

_FLAT = frozenset({str, int, bool, type(None)})
"""Not floats: NaN becomes null. Not the subclasses: they become what they derive from."""

Decoded = tuple[str, Mapping[str, Any] | None, DecodeProblem | None]


def decode(data: bytes, *, is_text: bool = True) -> Decoded:
    """Decode a frame's bytes as a typed JSON object.

    Returns:
        ``(type, body, problem)``: exactly one of ``body`` and ``problem`` is None. ``type`` is ``""`` if the frame has none;
        it is found, where possible, even in a frame that nests too deeply to decode.
    """
    if not is_text:
        return "", None, DecodeProblem("binary", f"binary frame of {len(data):,} bytes")
    try:
        body = orjson.loads(data)
    except ValueError as error:
        return _decode_slowly(data, error)
    # Counting brackets runs in C and rules out almost every frame, so the walk is rare.
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
    """Decode JSON that orjson rejects although the grammar allows it (lone surrogates, 1e999); report the rest as a problem."""
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
    """Return whether a value nests deeper than ``MAX_DEPTH``, without recursion."""
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
    # NaN and Infinity, which the standard library accepts by default and RFC 8259 excludes.
    raise ValueError(f"{name} is not JSON")


def whole_number(digits: str) -> int | float:
    """Parse an integer of any length.

    Python refuses more than 4,300 digits (``sys.int_info.default_max_str_digits``), because the conversion is quadratic; such a
    number becomes a float, as orjson makes of any integer beyond 64 bits.
    """
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _outer_type(data: bytes) -> str:
    found = _TYPE_HEAD.match(data)
    return found.group(1).decode(errors="replace") if found else ""


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates with U+FFFD, so that every later encode succeeds."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(v) for v in value]
    return value
