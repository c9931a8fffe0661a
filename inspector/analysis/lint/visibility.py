"""What a recording lets one see: what rules need, and the reason why it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from inspector.core.event import Direction, Event
from inspector.core.state import SessionState


class Sight(StrEnum):
    """Something that a rule must be able to see."""

    TIMES = "times"
    """When events came."""
    APP = "app"
    """What the app sent."""
    SERVER = "server"
    """What the server sent."""
    SETTINGS = "settings"
    """The session as the server describes it."""
    HANDSHAKE = "handshake"
    """The WebSocket's opening: address, headers, status."""
    CLOSE = "close"
    """How the connection ended."""
    USER_SOUND = "user sound"
    """The audio that the app sent, at its full length."""
    ANSWER_SOUND = "answer sound"
    """The audio that the server sent, at its full length."""


class Visibility:
    """What the events of one session have shown so far."""

    def __init__(self) -> None:
        self._has_times = self._has_app = self._has_server = False
        self._is_opened = self._is_closed = False
        self._has_events = False

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self._has_events = True
        if event.t_ns is not None:
            self._has_times = True
        if event.direction is Direction.CLIENT:
            self._has_app = True
        elif event.direction is Direction.SERVER:
            self._has_server = True
        elif event.type == "inspector.opened":
            self._is_opened = True
        elif event.type == "inspector.closed":
            self._is_closed = True

    def pass_rows(self, *, has_times: bool, has_app: bool, has_server: bool) -> None:
        """Take in events that are not applied one by one."""
        self._has_events = True
        self._has_times |= has_times
        self._has_app |= has_app
        self._has_server |= has_server

    def copy(self) -> Visibility:
        """Return an independent copy."""
        clone = Visibility()
        clone.__dict__.update(self.__dict__)
        return clone

    @property
    def has_begun(self) -> bool:
        """Return whether any event was seen."""
        return self._has_events

    @property
    def has_closed(self) -> bool:
        """Return whether the end of the connection was seen."""
        return self._is_closed

    def missing(self, state: SessionState, *, is_over: bool) -> dict[Sight, str]:
        """Return what cannot be seen, each with the reason."""
        return dict(self._missing(state, is_over=is_over)) if self._has_events else {}

    def _missing(self, state: SessionState, *, is_over: bool) -> Iterator[tuple[Sight, str]]:
        if not self._has_times:
            yield Sight.TIMES, "the recording has no times"
        if not self._has_app and is_over:
            yield Sight.APP, "the recording holds only the server's events"
        if not self._has_server and is_over:
            yield Sight.SERVER, "the recording holds no event of the server"
        if not state.session.confirmed_seq:
            yield Sight.SETTINGS, "no event describes the session: its beginning is missing"
        if not self._is_opened:
            yield Sight.HANDSHAKE, "the recording does not contain the handshake"
        if is_over and not self._is_closed:
            yield Sight.CLOSE, "the recording does not say how the connection ended"
        if state.input_audio.is_elided:
            yield (
                Sight.USER_SOUND,
                "the user's audio is elided in this file: a recorder has cut it out",
            )
        if state.output_audio.is_elided:
            yield (
                Sight.ANSWER_SOUND,
                "the answers' audio is elided in this file: a recorder has cut it out",
            )
