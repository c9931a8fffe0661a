"""Plain HTTP on the proxy's port, so that setting a base URL is enough: client secrets, models, calls, whatever there is.

``h11`` reads what the app sends, ``httpx2`` speaks to the server. Bodies stream both ways, as they are (no decoding); only
headers that belong to one hop are left out. What is kept of an exchange is one line, without bodies: they hold secrets.

The server is fixed: the URL is made of its parts alone, and the app's target goes beside it, verbatim, as the path that it
must be. So no target can name another server, which would get the key. What could be read as two requests is refused.
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
from inspector.sources.relay import Endpoint
from inspector.sources.upstream import CONNECT_TIMEOUT_S, Upstream

for _name in ("httpx2", "httpcore2"):
    # They log the URL of every request, and at DEBUG the headers: keys among both.
    logging.getLogger(_name).setLevel(logging.WARNING)

READ_BYTES = 256 << 10
IDLE_TIMEOUT_S = 75.0
"""How long an app's connection may wait for its next request."""
_ONE_HOP = frozenset(b"connection keep-alive te trailer transfer-encoding upgrade".split()) | {
    name.encode() for name in NOT_PASSED_ON
}
"""RFC 9110 section 7.6.1."""


class Forwarder:
    """Forwards requests to one server over a pool of connections."""

    def __init__(
        self,
        upstream: Upstream,
        admission: AccessControl,
        exchanged: Callable[[HttpExchange], None],
    ) -> None:
        """Prepare a pool.

        Args:
            upstream: where requests go.
            admission: asked about every request.
            exchanged: told about every exchange.
        """
        self._upstream = upstream
        self._admission = admission
        self._exchanged = exchanged
        way_out = upstream.way_out
        self._client = httpx2.AsyncClient(
            verify=upstream.tls if upstream.tls is not None else True,
            proxy=way_out.address if way_out is not None else None,
            trust_env=False,
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=None),
            follow_redirects=False,
        )

    async def close(self) -> None:
        """End the pool's connections."""
        await self._client.aclose()

    async def serve(self, endpoint: Endpoint, head: Head) -> None:
        """Serve an app's connection until it ends, beginning with a request whose head is read already."""
        app = _App(endpoint)
        asked: Head | None = head
        try:
            while asked is not None:
                await self._exchange(app, asked)
                if not await app.begin_again():
                    return
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    asked = await app.next_head()
        except TimeoutError:
            return
        except (ConnectError, h11.RemoteProtocolError) as error:
            app.refuse(400, "bad_request", str(error))
        finally:
            endpoint.close()

    async def _exchange(self, app: _App, head: Head) -> None:
        """Pass one request on, or refuse it.

        Raises:
            h11.RemoteProtocolError: it is no HTTP after all.
        """
        refusal = self._refusal(head)
        if refusal is not None:
            app.refuse(refusal.status, refusal.code, refusal.message)
            self._exchanged(refused(head, refusal))
            return
        await app.begin(head)
        started_s = asyncio.get_running_loop().time()
        known = secrets_of(head.headers, head.target)  # alive, and so masked, until it is told
        head = self._upstream.request(self._admission.cleaned(head))
        status, problem = 0, ""
        try:
            status = await self._pass_on(app, head)
        except httpx2.HTTPError as error:
            problem = mask_text(str(error)) or type(error).__name__
            await app.answer(502, "upstream_failed", f"the server was not reached: {problem}")
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
                    app.answer_bytes,
                    asyncio.get_running_loop().time() - started_s,
                    problem,
                )
            )
            del known

    def _refusal(self, head: Head) -> AccessRefusal | None:
        problem = request_problem(head)
        if problem:
            return AccessRefusal(400, "bad_request", problem)
        if head.is_upgrade:
            return AccessRefusal(
                426, "upgrade_first", "ask for a WebSocket on a connection of its own"
            )
        return self._admission.refusal(head)

    async def _pass_on(self, app: _App, head: Head) -> int:
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
            extensions={"target": head.target.encode("latin-1")},
        )
        response = await self._client.send(request, stream=True)
        try:
            await app.begin_answer(
                response.status_code, response.reason_phrase, response.headers.raw
            )
            async for chunk in response.aiter_raw():
                await app.add(chunk)
            await app.finish()
        finally:
            await response.aclose()
        return response.status_code


class _App:
    """The app's connection, as a server sees it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = h11.Connection(h11.SERVER)
        self._unread = b""
        """Came after the request that is being answered."""
        self._stream = asyncio.StreamReader(limit=READ_BYTES)
        if endpoint.transport is not None:
            self._stream.set_transport(endpoint.transport)
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._is_over = False
        self.body_bytes = self.answer_bytes = 0
        endpoint.hold_other = lambda is_held: (
            self._may_write.clear() if is_held else self._may_write.set()
        )
        endpoint.lost = lambda _: self._gone()
        endpoint.ended = self._stream.feed_eof
        endpoint.connect_to(self._stream.feed_data)
        if endpoint.is_lost:
            self._gone()
        elif endpoint.has_ended:
            self._stream.feed_eof()

    async def next_head(self) -> Head | None:
        """Return the head of the next request, read as strictly as the first; None where none comes.

        Raises:
            ConnectError: what comes is no head.
        """
        said = self._unread
        while (end := said.find(HEAD_END)) < 0:
            if len(said) > MAX_HEAD_BYTES:
                raise ConnectError("the headers that came are too large", code="bad_handshake")
            more = await self._stream.read(READ_BYTES)
            if not more:
                return None
            said += more
        self._unread = said[end + len(HEAD_END) :]
        return parse_head(said[:end])

    async def begin(self, head: Head) -> None:
        """Begin with a request; its body, and what comes after it, is read as it is asked for.

        Raises:
            h11.RemoteProtocolError: it is no HTTP after all.
        """
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._http.receive_data(head.raw)
        await self.next_event()
        if self._unread:
            self._http.receive_data(self._unread)
            self._unread = b""

    async def next_event(self) -> h11.Event:
        """Return what the app sends next."""
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise RuntimeError("the next request is read only after the answer to this one")
            if self._http.they_are_waiting_for_100_continue:
                self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._http.receive_data(await self._stream.read(READ_BYTES))

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self.next_event(), h11.Data):
            self.body_bytes += len(event.data)
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise httpx2.WriteError("the app left before its request was complete")

    async def begin_answer(
        self, status: int, phrase: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        response = h11.Response(
            status_code=status, reason=phrase.encode("latin-1"), headers=_end_to_end(headers)
        )
        await self._send(response)

    async def add(self, chunk: bytes) -> None:
        self.answer_bytes += len(chunk)
        await self._send(h11.Data(data=chunk))

    async def finish(self) -> None:
        await self._send(h11.EndOfMessage())

    async def answer(self, status: int, code: str, message: str) -> None:
        """Answer in the server's place, if no answer has begun yet."""
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
        await self.finish()

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answer a request that does not go on, if no answer has begun yet; the connection ends after it."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE, h11.DONE):
            self._endpoint.write(problem_response(status, code, message))
            self._is_over = True

    async def begin_again(self) -> bool:
        """Get ready for the next request; False where the connection ends."""
        if self._is_over:
            return False
        if self._http.our_state is h11.DONE and self._http.their_state is h11.SEND_BODY:
            await self.next_event()  # the end of the request, unless its body was not wanted
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._unread = self._http.trailing_data[0]
        self.body_bytes = self.answer_bytes = 0
        return True

    async def _send(self, event: h11.Event) -> None:
        self._write(self._http.send(event))
        await self._may_write.wait()

    def _write(self, data: bytes | None) -> None:
        if data:
            self._endpoint.write(data)

    def _gone(self) -> None:
        self._stream.feed_eof()
        self._may_write.set()


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    pairs = list(headers)
    named = {
        token.strip().lower()
        for name, value in pairs
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    gone = _ONE_HOP | named
    return [(name, value) for name, value in pairs if name.lower() not in gone]
