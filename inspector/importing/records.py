"""Events inside the records of a logger: finding the payload, and the direction, time and label beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inspector.core.dialect_evidence import protocol_of
from inspector.core.event import Direction
from inspector.core.read import text_at
from inspector.importing.directions import tagged_direction
from inspector.importing.moments import FoundTime, UnreadTime, keyed_time
from inspector.spec.dialects import FOREIGN
from inspector.spec.events import EVENT_TYPES

MAX_WRAPPERS = 5
"""Records around an event: a log shipper's around a container's around an app's."""
MOST_MEMBERS = 200
"""Members of a record that are looked at."""
_PLAIN = frozenset({"error", "warning", "info", "ping", "heartbeat"})
"""Types that other protocols have, too: such an event must look like the API's in another way."""
_ON_THE_WIRE = frozenset(
    name for name, known in EVENT_TYPES.items() if known.direction != Direction.LOCAL
).difference(_PLAIN)
_PAYLOAD_KEYS = frozenset(
    {"event", "eventData", "event_data", "data", "message", "payload", "content", "body", "frame"}
)
_DOTTED = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")
_FAMILIES = (
    "session.",
    "response.",
    "conversation.",
    "input_audio_buffer.",
    "output_audio_buffer.",
    "rate_limits.",
    "transcription_session.",
)
_ITEMS = frozenset(
    {"message", "function_call", "function_call_output", "mcp_call", "mcp_list_tools"}
)
SHOWN_LABEL = 200


@dataclass(frozen=True, slots=True)
class Tags:
    """What a logger stored beside an event."""

    direction: tuple[Direction, bool] | None = None
    """The direction, and whether it names a side."""
    time: FoundTime | UnreadTime | None = None
    label: str = ""
    """Short texts beside the event, which may say the direction in words."""


NO_TAGS = Tags()


@dataclass(frozen=True, slots=True)
class Inner:
    """A payload inside a record."""

    keys: tuple[str, ...]
    """The way to it; only members of objects, not elements of lists."""
    payload: Mapping[str, Any] | str
    """The event, or a text that may hold events."""
    tags: Tags


def is_event(body: Mapping[str, Any]) -> bool:
    """Return whether an object is an event of the Realtime API."""
    name = body.get("type")
    if not isinstance(name, str):
        return False
    if name in _ON_THE_WIRE:
        # The Responses API streams events of the same names; it numbers them.
        return "sequence_number" not in body or "event_id" in body
    if name in _PLAIN:
        return "event_id" in body or isinstance(body.get("error"), dict)
    # A type that is newer than the table.
    return (
        name.startswith(_FAMILIES)
        and isinstance(body.get("event_id"), str)
        and _DOTTED.fullmatch(name) is not None
    )


def _is_tagged(key: str, value: Mapping[str, Any]) -> bool:
    """Return whether an object of an unknown type stands where loggers put events, beside a direction."""
    return key in _PAYLOAD_KEYS and _DOTTED.fullmatch(text_at(value, "type")) is not None


def is_of_responses(body: Mapping[str, Any]) -> bool:
    """Return whether an event is of the Responses API, whose streams have some of the same types."""
    return "sequence_number" in body and "event_id" not in body


def inner_payloads(record: Mapping[str, Any]) -> tuple[list[Inner], bool]:
    """Return the payloads in a record, and whether it is a container with events in a list."""
    found: list[Inner] = []
    holds_list = False
    waiting: list[tuple[tuple[str, ...], Mapping[str, Any], Tags]] = [((), record, NO_TAGS)]
    while waiting:
        keys, one, outer = waiting.pop()
        tags = tags_of(one, outer)
        for key, value in list(one.items())[:MOST_MEMBERS]:
            if isinstance(value, dict):
                if is_event(value) or (tags.direction is not None and _is_tagged(key, value)):
                    found.append(Inner((*keys, key), value, tags))
                elif len(keys) < MAX_WRAPPERS:
                    waiting.append(((*keys, key), value, tags))
            elif isinstance(value, str):
                if may_hold_event(value):
                    found.append(Inner((*keys, key), value, tags))
            elif isinstance(value, list):
                holds_list = holds_list or _has_records(value)
    return found, holds_list


def may_hold_event(text: str) -> bool:
    """Return whether a text may hold an event."""
    return len(text) >= len("{type:'a.b'}") and "type" in text and ("{" in text or "(" in text)


def _has_records(values: list[Any]) -> bool:
    return any(
        isinstance(one, dict) or (isinstance(one, str) and may_hold_event(one))
        for one in values[:MOST_MEMBERS]
    )


def tags_of(record: Mapping[str, Any], outer: Tags = NO_TAGS) -> Tags:
    """Return what a record says about the events in it; what it leaves out, the record around it may say."""
    time = keyed_time(record)
    if time is None or (isinstance(time, UnreadTime) and outer.time is not None):
        time = outer.time
    label = " ".join(
        value
        for value in record.values()
        if isinstance(value, str) and len(value) <= SHOWN_LABEL and "{" not in value
    )
    return Tags(
        tagged_direction(record) or outer.direction, time, f"{outer.label} {label}"[-SHOWN_LABEL:]
    )


def is_something_else(body: Mapping[str, Any]) -> bool:
    """Return whether an object is certainly not an event."""
    return text_at(body, "type") in _ITEMS or "streamSid" in body or "itemId" in body


def described(body: Mapping[str, Any]) -> str:
    """Describe an object that is not an event: the name of its protocol, or what it looks like."""
    return next(_descriptions(body), "JSON objects")


def _descriptions(body: Mapping[str, Any]) -> Iterator[str]:
    name = text_at(body, "type")
    is_call = text_at(body, "event") in ("connected", "mark", "dtmf")
    if "event" in body and ("streamSid" in body or is_call):
        yield "Twilio media-stream messages"
    protocol = protocol_of(body)
    if protocol and not name:
        yield f"{FOREIGN[protocol][0].short} messages"
    if is_of_responses(body):
        yield "events of the Responses API (not Realtime)"
    if name in _ITEMS or "itemId" in body:
        yield "conversation items (a history), not events"
    if body.get("object") in ("chat.completion", "chat.completion.chunk"):
        yield "chat completions"
    if name:
        yield f"objects of type {name[:40]}"
    yield f"objects without a type (keys: {', '.join(str(key)[:24] for key in list(body)[:4])})"
