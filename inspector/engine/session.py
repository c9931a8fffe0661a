"""Engine: one live session. Source + recording + log + folds + outbox, joined by one synchronous ``ingest``.

Order is the promise: a frame is stamped, decoded, written, indexed and folded before anybody else sees it, so the cause
is always logged before the effect. Nothing in ``ingest`` awaits, and nothing that fails in it reaches the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from inspector import __version__
from inspector.clock import Clock
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Frame, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.log import EventLog
from inspector.core.state import FoldFailure, SessionState
from inspector.engine.outbox import Outbox, Outgoing
from inspector.errors import ConnectError
from inspector.recording.format import Header, parse, render, render_header
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Closed, Handshake, Side, Source

if TYPE_CHECKING:
    from inspector.engine.sound import Sound

log = logging.getLogger(__name__)

Tap = Callable[[Event], None]


class Connection(StrEnum):
    """Where a session stands with its server."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    CLOSED = "closed"
    REFUSED = "refused"


class Engine:
    """One session with one server, and everything that was seen of it."""

    def __init__(
        self,
        source: Source,
        recording: RecordingFile,
        clock: Clock,
        *,
        strict: bool = False,
    ) -> None:
        """Start the recording of a session; ``run`` connects it.

        Args:
            source: where frames come from and go to.
            recording: where they are kept; closed by the caller.
            clock: stamps the frames.
            strict: let an error of a fold or tap through (tests).
        """
        self.source = source
        self.recording = recording
        self.connection = Connection.IDLE
        self.closed: Closed | None = None
        """How the last connection ended."""
        self.refusal: ConnectError | None = None
        """Why the last attempt to connect failed."""
        self.log = EventLog(recording, parse)
        self.state = SessionState()
        self.outbox = Outbox()
        self.disabled: list[str] = []
        """Names of folds and taps that failed and were switched off."""
        self.sound: Sound | None = None
        """The session's microphone and speaker, run by the host beside the engine; None where it has none."""
        self._clock = clock
        self._strict = strict
        self._taps: list[Tap] = []
        self._origin_ns = clock.now_ns()
        self._last_t_ns = 0
        self._events_made = 0
        self._recorder_failed = False
        self.header = Header(
            started_at=clock.utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            source=source.kind,
            url=source.url,
            model=source.model,
            inspector=__version__,
        )
        recording.append(render_header(self.header))

    @property
    def revision(self) -> int:
        """Grow with every change that a screen may show."""
        return self.log.revision

    @property
    def now_ns(self) -> int:
        """Return the time since the session's start, in nanoseconds."""
        return self._clock.now_ns() - self._origin_ns

    @property
    def can_send(self) -> bool:
        """Tell whether ``submit`` has a connection to go to, now or in a moment."""
        return self.connection in (Connection.LIVE, Connection.CONNECTING)

    def tap(self, tap: Tap) -> None:
        """Call ``tap`` with every event after it was logged; a tap that raises is switched off."""
        self._taps.append(tap)

    def ingest(self, frame: Frame) -> Event:
        """Stamp, decode, write, index and fold one frame; never raises, never awaits."""
        t_ns = max(self._last_t_ns, (self._clock.now_ns() - self._origin_ns) // 1000 * 1000)
        self._last_t_ns = t_ns
        name, body, problem = decode(frame.data, is_text=frame.is_text)
        event = Event(
            len(self.log) + 1,
            t_ns,
            frame.direction,
            frame.origin,
            name,
            frame.data,
            frame.is_text,
            body,
            problem,
        )
        line = render(event)
        self.log.append(event, self.recording.append(line), len(line) - 1)
        self._fold(event)
        if self.recording.failure and not self._recorder_failed:
            self._recorder_failed = True
            self.note("inspector.recorder_failed", {"message": self.recording.failure})
        elif self._recorder_failed and not self.recording.failure:
            self._recorder_failed = False
            self.note("inspector.recorder_resumed", {"message": "everything is on disk again"})
        return event

    def note(self, name: str, facts: Mapping[str, Any], origin: Origin = Origin.WIRE) -> Event:
        """Log a fact of the inspector's own."""
        data = orjson.dumps({"type": name, **facts})
        return self.ingest(Frame(Direction.LOCAL, data, origin=origin))

    def submit(self, payload: Mapping[str, Any] | str, origin: Origin) -> str:
        """Queue an event to be sent; return its ``event_id`` (``""`` for a text that has none).

        A mapping gets an ``event_id`` where it has none; a text goes out exactly as it is, valid or not.

        Raises:
            ConnectError: there is no connection to send it on.
            OutboxFull: the server is not reading.
        """
        if not self.can_send:
            raise ConnectError(
                "there is no connection", hint="reconnect first", code="not_connected"
            )
        is_sound = False
        if isinstance(payload, str):
            data = payload.encode("utf-8", "replace")
            body = decode(data)[1] or {}
            event_id = body.get("event_id")
            event_id = event_id if isinstance(event_id, str) else ""
        else:
            if "event_id" not in payload:
                payload = {**payload, "event_id": self._new_event_id()}
            data = orjson.dumps(payload)
            given = payload["event_id"]
            event_id = given if isinstance(given, str) else ""
            is_sound = payload.get("type") in AUDIO_KEYS
        self.outbox.put(Outgoing(data, origin, event_id, is_sound=is_sound))
        return event_id

    async def run(self) -> Closed:
        """Connect, and carry frames both ways until the connection ends; may be called again to reconnect.

        Raises:
            ConnectError: no connection was made; also kept as ``refusal``.
        """
        self.connection = Connection.CONNECTING
        self.refusal = self.closed = None
        self.log.revision += 1
        try:
            handshake = await self.source.connect()
        except ConnectError as error:
            self.connection = Connection.REFUSED
            self.refusal = error
            self.outbox.clear()
            self.note(
                "inspector.connect_failed",
                {
                    "url": self.source.url,
                    "code": error.code,
                    "message": error.message,
                    "hint": error.hint,
                },
            )
            raise
        except asyncio.CancelledError:
            self._given_up()
            raise
        self._opened(handshake)
        try:
            await self._carry()
        finally:
            closed = self._ended()
        return closed

    def _given_up(self) -> None:
        self.connection = Connection.IDLE
        self.outbox.clear()
        facts = {"url": self.source.url, "code": "cancelled", "message": "stopped while connecting"}
        self.note("inspector.connect_failed", facts)

    async def _carry(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(self._send_all())
            async for received in self.source.frames():
                self.ingest(Frame(Direction.SERVER, received.data, received.is_text))
            sender.cancel()

    async def _send_all(self) -> None:
        while True:
            item = await self.outbox.get()
            event = self.ingest(Frame(Direction.CLIENT, item.data, item.is_text, item.origin))
            try:
                await self.source.send(item.data, is_text=item.is_text)
            except ConnectError as error:
                self.note(
                    "inspector.send_failed",
                    {"seq": event.seq, "event_id": item.event_id, "message": error.message},
                )
                return

    def _opened(self, handshake: Handshake) -> None:
        self.connection = Connection.LIVE
        self.note(
            "inspector.opened",
            {
                "url": handshake.url,
                "status": handshake.status,
                "subprotocol": handshake.subprotocol,
                "request_headers": dict(handshake.request_headers),
                "response_headers": dict(handshake.response_headers),
            },
        )

    def _ended(self) -> Closed:
        closed = self.source.closed or Closed(1006, "", Side.NETWORK)
        self.connection = Connection.CLOSED
        self.closed = closed
        unsent = self.outbox.clear()
        self.note(
            "inspector.closed",
            {
                "code": closed.code,
                "reason": closed.reason,
                "by": closed.by.value,
                "meaning": closed.meaning,
                "next_step": closed.next_step,
                **({"unsent": unsent} if unsent else {}),
            },
        )
        return closed

    def _fold(self, event: Event) -> None:
        failed = self.state.apply(event, strict=self._strict)
        for tap in tuple(self._taps):
            try:
                tap(event)
            except Exception as error:
                if self._strict:
                    raise
                self._taps.remove(tap)
                failed.append(FoldFailure(getattr(tap, "__qualname__", repr(tap)), error))
        # Told only now, so that every tap sees the event before what came of it.
        for failure in failed:
            self._switched_off(failure.name, failure.error)

    def _switched_off(self, name: str, error: Exception) -> None:
        log.error("%s failed and was switched off", name, exc_info=error)
        self.disabled.append(name)
        self.note(
            "inspector.fold_failed", {"name": name, "message": f"{type(error).__name__}: {error}"}
        )

    def _new_event_id(self) -> str:
        self._events_made += 1
        return f"evt_inspector_{self._events_made:06d}"
