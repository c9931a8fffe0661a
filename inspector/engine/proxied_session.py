"""ProxiedSession: a session between somebody else's app and the API. It watches, and sends only what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inspector.clock import Clock
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
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
"""While frames are held: less than the 20 s after which the API and most clients miss a sign of life."""
GOING_AWAY = 1001

To = Literal["api", "app"]


@dataclass(frozen=True, slots=True)
class FrameRules:
    """What happens to frames without anybody's hand."""

    rules: tuple[Rule, ...] = ()
    """In the order in which they are asked."""
    adds_event_ids: bool = False
    """Whether a client's event without an ``event_id`` gets one, so that an error can be tied to it."""


class ProxiedSession(SessionRecord):
    """One session of an app; also what its relay reports to."""

    def __init__(
        self,
        opening: SessionRequest,
        recording: RecordingFile,
        clock: Clock,
        *,
        faults: FrameRules | None = None,
        rule_totals: list[int] | None = None,
        ended: Callable[[ProxiedSession], None] | None = None,
        strict: bool = False,
    ) -> None:
        """Start the recording of a session that an app asks for.

        Args:
            opening: what it asks for.
            recording: where it is kept; closed by the caller.
            clock: stamps the frames.
            faults: rules and the like.
            rule_totals: hits of each rule in all sessions, counted up here too.
            ended: called once, when it is over or was refused.
            strict: let an error of a fold or tap through (tests).
        """
        super().__init__(opening, recording, clock, strict=strict)
        self.source: SessionRequest = opening
        self.number = 0
        """Its place among the proxy's sessions, from 1."""
        self.breakpoints = Breakpoints()
        self._faults = faults or FrameRules()
        self.rules = RuleSet(self._faults.rules, rule_totals)
        self._ended = ended
        self._relay: Relay | None = None
        self._give_up: Callable[[], None] | None = None
        self._queues: tuple[InterceptQueue, ...] = ()
        self._ping: asyncio.TimerHandle | None = None
        self._connecting()

    @property
    def can_send(self) -> bool:
        """Tell whether there is a connection to inject into."""
        return self.connection is Connection.LIVE

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will come."""
        return self.connection in (Connection.CLOSED, Connection.REFUSED)

    def waits(self, give_up: Callable[[], None]) -> None:
        """Remember how to let the app go while the server has not answered."""
        self._give_up = give_up

    def connected(self, handshake: Handshake, relay: Relay) -> None:
        """Log the handshake, and stand at both pipes."""
        self._opened(handshake)
        self._relay = relay
        rules = self.rules
        adds = self._faults.adds_event_ids
        if adds:
            self.note(
                "inspector.note", {"text": "events without an event_id get one from the inspector"}
            )
        queues = []
        for direction in (Direction.CLIENT, Direction.SERVER):
            pipe = relay.pipe(direction)
            pipe.queue = queue = InterceptQueue(pipe, self, rules, adds_event_ids=adds)
            queues.append(queue)
        self._queues = tuple(queues)
        self.breakpoints.join(self._queues)
        for queue in self._queues:
            queue.arm()

    def refused(self, error: ConnectError) -> None:
        """Log why there is no connection."""
        self._not_connected(error, self.source.url)
        self._over()

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        """Log a frame that is about to go on."""
        self.write(direction, data, is_text, origin)

    def gather(self, is_on: bool) -> None:
        """Write the frames that go on together together."""
        self.recording.gather(is_on)

    def went_on(self) -> None:
        """Fold what was logged: nobody has to wait for that."""
        self.catch_up()

    def degraded(self, direction: Direction, what: str) -> None:
        """Log that something on the side failed; the bytes went on."""
        self.note("inspector.degraded", {"direction": direction, "message": what})

    def ended(self, closed: Closed) -> None:
        """Log the end."""
        for queue in self._queues:
            queue.discard("the session has ended")
        self._connection_ended(closed)
        self._over()

    def submit(self, payload: Mapping[str, Any] | str, origin: Origin, to: To = "api") -> str:
        """Inject an event; return its ``event_id`` (``""`` for a text that has none).

        A mapping gets an ``event_id`` where it has none; a text goes out exactly as it is, valid or not.

        Args:
            payload: the event.
            origin: what made it.
            to: who gets it: the API, as if from the app, or the app, as if from the API.

        Raises:
            ConnectError: there is no connection to send it on.
        """
        data, event_id = self.encoded(payload)
        direction = Direction.CLIENT if to == "api" else Direction.SERVER
        if not self._add(direction, data, True, origin, {"by": str(origin)}):
            raise ConnectError(
                "there is no connection", hint="the app must connect again", code="not_connected"
            )
        return event_id

    def send_added(self, output: AddedFrame) -> bool:
        """Send a frame of ours and log it as such; False where that is not possible any more."""
        return self._add(
            output.direction, output.data, output.is_text, output.origin, author(output.rule)
        )

    def close(
        self,
        code: int = GOING_AWAY,
        reason: str = "closed by Realtime Inspector",
        meaning: str = "closed by the inspector",
    ) -> None:
        """Close both connections; nothing where they have ended already.

        Args:
            code: of the close frame.
            reason: of the close frame.
            meaning: who closed, in words for the log.
        """
        if self._relay is not None:
            self._relay.close(code, reason, meaning)
            for queue in self._queues:
                queue.shut(f"the session was {meaning}")
        elif self._give_up is not None and not self.is_over:
            self._give_up()

    def close_by(self, rule: Rule) -> None:
        """Close the session, as a rule says."""
        self.close(rule.code, rule.reason, f"closed by {rule.name}")

    def preview(self, direction: Direction, frame: WireFrame) -> Event:
        """Return a frame as an event that is not logged yet."""
        is_text = frame.is_text and not frame.problem
        name, body, problem = decode(frame.data, is_text=is_text)
        t_ns = self.now_ns
        return Event(0, t_ns, direction, Origin.WIRE, name, frame.data, is_text, body, problem)

    def stops(self, direction: Direction) -> bool:
        """Tell whether a breakpoint is armed for a direction."""
        return self.breakpoints.stops(direction)

    def stopping(self, event: Event) -> str:
        """Return the filter of the breakpoint that stops an event, ``""`` where none does."""
        stopped_by = self.breakpoints.stopping(event)
        for name, message in self.breakpoints.newly_slow():
            self.note("inspector.rule_failed", {"name": name, "message": message})
        return stopped_by

    def changed(self) -> None:
        """Take note that what waits has changed, and keep both sides alive while something does."""
        self.breakpoints.changed()
        if self.breakpoints.waiting and self._ping is None:
            self._ping = asyncio.get_running_loop().call_later(PING_S, self._keep_alive)

    def with_event_id(self, event: Event) -> bytes | None:
        """Return a client's event with an ``event_id`` put in front, every other byte as it was; None where it has one."""
        body = event.body
        if body is None or "event_id" in body:
            return None
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
        """Send a frame of ours, marked as such in the log; False where that is not possible."""
        if self._relay is None or not self._relay.can_add(direction):
            return False
        name = decode(data, is_text=is_text)[0]
        to = "api" if direction is Direction.CLIENT else "app"
        self.note("inspector.injected", {"to": to, "event_type": name, **who}, origin)
        return self._relay.add(direction, data, is_text=is_text, origin=origin)

    def _keep_alive(self) -> None:
        self._ping = None
        if self._relay is not None and self.breakpoints.waiting:
            self._relay.ping()
            self.changed()

    def _over(self) -> None:
        """Let go of the connections, so that nothing of them lives on with what is kept of the session."""
        self._relay = self._give_up = None
        self._queues = ()
        self.breakpoints.join(())
        if self._ping is not None:
            self._ping.cancel()
        if self._ended is not None:
            self._ended(self)
