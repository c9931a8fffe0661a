"""The simulator as a server: any number of clients over WebSocket, each with its own session.

Requests from web pages of other origins are refused unless the origin is allowed, because any page can reach a loopback port.
A client that does not read is slowed down through TCP: while a send waits, its session is not advanced and its frames are not
read.
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
from inspector.sources.base import BACKLOG, Closed, Handshake, Side
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
"""The subprotocol that the API selects; a browser offers it together with its key."""

log = logging.getLogger(__name__)
_wire_log = logging.getLogger("inspector.sources.server_port.frames")
# A port scan is not our error, and at DEBUG ``websockets`` logs headers, which contain keys.
_wire_log.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Listening:
    """The address, allowed origins and TLS context of the port."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 0
    """The port to listen on; 0 for any free port."""
    allowed_origins: tuple[str, ...] = ()
    """Browser origins that may connect, such as ``http://localhost:3000``; ``*`` allows all."""
    tls: ssl.SSLContext | None = None
    """TLS context to serve ``wss``; None serves ``ws``."""


def _not_found(_: ConnectRequest) -> HttpAnswer:
    return HttpAnswer(404, {"error": {"message": "Not found.", "type": "invalid_request_error"}})


@dataclass(frozen=True, slots=True)
class ServerHooks:
    """Callbacks of the server around its sessions."""

    http_refusal: Callable[[ConnectRequest], HttpAnswer | None] = lambda _: None
    """Returns the HTTP response that replaces an upgrade; None to upgrade the connection."""
    answer: HttpResponder = _not_found
    """Returns the response to a plain HTTP request."""
    new_recorder: Callable[[str, str, Sequence[Secret]], ClientRecorder] | None = None
    """Starts the recording of a client, given the masked URL, the model and the client's keys; None records nothing."""
    left: Callable[[], None] = lambda: None
    """Called after a client has disconnected."""
    tell: Callable[[str], None] = log.info
    """Called with a line of text for each client that connects, disconnects or is refused."""


@asynccontextmanager
async def serve(
    new_session: NewSession,
    clock: Clock,
    listening: Listening,
    hooks: ServerHooks | None = None,
) -> AsyncIterator[str]:
    """Listen while the context is open; yields the URL for clients.

    Args:
        new_session: creates the session of each client.
        clock: paces the sessions.
        listening: the address, allowed origins and TLS context.
        hooks: callbacks around the sessions.

    Raises:
        ConnectError: the port is in use, or the address is not one of this machine.
    """
    callbacks = hooks or ServerHooks()

    async def handler(connection: ServerConnection) -> None:
        if isinstance(connection, HttpOrWebSocketConnection):
            await _Client(connection, new_session, clock, callbacks).run()

    # ``is_loopback`` is False: DNS rebinding does no harm here, because the simulator has no key to steal.
    admission = AccessControl(listening.allowed_origins, None, False, listening.port, "simulator")
    connections = connection_class(callbacks.answer, admission, callbacks.tell)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if not isinstance(connection, HttpOrWebSocketConnection):
            return None
        refusal = connection.refusal(request.headers.raw_items())
        if refusal is not None:
            connection.report_refusal(refusal)
            return _as_response(HttpAnswer(refusal.status, error_body(refusal.message)))
        answer = callbacks.http_refusal(as_connect_request(request))
        if answer is None:
            return None
        error = answer.body.get("error", answer.body)
        message = error.get("message", "") if isinstance(error, Mapping) else ""
        connection.report_refusal(AccessRefusal(answer.status, "", str(message)))
        return _as_response(answer)

    try:
        server = await listen(
            handler,
            listening.host,
            listening.port,
            select_subprotocol=_select_subprotocol,
            process_request=process_request,
            create_connection=connections,
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
            hint="choose another port with --listen, or port 0 for a free one",
        ) from error
    try:
        host, port = server.sockets[0].getsockname()[:2]
        connections.admission = replace(admission, port=port)
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
        self._driver = SimulatorDriver(new_session(request), clock)
        self._may_read = asyncio.Event()
        self._may_read.set()
        peer = connection.remote_address
        self._name = f"{peer[0]}:{peer[1]}" if peer else "client"
        self._model = request.query.get("model", "")
        self._recorder = self._new_recorder()

    async def run(self) -> None:
        """Serve the client until either side ends the connection; the end itself does not raise."""
        self._hooks.tell(f"{self._name} connected{f', model {self._model}' if self._model else ''}")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                await self._write()
        finally:
            self._driver.close()
            if self._recorder is not None:
                self._recorder.close(_how_it_ended(self._connection))
            code = self._connection.close_code
            self._hooks.tell(
                f"{self._name} disconnected" + (f" ({code})" if code is not None else "")
            )
            self._hooks.left()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._connection.receive()
                await self._may_read.wait()  # not while a send waits: that is the backpressure
                if self._recorder is not None:
                    self._recorder.add(Direction.CLIENT, frame.data, is_text=frame.is_text)
                self._driver.receive(frame.data, is_text=frame.is_text)
        except ConnectionClosed:
            self._driver.stop()

    async def _write(self) -> None:
        try:
            async for action in self._driver.actions():
                if isinstance(action, CloseSocket):
                    await self._close(action)
                else:
                    if self._recorder is not None:
                        self._recorder.add(Direction.SERVER, action.data, is_text=True)
                    self._may_read.clear()
                    await self._connection.send(action.data, text=True)
                    self._may_read.set()
        except ConnectionClosed:
            return
        finally:
            self._may_read.set()  # let ``_read`` see the end
        await self._connection.close()

    async def _close(self, action: CloseSocket) -> None:
        if action.code == ABNORMAL:
            self._connection.transport.abort()
        else:
            await self._connection.close(action.code, action.reason)

    def _new_recorder(self) -> ClientRecorder | None:
        connection = self._connection
        request, response = connection.request, connection.response
        if self._hooks.new_recorder is None or request is None or response is None:
            return None
        scheme = "ws" if connection.transport.get_extra_info("sslcontext") is None else "wss"
        url = mask_url(f"{scheme}://{request.headers.get('Host', '')}{request.path}")
        secrets = secrets_of(request.headers.raw_items(), request.path)
        recorder = self._hooks.new_recorder(url, self._model, secrets)
        subprotocol = connection.subprotocol
        selected = mask_subprotocol(subprotocol) if subprotocol is not None else None
        sent = mask_headers(request.headers.raw_items())
        answered = mask_headers(response.headers.raw_items())
        recorder.open(Handshake(url, response.status_code, sent, answered, selected))
        return recorder


def connect_request(connection: ServerConnection) -> ConnectRequest:
    """Return the upgrade request of a connection in the simulator's form.

    Raises:
        ValueError: the handshake has not finished.
    """
    if connection.request is None:
        raise ValueError("the handshake has not finished")
    return as_connect_request(connection.request)


def as_connect_request(request: Request) -> ConnectRequest:
    """Return an upgrade request in the simulator's form, with repeated headers joined."""
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
    """Return how a connection ended, seen from the server."""
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
