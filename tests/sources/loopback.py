"""Servers on loopback sockets, and a helper that runs a whole session with one of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from inspector.clock import SystemClock
from inspector.core.event import Direction, Event, Origin
from inspector.engine.live_engine import Engine
from inspector.engine.outbox import Outgoing
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sources.live import LiveSource, LiveTarget

LEAVE_S = 0.5
"""Time for a handler to notice that its client has disconnected."""
PLANTED_KEY = "sk-planted-0123456789abcdef"
Handler = Callable[[ServerConnection], Awaitable[None]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def websocket_server(handler: Handler, **options: Any) -> AsyncIterator[str]:
    async with serve(
        handler, "127.0.0.1", 0, **{"compression": None, "max_size": None, **options}
    ) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def raw_server(handler: RawHandler) -> AsyncIterator[str]:
    running: set[asyncio.Task[None] | None] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            running.discard(asyncio.current_task())

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(running):
            if task is not None:
                await asyncio.wait([task], timeout=LEAVE_S)


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept a client's upgrade without a library, for behavior that no library would allow."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    found = re.search(r"Sec-WebSocket-Key: (\S+)", head)
    key = found.group(1) if found is not None else ""
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
    )


def http_server(response: bytes) -> RawHandler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()
        writer.close()

    return handler


def target(url: str, **options: Any) -> LiveTarget:
    headers = (("Authorization", Secret(f"Bearer {PLANTED_KEY}")),)
    return LiveTarget(
        f"{url}/v1/realtime?model=m&api_key={PLANTED_KEY}", "m", **{"headers": headers, **options}
    )


async def session_with(
    url: str, recording: Path | None = None, *, sends: Sequence[str] = (), **options: Any
) -> Engine:
    """Run one session to its end; the events are read back before the recording is closed."""
    engine = Engine(
        LiveSource(target(url, **options)),
        RecordingFile(recording, SystemClock()),
        SystemClock(),
        strict=True,
    )
    for text in sends:
        engine.outbox.put(Outgoing(text.encode(), Origin.HAND, ""))
    await engine.run()
    return engine


def events_of(engine: Engine) -> list[Event]:
    return [engine.log.event(row) for row in range(len(engine.log))]


def received(engine: Engine) -> list[Event]:
    return [event for event in events_of(engine) if event.direction is Direction.SERVER]


def error_event(code: str | None, message: str = "no") -> str:
    return json.dumps(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "code": code, "message": message},
        }
    )


async def greet(connection: ServerConnection) -> None:
    """Send ``session.created``, and keep the connection open."""
    await connection.send('{"type":"session.created"}')
    await connection.wait_closed()


async def echo(connection: ServerConnection) -> None:
    """Echo every frame."""
    async for data in connection:
        await connection.send(data)
