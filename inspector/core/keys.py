"""What an event is about: the ids in it, and whether two events are about the same thing."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.event import Event
from inspector.core.read import object_at, text_at


@dataclass(frozen=True, slots=True)
class EventKeys:
    """The ids that an event carries; ``""`` where it carries none."""

    response_id: str = ""
    """Of a response."""
    item_id: str = ""
    """Of an item of the conversation."""
    call_id: str = ""
    """Of a function call."""
    event_id: str = ""
    """The client's own id; for an ``error`` the id of the client event that it is about."""


def keys_of(event: Event) -> EventKeys:
    """Pull the ids out of an event, wherever its type keeps them."""
    body = event.body
    if body is None:
        return EventKeys()
    item = object_at(body, "item")
    response = object_at(body, "response")
    error = object_at(body, "error")
    return EventKeys(
        text_at(body, "response_id")
        or (text_at(response, "id") if event.type.startswith("response.") else ""),
        text_at(body, "item_id") or text_at(item, "id"),
        text_at(body, "call_id") or text_at(item, "call_id"),
        text_at(error, "event_id") if event.type == "error" else text_at(body, "event_id"),
    )


def kinship(one: EventKeys, other: EventKeys) -> str:
    """Say what two events share: ``response``, ``item``, ``call`` or ``event``; ``""`` for nothing."""
    if one.item_id and one.item_id == other.item_id:
        return "item"
    if one.call_id and one.call_id == other.call_id:
        return "call"
    if one.response_id and one.response_id == other.response_id:
        return "response"
    if one.event_id and one.event_id == other.event_id:
        return "event"
    return ""
