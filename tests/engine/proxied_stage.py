"""A proxied session whose app and server are controlled by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from inspector.engine.proxied_session import FrameRules
from inspector.engine.rules import read_rules
from tests.proxy_stage import PATIENCE_S, Stage, proxied
from tests.sources.loopback import websocket_server


class Server:
    """A server that records what it receives, and sends what the test tells it to."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.connections: list[ServerConnection] = []

    async def handler(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for data in connection:
                self.received.put_nowait(data)
        except ConnectionClosed:
            pass

    async def say(self, text: str) -> None:
        await self.connections[-1].send(text)

    async def next(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.received.get()


@asynccontextmanager
async def joined(
    folder: Path | None = None, *, compression: str | None = None, **options: Any
) -> AsyncIterator[tuple[Stage, ClientConnection, Server]]:
    server = Server()
    async with (
        websocket_server(server.handler, compression=compression) as url,
        proxied(url, folder, **options) as stage,
        stage.app(compression=compression) as app,
    ):
        await stage.until(lambda: server.connections)
        yield stage, app, server


async def heard(app: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return await app.recv()


def event(name: str, **members: Any) -> str:
    return orjson.dumps({"type": name, **members}).decode()


def faults(tmp_path: Path, text: str) -> FrameRules:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    return FrameRules(read_rules(file))
