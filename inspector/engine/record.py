"""The record of one session: its recording, log, folds and taps, joined by one synchronous ``ingest``.

``ingest`` guarantees the order: a frame is stamped, decoded, written, indexed and folded before any tap sees it, so a cause is
always logged before its effect. ``ingest`` never awaits, and a failure in it never reaches the session.

A frame is recorded as it crossed the wire, except that the connection's own key is masked: a server may quote it.

The record does not know who transfers the frames: ``Engine`` is the client of its server, ``ProxiedSession`` observes an app.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

import orjson

from inspector import __version__
from inspector.analysis.lint.linted_state import LintedState
from inspector.clock import Clock
from inspector.core.codec import decode, is_flat, typed
from inspector.core.event import Direction, Event, Frame, Origin
from inspector.core.log import EventLog
from inspector.core.read import text_at
from inspector.core.state import FoldFailure, SessionState
from inspector.engine.session_cost import ledger_of
from inspector.errors import ConnectError, UsageError
from inspector.recording.format import Header, parse, render, render_header
from inspector.recording.writer import RecordingFile
from inspector.secret import FrameMask
from inspector.sources.base import Closed, Handshake, Keyed

log = logging.getLogger(__name__)

Tap = Callable[[Event], None]


class Connection(StrEnum):
    """The state of a session's connection."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    CLOSED = "closed"
    REFUSED = "refused"


class Described(Protocol):
    """The source of frames as a recording's header describes it."""

    @property
    def kind(self) -> str:
        """Return ``live``, ``sim`` or ``proxy``."""
        ...

    @property
    def url(self) -> str:
        """Return the server's URL, with secrets masked."""
        ...

    @property
    def model(self) -> str:
        """Return the requested model; ``""`` if none was requested."""
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
    """One session's events: on disk, in columns, and folded to a state."""

    def __init__(
        self,
        source: Described,
        recording: RecordingFile,
        clock: Clock,
        *,
        new_state: Callable[[], SessionState] | None = None,
        strict: bool = False,
    ) -> None:
        """Start the recording of a session.

        Args:
            source: describes the connection in the recording's header.
            recording: the file; the caller must close it.
            clock: supplies the times of frames.
            new_state: creates the state before the first event; ``SessionState`` if no rules need to watch, None to have them watch.
            strict: raise errors of folds and taps (for tests).
        """
        self.source: Described = source
        self.recording = recording
        self.connection = Connection.IDLE
        self.closed: Closed | None = None
        """How the last connection ended."""
        self.refusal: ConnectError | None = None
        """Why the last attempt to connect failed."""
        self.log = EventLog(recording, parse)
        self.disabled: list[str] = []
        """Names of folds and taps that failed and were disabled."""
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
        # The state must not refer to this object: an ended session is freed at once.
        ledger = partial(ledger_of, self.header)
        self.state = LintedState(new_ledger=ledger) if new_state is None else new_state()
        recording.append(render_header(self.header))

    @property
    def now_ns(self) -> int:
        """Return the time since the session's start, in nanoseconds."""
        return self._clock.now_ns() - self._origin_ns

    @property
    def can_send(self) -> bool:
        """Return True if ``submit`` can send now, or can queue for a connection that is being made."""
        return self.connection in (Connection.LIVE, Connection.CONNECTING)

    def tap(self, tap: Tap) -> None:
        """Call ``tap`` with every event after it was logged; a tap that raises is removed."""
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
        """Log a frame: the first half of ``ingest``. ``catch_up`` must follow before the next await.

        The proxy forwards a frame between the two halves, so that it does not wait for the folds.

        Args:
            direction: as in ``Frame``, like the next three.
            data: the payload.
            is_text: False for a binary frame.
            origin: what produced it.
            known: the decoded ``data``; None if it is not known.
        """
        # Microseconds, as the file has them; never backwards, so that rows can be searched by time.
        t_ns = max(self._last_t_ns, (self._clock.now_ns() - self._origin_ns) // 1000 * 1000)
        self._last_t_ns = t_ns
        # Before it is decoded, so that the key is in no log, fold, screen, stream or file. 0.3 µs a frame. Only the
        # record is masked: the caller sends the original. An event with the key that is sent again goes out masked.
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
        """Fold the written events and call the taps: the second half of ``ingest``."""
        while self._unfolded:  # a tap may write further events
            self._fold(self._unfolded.popleft())
        # Set before ``note``, which ends up here again.
        if self.recording.failure and not self._recorder_failed:
            self._recorder_failed = True
            self.note("inspector.recorder_failed", {"message": self.recording.failure})
        elif self._recorder_failed and not self.recording.failure:
            self._recorder_failed = False
            self.note("inspector.recorder_resumed", {"message": "everything is on disk again"})

    def note(self, name: str, facts: Mapping[str, Any], origin: Origin = Origin.WIRE) -> Event:
        """Log a local event."""
        fields = {"type": name, **facts}
        body = fields if is_flat(fields) else None
        return self.ingest(Frame(Direction.LOCAL, orjson.dumps(fields), True, origin, body))

    @property
    def faults(self) -> Mapping[str, str]:
        """Return the faults that can be injected: name to description; empty with a real server."""
        return {}

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session, after logging it.

        Raises:
            UsageError: the fault does not exist, or the server is not the simulator.
            ConnectError: the session is not connected.
        """
        raise UsageError(
            f"fault injection is only available with the simulator, so {name} cannot be injected here",
            code="no_faults",
        )

    @abstractmethod
    def submit(self, payload: Mapping[str, Any] | str, origin: Origin) -> str:
        """Send an event to the server; return its ``event_id`` (``""`` for a text without one).

        A mapping without an ``event_id`` gets one; a text is sent unchanged, valid or not.

        Raises:
            ConnectError: the session is not connected.
        """

    def encoded(self, payload: Mapping[str, Any] | str) -> Encoded:
        """Return an event to be sent, encoded; a mapping without an ``event_id`` gets one."""
        if isinstance(payload, str):
            data = payload.encode("utf-8", "replace")
            source = body = decode(data)[1]
        else:
            if "event_id" not in payload:
                payload = {**payload, "event_id": self.new_event_id()}
            source, data = payload, orjson.dumps(payload)
            # The caller may go on changing its lists and objects, but the log must not change: decoding copies them.
            body = {**payload} if is_flat(payload) else decode(data)[1]
        fields = source or {}
        return Encoded(data, body, text_at(fields, "type"), text_at(fields, "event_id"))

    def new_event_id(self) -> str:
        """Return an ``event_id`` that is new in this session."""
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
        for tap in tuple(self._taps):  # a copy: a failing tap is removed within the loop
            try:
                tap(event)
            except Exception as error:
                if self._strict:
                    raise
                self._taps.remove(tap)
                failed.append(FoldFailure(getattr(tap, "__qualname__", repr(tap)), error))
        # Logged only now, so that every tap sees the event before the failure that it caused.
        for failure in failed:
            self._report_disabled(failure.name, failure.error)

    def _report_disabled(self, name: str, error: Exception) -> None:
        log.error("%s failed and was disabled", name, exc_info=error)
        self.disabled.append(name)
        self.note(
            "inspector.fold_failed", {"name": name, "message": f"{type(error).__name__}: {error}"}
        )
