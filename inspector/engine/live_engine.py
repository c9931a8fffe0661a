"""Engine: one live session, as its client. Source + outbox around a ``SessionRecord``."""

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
        super().__init__(source, recording, clock, strict=strict)
        self.source: Source = source
        self.outbox = Outbox()
        self.sound: SessionSound | None = None
        """The session's microphone and speaker, run by the host beside the engine; None where it has none."""

    @property
    def losses(self) -> dict[str, int]:
        """Return what was not sent or played so far, by name; zeros are left out."""
        lost = {"dropped_appends": self.outbox.dropped_mic_frames}
        if self.sound is not None:
            lost.update(self.sound.losses)
        return {name: count for name, count in lost.items() if count}

    @property
    def faults(self) -> Mapping[str, str]:
        """Return the faults that the simulator can inject; empty with a real server."""
        return self.source.faults if isinstance(self.source, Faulty) else {}

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session; it is logged first."""
        if not isinstance(self.source, Faulty):
            super().raise_fault(name)
            return
        if name not in self.source.faults:
            known = ", ".join(self.source.faults)
            raise UsageError(f"no such fault: {name}", code="no_such_fault", hint=f"one of {known}")
        if not self.can_send:
            raise ConnectError(
                "there is no connection", hint="reconnect first", code="not_connected"
            )
        self.note("inspector.fault", {"name": name}, Origin.HAND)
        self.source.raise_fault(name)

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
        data, event_id = self.encoded(payload)
        is_sound = not isinstance(payload, str) and payload.get("type") in AUDIO_KEYS
        self.outbox.put(Outgoing(data, origin, event_id, is_sound=is_sound))
        return event_id

    async def run(self) -> Closed:
        """Connect, and carry frames both ways until the connection ends; may be called again to reconnect.

        Raises:
            ConnectError: no connection was made; also kept as ``refusal``.
        """
        self._connecting()
        try:
            handshake = await self.source.connect()
        except ConnectError as error:
            self.outbox.clear()
            self._not_connected(error, self.source.url)
            raise
        except asyncio.CancelledError:
            self._given_up()
            raise
        self._opened(handshake)
        try:
            await self._carry()
        finally:
            closed = self.source.closed or Closed(1006, "", Side.NETWORK)
            unsent = self.outbox.clear()
            more = {**({"unsent": unsent} if unsent else {}), **self.losses}
            self._connection_ended(closed, **more)
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
        # A task begins at once under a screen (Textual asks for eager tasks from Python 3.12 on), and the greeting that came
        # with the connection is to be logged before what waited for it.
        await asyncio.sleep(0)
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
