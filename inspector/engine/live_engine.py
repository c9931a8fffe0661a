"""One live session of which the inspector is the client: a source and an outbox around a ``SessionRecord``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inspector.clock import Clock
from inspector.core.event import Direction, Frame, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.engine.outbox import Outbox, Outgoing
from inspector.engine.record import Connection, SessionRecord, Tap
from inspector.errors import ConnectError, UsageError
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Closed, Faulty, Side, Source

if TYPE_CHECKING:
    from inspector.engine.session_sound import SessionSound

__all__ = ["Connection", "Engine", "Tap"]


class Engine(SessionRecord):
    """One session with one server, and its record."""

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
            source: the connection to the server.
            recording: the file; the caller must close it.
            clock: supplies the times of frames.
            strict: raise errors of folds and taps (for tests).
        """
        super().__init__(source, recording, clock, strict=strict)
        self.source: Source = source
        self.outbox = Outbox()
        self.sound: SessionSound | None = None
        """The session's microphone and speaker, which ``TaskSupervisor`` runs beside the engine; None without sound."""

    @property
    def losses(self) -> dict[str, int]:
        """Return counts of audio that was not sent or played, by name, without zeros."""
        lost = {"dropped_appends": self.outbox.dropped_mic_frames}
        if self.sound is not None:
            lost.update(self.sound.losses)
        return {name: count for name, count in lost.items() if count}

    @property
    def faults(self) -> Mapping[str, str]:
        """Return the faults that the simulator can inject; empty with a real server."""
        return self.source.faults if isinstance(self.source, Faulty) else {}

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session, after logging it."""
        if not isinstance(self.source, Faulty):
            super().raise_fault(name)
            return
        if name not in self.source.faults:
            known = ", ".join(self.source.faults)
            raise UsageError(
                f"no such fault: {name}", code="no_such_fault", hint=f"use one of {known}"
            )
        if not self.can_send:
            raise ConnectError("not connected", hint="reconnect first", code="not_connected")
        self.note("inspector.fault", {"name": name}, Origin.HAND)
        self.source.raise_fault(name)

    def submit(self, payload: Mapping[str, Any] | str, origin: Origin) -> str:
        """Queue an event to be sent; return its ``event_id`` (``""`` for a text without one).

        A mapping without an ``event_id`` gets one; a text is sent unchanged, valid or not.

        Raises:
            ConnectError: the session is not connected.
            OutboxFull: too many events are waiting, because the server does not read.
        """
        if not self.can_send:
            raise ConnectError("not connected", hint="reconnect first", code="not_connected")
        encoded = self.encoded(payload)
        # A text is what the user typed, and must never be dropped silently, even if it is an append.
        is_sound = not isinstance(payload, str) and encoded.type in AUDIO_KEYS
        self.outbox.put(
            Outgoing(encoded.data, origin, encoded.event_id, is_sound=is_sound, body=encoded.body)
        )
        return encoded.event_id

    async def run(self) -> Closed:
        """Connect, and transfer frames until the connection ends; call again to reconnect.

        Raises:
            ConnectError: no connection was made; also stored as ``refusal``.
        """
        # A reconnect continues the same recording: the API cannot resume a session, so the folds restart, but the user wants
        # to see the failed attempt in the same file.
        self._connecting()
        try:
            handshake = await self.source.connect()
        except ConnectError as error:
            self.outbox.clear()
            self._not_connected(error, self.source.url)
            raise
        except asyncio.CancelledError:
            self._cancelled()
            raise
        self._opened(handshake)
        try:
            await self._transfer()
        finally:
            closed = self.source.closed or Closed(1006, "", Side.NETWORK)
            # A new connection is a new session: events meant for the old one must not be sent to it.
            unsent = self.outbox.clear()
            extra = {**({"unsent": unsent} if unsent else {}), **self.losses}
            self._connection_ended(closed, **extra)
        return closed

    def _cancelled(self) -> None:
        self.connection = Connection.IDLE
        self.outbox.clear()
        facts = {"url": self.source.url, "code": "cancelled", "message": "stopped while connecting"}
        self.note("inspector.connect_failed", facts)

    async def _transfer(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(self._send_all())
            async for received in self.source.frames():
                self.ingest(Frame(Direction.SERVER, received.data, received.is_text))
            sender.cancel()

    async def _send_all(self) -> None:
        # Textual 8.2.8 turns on eager tasks (Python 3.12 or newer), so this code may run before the loop over the source's
        # frames; but ``session.created``, which arrives with the connection, must be logged before the first sent event.
        await asyncio.sleep(0)
        while True:
            item = await self.outbox.get()
            # Logged before it is sent, so that the log has the cause before the effect.
            event = self.ingest(
                Frame(Direction.CLIENT, item.data, item.is_text, item.origin, item.body)
            )
            try:
                await self.source.send(item.data, is_text=item.is_text)
            except ConnectError as error:
                self.note(
                    "inspector.send_failed",
                    {"seq": event.seq, "event_id": item.event_id, "message": error.message},
                )
                return
