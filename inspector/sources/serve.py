"""The simulator as a server: any number of clients over WebSocket, each with a simulated session of its own.

Listens where it is told; a request that a browser makes (it carries an ``Origin``) is refused unless that origin is
allowed, since any web page can reach a loopback port. A client that does not read is throttled through TCP: while a
send waits, nothing more is asked of its session, and nothing more is taken from the client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from inspector.clock import Clock
from inspector.errors import ConnectError
from inspector.sim.server import CloseSocket, ConnectRequest
from inspector.sources.live import MAX_FRAME_BYTES
from inspector.sources.simulator import ABNORMAL, NewSession, SimClockwork

PING_INTERVAL_S = 20.26
"""Measured on the API."""
PING_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 2.0
SUBPROTOCOL = "realtime"
"""What the API selects where a browser offers it beside its key."""

log = logging.getLogger(__name__)
_wire_log = logging.getLogger("inspector.sources.serve.frames")
_wire_log.setLevel(logging.CRITICAL)  # a port scan is no error of ours, and DEBUG would show keys


@dataclass(frozen=True, slots=True)
class Listening:
    """How to listen."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    allowed_origins: tuple[str, ...] = ()
    """Browser origins that may connect, like ``http://localhost:3000``."""


@asynccontextmanager
async def serve(
    new_session: NewSession,
    clock: Clock,
    listening: Listening,
    *,
    tell: Callable[[str], None] = log.info,
) -> AsyncIterator[str]:
    """Listen for as long as the context is open; its value is the URL for clients.

    Args:
        new_session: makes the session of each client.
        clock: paces the sessions.
        listening: where.
        tell: takes one line of words per client that comes or goes.

    Raises:
        ConnectError: the port is taken, or the address is not one of this machine.
    """

    async def handler(connection: ServerConnection) -> None:
        await _Client(connection, new_session, clock, tell).run()

    try:
        server = await listen(
            handler,
            listening.host,
            listening.port,
            origins=[None, *(Origin(origin) for origin in listening.allowed_origins)],
            select_subprotocol=_select_subprotocol,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            logger=_wire_log,
        )
    except OSError as error:
        raise ConnectError(
            f"cannot listen on {listening.host}:{listening.port}: {error.strerror or error}",
            code="cannot_listen",
            hint="choose another --port; 0 takes a free one",
        ) from error
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"ws://{f'[{host}]' if ':' in host else host}:{port}/v1/realtime"
    finally:
        server.close()
        await server.wait_closed()


class _Client:
    """One client and its session."""

    def __init__(
        self,
        connection: ServerConnection,
        new_session: NewSession,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self._connection = connection
        request = connect_request(connection)
        self._clockwork = SimClockwork(new_session(request), clock)
        self._tell = tell
        self._may_read = asyncio.Event()
        self._may_read.set()
        peer = connection.remote_address
        self._name = f"{peer[0]}:{peer[1]}" if peer else "client"
        self._model = request.query.get("model", "")

    async def run(self) -> None:
        """Serve the client until either side ends it; never raises for an ended connection."""
        self._tell(f"{self._name} connected{f', model {self._model}' if self._model else ''}")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                await self._write()
        finally:
            code = self._connection.close_code
            self._tell(f"{self._name} left" + (f" ({code})" if code is not None else ""))

    async def _read(self) -> None:
        try:
            while True:
                data = await self._connection.recv()
                await self._may_read.wait()
                is_text = isinstance(data, str)
                raw = data.encode() if isinstance(data, str) else bytes(data)
                self._clockwork.receive(raw, is_text=is_text)
        except ConnectionClosed:
            self._clockwork.stop()

    async def _write(self) -> None:
        try:
            async for action in self._clockwork.actions():
                if isinstance(action, CloseSocket):
                    await self._close(action)
                else:
                    self._may_read.clear()
                    await self._connection.send(action.data, text=True)
                    self._may_read.set()
        except ConnectionClosed:
            return
        finally:
            self._may_read.set()
        await self._connection.close()

    async def _close(self, action: CloseSocket) -> None:
        if action.code == ABNORMAL:
            self._connection.transport.abort()
        else:
            await self._connection.close(action.code, action.reason)


def connect_request(connection: ServerConnection) -> ConnectRequest:
    """Return what a client asked for, as the simulator takes it."""
    request = connection.request
    if request is None:
        raise ValueError("the handshake is not over")
    parts = urlsplit(request.path)
    headers: dict[str, str] = {}
    for name, value in request.headers.raw_items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    offered = headers.get("sec-websocket-protocol", "")
    return ConnectRequest(
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        subprotocols=tuple(part.strip() for part in offered.split(",") if part.strip()),
    )


def _select_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == SUBPROTOCOL), None)
