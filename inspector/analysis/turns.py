"""Which turn an event belongs to: a turn is one user input and the responses that it caused."""

from __future__ import annotations

import bisect

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.read import object_at

_SPEECH = "input_audio_buffer.speech_started"
_ADDED = ("conversation.item.added", "conversation.item.created")
MARKING_TYPES = (_SPEECH, "input_audio_buffer.committed", *_ADDED, "response.created")
"""The event types that can begin a turn, or answer one."""


class TurnCounter:
    """Counts turns over events in order.

    A turn begins where the user starts to speak, or with the first user item after a response.
    """

    def __init__(self) -> None:
        self.number = 0
        self._is_answered = True

    def feed(self, event: Event) -> int:
        """Take the next event; return the turn that it belongs to, 0 before the first."""
        if event.type == "response.created":
            self._is_answered = True
        elif event.type in MARKING_TYPES and self._is_users(event):
            # Speech, commit and item of one input are one start, and so are several items before one answer.
            self.number += self._is_answered or event.type == _SPEECH
            self._is_answered = False
        return self.number

    def _is_users(self, event: Event) -> bool:
        if event.type not in _ADDED:
            return True
        return bool(object_at(event.body or {}, "item").get("role") == "user")


class TurnIndex:
    """Turn numbers by row, kept up as the log grows; reads only the events that can begin a turn."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._counter = TurnCounter()
        self._scanned = 0
        self._starts: list[int] = []

    def number(self, row: int) -> int:
        """Return the turn of a row, 1-based; 0 before the first."""
        log = self._log
        codes = {log.kinds.code(name) for name in MARKING_TYPES}
        for at in range(self._scanned, row + 1):
            if log.kind[at] in codes:
                before = self._counter.number
                if self._counter.feed(log.event(at)) != before:
                    self._starts.append(at)
        self._scanned = max(self._scanned, row + 1)
        return bisect.bisect_right(self._starts, row)
