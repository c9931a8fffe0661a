"""A server connection for both WebSocket clients and plain HTTP requests, such as those that create client secrets.

``websockets`` accepts upgrades only: it refuses other methods and any body. So ``h11`` parses the first request of each
connection. An upgrade is passed to ``websockets`` unchanged; any other request is answered and the connection closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import h11
import orjson
from websockets.asyncio.server import ServerConnection

from inspector.sim.connect_request import HttpAnswer
from inspector.sim.provider import HttpRequest
from inspector.sources.access_control import AccessControl, AccessRefusal
from inspector.sources.address import target_parts
from inspector.sources.base import Received
from inspector.sources.heads import TLS_HELLO, Head
from inspector.sources.wire import FrameKinds

MAX_HEAD_BYTES, MAX_BODY_BYTES = 1 << 16, 1 << 20

HttpResponder = Callable[[HttpRequest], HttpAnswer]
"""Returns the response to a plain request."""


class HttpOrWebSocketConnection(ServerConnection):
    """A connection that may turn out to be plain HTTP, and whose frames keep both their bytes and their kind."""

    # Class variables, because ``websockets`` creates the connections; ``connection_class`` makes a subclass per server.
    answer: ClassVar[HttpResponder]
    admission: ClassVar[AccessControl]
    """The access rules; ``serve`` sets their port once it is known."""
    tell: ClassVar[Callable[[str], None]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._first: _FirstRequest | None = _FirstRequest()
        """The first request while it is being read; None for a WebSocket client."""
        self._kinds = FrameKinds()
        super().__init__(*arguments, **options)

    def data_received(self, data: bytes) -> None:
        """Parse the first request; pass on all data of a WebSocket client."""
        first = self._first
        if first is None:
            super().data_received(data)
            return
        first.feed(data)
        if first.is_tls:
            type(self).tell("a client tried TLS (wss://) on this plain port; restart with --tls")
            self.transport.abort()
        elif first.is_for_websockets:
            self._first = None
            super().data_received(first.received)
        elif first.refused:
            self._reply(first, HttpAnswer(*first.refused), {})
        elif first.request is not None:
            self._reply(first, *self._answered(first.request))
        elif first.expects_continue:
            self.transport.write(first.continue_response())

    def process_event(self, event: Any) -> None:
        """Note the kind of each incoming data frame."""
        self._kinds.note(event)
        super().process_event(event)

    async def receive(self) -> Received:
        """Return the next frame; its data need not be valid UTF-8.

        Raises:
            ConnectionClosed: the connection has ended.
        """
        return self._kinds.received(await self.recv(decode=False))

    def refusal(self, headers: Iterable[tuple[str, str]]) -> AccessRefusal | None:
        """Return why a request is refused; None if it is allowed."""
        return type(self).admission.refusal(Head.of(headers))

    def report_refusal(self, refusal: AccessRefusal) -> None:
        """Report that a client was refused."""
        peer = self.transport.get_extra_info("peername")
        name = f"{peer[0]}:{peer[1]}" if peer else "a client"
        type(self).tell(f"refused {name} with {refusal.status}: {refusal.message}")

    def _reply(self, first: _FirstRequest, answer: HttpAnswer, headers: Mapping[str, str]) -> None:
        if not self.transport.is_closing():
            self.transport.write(first.rendered(answer, headers))
            self.transport.close()

    def _answered(self, request: HttpRequest) -> tuple[HttpAnswer, dict[str, str]]:
        origin = request.headers.get("origin", "")
        refusal = self.refusal(request.headers.items())
        if refusal is not None:
            self.report_refusal(refusal)
            return HttpAnswer(refusal.status, error_body(refusal.message)), {}
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}
        if request.method == "OPTIONS":  # a browser's CORS preflight
            allowed = "authorization, content-type, api-key"
            return HttpAnswer(204), {
                **headers,
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": allowed,
            }
        return type(self).answer(request), headers


class _FirstRequest:
    """The first request of a connection, while it is being received."""

    def __init__(self) -> None:
        self.received = b""
        """All bytes received before the head was complete."""
        self.is_for_websockets = False
        """True for an upgrade, and for data that is not HTTP, which ``websockets`` refuses."""
        self.request: HttpRequest | None = None
        """The complete plain request; None until it is received."""
        self.refused: tuple[int, dict[str, object]] | None = None
        """Status and body of the response to a request that is refused before it is complete."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._head: h11.Request | None = None
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Parse more bytes."""
        if self._head is None:
            self.received += data
        try:
            self._http.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            if self._head is None:
                self.is_for_websockets = True
            else:
                self.refused = error.error_status_hint, error_body(str(error))

    @property
    def is_tls(self) -> bool:
        """Return True if this is the start of a TLS handshake."""
        return self.received.startswith(TLS_HELLO)

    @property
    def expects_continue(self) -> bool:
        """Return True if the client waits for ``100 Continue`` before it sends the body."""
        return self._http.they_are_waiting_for_100_continue

    def continue_response(self) -> bytes:
        """Return the bytes of ``100 Continue``."""
        response = h11.InformationalResponse(status_code=100, headers=[])
        return self._http.send(response) or b""

    def rendered(self, answer: HttpAnswer, headers: Mapping[str, str]) -> bytes:
        """Return the bytes of a response that announces the end of the connection."""
        body = orjson.dumps(dict(answer.body)) if answer.body else b""
        fields = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        head = h11.Response(status_code=answer.status, headers=list(fields.items()))
        events: list[h11.Event] = [head]
        if self._head is None or self._head.method != b"HEAD":
            events.append(h11.Data(data=body))
        return b"".join(self._http.send(event) or b"" for event in events)

    def _read(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self.is_for_websockets = _is_websocket_upgrade(event)
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                self.request = _request(self._head, bytes(self._body))
            if max(len(self._body), _content_length(self._head)) > MAX_BODY_BYTES:
                self.refused = 413, error_body("The body is too large.")
            is_incomplete = isinstance(event, h11.Request | h11.Data)
            if self.is_for_websockets or self.refused or not is_incomplete:
                return


def connection_class(
    answer: HttpResponder, admission: AccessControl, tell: Callable[[str], None]
) -> type[HttpOrWebSocketConnection]:
    """Return the connection class of one server.

    Args:
        answer: returns the response to a plain request.
        admission: the access rules.
        tell: called with a line of text about each refused client.
    """
    members = {
        "answer": staticmethod(answer),
        "admission": admission,
        "tell": staticmethod(tell),
    }
    return type("BoundConnection", (HttpOrWebSocketConnection,), members)


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    path, query_text = target_parts(head.target.decode("latin-1"))
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    headers = {
        bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
        for name, value in head.headers
    }
    return HttpRequest(path, query, headers, (), head.method.decode("ascii"), body)


def _is_websocket_upgrade(head: h11.Request) -> bool:
    """Return True for a WebSocket upgrade; others, such as curl's ``Upgrade: h2c``, are plain requests."""
    return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in head.headers)


def _content_length(head: h11.Request | None) -> int:
    """Return the ``Content-Length`` of a request; 0 if it has none."""
    headers = head.headers if head is not None else ()
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


def error_body(message: str) -> dict[str, object]:
    """Return the body of an error in the shape of the API's errors."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return {"error": error}
