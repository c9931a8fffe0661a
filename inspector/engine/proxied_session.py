"""A session between an app and the API, observed by the proxy; frames are added only by the user or a rule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inspector.clock import Clock
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import GOING_AWAY
from inspector.core.state import SessionState
from inspector.engine.breakpoints import Breakpoints
from inspector.engine.intercept_queue import InterceptQueue
from inspector.engine.paused_frame import AddedFrame, author
from inspector.engine.record import Connection, SessionRecord
from inspector.engine.rules import Rule, RuleSet
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Closed, Handshake
from inspector.sources.frames import WireFrame
from inspector.sources.relay import Relay
from inspector.sources.session_observer import SessionRequest

PING_S = 15.0
"""Interval of pings while frames are paused; shorter than the 20 s after which the API and most clients disconnect."""

To = Literal["api", "app"]


@dataclass(frozen=True, slots=True)
class FrameRules:
    """The automatic changes of frames."""

    rules: tuple[Rule, ...] = ()
    """The rules, in the order in which they are applied."""
    adds_event_ids: bool = False
    """True to add an ``event_id`` to client events without one, so that errors can be attributed to them."""


class ProxiedSession(SessionRecord):
    """One session of an app; the ``SessionObserver`` of its relay."""

    def __init__(
        self,
        request: SessionRequest,
        recording: RecordingFile,
        clock: Clock,
        *,
        faults: FrameRules | None = None,
        rule_totals: list[int] | None = None,
        ended: Callable[[ProxiedSession], None] | None = None,
        new_state: Callable[[], SessionState] | None = None,
        strict: bool = False,
    ) -> None:
        """Start the recording of a session that an app requests.

        Args:
            request: the app's request.
            recording: the file; the caller must close it.
            clock: supplies the times of frames.
            faults: the rules of this session.
            rule_totals: hits of each rule in all sessions, updated by this one.
            ended: called once, after the session has ended or was refused.
            new_state: see ``SessionRecord``.
            strict: raise errors of folds and taps (for tests).
        """
        super().__init__(request, recording, clock, new_state=new_state, strict=strict)
        self.source: SessionRequest = request
        self.number = 0
        """The session's number in the proxy, from 1."""
        self.breakpoints = Breakpoints()
        self._frame_rules = faults or FrameRules()
        self.rules = RuleSet(self._frame_rules.rules, rule_totals)
        self._ended = ended
        self._relay: Relay | None = None
        self._give_up: Callable[[], None] | None = None
        self._queues: tuple[InterceptQueue, ...] = ()
        self._ping: asyncio.TimerHandle | None = None
        self._connecting()

    @property
    def can_send(self) -> bool:
        """Return True if frames can be injected."""
        return self.connection is Connection.LIVE

    @property
    def has_ended(self) -> bool:
        """Return True if the session has ended or was refused."""
        return self.connection in (Connection.CLOSED, Connection.REFUSED)

    def connecting(self, give_up: Callable[[], None]) -> None:
        """Keep the callback that disconnects the app while the server has not answered."""
        self._give_up = give_up

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Log the handshake, and install the intercept queues."""
        self._opened(handshake)
        self._relay = relay
        rules = self.rules
        adds = self._frame_rules.adds_event_ids
        if adds:
            self.note(
                "inspector.note", {"text": "the inspector adds an event_id to events without one"}
            )
        queues = []
        for direction in (Direction.CLIENT, Direction.SERVER):
            pipe = relay.pipe(direction)
            pipe.queue = queue = InterceptQueue(pipe, self, rules, adds_event_ids=adds)
            queues.append(queue)
        self._queues = tuple(queues)
        self.breakpoints.join(self._queues)
        for queue in self._queues:
            queue.arm()  # breakpoints of the whole proxy were set before there were queues

    def refused(self, error: ConnectError) -> None:
        """Log why the connection failed."""
        self._not_connected(error, self.source.url)
        self._finish()

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that is about to be forwarded."""
        self.write(direction, data, is_text, origin)

    def gather(self, is_on: bool) -> None:
        """Start or end a batch of frames that are written to the recording at once."""
        self.recording.gather(is_on)

    def forwarded(self) -> None:
        """Fold the logged frames after they were forwarded, so that forwarding need not wait for it."""
        self.catch_up()

    def degraded(self, direction: Direction, what: str) -> None:
        """Log that something beside the forwarding failed."""
        self.note("inspector.degraded", {"direction": direction, "message": what})

    def ended(self, closed: Closed) -> None:
        """Log the end."""
        for queue in self._queues:
            queue.discard("the session has ended")
        self._connection_ended(closed)
        self._finish()

    def submit(self, payload: Mapping[str, Any] | str, origin: Origin, to: To = "api") -> str:
        """Inject an event; return its ``event_id`` (``""`` for a text without one).

        A mapping without an ``event_id`` gets one; a text is sent unchanged, valid or not.

        Args:
            payload: the event.
            origin: what created it.
            to: ``api`` to send it as if from the app, ``app`` as if from the API.

        Raises:
            ConnectError: the session is not connected.
        """
        made = self.encoded(payload)
        direction = Direction.CLIENT if to == "api" else Direction.SERVER
        who = {"event_type": made.type, "by": str(origin)}
        if not self._add(direction, made.data, True, origin, who):
            raise ConnectError(
                "not connected", hint="the app must connect again", code="not_connected"
            )
        return made.event_id

    def send_added(self, output: AddedFrame) -> bool:
        """Send an added frame and log it as injected; return False if it can no longer be sent."""
        name = decode(output.data, is_text=output.is_text)[0]
        who = {"event_type": name, **author(output.rule)}
        return self._add(output.direction, output.data, output.is_text, output.origin, who)

    def close(
        self,
        code: int = GOING_AWAY,
        reason: str = "closed by Realtime Inspector",
        meaning: str = "closed by the inspector",
    ) -> None:
        """Close both connections; do nothing if they have already ended.

        Args:
            code: code of the close frame.
            reason: reason of the close frame.
            meaning: who closed the session, for the log.
        """
        if self._relay is not None:
            self._relay.close(code, reason, meaning)
            for queue in self._queues:
                queue.shut(f"the session was {meaning}")
        elif self._give_up is not None and not self.has_ended:
            self._give_up()

    def close_by(self, rule: Rule) -> None:
        """Close the session for a rule."""
        self.close(rule.code, rule.reason, f"closed by {rule.name}")

    def preview(self, direction: Direction, frame: WireFrame) -> Event:
        """Return a frame as an event, without logging it."""
        is_text = frame.is_text and not frame.problem
        name, body, problem = decode(frame.data, is_text=is_text)
        t_ns = self.now_ns
        return Event(0, t_ns, direction, Origin.WIRE, name, frame.data, is_text, body, problem)

    def stops(self, direction: Direction) -> bool:
        """Return True if a breakpoint is armed for a direction."""
        return self.breakpoints.stops(direction)

    def stopping(self, event: Event) -> str:
        """Return the filter of the breakpoint that an event matches; ``""`` if it matches none."""
        stopped_by = self.breakpoints.stopping(event)
        for name, message in self.breakpoints.newly_slow():
            self.note("inspector.rule_failed", {"name": name, "message": message})
        return stopped_by

    def changed(self) -> None:
        """Record that the waiting frames have changed, and send pings while there are any."""
        self.breakpoints.changed()
        if self.breakpoints.waiting and self._ping is None:
            self._ping = asyncio.get_running_loop().call_later(PING_S, self._keep_alive)

    def with_event_id(self, event: Event) -> bytes | None:
        """Return a client's event with an ``event_id`` inserted and all other bytes unchanged; None if it has one."""
        body = event.body
        if body is None or "event_id" in body:
            return None
        # Edited as bytes: decoding and encoding again would change spaces, escapes and numbers.
        before, brace, after = event.data.partition(b"{")
        comma = b"," if body else b""
        return before + brace + b'"event_id":"%b"' % self.new_event_id().encode() + comma + after

    def _add(
        self,
        direction: Direction,
        data: bytes,
        is_text: bool,
        origin: Origin,
        who: Mapping[str, str],
    ) -> bool:
        """Send our own frame, logged as injected; return False if it cannot be sent."""
        if self._relay is None or not self._relay.can_add(direction):
            return False
        # Logged before it is sent, so that the log has the cause before the effect.
        to = "api" if direction is Direction.CLIENT else "app"
        self.note("inspector.injected", {"to": to, **who}, origin)
        return self._relay.add(direction, data, is_text=is_text, origin=origin)

    def _keep_alive(self) -> None:
        self._ping = None
        if self._relay is not None and self.breakpoints.waiting:
            self._relay.ping()
            self.changed()

    def _finish(self) -> None:
        """Drop references to the connections, so that they are freed while the session is kept for viewing."""
        self._relay = self._give_up = None
        self._queues = ()
        self.breakpoints.join(())
        if self._ping is not None:
            self._ping.cancel()
        if self._ended is not None:
            self._ended(self)
