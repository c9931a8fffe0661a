"""The server's outbox: assigns each event its ``event_id``, translates it to the dialect and serializes it.

Events are serialized as soon as they are emitted, so that later changes of shared dicts do not alter them.
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
    """A text frame for the client."""

    data: bytes
    """UTF-8."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """A close of the connection."""

    code: int
    """WebSocket close code."""
    reason: str


SimOutput = SendText | CloseSocket


class ServerOutbox:
    """Serialized events until the owner of the session collects them."""

    def __init__(self, ids: Ids, render: Callable[[Json], Iterable[Json]]) -> None:
        """Create an empty outbox.

        Args:
            ids: generates the ``event_id`` of each event.
            render: translates an event to any number of events of the server's dialect.
        """
        self._ids = ids
        self._render = render
        self._outputs: list[SimOutput] = []
        self._is_stalled = self._is_closed = False

    def emit(self, kind: str, /, **members: Any) -> None:
        """Send an event with ``type``, ``event_id`` and then the members in call order."""
        # The id is drawn even if nothing is sent, so that a fault does not change later ids.
        event = {"type": kind, "event_id": self._ids.new("event_"), **members}
        if not self._is_stalled and not self._is_closed:
            self._outputs += [SendText(_dumped(rendered)) for rendered in self._render(event)]

    def stall(self) -> None:
        """Discard everything that is emitted from now on."""
        self._is_stalled = True

    def garble(self) -> None:
        """Send a frame with truncated JSON."""
        event_id = self._ids.new("event_")
        whole = {"type": "response.output_audio.delta", "event_id": event_id, "delta": "AAAA"}
        self._outputs.append(SendText(_dumped(whole)[:-9]))  # ends within the key "delta"

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was emitted before."""
        if not self._is_closed:
            self._outputs.append(CloseSocket(code, reason))
        self._is_closed = True

    def drain(self) -> list[SimOutput]:
        """Return and remove all outputs, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs


def _dumped(event: Json) -> bytes:
    try:
        return orjson.dumps(event)
    except (
        TypeError
    ):  # orjson has no integers beyond 64 bits, but the client may send one that is echoed
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
