"""What the user asked to send and has not left yet: bounded, in order, tied to who asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspector.core.event import Origin
from inspector.errors import InspectorError

CAPACITY = 64
"""A second or two of hand-sent events; more means that nobody is reading them."""
MIC_CAPACITY = 48
"""The microphone may not fill the outbox: a button pressed meanwhile must still get through."""


class OutboxFull(InspectorError):
    """More was submitted than the connection takes."""

    code = "outbox_full"
    exit_code = 5


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One frame on its way out."""

    data: bytes
    """The payload, verbatim."""
    origin: Origin
    """Who asked."""
    event_id: str
    """The ``event_id`` in the frame, given or assigned; ``""`` for a text that has none."""
    is_text: bool = True
    """False for a binary frame."""
    is_sound: bool = False
    """True for an append, which may be dropped where the connection does not keep up."""
    body: Mapping[str, Any] | None = None
    """What ``data`` decode to, where that is known: it is not decoded again."""


class Outbox:
    """A bounded queue with one reader."""

    def __init__(self) -> None:
        self._queue: deque[Outgoing] = deque()
        self._wakeup = asyncio.Event()
        self.dropped_mic_frames = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def mic_room(self) -> int:
        """Return how many microphone frames fit now."""
        return max(0, MIC_CAPACITY - len(self._queue))

    def put(self, item: Outgoing) -> bool:
        """Queue a frame; False where a microphone frame was dropped.

        Raises:
            OutboxFull: nothing more fits.
        """
        if item.origin is Origin.MIC and item.is_sound and not self.mic_room:
            self.dropped_mic_frames += 1
            return False
        if len(self._queue) >= CAPACITY:
            raise OutboxFull(
                f"{CAPACITY} events are waiting to be sent already",
                hint="the server is not reading; wait, or close the session",
            )
        self._queue.append(item)
        self._wakeup.set()
        return True

    async def get(self) -> Outgoing:
        """Wait for the next frame."""
        while not self._queue:
            self._wakeup.clear()
            await self._wakeup.wait()
        return self._queue.popleft()

    def clear(self) -> int:
        """Forget what has not been sent; return how much that was."""
        count = len(self._queue)
        self._queue.clear()
        return count
