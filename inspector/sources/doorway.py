"""Doorway: one port for WebSocket clients and for plain HTTP requests, such as those that mint a client secret.

``websockets`` takes upgrades only: it refuses other methods and any body. So the first request of a connection is looked at
here; one that asks for an upgrade is handed over untouched, any other is answered and the connection closed.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from inspector.sim.admission import HttpAnswer
from inspector.sim.provider import HttpRequest
from inspector.sources.base import Received

MAX_HEAD_BYTES, MAX_BODY_BYTES = 1 << 16, 1 << 20
_END = b"\r\n\r\n"
_TLS_HELLO = b"\x16\x03"
"""How a TLS handshake begins: record type 22, major version 3."""

Answer = Callable[[HttpRequest], HttpAnswer]
"""Answers a plain request."""


class Doorway(ServerConnection):
    """A connection that may turn out to be plain HTTP, and whose frames keep both their bytes and their kind."""

    answer: ClassVar[Answer]
    """Set by ``doorway``."""
    allowed_origins: ClassVar[tuple[str, ...]]
    tell: ClassVar[Callable[[str], None]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._head: bytearray | None = bytearray()
        """What came before it was known what it is; None from then on."""
        self._kinds: deque[bool] = deque()
        super().__init__(*arguments, **options)

    def data_received(self, data: bytes) -> None:
        """Look at the first request; hand on everything else."""
        if self._head is None:
            super().data_received(data)
            return
        self._head += data
        if self._head.startswith(_TLS_HELLO):
            type(self).tell("a client speaks TLS (wss://) to this plain port; restart with --tls")
            self.transport.abort()
            return
        head, found, body = bytes(self._head).partition(_END)
        if not found and len(head) < MAX_HEAD_BYTES:
            return
        request = _request(head, body)
        if request is None or "upgrade" in request.headers:
            whole, self._head = bytes(self._head), None
            super().data_received(whole)
        elif _is_whole(request):
            self._reply(request)

    def process_event(self, event: Any) -> None:
        """Note the kind of each data frame on its way in."""
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kinds.append(event.opcode is Opcode.TEXT)
        super().process_event(event)

    async def receive(self) -> Received:
        """Return the next frame, be it UTF-8 or not.

        Raises:
            ConnectionClosed: there is none any more.
        """
        data = await self.recv(decode=False)
        return Received(bytes(data), self._kinds.popleft())

    def _reply(self, request: HttpRequest) -> None:
        origin = request.headers.get("origin", "")
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}
        if origin and origin not in self.allowed_origins:
            answer, headers = HttpAnswer(403, _refusal("This origin is not allowed.")), {}
        elif request.method == "OPTIONS":
            answer = HttpAnswer(204)
            headers |= {"Access-Control-Allow-Methods": "GET, POST"}
            headers |= {"Access-Control-Allow-Headers": "authorization, content-type, api-key"}
        elif "transfer-encoding" in request.headers:
            answer = HttpAnswer(411, _refusal("Send a Content-Length."))
        elif len(request.body) > MAX_BODY_BYTES or _length(request) > MAX_BODY_BYTES:
            answer = HttpAnswer(413, _refusal("The body is too large."))
        else:
            answer = type(self).answer(request)
        self.transport.write(rendered(answer, headers))
        self.transport.close()


def doorway(
    answer: Answer, allowed_origins: tuple[str, ...], tell: Callable[[str], None]
) -> type[Doorway]:
    """Return the class of the connections of one server.

    Args:
        answer: what plain requests get.
        allowed_origins: browser origins that may ask.
        tell: takes one line of words about a client that is lost.
    """
    members = {
        "answer": staticmethod(answer),
        "allowed_origins": allowed_origins,
        "tell": staticmethod(tell),
    }
    return type("OpenDoorway", (Doorway,), members)


def rendered(answer: HttpAnswer, headers: Mapping[str, str]) -> bytes:
    """Return an answer as it goes over the wire; the connection ends after it."""
    body = orjson.dumps(dict(answer.body)) if answer.body else b""
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + _END + body


def _request(head: bytes, body: bytes) -> HttpRequest | None:
    """Read a request; None where it is none."""
    line, _, rest = head.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    try:
        found = parse_headers(io.BytesIO(rest + _END))
        parts = urlsplit(words[1])
    except (HTTPException, ValueError):
        return None
    headers = {name.lower(): str(value) for name, value in found.items()}
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return HttpRequest(parts.path, query, headers, (), words[0], body)


def _is_whole(request: HttpRequest) -> bool:
    """Tell whether all of the body is there, or nothing more will be read of it."""
    length = _length(request)
    return (
        "transfer-encoding" in request.headers
        or length > MAX_BODY_BYTES
        or len(request.body) >= length
    )


def _length(request: HttpRequest) -> int:
    given = request.headers.get("content-length", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _refusal(message: str) -> dict[str, object]:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return {"error": error}
