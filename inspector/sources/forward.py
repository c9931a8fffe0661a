"""Forwarding of plain HTTP requests on the proxy's port: client secrets, models, calls and any other endpoint.

With it, an app only needs to change its base URL. ``h11`` parses the app's requests, ``httpx2`` sends them to the server.
Bodies are streamed in both directions without decoding; only hop-by-hop headers are removed. Of each exchange a single line
is kept, without bodies, because they contain secrets.

The server's address never depends on the request: the app's target is sent unchanged as the path. So no target can name
another server, which would receive the key. A request that two parsers could read differently is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable

import h11
import httpx2

from inspector.errors import ConnectError
from inspector.secret import mask_text, mask_url, secrets_of
from inspector.sources.access_control import AccessControl, AccessRefusal
from inspector.sources.heads import (
    HEAD_END,
    MAX_HEAD_BYTES,
    NOT_PASSED_ON,
    Head,
    parse_head,
    request_problem,
)
from inspector.sources.http_exchange import HttpExchange, problem_body, problem_response, refused
from inspector.sources.relay import READ_BYTES, Endpoint
from inspector.sources.upstream import CONNECT_TIMEOUT_S, Upstream

for _name in ("httpx2", "httpcore2"):
    # They log the URL of every request, and at DEBUG the headers; both may contain keys.
    logging.getLogger(_name).setLevel(logging.WARNING)

IDLE_TIMEOUT_S = 75.0
"""How long to keep an app's connection open for its next request; nginx's default."""
_ONE_HOP = frozenset(b"connection keep-alive te trailer transfer-encoding upgrade".split()) | {
    name.encode() for name in NOT_PASSED_ON
}
"""Hop-by-hop headers (RFC 9110, 7.6.1)."""


class Forwarder:
    """Forward requests to one server over a pool of connections."""

    def __init__(
        self,
        upstream: Upstream,
        admission: AccessControl,
        exchanged: Callable[[HttpExchange], None],
    ) -> None:
        """Create the pool; connections are opened when they are needed.

        Args:
            upstream: the server.
            admission: the access rules for every request.
            exchanged: called after every exchange.

        Raises:
            ConnectError: the environment names a proxy that cannot be used.
        """
        self._upstream = upstream
        self._admission = admission
        self._exchanged = exchanged
        way_out = upstream.way_out
        self._client = httpx2.AsyncClient(
            verify=upstream.tls if upstream.tls is not None else True,
            proxy=way_out.address if way_out is not None else None,
            trust_env=False,  # would add credentials from .netrc; proxies are read by ``Upstream``
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=None),
            follow_redirects=False,  # the app decides; a redirect could lead the key elsewhere
        )

    async def close(self) -> None:
        """Close the pool's connections."""
        await self._client.aclose()

    async def serve(self, endpoint: Endpoint, head: Head) -> None:
        """Serve an app's connection until it ends, starting with the request with that head."""
        app = _AppConnection(endpoint)
        request: Head | None = head
        try:
            while request is not None:
                await self._exchange(app, request)
                if not await app.finish_exchange():
                    return
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    request = await app.next_head()
        except TimeoutError:
            return
        except (ConnectError, h11.RemoteProtocolError) as error:
            app.refuse(400, "bad_request", str(error))
        finally:
            endpoint.close()

    async def _exchange(self, app: _AppConnection, head: Head) -> None:
        """Forward one request, or refuse it.

        Raises:
            h11.RemoteProtocolError: the request is malformed.
        """
        refusal = self._refusal(head)
        if refusal is not None:
            app.refuse(refusal.status, refusal.code, refusal.message)
            self._exchanged(refused(head, refusal))
            return
        await app.start_request(head)
        started_s = asyncio.get_running_loop().time()
        secrets = secrets_of(
            head.headers, head.target
        )  # masked while referenced: until it is reported
        head = self._upstream.request(self._admission.without_token(head))
        status, problem = 0, ""
        try:
            status = await self._forward(app, head)
        except httpx2.HTTPError as error:
            problem = mask_text(str(error)) or type(error).__name__
            await app.respond(502, "upstream_failed", f"the server was not reached: {problem}")
        except h11.RemoteProtocolError as error:
            problem = f"the app's body is malformed: {error}"
            raise
        finally:
            self._exchanged(
                HttpExchange(
                    head.method,
                    mask_url(head.target),
                    status,
                    app.body_bytes,
                    app.response_bytes,
                    asyncio.get_running_loop().time() - started_s,
                    problem,
                )
            )
            del secrets

    def _refusal(self, head: Head) -> AccessRefusal | None:
        problem = request_problem(head)
        if problem:
            return AccessRefusal(400, "bad_request", problem)
        if head.is_upgrade:
            return AccessRefusal(
                426, "upgrade_first", "open the WebSocket on a new connection, as its first request"
            )
        return self._admission.refusal(head)

    async def _forward(self, app: _AppConnection, head: Head) -> int:
        upstream = self._upstream
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in head.headers
        ]
        has_body = any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers
        )
        request = httpx2.Request(
            head.method,
            httpx2.URL(
                scheme="https" if upstream.tls is not None else "http",
                host=upstream.host,
                port=upstream.port,
                path="/",
            ),
            headers=_end_to_end(headers),
            content=app.body() if has_body else None,
            # Sent in place of the URL's path, exactly as it is; a URL would be normalized.
            extensions={"target": head.target.encode("latin-1")},
        )
        response = await self._client.send(request, stream=True)
        try:
            await app.start_response(
                response.status_code, response.reason_phrase, response.headers.raw
            )
            async for chunk in response.aiter_raw():
                await app.add(chunk)
            await app.end_response()
        finally:
            await response.aclose()
        return response.status_code


class _AppConnection:
    """The app's connection, in the role of its HTTP server."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = h11.Connection(h11.SERVER)
        self._unread = b""
        """Bytes received after the current request."""
        self._stream = asyncio.StreamReader(limit=READ_BYTES)
        if endpoint.transport is not None:
            self._stream.set_transport(endpoint.transport)
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._is_refused = False
        self.body_bytes = self.response_bytes = 0
        endpoint.hold_other = lambda is_held: (
            self._may_write.clear() if is_held else self._may_write.set()
        )
        endpoint.lost = lambda _: self._on_lost()
        endpoint.ended = self._stream.feed_eof
        endpoint.connect_to(self._stream.feed_data)
        if endpoint.is_lost:
            self._on_lost()
        elif endpoint.has_ended:
            self._stream.feed_eof()

    async def next_head(self) -> Head | None:
        """Return the head of the next request, parsed as strictly as the first; None if the app sends no more.

        Raises:
            ConnectError: the head is malformed or too large.
        """
        data = self._unread
        while (end := data.find(HEAD_END)) < 0:
            if len(data) > MAX_HEAD_BYTES:
                raise ConnectError("the request headers are too large", code="bad_handshake")
            more = await self._stream.read(READ_BYTES)
            if not more:
                return None
            data += more
        self._unread = data[end + len(HEAD_END) :]
        return parse_head(data[:end])

    async def start_request(self, head: Head) -> None:
        """Start a request; its body is read when ``body`` is iterated.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._http.receive_data(head.raw)
        await self.next_event()
        if self._unread:
            self._http.receive_data(self._unread)
            self._unread = b""

    async def next_event(self) -> h11.Event:
        """Return the next event of the app's request."""
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise RuntimeError("a request must be answered before the next one is read")
            if self._http.they_are_waiting_for_100_continue:
                self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._http.receive_data(await self._stream.read(READ_BYTES))

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self.next_event(), h11.Data):
            self.body_bytes += len(event.data)
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise httpx2.WriteError("the app disconnected before its request was complete")

    async def start_response(
        self, status: int, phrase: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        response = h11.Response(
            status_code=status, reason=phrase.encode("latin-1"), headers=_end_to_end(headers)
        )
        await self._send(response)

    async def add(self, chunk: bytes) -> None:
        self.response_bytes += len(chunk)
        await self._send(h11.Data(data=chunk))

    async def end_response(self) -> None:
        await self._send(h11.EndOfMessage())

    async def respond(self, status: int, code: str, message: str) -> None:
        """Send an error in place of the server's response, unless that has started."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = problem_body(code, message)
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(body)),
            (b"Connection", b"close"),
        ]
        response = h11.Response(status_code=status, headers=headers)
        await self._send(response)
        await self._send(h11.Data(data=body))
        await self.end_response()

    def refuse(self, status: int, code: str, message: str) -> None:
        """Send an error for a request that is not forwarded, unless a response has started, and end the connection."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE, h11.DONE):
            self._endpoint.write(problem_response(status, code, message))
            self._is_refused = True

    async def finish_exchange(self) -> bool:
        """Prepare for the next request; return False if the connection must end."""
        if self._is_refused:
            return False
        if self._http.our_state is h11.DONE and self._http.their_state is h11.SEND_BODY:
            await (
                self.next_event()
            )  # the end of the request; data instead means that its body was not read
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._unread = self._http.trailing_data[0]
        self.body_bytes = self.response_bytes = 0
        return True

    async def _send(self, event: h11.Event) -> None:
        self._write(self._http.send(event))
        await self._may_write.wait()

    def _write(self, data: bytes | None) -> None:
        if data:
            self._endpoint.write(data)

    def _on_lost(self) -> None:
        self._stream.feed_eof()
        self._may_write.set()  # writes to a lost endpoint are dropped, so a waiting one need not wait


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    pairs = list(headers)
    named = {
        token.strip().lower()
        for name, value in pairs
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    removed = _ONE_HOP | named
    return [(name, value) for name, value in pairs if name.lower() not in removed]
