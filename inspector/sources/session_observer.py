"""Who is told what becomes of a proxied session: the seam between the relay and whoever keeps its frames."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from inspector.core.event import Direction, Origin
from inspector.errors import ConnectError
from inspector.secret import Secret
from inspector.sources.base import Closed, Handshake
from inspector.sources.frame_log import FrameLog
from inspector.sources.relay import Relay

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session that an app asks for; secrets are masked."""

    url: str
    """Where it goes."""
    model: str
    """That was asked for; ``""`` where none was."""
    path: str
    """What the app asked for: path and query."""
    app: str
    """The app's ``User-Agent``, ``""`` where it has none."""
    peer: str
    """The app's address."""
    secrets: tuple[Secret, ...] = ()
    """The app's keys, and the one put in: alive, and so masked, as long as the session is kept."""
    kind: str = "proxy"
    """As the recording's header says it."""


class SessionObserver(FrameLog, Protocol):
    """Is told what becomes of one session."""

    def waits(self, give_up: Callable[[], None]) -> None:
        """Take note that the server is being asked; ``give_up`` lets the app go instead."""
        ...

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Take note that frames will go by; the pipes' queues may be set here."""
        ...

    def refused(self, error: ConnectError) -> None:
        """Take note that no connection was made."""
        ...

    def ended(self, closed: Closed) -> None:
        """Take note of the end."""
        ...


class SafeObserver:
    """An observer that cannot stop what it watches; ``CarefulLog`` guards ``logged``, ``gather``, ``went_on`` and ``degraded``."""

    def __init__(self, observer: SessionObserver | None) -> None:
        self._observer = observer

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Pass a frame on."""
        if self._observer is not None:
            self._observer.logged(direction, data, is_text=is_text, origin=origin)

    def gather(self, is_on: bool) -> None:
        """Pass on that several frames come together."""
        if self._observer is not None:
            self._observer.gather(is_on)

    def went_on(self) -> None:
        """Pass on that what was logged has gone on."""
        if self._observer is not None:
            self._observer.went_on()

    def degraded(self, direction: Direction, what: str) -> None:
        """Pass on what failed."""
        if self._observer is not None:
            self._observer.degraded(direction, what)

    def waits(self, give_up: Callable[[], None]) -> None:
        """Pass on that the server is being asked."""
        try:
            if self._observer is not None:
                self._observer.waits(give_up)
        except Exception:
            log.exception("a session's beginning could not be logged")

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Pass the beginning on."""
        try:
            if self._observer is not None:
                self._observer.connected(handshake, relay)
        except Exception:
            log.exception("a session's beginning could not be logged")

    def refused(self, error: ConnectError) -> None:
        """Pass a refusal on."""
        try:
            if self._observer is not None:
                self._observer.refused(error)
        except Exception:
            log.exception("a refusal could not be logged")

    def ended(self, closed: Closed) -> None:
        """Pass the end on."""
        try:
            if self._observer is not None:
                self._observer.ended(closed)
        except Exception:
            log.exception("a session's end could not be logged")
