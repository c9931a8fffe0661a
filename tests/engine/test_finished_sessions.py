"""Ended sessions are freed completely, with and without Python's garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.core.event import Direction
from inspector.engine.breakpoints import Breakpoints
from inspector.engine.intercept_queue import InterceptQueue
from inspector.engine.proxied_session import FrameRules, ProxiedSession
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.relay import Endpoint, Relay
from tests.engine.intercept_stage import GateStage, ManualLoop, on_stage, read_faults
from tests.proxy_stage import proxied, upgrade_request

REAL, SHORT = 25, 2000
FROM_SERVER = b"\x81\x02{}\x88\x02\x03\xe8"
"""An event and a close frame with 1000."""
CLOSE_OF_APP = b"\x88\x82\0\0\0\0\x03\xe8"
KINDS = (ProxiedSession, Breakpoints, InterceptQueue, DirectionPipe, Endpoint, Relay)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Disable the garbage collector, so that only reference counts free memory."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive() -> Counter[str]:
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KINDS))


@pytest.mark.usefixtures("uncollected")
def test_ended_and_refused_sessions_are_freed_at_once() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"no-such" in head:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        else:
            upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade + FROM_SERVER)
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, proxied(f"ws://127.0.0.1:{port}", kept_sessions=0) as stage:
            before = alive()
            for number in range(REAL):
                model = "no-such" if number % 2 else "m"
                request = upgrade_request(target=f"/v1/realtime?model={model}")
                reader, writer = await stage.raw_app(request)
                await reader.readuntil(b"no" if number % 2 else b"\x03\xe8")
                writer.write(CLOSE_OF_APP)
                writer.close()
            await stage.until(lambda: stage.proxy.ended_count == REAL)
            # Timers that would cut off a side that does not read go with it.
            await stage.until(lambda: not alive() - before)

    asyncio.run(scenario())


def play_short(loop: ManualLoop, faults: FrameRules) -> None:
    stage = GateStage(loop, faults)
    stage.say(Direction.SERVER, '{"type":"x"}', '{"type":"y"}')
    stage.end()


@pytest.mark.usefixtures("uncollected")
def test_thousands_of_sessions_leave_nothing(tmp_path: Path) -> None:
    faults = read_faults(tmp_path, '[[rule]]\nmatch="type:x"\ndo="drop"\n')

    async def scenario(stage: GateStage) -> None:
        stage.end()
        before = alive()
        for _ in range(SHORT):
            play_short(stage.loop, faults)

        assert not alive() - before

    on_stage(faults, scenario)
