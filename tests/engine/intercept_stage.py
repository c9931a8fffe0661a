"""A proxied session between two fake connections, on a loop with manual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from inspector.core.event import Direction
from inspector.engine.proxied_session import FrameRules, ProxiedSession
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Closed, Handshake, Side
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.frames import TEXT, FrameReader, WireFrame, frame_bytes
from inspector.sources.relay import Endpoint, Relay
from inspector.sources.session_observer import SessionRequest
from tests.support import ManualClock


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop whose timers fire when the test advances the time."""

    now_s = 1000.0

    def time(self) -> float:
        return self.now_s


class Wire(asyncio.Transport):
    """A connection that collects everything written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


class GateStage:
    """One session."""

    def __init__(self, loop: ManualLoop, faults: FrameRules) -> None:
        self.loop = loop
        clock = ManualClock()
        opening = SessionRequest("ws://server", "m", "/v1/realtime", "", "")
        self.session = ProxiedSession(
            opening, RecordingFile(None, clock), clock, faults=faults, strict=True
        )
        self._endpoints = app, api = Endpoint(), Endpoint()
        self._wires = {Direction.SERVER: Wire(), Direction.CLIENT: Wire()}
        app.connection_made(self._wires[Direction.SERVER])
        api.connection_made(self._wires[Direction.CLIENT])
        to_api, to_app = (
            DirectionPipe(way, FrameReader(), self.session, can_reread=True)
            for way in (Direction.CLIENT, Direction.SERVER)
        )
        self._relay = Relay(app, api, to_api, to_app)
        self.session.connected(Handshake("ws://server"), self._relay)
        self._relay.start()

    def say(self, direction: Direction, *texts: str) -> None:
        """Send frames from one side, in one piece."""
        is_masked = direction is Direction.CLIENT
        data = b"".join(frame_bytes(TEXT, text.encode(), is_masked=is_masked) for text in texts)
        self._relay.pipe(direction).received(data)

    def end(self) -> None:
        """End both connections."""
        for endpoint in self._endpoints:
            endpoint.connection_lost(None)
        self.session.ended(Closed(1000, "", Side.SERVER))

    async def wait(self, seconds: float = 0.0) -> None:
        """Advance the time, and run the loop."""
        self.loop.now_s += seconds
        for _ in range(3):
            await asyncio.sleep(0)

    def _frames(self, direction: Direction) -> list[WireFrame]:
        return FrameReader().feed(bytes(self._wires[direction].written))

    def got(self, direction: Direction) -> list[str]:
        """Return the texts that the receiver of a direction received."""
        return [frame.data.decode() for frame in self._frames(direction) if frame.opcode == TEXT]

    def closes(self, direction: Direction) -> list[int]:
        """Return the codes of the close frames that the receiver of a direction received."""
        frames = [frame for frame in self._frames(direction) if frame.is_close]
        return [int.from_bytes(frame.data[:2], "big") for frame in frames]

    def logged(self, direction: Direction) -> list[str]:
        """Return the logged frames of a direction."""
        log = self.session.log
        events = [log.event(row) for row in range(len(log))]
        return [event.data.decode() for event in events if event.direction is direction]

    def facts(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of the local events of one type."""
        log = self.session.log
        events = [log.event(row) for row in range(len(log))]
        return [dict(event.body or {}) for event in events if event.type == name]


def on_stage(
    faults: FrameRules, scenario: Callable[[GateStage], Coroutine[Any, Any, None]]
) -> GateStage:
    """Run a scenario, and return its stage."""
    loop = ManualLoop()

    async def play() -> GateStage:
        stage = GateStage(loop, faults)
        await scenario(stage)
        return stage

    try:
        return loop.run_until_complete(play())
    finally:
        loop.close()


def read_faults(folder: Path, text: str, **options: Any) -> FrameRules:
    """Return the rules in a file with this text."""
    from inspector.engine.rules import read_rules

    file = folder / "rules.toml"
    file.write_text(text)
    return FrameRules(read_rules(file), **options)
