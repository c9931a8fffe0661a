"""ResponsesFold: every response of the session, from ``response.created`` to ``response.done``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.core.event import Event
from inspector.core.fold import owned
from inspector.core.groups import audio_of
from inspector.core.read import Body, object_at, objects_at, text_at
from inspector.spec.events import EVENT_TYPES


@dataclass(slots=True)
class Response:
    """One response of the model. Source: the SDK's ``RealtimeResponse``.

    Times are nanoseconds since the session's start; None before the event, or if the recording has no time for it.
    """

    id: str
    """The server's id."""
    owner: object
    """Token of the fold that may change it in place; see ``fold.owned``."""
    status: str = "in_progress"
    """``in_progress``, ``completed``, ``cancelled``, ``incomplete`` or ``failed``."""
    reason: str = ""
    """Why it was cancelled, incomplete or failed, in the server's words."""
    created_seq: int = 0
    """``seq`` of its ``response.created``; 0 before that."""
    first_delta_seq: int = 0
    """``seq`` of its first delta; 0 before that."""
    first_audio_seq: int = 0
    """``seq`` of its first audio delta; 0 before that."""
    done_seq: int = 0
    """``seq`` of its ``response.done``; 0 before that."""
    created_t_ns: int | None = None
    """Time of ``response.created``."""
    first_delta_t_ns: int | None = None
    """Time of its first delta."""
    first_audio_t_ns: int | None = None
    """Time of its first audio delta."""
    done_t_ns: int | None = None
    """Time of ``response.done``."""
    is_out_of_band: bool = False
    """True outside of the default conversation."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The client's metadata, as echoed by the server."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """The ``usage`` object of ``response.done``, verbatim."""
    item_ids: tuple[str, ...] = ()
    """Its output items, in order."""


class ResponsesFold:
    """The responses seen so far, oldest first."""

    name = "responses"

    def __init__(self) -> None:
        self.all: dict[str, Response] = {}
        self.active: tuple[str, ...] = ()
        """Ids of the responses in progress, oldest first; at most one of them is in the default conversation."""
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        kind, body = event.type, event.body
        if body is None or not kind.startswith("response."):
            return
        if kind in ("response.created", "response.done"):
            self._boundary(event, object_at(body, "response"))
        elif kind == "response.output_item.added":
            self._add_item(text_at(body, "response_id"), text_at(object_at(body, "item"), "id"))
        else:
            known = EVENT_TYPES.get(kind)
            if known is not None and known.is_delta:
                self._first(event, body)

    def copy(self) -> ResponsesFold:
        """Return an independent copy; responses are cloned when either side changes them."""
        clone = ResponsesFold()
        clone.all, clone.active = dict(self.all), self.active
        self._owner = object()
        return clone

    def active_default(self) -> Response | None:
        """Return the response in progress in the default conversation, or None."""
        for response_id in reversed(self.active):
            if not self.all[response_id].is_out_of_band:
                return self.all[response_id]
        return None

    def _own(self, response_id: str) -> Response:
        if response_id not in self.all:
            self.all[response_id] = Response(response_id, self._owner)
        return owned(self.all, response_id, self._owner)

    def _boundary(self, event: Event, described: Body) -> None:
        response_id = text_at(described, "id")
        if not response_id:
            return
        response = self._own(response_id)
        response.status = text_at(described, "status") or response.status
        metadata = object_at(described, "metadata")
        response.metadata = metadata or response.metadata
        if event.type == "response.created":
            response.created_seq, response.created_t_ns = event.seq, event.t_ns
            # null means out-of-band; older beta servers omit the key, which must not count as null.
            response.is_out_of_band = described.get("conversation_id", "absent") is None
            self.active = (*self.active, response_id)
            return
        response.done_seq, response.done_t_ns = event.seq, event.t_ns
        response.reason = reason_of(described)
        # xAI reports usage beside the response, not in it.
        response.usage = object_at(described, "usage") or object_at(event.body or {}, "usage")
        items = tuple(text_at(item, "id") for item in objects_at(described, "output"))
        response.item_ids = tuple(item for item in items if item) or response.item_ids
        self.active = tuple(active for active in self.active if active != response_id)

    def _add_item(self, response_id: str, item_id: str) -> None:
        if response_id and item_id:
            response = self._own(response_id)
            response.item_ids = (*response.item_ids, item_id)

    def _first(self, event: Event, body: Body) -> None:
        response = self.all.get(text_at(body, "response_id"))
        # Checked before the copy-on-write below: deltas are most of all events, and only the first of each kind counts.
        if response is None or response.first_audio_seq:
            return
        has_audio = bool(audio_of(event))
        if response.first_delta_seq and not has_audio:
            return
        response = self._own(response.id)
        if not response.first_delta_seq:
            response.first_delta_seq, response.first_delta_t_ns = event.seq, event.t_ns
        if has_audio:
            response.first_audio_seq, response.first_audio_t_ns = event.seq, event.t_ns


def reason_of(described: Body) -> str:
    """Return why a response did not complete, in the server's words; ``""`` if it completed or gives no reason."""
    # An object in the SDK's types; compatible servers send a bare string.
    details = described.get("status_details")
    if isinstance(details, str):
        return details
    if not isinstance(details, dict):
        return ""
    error = object_at(details, "error")
    words = [
        text_at(details, "reason"),
        text_at(error, "code") or text_at(error, "type"),
        text_at(error, "message"),
    ]
    return ": ".join(word for word in words if word)
