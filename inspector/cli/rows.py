"""One event as one line of text, for people reading a terminal or a pipe."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from inspector.cli.output import inert
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of

TYPE_WIDTH = 44
"""Fits nearly every type of the API; longer ones push the summary to the right."""
SUMMARY_CHARS = 120
_ARROWS = {Direction.CLIENT: "→", Direction.SERVER: "←", Direction.LOCAL: "·"}
_COLOURS = {Direction.CLIENT: "36", Direction.SERVER: "32", Direction.LOCAL: "2"}
_ERROR_COLOUR = "31"
_PLAIN_KEYS = ("transcript", "delta", "text", "name", "audio_end_ms", "item_id", "event_id")
"""Members worth a glance, the best first."""


def row_text(event: Event, previous_t_ns: int, *, colour: bool = False) -> str:
    """Return time, distance from the event before, direction, type and summary, in columns.

    Args:
        event: what happened.
        previous_t_ns: the time of the event before it, in nanoseconds since the start.
        colour: mark direction and errors by colour too.
    """
    delta_s = (event.t_ns - previous_t_ns) / 1e9
    name = inert(event.type) or "(no type)"
    mark = "!" if is_failure(event) else " "
    line = (
        f"{event.t_ns / 1e9:10.3f} {delta_s:+8.3f} {mark}{_ARROWS[event.direction]} "
        f"{name:<{TYPE_WIDTH}} {summary(event)}"
    ).rstrip()
    if not colour:
        return line
    code = _ERROR_COLOUR if mark == "!" else _COLOURS[event.direction]
    return f"\x1b[{code}m{line}\x1b[0m"


def is_failure(event: Event) -> bool:
    """Tell whether an event reports that something went wrong."""
    if event.problem is not None or event.type == "error" or event.type.endswith(".failed"):
        return True
    response = (event.body or {}).get("response")
    return event.type == "response.done" and _text(response, "status") == "failed"


def summary(event: Event) -> str:
    """Return what matters in an event, in at most a line; safe to print."""
    if event.problem is not None:
        shown = event.data[:SUMMARY_CHARS]
        text = (
            shown.decode("utf-8", "replace") if event.is_text else base64.b64encode(shown).decode()
        )
        return _cut(f"{event.problem.message}  {text}")
    body = event.body or {}
    audio = audio_bytes_of(event)
    if audio:
        return f"{audio:,} bytes of audio"
    for read in (_error, _response, _item, _session, _closed):
        text = read(body)
        if text:
            return _cut(text)
    return _cut("  ".join(_plain(body, key) for key in _PLAIN_KEYS if key in body))


def _error(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    return " ".join(
        filter(None, (_text(error, "code"), _text(error, "param"), _text(error, "message")))
    )


def _response(body: Mapping[str, Any]) -> str:
    response = body.get("response")
    if not isinstance(response, dict):
        return ""
    usage = response.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    shown = [_text(response, "id"), _text(response, "status"), f"{tokens} tokens" if tokens else ""]
    return "  ".join(filter(None, shown))


def _item(body: Mapping[str, Any]) -> str:
    item = body.get("item")
    if not isinstance(item, dict):
        return ""
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    said = next((t for part in parts for k in ("text", "transcript") if (t := _text(part, k))), "")
    shown = [_text(item, key) for key in ("type", "role", "name", "id", "arguments", "output")]
    return "  ".join(filter(None, [*shown, f"“{said}”" if said else ""]))


def _session(body: Mapping[str, Any]) -> str:
    session = body.get("session")
    if not isinstance(session, dict):
        return ""
    return "  ".join(filter(None, (_text(session, "model"), ", ".join(map(str, session)))))


def _closed(body: Mapping[str, Any]) -> str:
    if "code" not in body:
        return ""
    shown = (
        str(body["code"]),
        _text(body, "reason"),
        _text(body, "meaning"),
        _text(body, "message"),
    )
    return "  ".join(filter(None, shown))


def _text(value: object, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _plain(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    if key in ("transcript", "delta", "text"):
        return f"“{value}”" if isinstance(value, str) else ""
    return f"{value} ms" if key.endswith("_ms") else str(value)


def _cut(text: str) -> str:
    text = inert(text[: SUMMARY_CHARS + 1])
    return text if len(text) <= SUMMARY_CHARS else f"{text[: SUMMARY_CHARS - 1]}…"
