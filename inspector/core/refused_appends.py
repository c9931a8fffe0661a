"""RefusedAppends: the audio appends that the server rejected, so that their audio is not counted as heard by the server.

An ``error`` names the rejected event by its ``event_id``, which most clients omit. Otherwise it is the oldest append with the
fault that the error's ``param`` names (an unknown member, or audio that is not base64), since servers answer in order. An append
without a fault is never considered rejected.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.core.event import Direction, Event
from inspector.core.groups import AUDIO_KEYS
from inspector.core.read import Body, object_at, text_at

MAX_WAITING = 4096
"""Appends that an error may still refer to: over a minute of a microphone at 50 a second."""
MAX_APPEND_CHARS = 20 << 20
"""The API's limit for one append (15 MiB of audio), in base64 characters."""
_MEMBERS = frozenset({"type", "event_id", "audio"})
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class _Faulty(NamedTuple):
    """An append that a server may reject."""

    seq: int
    """Position in the log."""
    faults: frozenset[str]
    """Top-level members that are unknown or have an invalid value."""


@dataclass(slots=True)
class RefusedAppends:
    """Finds the rejected appends in a sequence of events."""

    _faulty: deque[_Faulty] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _by_event_id: dict[str, int] = field(default_factory=dict)

    def apply(self, event: Event) -> int:
        """Update the state with one event; return the ``seq`` of the append that it rejects, or 0."""
        if event.direction is Direction.CLIENT:
            if event.type in AUDIO_KEYS and event.body is not None:
                self._remember(event.seq, event.body)
        elif event.type == "error":
            return self._refused(object_at(event.body or {}, "error"))
        elif event.type == "inspector.opened":
            self._faulty.clear()
            self._by_event_id.clear()
        return 0

    def copy(self) -> RefusedAppends:
        """Return an independent copy."""
        return RefusedAppends(self._faulty.copy(), dict(self._by_event_id))

    def _remember(self, seq: int, body: Body) -> None:
        event_id = text_at(body, "event_id")
        if event_id:
            if len(self._by_event_id) >= MAX_WAITING:
                self._by_event_id.pop(next(iter(self._by_event_id)))
            self._by_event_id[event_id] = seq
        faults = body.keys() - _MEMBERS
        if not is_base64(body.get("audio")):
            faults.add("audio")
        if faults:
            self._faulty.append(_Faulty(seq, frozenset(faults)))

    def _refused(self, error: Body) -> int:
        event_id = text_at(error, "event_id")
        if event_id:
            seq = self._by_event_id.pop(event_id, 0)
            found = next((one for one in self._faulty if one.seq == seq), None)
        else:
            member = text_at(error, "param").partition(".")[0]
            # The oldest one: servers handle appends in order, and each error rejects one of them.
            found = next((one for one in self._faulty if member in one.faults), None)
            seq = found.seq if found is not None else 0
        if found is not None:
            self._faulty.remove(found)
        return seq


def is_base64(value: object) -> bool:
    """Return whether a value is padded base64 text (RFC 4648) of a size that an append may have, without decoding it."""
    if not isinstance(value, str) or len(value) % 4 or len(value) > MAX_APPEND_CHARS:
        return False
    text = value.rstrip("=")
    # Deleting the alphabet leaves the invalid characters, in one pass in C over what may be 20 MB.
    return len(value) - len(text) <= 2 and not text.encode("ascii", "replace").translate(
        None, _ALPHABET
    )
