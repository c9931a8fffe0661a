"""Forwarding of WebSocket upgrades: the handshake of a proxied session, and its relay.

The handshake passes through. The server gets the app's request with its lines in their order and case; only the target's
base path, ``Host`` and, if configured, the key are changed. The app gets the server's response unchanged, including the body
of a refusal. So app and server negotiate keys, subprotocols and extensions themselves, and ``Relay`` forwards the bytes after
the handshake without changes while it parses a copy. Removing the offer of compression would make parsing simpler, but would
change how both sides behave, and the frames would no longer be those that the app would send.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from inspector.core.event import Direction
from inspector.errors import ConnectError
from inspector.secret import (
    Secret,
    mask_headers,
    mask_subprotocol,
    mask_text,
    mask_url,
    secrets_of,
)
from inspector.sources.address import model_in
from inspector.sources.base import Closed, Handshake, Side
from inspector.sources.deflate import inflaters
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.frames import FrameReader
from inspector.sources.heads import MAX_HEAD_BYTES, Head
from inspector.sources.http_exchange import problem_response
from inspector.sources.relay import Endpoint, Relay, ignore_end
from inspector.sources.session_observer import SafeObserver, SessionObserver, SessionRequest
from inspector.sources.upstream import HEAD_TIMEOUT_S, Upstream, refused_by

HALF_CLOSED_S = 5.0
"""How long the server may take to answer an app that has finished sending and may have left."""
REFUSAL_TIMEOUT_S = 10.0
"""How long the body of a server's refusal may take."""
REFUSAL_BYTES = 64 << 10
"""How much of that body is kept for the error message."""

log = logging.getLogger(__name__)


class UpgradeForwarder:
    """Forward the upgrades of all apps to one server."""

    def __init__(
        self, upstream: Upstream, open_session: Callable[[SessionRequest], SessionObserver]
    ) -> None:
        """Set the server and the observers.

        Args:
            upstream: the server.
            open_session: returns the observer of a requested session, or raises ``ConnectError`` to refuse it.
        """
        self._upstream = upstream
        self._open_session = open_session

    async def run(self, endpoint: Endpoint, head: Head, task: asyncio.Task[None]) -> None:
        """Run one session to its end.

        Args:
            endpoint: the app's endpoint; the caller must close it.
            head: the app's upgrade request.
            task: the current task; it is cancelled if the app leaves before the server has answered.
        """
        request = self._upstream.request(head)
        # Masked in all output while they are referenced: as long as the session.
        secrets = (*secrets_of(head.headers, head.target), *filter(None, [self._upstream.key]))
        url = mask_url(f"{self._upstream.scheme}://{self._upstream.netloc}{request.target}")
        try:
            observer = self._observer(endpoint, head, url, secrets)
        except ConnectError as error:
            endpoint.write(problem_response(503, error.code, error.message))
            return

        timers: list[asyncio.TimerHandle] = []

        def app_left(_: Exception | None) -> None:
            task.cancel()

        def app_finished_sending() -> None:
            # The app may be waiting for the response or may have left; only writing to it would show which.
            timers.append(asyncio.get_running_loop().call_later(HALF_CLOSED_S, task.cancel))

        endpoint.lost, endpoint.ended = app_left, app_finished_sending
        if endpoint.has_ended:
            app_finished_sending()
        observer.connecting(endpoint.abort)
        answered = await self._connect(endpoint, request, observer)
        for timer in timers:
            timer.cancel()
        endpoint.ended = ignore_end
        if answered is not None:
            api, response = answered
            if response.status == 101:
                await self._relay(
                    endpoint, api, _handshake(url, request, response), response, observer
                )
            else:
                await self._forward_refusal(endpoint, api, response, observer, url)
        del secrets

    async def _connect(
        self, endpoint: Endpoint, request: Head, observer: SafeObserver
    ) -> tuple[Endpoint, Head] | None:
        """Return the server's endpoint and response; None if it gave none, after reporting that to app and observer."""
        api: Endpoint | None = None
        try:
            api = await self._upstream.connect()
            api.write(request.raw)
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                while 100 <= (response := await api.head()).status < 200 and response.status != 101:
                    endpoint.write(response.raw)  # interim, such as 102: the final response follows
        except (OSError, ConnectError, ValueError) as error:
            refused = refused_by(error, self._upstream)
            observer.refused(refused)
            status = 504 if isinstance(error, TimeoutError) else 502
            endpoint.write(problem_response(status, refused.code, refused.message))
            if api is not None:
                api.abort()
            return None
        except asyncio.CancelledError:
            observer.refused(ConnectError("cancelled before the server answered", code="cancelled"))
            if api is not None:
                api.abort()
            raise
        return api, response

    async def _relay(
        self,
        endpoint: Endpoint,
        api: Endpoint,
        handshake: Handshake,
        response: Head,
        observer: SafeObserver,
    ) -> None:
        pipes = []
        pair = inflaters(response.values("sec-websocket-extensions"))
        for direction, inflater in zip((Direction.CLIENT, Direction.SERVER), pair, strict=True):
            # With context takeover, a compressed frame can only be decompressed once, in its turn.
            can_reread = inflater is None or inflater.remote_no_context_takeover
            pipes.append(
                DirectionPipe(direction, FrameReader(inflater), observer, can_reread=can_reread)
            )
        relay = Relay(endpoint, api, *pipes)
        observer.connected(handshake, relay)
        endpoint.write(response.raw)
        relay.start()
        closed = Closed(1006, "", Side.INSPECTOR, "aborted by the inspector")
        try:
            closed = await relay.ended()
        finally:
            relay.abort()
            observer.ended(closed)

    async def _forward_refusal(
        self, endpoint: Endpoint, api: Endpoint, response: Head, observer: SafeObserver, url: str
    ) -> None:
        """Forward a refusal and its body to the app unchanged."""
        body = _RefusalBody(response)
        has_ended = asyncio.Event()

        def consume(data: bytes) -> None:
            endpoint.write(data)
            if body.feed(data):
                has_ended.set()

        endpoint.lost = api.lost = lambda _: has_ended.set()
        endpoint.hold_other = lambda is_held: api.hold("slow", is_held)
        endpoint.write(response.raw)
        api.connect_to(consume)
        if body.feed(b""):
            has_ended.set()
        try:
            async with asyncio.timeout(REFUSAL_TIMEOUT_S):
                if not (api.is_lost or endpoint.is_lost):
                    await has_ended.wait()
        except TimeoutError:
            pass  # a server that keeps the connection open without a Content-Length
        finally:
            api.abort()
            api.detach()
            headers = Headers(response.headers)
            answer = Response(response.status, response.phrase, headers, bytes(body.data))
            observer.refused(refused_by(InvalidStatus(answer), self._upstream, url))

    def _observer(
        self, endpoint: Endpoint, head: Head, url: str, secrets: tuple[Secret, ...]
    ) -> SafeObserver:
        peer = (
            endpoint.transport.get_extra_info("peername")
            if endpoint.transport is not None
            else None
        )
        request = SessionRequest(
            url=url,
            model=model_in(url),
            path=mask_url(head.target),
            app=mask_text(head.value("user-agent")),
            peer=f"{peer[0]}:{peer[1]}" if peer else "",
            secrets=secrets,
        )
        try:
            return SafeObserver(self._open_session(request))
        except ConnectError:
            raise
        except Exception:
            # The app's session matters more than its recording.
            log.exception("a session cannot be observed")
            return SafeObserver(None)


class _RefusalBody:
    """The decoded body of a refusal. Chunks are joined, because a key split over two chunks must be masked, too."""

    def __init__(self, response: Head) -> None:
        import h11

        self.data = bytearray()
        """The first ``REFUSAL_BYTES`` of the body."""
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._has_ended = False
        self._is_broken = False
        # h11 accepts a response only after a request.
        self._http.send(h11.Request(method="GET", target="/", headers=[("Host", "server")]))
        self._http.send(h11.EndOfMessage())
        self.feed(response.raw)

    def feed(self, data: bytes) -> bool:
        """Parse more bytes; return True if the body has ended."""
        import h11

        if self._has_ended or self._is_broken:
            return self._has_ended
        try:
            if data:
                self._http.receive_data(data)
            while isinstance(event := self._http.next_event(), h11.Event):
                if isinstance(event, h11.Data):
                    self.data += event.data[: REFUSAL_BYTES - len(self.data)]
                self._has_ended |= isinstance(event, h11.EndOfMessage)
        except h11.RemoteProtocolError:
            self._is_broken = True  # forwarded all the same; it ends with the connection
        return self._has_ended


def _handshake(url: str, request: Head, response: Head) -> Handshake:
    subprotocol = response.value("sec-websocket-protocol")
    return Handshake(
        url,
        response.status,
        mask_headers(request.headers),
        mask_headers(response.headers),
        mask_subprotocol(subprotocol) if subprotocol else None,
    )
