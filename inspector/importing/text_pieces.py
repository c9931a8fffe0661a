"""TextPiece: an object in a text, and the ways to read one from its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.importing.literals import CUT, bytes_literal, unescaped
from inspector.importing.records import Inner
from inspector.spec.events import EVENT_TYPES

scan_json = json.JSONDecoder(strict=False).raw_decode
"""Reads JSON at a position of a text, and says where it ends."""


@dataclass(slots=True)
class TextPiece:
    """An object in a text."""

    end: int
    """Position behind it."""
    data: bytes
    """Its JSON."""
    name: str
    """Its type; ``""`` if it is missing."""
    body: Mapping[str, Any] | None
    """None if it nests too deeply."""
    is_elided: bool = False


def json_piece(data: bytes, end: int) -> TextPiece | None:
    """Return JSON as an object; None if it is none."""
    name, body, problem = decode(data)
    if body is not None:
        return TextPiece(end, data, name, body, False)
    if problem is not None and problem.code == "too_deep" and name in EVENT_TYPES:
        return TextPiece(end, data, name, None)
    return None


def text_piece(inner: bytes, end: int) -> TextPiece | None:
    """Return JSON in a string as an object; a line break in it is one of the printer."""
    piece = json_piece(inner.strip(), end)
    return piece if piece is not None and piece.data.startswith(b"{") else None


def unquoted(literal: bytes, *, is_bytes: bool) -> bytes:
    """Return what a string literal holds: JSON's, Python's or JavaScript's."""
    if literal[:1] == b'"' and not is_bytes:
        try:
            value = orjson.loads(literal)
        except ValueError:
            pass
        else:
            return str(value).encode("utf-8", "replace")
    words = literal[1:-1].decode("utf-8", "replace")
    text = bytes_literal(words) if is_bytes else unescaped(words)
    return text.encode("utf-8", "replace")


def repaired_text(data: bytes) -> bytes:
    """Return JSON whose bytes are not all UTF-8, with the others replaced by U+FFFD, and raw control characters escaped."""
    text = data.decode("utf-8", "replace")
    return re.sub("[\x00-\x1f]", lambda found: f"\\u{ord(found.group()):04x}", text).encode()


_PYTHON_WORDS = re.compile(rb"\b(?:None|True|False|nan|inf)\b")


def quick_python(part: bytes) -> tuple[int, bytes, dict[str, Any]] | None:
    """Read what Python prints of a dict of plain strings and numbers, the most frequent kind; None for all others."""
    stop = part.rfind(b"}") + 1
    part = part[:stop]
    if (
        part[:2] != b"{'"
        or b"\n" in part
        or b'"' in part
        or b"\\" in part
        or (b"None" in part or b"True" in part or b"False" in part)
    ):
        return None
    data = part.replace(b"'", b'"')
    name, body, _ = decode(data)
    return (stop, data, dict(body)) if body is not None and name else None


def shorten_last(value: dict[str, Any]) -> None:
    """Shorten the last string of a cut event to what stands before the cut: what stands behind it belongs to other members."""
    into: Any = value
    while into:
        key = next(reversed(into)) if isinstance(into, dict) else len(into) - 1
        last = into[key]
        if isinstance(last, str):
            cut = CUT.search(last)
            into[key] = last[: cut.start()] + "…" if cut is not None else last
            return
        if not isinstance(last, dict | list):
            return
        into = last


def closed(words: str) -> str:
    """Return a cut text with its last string closed, so that what stands in it is kept."""
    inside, quote = False, ""
    skip = False
    for character in words:
        if skip:
            skip = False
        elif character == "\\":
            skip = inside
        elif inside and character == quote:
            inside = False
        elif not inside and character in "\"'":
            inside, quote = True, character
    return words + quote if inside else words


def is_own(text: bytes, at: int, known: int) -> bool:
    """Return whether a type belongs to the object that begins at a position, not to one inside."""
    between = text[at + 1 : known]
    return between.count(b"{") <= between.count(b"}")


def member_data(data: bytes, inner: Inner) -> bytes:
    """Return the bytes of an event inside a record: verbatim if they are found, else rendered."""
    payload = inner.payload
    key = inner.keys[-1]
    needle = orjson.dumps(key)
    at = data.find(needle)
    while at >= 0:
        begin = data.find(b"{", at + len(needle), at + len(needle) + 8)
        if begin >= 0:
            end = data.rfind(b"}", begin, len(data) - len(inner.keys)) + 1
            for stop in _ends(data, begin, end):
                found = json_piece(data[begin:stop], stop)
                if found is not None and found.body == payload:
                    return found.data
        at = data.find(needle, at + 1)
    return orjson.dumps(payload)


def _ends(data: bytes, begin: int, end: int) -> Iterator[int]:
    """Yield where an object may end: with the record, else where Python's scanner says."""
    yield end
    try:
        _, stop = scan_json(data.decode("latin-1"), begin)
    except (RecursionError, ValueError):
        return
    yield stop
