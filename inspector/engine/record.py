"""SessionRecord: everything that was seen of one session. Recording + log + folds + taps, joined by one synchronous ``ingest``.

Order is the promise: a frame is stamped, decoded, written, indexed and folded before anybody else sees it, so the cause
is always logged before the effect. Nothing in ``ingest`` awaits, and nothing that fails in it reaches the session.

A frame is kept as it crossed the wire, but for the connection's own key: a server that quotes it would put it into a file.

Who carries the frames is not known here: ``Engine`` is a client of its server, ``ProxiedSession`` watches somebody else's.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson

from inspector import __version__
from inspector.clock import Clock
from inspector.core.codec import decode, is_flat, typed
from inspector.core.event import Direction, Event, Frame, Origin
from inspector.core.log import EventLog
from inspector.core.read import text_at
from inspector.core.state import FoldFailure, SessionState
from inspector.errors import ConnectError, UsageError
from inspector.recording.format import Header, parse, render, render_header
from inspector.recording.writer import RecordingFile
from inspector.secret import FrameMask
from inspector.sources.base import Closed, Handshake, Keyed

log = logging.getLogger(__name__)

Tap = Callable[[Event], None]


class Connection(StrEnum):
    """Where a session stands with its server."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    CLOSED = "closed"
    REFUSED = "refused"


class Described(Protocol):
    """What a recording's header says of where its frames come from."""

    @property
    def kind(self) -> str:
        """Return ``live``, ``sim`` or ``proxy``."""
        ...

    @property
    def url(self) -> str:
        """Return where it goes, without secrets."""
        ...

    @property
    def model(self) -> str:
        """Return the model that was asked for, ``""`` where none was."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event of ours on its way out."""

    data: bytes
    """The payload, verbatim."""
    body: Mapping[str, Any] | None
    """What that decodes to; None where it is nothing that does."""

    type: str
    """The event's type, ``""`` where it has none."""
    event_id: str
    """The ``event_id`` in it, ``""`` where it has none."""


class SessionRecord(ABC):
    """One session's events, on disk, by column and folded."""

    def __init__(
        self, source: Described, recording: RecordingFile, clock: Clock, *, strict: bool = False
    ) -> None:
        """Start the recording of a session.

        Args:
            source: where frames come from and go to.
            recording: where they are kept; closed by the caller.
            clock: stamps the frames.
            strict: let an error of a fold or tap through (tests).
        """
        self.source: Described = source
        self.recording = recording
        self.connection = Connection.IDLE
        self.closed: Closed | None = None
        """How the last connection ended."""
        self.refusal: ConnectError | None = None
        """Why the last attempt to connect failed."""
        self.log = EventLog(recording, parse)
        self.state = SessionState()
        self.disabled: list[str] = []
        """Names of folds and taps that failed and were switched off."""
        self._mask = FrameMask(source.secrets if isinstance(source, Keyed) else ())
        self._clock = clock
        self._strict = strict
        self._taps: list[Tap] = []
        self._unfolded: deque[Event] = deque()
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
        event = self.write(frame.direction, frame.data, frame.is_text, frame.origin, frame.body)
        self.catch_up()
        return event

    def write(
        self,
        direction: Direction,
        data: bytes,
        is_text: bool,
        origin: Origin,
        known: Mapping[str, Any] | None = None,
    ) -> Event:
        """Do the first half of ``ingest``: after it the frame is logged, and may go on. ``catch_up`` must follow at once.

        Args:
            direction: as in ``Frame``, like the next three.
            data: what crosses the wire.
            is_text: False for a binary frame.
            origin: what made it.
            known: what ``data`` decode to; None where that is not known.
        """
        t_ns = max(self._last_t_ns, (self._clock.now_ns() - self._origin_ns) // 1000 * 1000)
        self._last_t_ns = t_ns
        # Before it is decoded, so that the key is in no log, fold, screen, stream or file. 0.3 µs a frame. What goes over the wire is the
        # caller's, and stays as it is; an event that holds the key and is sent again goes out masked.
        masked = self._mask.masked(data)
        if known is not None and masked is data:
            name, body, problem = typed(known)
        else:
            name, body, problem = decode(masked, is_text=is_text)
        seq = len(self.log) + 1
        event = Event(seq, t_ns, direction, origin, name, masked, is_text, body, problem)
        line = render(event)
        self.log.append(event, self.recording.append(line), len(line) - 1)
        self._unfolded.append(event)
        return event

    def catch_up(self) -> None:
        """Fold what was written, and tell the taps."""
        while self._unfolded:
            self._fold(self._unfolded.popleft())
        if self.recording.failure and not self._recorder_failed:
            self._recorder_failed = True
            self.note("inspector.recorder_failed", {"message": self.recording.failure})
        elif self._recorder_failed and not self.recording.failure:
            self._recorder_failed = False
            self.note("inspector.recorder_resumed", {"message": "everything is on disk again"})

    def note(self, name: str, facts: Mapping[str, Any], origin: Origin = Origin.WIRE) -> Event:
        """Log a fact of the inspector's own."""
        said = {"type": name, **facts}
        body = said if is_flat(said) else None
        return self.ingest(Frame(Direction.LOCAL, orjson.dumps(said), True, origin, body))

    @property
    def faults(self) -> Mapping[str, str]:
        """Return the faults that can be injected: name to description; empty with a real server."""
        return {}

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session; it is logged first.

        Raises:
            UsageError: there is no such fault, or the server is a real one.
            ConnectError: there is no connection.
        """
        raise UsageError(
            f"fault injection is only available with the simulator, so {name} cannot be injected here",
            code="no_faults",
        )

    @abstractmethod
    def submit(self, payload: Mapping[str, Any] | str, origin: Origin) -> str:
        """Send an event to the server; return its ``event_id`` (``""`` for a text that has none).

        A mapping gets an ``event_id`` where it has none; a text goes out exactly as it is, valid or not.

        Raises:
            ConnectError: there is no connection to send it on.
        """

    def encoded(self, payload: Mapping[str, Any] | str) -> Encoded:
        """Return an event to be sent as bytes and decoded; a mapping gets an ``event_id`` where it has none."""
        if isinstance(payload, str):
            data = payload.encode("utf-8", "replace")
            asked = body = decode(data)[1]
        else:
            if "event_id" not in payload:
                payload = {**payload, "event_id": self.new_event_id()}
            asked, data = payload, orjson.dumps(payload)
            # Who asked may go on changing the lists and objects in it, and what is logged must stay: decoding copies them.
            body = {**payload} if is_flat(payload) else decode(data)[1]
        said = asked or {}
        return Encoded(data, body, text_at(said, "type"), text_at(said, "event_id"))

    def new_event_id(self) -> str:
        """Return an ``event_id`` that this session has not used yet."""
        self._events_made += 1
        return f"evt_inspector_{self._events_made:06d}"

    def _connecting(self) -> None:
        self.connection = Connection.CONNECTING
        self.refusal = self.closed = None

    def _not_connected(self, error: ConnectError, url: str) -> None:
        self.connection = Connection.REFUSED
        self.refusal = error
        facts = {"url": url, "code": error.code, "message": error.message, "hint": error.hint}
        self.note("inspector.connect_failed", facts)

    def _opened(self, handshake: Handshake) -> None:
        self.connection = Connection.LIVE
        self.note("inspector.opened", handshake.facts())

    def _connection_ended(self, closed: Closed, **more: Any) -> None:
        self.connection = Connection.CLOSED
        self.closed = closed
        self.note(
            "inspector.closed",
            {
                "code": closed.code,
                "reason": closed.reason,
                "by": closed.by.value,
                "meaning": closed.meaning,
                "next_step": closed.next_step,
                **more,
            },
        )

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
