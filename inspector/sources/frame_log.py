"""Where a pipe logs the frames that it sees: nothing that fails there may stop the bytes."""

from __future__ import annotations

import logging
from typing import Protocol

from inspector.core.event import Direction, Origin

log = logging.getLogger(__name__)


class FrameLog(Protocol):
    """Takes what a pipe sees."""

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that goes on."""
        ...

    def gather(self, is_on: bool) -> None:
        """Expect several frames that go on together; when that ends, all of them must be logged."""
        ...

    def went_on(self) -> None:
        """Draw conclusions from what was logged: it has gone on."""
        ...

    def degraded(self, direction: Direction, what: str) -> None:
        """Log that something on the side failed; the bytes went on."""
        ...


class SafeFrameLog:
    """The log of one pipe; never raises, and tells what failed instead."""

    def __init__(self, direction: Direction, frame_log: FrameLog) -> None:
        self._direction = direction
        self._log = frame_log

    def logged(self, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that goes on."""
        try:
            self._log.logged(self._direction, data, is_text=is_text, origin=origin)
        except Exception as error:
            log.exception("a frame could not be logged")
            self.degraded(f"a frame could not be logged: {type(error).__name__}: {error}")

    def gather(self, is_on: bool) -> None:
        """Expect several frames that go on together, or no more of them."""
        try:
            self._log.gather(is_on)
        except Exception:
            log.exception("frames could not be gathered")

    def went_on(self) -> None:
        """Draw conclusions from what was logged: it has gone on."""
        try:
            self._log.went_on()
        except Exception as error:
            log.exception("a frame that went on could not be followed up")
            self.degraded(f"a frame was not followed up: {type(error).__name__}: {error}")

    def degraded(self, what: str) -> None:
        """Log that something on the side failed; the bytes went on."""
        try:
            self._log.degraded(self._direction, what)
        except Exception:
            log.exception("what failed could not be logged either")
