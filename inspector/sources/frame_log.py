"""The interface through which a pipe logs frames, and a wrapper that keeps failures of the log from stopping the bytes."""

from __future__ import annotations

import logging
from typing import Protocol

from inspector.core.event import Direction, Origin

log = logging.getLogger(__name__)


class FrameLog(Protocol):
    """Receive the frames that pass a pipe."""

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that is about to be forwarded."""
        ...

    def gather(self, is_on: bool) -> None:
        """Start or end a batch of frames that are forwarded together; at the end, all of them must be logged."""
        ...

    def forwarded(self) -> None:
        """React to the logged frames, after they were forwarded."""
        ...

    def degraded(self, direction: Direction, what: str) -> None:
        """Log that something beside the forwarding failed; the bytes were forwarded."""
        ...


class SafeFrameLog:
    """The log of one pipe; never raises, and logs failures as ``degraded`` instead."""

    def __init__(self, direction: Direction, frame_log: FrameLog) -> None:
        self._direction = direction
        self._log = frame_log

    def logged(self, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that is about to be forwarded."""
        try:
            self._log.logged(self._direction, data, is_text=is_text, origin=origin)
        except Exception as error:
            log.exception("a frame could not be logged")
            self.degraded(f"a frame could not be logged: {type(error).__name__}: {error}")

    def gather(self, is_on: bool) -> None:
        """Start or end a batch of frames that are forwarded together."""
        try:
            self._log.gather(is_on)
        except Exception:
            log.exception("a batch of frames could not be logged")

    def forwarded(self) -> None:
        """React to the logged frames, after they were forwarded."""
        try:
            self._log.forwarded()
        except Exception as error:
            log.exception("a forwarded frame could not be processed")
            self.degraded(f"a frame was not processed: {type(error).__name__}: {error}")

    def degraded(self, what: str) -> None:
        """Log that something beside the forwarding failed."""
        try:
            self._log.degraded(self._direction, what)
        except Exception:
            log.exception("a failure could not be logged")
