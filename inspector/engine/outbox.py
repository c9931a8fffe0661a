"""The bounded queue of events to be sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspector.core.event import Origin
from inspector.errors import InspectorError

CAPACITY = 64
"""A second or two of appends; if more events wait, the server has stopped reading."""
MIC_CAPACITY = 48
"""Limit for microphone appends, which leaves room for events that the user sends meanwhile."""


class OutboxFull(InspectorError):
    """More events were submitted than the connection sends."""

    code = "outbox_full"
    exit_code = 5


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One frame to be sent."""

    data: bytes
    """The payload."""
    origin: Origin
    """What created the frame."""
    event_id: str
    """The ``event_id`` in the frame; ``""`` for a text without one."""
    is_text: bool = True
    """False for a binary frame."""
    is_sound: bool = False
    """True for an append, which may be dropped if the connection does not keep up."""
    body: Mapping[str, Any] | None = None
    """The decoded ``data``, if known, so that it is not decoded again."""


class Outbox:
    """A bounded queue with one reader. A deque rather than ``asyncio.Queue``, whose limit cannot depend on the item."""

    def __init__(self) -> None:
        self._queue: deque[Outgoing] = deque()
        self._wakeup = asyncio.Event()
        self.dropped_mic_frames = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def mic_room(self) -> int:
        """Return how many microphone frames can be queued now."""
        return max(0, MIC_CAPACITY - len(self._queue))

    def put(self, item: Outgoing) -> bool:
        """Queue a frame; return False if it was dropped (microphone frames only).

        Raises:
            OutboxFull: the queue is full.
        """
        if item.origin is Origin.MIC and item.is_sound and not self.mic_room:
            self.dropped_mic_frames += 1
            return False
        if len(self._queue) >= CAPACITY:
            raise OutboxFull(
                f"{CAPACITY} events are already waiting to be sent",
                hint="the server does not read them; wait, or close the session",
            )
        self._queue.append(item)
        self._wakeup.set()
        return True

    async def get(self) -> Outgoing:
        """Wait for the next frame, and return it."""
        while not self._queue:
            self._wakeup.clear()
            await self._wakeup.wait()
        return self._queue.popleft()

    def clear(self) -> int:
        """Discard the queued frames; return their number."""
        count = len(self._queue)
        self._queue.clear()
        return count
