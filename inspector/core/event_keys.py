"""The ids in an event (response, item, call, event), and whether two events share one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, objects_at, text_at

_LOOKS_LIKE_ID = re.compile(r"\b(?=[A-Za-z])(?=[\w-]*\d)[\w-]+")
"""A word in an error's message that may be an id: it contains a digit, as ids do and prose does not."""


@dataclass(frozen=True, slots=True)
class EventKeys:
    """The ids of what an event is about; ``""`` for each that it lacks."""

    response_id: str = ""
    """Id of a response."""
    item_id: str = ""
    """Id of a conversation item."""
    call_id: str = ""
    """Id of a function call."""
    event_id: str = ""
    """The client event's id; for an ``error``, the id of the client event that it rejects."""


def keys_of(event: Event) -> EventKeys:
    """Return the ids of what an event is about, from the members where its type has them."""
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


@dataclass(frozen=True, slots=True)
class NamedIds:
    """Every id in an event: those of its subject and those that it refers to."""

    item: frozenset[str] = frozenset()
    resp: frozenset[str] = frozenset()
    call: frozenset[str] = frozenset()


def named_ids(event: Event) -> NamedIds:
    """Return every id that an event names; ``keys_of`` returns only those of its subject.

    These are also the items in a response's output, the items that a request refers to, and the ids that an error's message
    quotes. The ``previous_item_id`` of a server event is left out: it only gives the position of the event's own item.
    """
    body = event.body
    if body is None:
        return NamedIds()
    keys = keys_of(event)
    response = object_at(body, "response")
    quoted = frozenset(_quoted(body)) if event.type == "error" else frozenset[str]()
    items = [*objects_at(response, "output"), *objects_at(response, "input")]
    item_ids = [keys.item_id, *(text_at(item, "id") for item in items)]
    item_ids += [text_at(item, "approval_request_id") for item in (object_at(body, "item"), *items)]
    if event.direction is Direction.CLIENT:
        item_ids.append(text_at(body, "previous_item_id"))
    return NamedIds(
        quoted | frozenset(filter(None, item_ids)),
        quoted | frozenset(filter(None, (keys.response_id,))),
        quoted | frozenset(filter(None, (keys.call_id, *(text_at(i, "call_id") for i in items)))),
    )


def _quoted(body: Body) -> Iterator[str]:
    for found in _LOOKS_LIKE_ID.finditer(text_at(object_at(body, "error"), "message")):
        yield found.group()


def relation(one: EventKeys, other: EventKeys) -> str:
    """Return what two events have in common: ``item``, ``call``, ``response`` or ``event``; ``""`` if nothing.

    The narrowest comes first: two events of one item usually belong to one response, too.
    """
    if one.item_id and one.item_id == other.item_id:
        return "item"
    if one.call_id and one.call_id == other.call_id:
        return "call"
    if one.response_id and one.response_id == other.response_id:
        return "response"
    if one.event_id and one.event_id == other.event_id:
        return "event"
    return ""
