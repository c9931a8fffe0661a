"""The interface between the proxy and the observer of a session, which records its frames."""

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
    """A session that an app requests, with secrets masked."""

    url: str
    """The URL on the server."""
    model: str
    """The model in the URL; ``""`` if it names none."""
    path: str
    """Path and query of the app's request."""
    app: str
    """The app's ``User-Agent``; ``""`` if it sends none."""
    peer: str
    """The app's address."""
    secrets: tuple[Secret, ...] = ()
    """The app's keys, and the key that the proxy adds; masked in all output while they are referenced here."""
    kind: str = "proxy"
    """The ``source`` in the recording's header."""


class SessionObserver(FrameLog, Protocol):
    """Receive the frames and the state changes of one session."""

    def connecting(self, give_up: Callable[[], None]) -> None:
        """Handle the start of the connection to the server; ``give_up`` disconnects the app instead."""
        ...

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Handle the upgrade, before any frame; the queues of the pipes may be set here."""
        ...

    def refused(self, error: ConnectError) -> None:
        """Handle that no connection was made."""
        ...

    def ended(self, closed: Closed) -> None:
        """Handle the end of the session."""
        ...


class SafeObserver:
    """Wrap an observer so that its failures do not stop the session.

    ``logged``, ``gather``, ``forwarded`` and ``degraded`` may raise: ``SafeFrameLog`` guards them, and reports failures in the
    session itself.
    """

    def __init__(self, observer: SessionObserver | None) -> None:
        self._observer = observer

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Pass on a frame."""
        if self._observer is not None:
            self._observer.logged(direction, data, is_text=is_text, origin=origin)

    def gather(self, is_on: bool) -> None:
        """Pass on the start or end of a batch of frames."""
        if self._observer is not None:
            self._observer.gather(is_on)

    def forwarded(self) -> None:
        """Pass on that the logged frames were forwarded."""
        if self._observer is not None:
            self._observer.forwarded()

    def degraded(self, direction: Direction, what: str) -> None:
        """Pass on a failure."""
        if self._observer is not None:
            self._observer.degraded(direction, what)

    def connecting(self, give_up: Callable[[], None]) -> None:
        """Pass on the start of the connection to the server."""
        try:
            if self._observer is not None:
                self._observer.connecting(give_up)
        except Exception:
            log.exception("the start of a session could not be logged")

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Pass on the upgrade."""
        try:
            if self._observer is not None:
                self._observer.connected(handshake, relay)
        except Exception:
            log.exception("the start of a session could not be logged")

    def refused(self, error: ConnectError) -> None:
        """Pass on a refusal."""
        try:
            if self._observer is not None:
                self._observer.refused(error)
        except Exception:
            log.exception("a refusal could not be logged")

    def ended(self, closed: Closed) -> None:
        """Pass on the end of the session."""
        try:
            if self._observer is not None:
                self._observer.ended(closed)
        except Exception:
            log.exception("the end of a session could not be logged")
