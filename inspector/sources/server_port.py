"""The simulator as a server: any number of clients over WebSocket, each with a session of its own.

Listens where it is told; a request that a page makes (it carries an ``Origin`` that is not our own) is refused unless that
origin is allowed, since any web page can reach a loopback port. A client that does not read is throttled through TCP: while a
send waits, nothing more is asked of its session, and nothing more is taken from the client.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import parse_qsl

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from inspector.clock import Clock
from inspector.core.event import Direction
from inspector.errors import ConnectError
from inspector.secret import Secret, mask_headers, mask_subprotocol, mask_url, secrets_of
from inspector.sim.connect_request import HttpAnswer
from inspector.sim.server import CloseSocket, ConnectRequest
from inspector.sources.access_control import AccessControl, AccessRefusal
from inspector.sources.address import target_parts
from inspector.sources.base import Closed, Handshake, Side
from inspector.sources.client_recorder import ClientRecorder
from inspector.sources.http_or_websocket import (
    HttpOrWebSocketConnection,
    HttpResponder,
    connection_class,
    error_body,
)
from inspector.sources.live import MAX_FRAME_BYTES
from inspector.sources.reasons import explained
from inspector.sources.simulator import ABNORMAL, NewSession, SimulatorDriver

PING_INTERVAL_S = 20.26
"""Measured on the API."""
PING_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 2.0
SUBPROTOCOL = "realtime"
"""What the API selects where a browser offers it beside its key."""
BACKLOG = 512
"""Connections that may wait to be accepted: load tests open hundreds at once."""

log = logging.getLogger(__name__)
_wire_log = logging.getLogger("inspector.sources.server_port.frames")
_wire_log.setLevel(logging.CRITICAL)  # a port scan is no error of ours, and DEBUG would show keys


@dataclass(frozen=True, slots=True)
class Listening:
    """How to listen."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """0 takes a free one."""
    allowed_origins: tuple[str, ...] = ()
    """Browser origins that may connect, like ``http://localhost:3000``; ``*`` allows all."""
    tls: ssl.SSLContext | None = None
    """Speak TLS."""


def _not_found(_: ConnectRequest) -> HttpAnswer:
    return HttpAnswer(404, {"error": {"message": "Not found.", "type": "invalid_request_error"}})


@dataclass(frozen=True, slots=True)
class ServerHooks:
    """What happens around the sessions."""

    turn_away: Callable[[ConnectRequest], HttpAnswer | None] = lambda _: None
    """Returns what a client gets in place of an upgrade; None to let it in."""
    answer: HttpResponder = _not_found
    """Answers requests that ask for no upgrade."""
    new_tape: Callable[[str, str, Sequence[Secret]], ClientRecorder] | None = None
    """Begins the recording of a client, from the masked URL, the model and the client's keys; None records nothing."""
    left: Callable[[], None] = lambda: None
    """Called whenever a client has left."""
    tell: Callable[[str], None] = log.info
    """Takes one line of words per client that comes or goes."""


@asynccontextmanager
async def serve(
    new_session: NewSession,
    clock: Clock,
    listening: Listening,
    hooks: ServerHooks | None = None,
) -> AsyncIterator[str]:
    """Listen for as long as the context is open; its value is the URL for clients.

    Args:
        new_session: makes the session of each client.
        clock: paces the sessions.
        listening: where.
        hooks: what happens around the sessions.

    Raises:
        ConnectError: the port is taken, or the address is not one of this machine.
    """
    front = hooks or ServerHooks()

    async def handler(connection: ServerConnection) -> None:
        if isinstance(connection, HttpOrWebSocketConnection):
            await _Client(connection, new_session, clock, front).run()

    # The simulator has no key to lose, so a name that was rebound to this machine does no harm here.
    admission = AccessControl(listening.allowed_origins, None, False, listening.port, "simulator")
    door = connection_class(front.answer, admission, front.tell)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if not isinstance(connection, HttpOrWebSocketConnection):
            return None
        refusal = connection.refusal(request.headers.raw_items())
        if refusal is not None:
            connection.told_off(refusal)
            return _as_response(HttpAnswer(refusal.status, error_body(refusal.message)))
        answer = front.turn_away(asked_for(request))
        if answer is None:
            return None
        said = answer.body.get("error", answer.body)
        message = said.get("message", "") if isinstance(said, Mapping) else ""
        connection.told_off(AccessRefusal(answer.status, "", str(message)))
        return _as_response(answer)

    try:
        server = await listen(
            handler,
            listening.host,
            listening.port,
            select_subprotocol=_select_subprotocol,
            process_request=process_request,
            create_connection=door,
            ssl=listening.tls,
            backlog=BACKLOG,
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
            hint="choose another port with --listen; 0 takes a free one",
        ) from error
    try:
        host, port = server.sockets[0].getsockname()[:2]
        door.admission = replace(admission, port=port)
        scheme = "ws" if listening.tls is None else "wss"
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1/realtime"
    finally:
        server.close()
        await server.wait_closed()


class _Client:
    """One client and its session."""

    def __init__(
        self,
        connection: HttpOrWebSocketConnection,
        new_session: NewSession,
        clock: Clock,
        hooks: ServerHooks,
    ) -> None:
        self._connection = connection
        self._hooks = hooks
        request = connect_request(connection)
        self._clockwork = SimulatorDriver(new_session(request), clock)
        self._may_read = asyncio.Event()
        self._may_read.set()
        peer = connection.remote_address
        self._name = f"{peer[0]}:{peer[1]}" if peer else "client"
        self._model = request.query.get("model", "")
        self._tape = self._new_tape()

    async def run(self) -> None:
        """Serve the client until either side ends it; never raises for an ended connection."""
        self._hooks.tell(f"{self._name} connected{f', model {self._model}' if self._model else ''}")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                await self._write()
        finally:
            self._clockwork.close()
            if self._tape is not None:
                self._tape.close(_how_it_ended(self._connection))
            code = self._connection.close_code
            self._hooks.tell(f"{self._name} left" + (f" ({code})" if code is not None else ""))
            self._hooks.left()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._connection.receive()
                await self._may_read.wait()
                if self._tape is not None:
                    self._tape.add(Direction.CLIENT, frame.data, is_text=frame.is_text)
                self._clockwork.receive(frame.data, is_text=frame.is_text)
        except ConnectionClosed:
            self._clockwork.stop()

    async def _write(self) -> None:
        try:
            async for action in self._clockwork.actions():
                if isinstance(action, CloseSocket):
                    await self._close(action)
                else:
                    if self._tape is not None:
                        self._tape.add(Direction.SERVER, action.data, is_text=True)
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

    def _new_tape(self) -> ClientRecorder | None:
        connection = self._connection
        request, response = connection.request, connection.response
        if self._hooks.new_tape is None or request is None or response is None:
            return None
        scheme = "ws" if connection.transport.get_extra_info("sslcontext") is None else "wss"
        url = mask_url(f"{scheme}://{request.headers.get('Host', '')}{request.path}")
        secrets = secrets_of(request.headers.raw_items(), request.path)
        tape = self._hooks.new_tape(url, self._model, secrets)
        subprotocol = connection.subprotocol
        shown = mask_subprotocol(subprotocol) if subprotocol is not None else None
        asked = mask_headers(request.headers.raw_items())
        said = mask_headers(response.headers.raw_items())
        tape.open(Handshake(url, response.status_code, asked, said, shown))
        return tape


def connect_request(connection: ServerConnection) -> ConnectRequest:
    """Return what a client asked for, as the simulator takes it.

    Raises:
        ValueError: the handshake has not come yet.
    """
    if connection.request is None:
        raise ValueError("the handshake is not over")
    return asked_for(connection.request)


def asked_for(request: Request) -> ConnectRequest:
    """Return what an upgrade request asks for, as the simulator takes it."""
    path, query = target_parts(request.path)
    headers: dict[str, str] = {}
    for name, value in request.headers.raw_items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    offered = headers.get("sec-websocket-protocol", "")
    return ConnectRequest(
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        subprotocols=tuple(part.strip() for part in offered.split(",") if part.strip()),
    )


def _how_it_ended(connection: HttpOrWebSocketConnection) -> Closed:
    """Return who ended a connection, from the server's side."""
    received, sent = connection.protocol.close_rcvd, connection.protocol.close_sent
    if received is not None and (sent is None or connection.protocol.close_rcvd_then_sent):
        return explained(received.code, received.reason, Side.CLIENT)
    if sent is None:
        return explained(ABNORMAL, "", Side.NETWORK)
    return explained(sent.code, sent.reason, Side.SERVER)


def _as_response(answer: HttpAnswer) -> Response:
    body = orjson.dumps(dict(answer.body))
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
    )
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, body)


def _select_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == SUBPROTOCOL), None)
