"""Payloads from which a logger has cut something: audio replaced by a note, long values shortened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLACEHOLDER = re.compile(
    r"\s*(?:"
    r"<[^<>]*(?:\d|base64|audio|data|bytes|omitted|elided|truncated|redacted)[^<>]*>"
    r"|\[(?:Object|Array|Function|Circular|Getter|Class|Date|Symbol)[^\[\]]*\]"
    r"|\[[^\[\]]*(?:base64|bytes|omitted|elided|truncated|redacted|audio data)[^\[\]]*\]"
    r"|\((?:\d+ (?:bytes|chars)|omitted|elided|truncated|redacted)[^()]*\)"
    r")\s*",
    re.IGNORECASE,
)
"""A value that only says that something was here."""
_SHORTENED = re.compile(
    r"(?:\.\.\.|…)\s*(?:$|[\[(<]|\d+ (?:more|bytes|chars)|more|truncated)"
    r"|(?:\.\.\.|…)[A-Za-z0-9+/=]+$|\[(?:truncated|omitted|elided)|\((?:truncated|omitted|\d+ (?:more )?(?:bytes|chars))",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=_\-\s]*")
_SPOKEN = frozenset(
    {"text", "transcript", "delta", "instructions", "message", "arguments", "output", "description"}
)
"""Members in which somebody may have written or said an ellipsis."""
_AUDIO = ("audio", "data", "b64", "image_url")
LONG_AUDIO = 1024
SEARCHED_FOR = 32
MOST_VALUES = 2000
"""Values of a payload that are looked at."""


def is_elided(name: str, body: Mapping[str, Any], data: bytes) -> bool:
    """Return whether something was cut out of an event before it was logged.

    Args:
        name: its type.
        body: the event.
        data: its bytes without long audio, which are searched first: most events hold none of the marks.
    """
    is_audio = "audio" in name and "transcript" not in name
    if is_audio and _replaces_audio(body.get("audio" if name.endswith(".append") else "delta")):
        return True
    # One after the other, not in a loop: this is asked of every event, and one byte is found much faster than several.
    if not (
        b"<" in data
        or b"(" in data
        or b"\xe2" in data
        or b"..." in data
        or (b"[" in data and (b'"[' in data or b"[tr" in data or b"[om" in data))
    ):
        return False
    for count, (key, value) in enumerate(_strings(body)):
        if count >= MOST_VALUES:
            break
        if _is_cut(key, value, holds_audio=key in _AUDIO or (is_audio and key == "delta")):
            return True
    return False


def _replaces_audio(value: object) -> bool:
    """Return whether something else stands in place of audio; a data URL is the app's mistake, not the logger's."""
    if not isinstance(value, str) or value.startswith("data:"):
        return False
    if len(value) >= LONG_AUDIO:
        return "." in value or "…" in value or "[" in value or "<" in value or "(" in value
    return _BASE64.fullmatch(value) is None


def gist(name: str, body: Mapping[str, Any] | None, data: bytes) -> bytes:
    """Return the bytes of an event without long base64 audio; the rest is searched for elision marks and secrets."""
    if len(data) < LONG_AUDIO or body is None:
        return data
    value = body.get("audio") if name.endswith(".append") else body.get("delta")
    if not isinstance(value, str) or len(value) < LONG_AUDIO or not value.isascii():
        return data
    if (
        "_" in value
        or "-" in value
        or "." in value
        or "<" in value
        or "[" in value
        or "(" in value
        or " " in value
    ):
        return data
    # By its beginning, since searching for a long text costs more than all the rest.
    at = data.find(value[:SEARCHED_FOR].encode())
    return data[:at] + data[at + len(value) :] if at >= 0 else data


def _is_cut(key: str, value: str, *, holds_audio: bool) -> bool:
    if holds_audio:
        return bool(_SHORTENED.search(value) or _PLACEHOLDER.fullmatch(value)) or value in (
            "...",
            "…",
        )
    if key in _SPOKEN:
        return bool(_PLACEHOLDER.fullmatch(value)) and not value.startswith("(")
    return (
        value in ("...", "…") or bool(_PLACEHOLDER.fullmatch(value)) or value.endswith(("...", "…"))
    )


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the strings of a payload with their keys."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        key, one = waiting.pop()
        if isinstance(one, str):
            yield key, one
        elif isinstance(one, Mapping):
            waiting += one.items()
        elif isinstance(one, list):
            waiting += [(key, each) for each in one]
