"""What the server sends: events serialised at the moment that they are emitted, in order.

The one place where an event gets its ``event_id`` and becomes bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from inspector.sim.ids import Ids

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SendText:
    """One text frame for the client."""

    data: bytes
    """UTF-8."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """The end of the connection."""

    code: int
    """WebSocket close code."""
    reason: str


SimOutput = SendText | CloseSocket


class ServerOutbox:
    """Events that wait to be collected."""

    def __init__(self, ids: Ids, render: Callable[[Json], Iterable[Json]]) -> None:
        """Begin empty.

        Args:
            ids: makes the ``event_id`` of each event.
            render: what an event is in the server's dialect; none, one or several.
        """
        self._ids = ids
        self._render = render
        self._outputs: list[SimOutput] = []
        self._is_stalled = self._is_closed = False

    def emit(self, kind: str, /, **members: Any) -> None:
        """Send an event; ``type`` and ``event_id`` come first, then the members in the order given."""
        event = {"type": kind, "event_id": self._ids.new("event_"), **members}
        if not self._is_stalled and not self._is_closed:
            self._outputs += [SendText(_dumped(rendered)) for rendered in self._render(event)]

    def stall(self) -> None:
        """Send nothing from now on, and forget what is emitted."""
        self._is_stalled = True

    def garble(self) -> None:
        """Send a frame that ends in its middle."""
        event_id = self._ids.new("event_")
        whole = {"type": "response.output_audio.delta", "event_id": event_id, "delta": "AAAA"}
        self._outputs.append(SendText(_dumped(whole)[:-9]))

    def close(self, code: int, reason: str) -> None:
        """End the connection after what was emitted."""
        if not self._is_closed:
            self._outputs.append(CloseSocket(code, reason))
        self._is_closed = True

    def take(self) -> list[SimOutput]:
        """Return what waits, and forget it."""
        outputs, self._outputs = self._outputs, []
        return outputs


def _dumped(event: Json) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # a whole number beyond 64 bits that the client sent and gets back
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
