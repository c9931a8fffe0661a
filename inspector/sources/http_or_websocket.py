"""HttpOrWebSocketConnection: one port for WebSocket clients and for plain HTTP requests, such as those that mint a client secret.

``websockets`` takes upgrades only: it refuses other methods and any body. So ``h11`` reads the first request of a connection;
one that asks for an upgrade is handed over untouched, any other is answered and the connection closed.
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
from inspector.sources.heads import Head
from inspector.sources.wire import FrameKinds

MAX_HEAD_BYTES, MAX_BODY_BYTES = 1 << 16, 1 << 20
_TLS_HELLO = b"\x16\x03"
"""How a TLS handshake begins: record type 22, major version 3."""

HttpResponder = Callable[[HttpRequest], HttpAnswer]
"""Answers a plain request."""


class HttpOrWebSocketConnection(ServerConnection):
    """A connection that may turn out to be plain HTTP, and whose frames keep both their bytes and their kind."""

    answer: ClassVar[HttpResponder]
    """Set by ``connection_class``."""
    admission: ClassVar[AccessControl]
    """Who may ask; ``serve`` says which port it is once that is open."""
    tell: ClassVar[Callable[[str], None]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._visitor: _Visitor | None = _Visitor()
        """Who came, until that is known; None once a WebSocket client was let in."""
        self._kinds = FrameKinds()
        super().__init__(*arguments, **options)

    def data_received(self, data: bytes) -> None:
        """Look at the first request; hand on everything else."""
        visitor = self._visitor
        if visitor is None:
            super().data_received(data)
            return
        visitor.take(data)
        if visitor.speaks_tls:
            type(self).tell("a client speaks TLS (wss://) to this plain port; restart with --tls")
            self.transport.abort()
        elif visitor.wants_in:
            self._visitor = None
            super().data_received(visitor.said)
        elif visitor.refused:
            self._reply(visitor, HttpAnswer(*visitor.refused), {})
        elif visitor.request is not None:
            self._reply(visitor, *self._answered(visitor.request))
        elif visitor.expects_consent:
            self.transport.write(visitor.consent())

    def process_event(self, event: Any) -> None:
        """Note the kind of each data frame on its way in."""
        self._kinds.note(event)
        super().process_event(event)

    async def receive(self) -> Received:
        """Return the next frame, be it UTF-8 or not.

        Raises:
            ConnectionClosed: there is none any more.
        """
        return self._kinds.received(await self.recv(decode=False))

    def refusal(self, headers: Iterable[tuple[str, str]]) -> AccessRefusal | None:
        """Return why a request may not come in; None where it may."""
        return type(self).admission.refusal(Head.of(headers))

    def told_off(self, refusal: AccessRefusal) -> None:
        """Say that a client was refused."""
        peer = self.transport.get_extra_info("peername")
        name = f"{peer[0]}:{peer[1]}" if peer else "a client"
        type(self).tell(f"refused {name} with {refusal.status}: {refusal.message}")

    def _reply(self, visitor: _Visitor, answer: HttpAnswer, headers: Mapping[str, str]) -> None:
        if not self.transport.is_closing():
            self.transport.write(visitor.rendered(answer, headers))
            self.transport.close()

    def _answered(self, request: HttpRequest) -> tuple[HttpAnswer, dict[str, str]]:
        origin = request.headers.get("origin", "")
        refusal = self.refusal(request.headers.items())
        if refusal is not None:
            self.told_off(refusal)
            return HttpAnswer(refusal.status, error_body(refusal.message)), {}
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}
        if request.method == "OPTIONS":
            allowed = "authorization, content-type, api-key"
            return HttpAnswer(204), {
                **headers,
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": allowed,
            }
        return type(self).answer(request), headers


class _Visitor:
    """The first request of a connection, as far as it has come."""

    def __init__(self) -> None:
        self.said = b""
        """All that came, until it is known that it is plain HTTP."""
        self.wants_in = False
        """True for an upgrade, and for what is no HTTP at all: ``websockets`` knows how to refuse that."""
        self.request: HttpRequest | None = None
        """The whole plain request, once it is there."""
        self.refused: tuple[int, dict[str, object]] | None = None
        """Status and body for a request that is not read to its end."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._asked: h11.Request | None = None
        self._body = bytearray()

    def take(self, data: bytes) -> None:
        """Read on."""
        if self._asked is None:
            self.said += data
        try:
            self._http.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            if self._asked is None:
                self.wants_in = True
            else:
                self.refused = error.error_status_hint, error_body(str(error))

    @property
    def speaks_tls(self) -> bool:
        """Tell whether this is the beginning of a TLS handshake."""
        return self.said.startswith(_TLS_HELLO)

    @property
    def expects_consent(self) -> bool:
        """Tell whether the client waits for a ``100 Continue``."""
        return self._http.they_are_waiting_for_100_continue

    def consent(self) -> bytes:
        """Return what such a client waits for."""
        go_on = h11.InformationalResponse(status_code=100, headers=[])
        return self._http.send(go_on) or b""

    def rendered(self, answer: HttpAnswer, headers: Mapping[str, str]) -> bytes:
        """Return an answer as it goes over the wire; the connection ends after it."""
        body = orjson.dumps(dict(answer.body)) if answer.body else b""
        given = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        head = h11.Response(status_code=answer.status, headers=list(given.items()))
        events: list[h11.Event] = [head]
        if self._asked is None or self._asked.method != b"HEAD":
            events.append(h11.Data(data=body))
        return b"".join(self._http.send(event) or b"" for event in events)

    def _read(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self.wants_in = _asks_for_websocket(event)
                self._asked = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._asked is not None:
                self.request = _request(self._asked, bytes(self._body))
            if max(len(self._body), _announced(self._asked)) > MAX_BODY_BYTES:
                self.refused = 413, error_body("The body is too large.")
            reads_on = isinstance(event, h11.Request | h11.Data)
            if self.wants_in or self.refused or not reads_on:
                return


def connection_class(
    answer: HttpResponder, admission: AccessControl, tell: Callable[[str], None]
) -> type[HttpOrWebSocketConnection]:
    """Return the class of the connections of one server.

    Args:
        answer: what plain requests get.
        admission: who may ask.
        tell: takes one line of words about a client that is lost.
    """
    members = {
        "answer": staticmethod(answer),
        "admission": admission,
        "tell": staticmethod(tell),
    }
    return type("OpenDoorway", (HttpOrWebSocketConnection,), members)


def _request(asked: h11.Request, body: bytes) -> HttpRequest:
    path, query_text = target_parts(asked.target.decode("latin-1"))
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    headers = {
        bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
        for name, value in asked.headers
    }
    return HttpRequest(path, query, headers, (), asked.method.decode("ascii"), body)


def _asks_for_websocket(asked: h11.Request) -> bool:
    """Tell a WebSocket client from one that offers HTTP/2 beside its plain request."""
    return any(
        name == b"upgrade" and b"websocket" in value.lower() for name, value in asked.headers
    )


def _announced(asked: h11.Request | None) -> int:
    """Return the length that a request announces for its body; 0 where it does not."""
    headers = asked.headers if asked is not None else ()
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


def error_body(message: str) -> dict[str, object]:
    """Return the body of an error, in the shape of the API's."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return {"error": error}
