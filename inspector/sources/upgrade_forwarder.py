"""UpgradeForwarder: how one session of an app gets through the proxy to the server.

The handshake passes through: the app's own request goes to the server (its lines in their order and case; only the target's
base, ``Host`` and, when told to, the key are changed), and the server's answer comes back as it was, a refusal with its body
included. So the app's key, subprotocols and extensions are agreed on between the two ends, and the bytes after it need no
change either: ``Relay`` passes them on raw and reads along. Compression was left to the ends on purpose: taking the offer
out would be simpler to read, but would change both ends' behaviour, and frames would no longer be those that were sent.
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
from inspector.sources.relay import Endpoint, Relay, nobody_cares
from inspector.sources.session_observer import SafeObserver, SessionObserver, SessionRequest
from inspector.sources.upstream import HEAD_TIMEOUT_S, Upstream, refused_by

HALF_CLOSED_S = 5.0
"""How long the server may take to answer an app that sends nothing more and may be gone."""
REFUSAL_TIMEOUT_S = 10.0
"""For the body of a server's refusal."""
REFUSAL_BYTES = 64 << 10
"""What is looked at of that body."""

log = logging.getLogger(__name__)


class UpgradeForwarder:
    """The way to one server, for the sessions of all apps."""

    def __init__(
        self, upstream: Upstream, open_session: Callable[[SessionRequest], SessionObserver]
    ) -> None:
        """Make a way.

        Args:
            upstream: the server.
            open_session: returns the observer of a session that an app asks for; ``ConnectError`` turns the app away.
        """
        self._upstream = upstream
        self._open_session = open_session

    async def run(self, endpoint: Endpoint, head: Head, task: asyncio.Task[None]) -> None:
        """Carry one session to its end.

        Args:
            endpoint: the app's side; caller must close it.
            head: its upgrade request.
            task: the one that runs this: it is cancelled when the app leaves before the server has answered.
        """
        request = self._upstream.request(head)
        # Alive, and so masked, as long as the session.
        known = (*secrets_of(head.headers, head.target), *filter(None, [self._upstream.key]))
        url = mask_url(f"{self._upstream.scheme}://{self._upstream.netloc}{request.target}")
        try:
            observer = self._observer(endpoint, head, url, known)
        except ConnectError as error:
            endpoint.write(problem_response(503, error.code, error.message))
            return

        patience: list[asyncio.TimerHandle] = []

        def app_left(_: Exception | None) -> None:
            task.cancel()

        def app_said_all() -> None:
            # It may be waiting for the answer, or have gone: nobody can tell before something is written to it.
            patience.append(asyncio.get_running_loop().call_later(HALF_CLOSED_S, task.cancel))

        endpoint.lost, endpoint.ended = app_left, app_said_all
        if endpoint.has_ended:
            app_said_all()
        observer.waits(endpoint.abort)
        answered = await self._ask(endpoint, request, observer)
        for timer in patience:
            timer.cancel()
        endpoint.ended = nobody_cares
        if answered is not None:
            api, response = answered
            if response.status == 101:
                await self._relay(
                    endpoint, api, _handshake(url, request, response), response, observer
                )
            else:
                await self._pass_refusal(endpoint, api, response, observer, url)
        del known

    async def _ask(
        self, endpoint: Endpoint, request: Head, observer: SafeObserver
    ) -> tuple[Endpoint, Head] | None:
        """Return the server's side and its answer; None where it gave none, which the app and the observer are told."""
        api: Endpoint | None = None
        try:
            api = await self._upstream.connect()
            api.write(request.raw)
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                while 100 <= (response := await api.head()).status < 200 and response.status != 101:
                    endpoint.write(
                        response.raw
                    )  # "102 Processing" and the like: the answer is still to come
        except (OSError, ConnectError, ValueError) as error:
            refused = refused_by(error, self._upstream)
            observer.refused(refused)
            status = 504 if isinstance(error, TimeoutError) else 502
            endpoint.write(problem_response(status, refused.code, refused.message))
            if api is not None:
                api.abort()
            return None
        except asyncio.CancelledError:
            observer.refused(ConnectError("given up before the server answered", code="cancelled"))
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
            can_reread = inflater is None or inflater.remote_no_context_takeover
            pipes.append(
                DirectionPipe(direction, FrameReader(inflater), observer, can_reread=can_reread)
            )
        relay = Relay(endpoint, api, *pipes)
        observer.connected(handshake, relay)
        endpoint.write(response.raw)
        relay.start()
        closed = Closed(1006, "", Side.INSPECTOR, "cut off by the inspector")
        try:
            closed = await relay.ended()
        finally:
            relay.abort()
            observer.ended(closed)

    async def _pass_refusal(
        self, endpoint: Endpoint, api: Endpoint, response: Head, observer: SafeObserver, url: str
    ) -> None:
        """Hand a refusal to the app as it came, to the end of its body."""
        body = _RefusalBody(response)
        is_over = asyncio.Event()

        def consume(data: bytes) -> None:
            endpoint.write(data)
            if body.ends_with(data):
                is_over.set()

        endpoint.lost = api.lost = lambda _: is_over.set()
        endpoint.hold_other = lambda is_held: api.hold("slow", is_held)
        endpoint.write(response.raw)
        api.connect_to(consume)
        if body.ends_with(b""):
            is_over.set()
        try:
            async with asyncio.timeout(REFUSAL_TIMEOUT_S):
                if not (api.is_lost or endpoint.is_lost):
                    await is_over.wait()
        except TimeoutError:
            pass  # a server that keeps the connection open without saying how long its body is
        finally:
            api.abort()
            api.detach()
            headers = Headers(response.headers)
            answer = Response(response.status, response.phrase, headers, bytes(body.data))
            observer.refused(refused_by(InvalidStatus(answer), self._upstream, url))

    def _observer(
        self, endpoint: Endpoint, head: Head, url: str, known: tuple[Secret, ...]
    ) -> SafeObserver:
        peer = (
            endpoint.transport.get_extra_info("peername")
            if endpoint.transport is not None
            else None
        )
        opening = SessionRequest(
            url=url,
            model=model_in(url),
            path=mask_url(head.target),
            app=mask_text(head.value("user-agent")),
            peer=f"{peer[0]}:{peer[1]}" if peer else "",
            secrets=known,
        )
        try:
            return SafeObserver(self._open_session(opening))
        except ConnectError:
            raise
        except Exception:
            log.exception("a session could not be opened for watching")
            return SafeObserver(None)


class _RefusalBody:
    """The body of a refusal, read along: a key that comes in two chunks is found only in what they make together."""

    def __init__(self, response: Head) -> None:
        import h11

        self.data = bytearray()
        """The first of it, without the chunks' own lines."""
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._is_over = False
        self._is_broken = False
        self._http.send(h11.Request(method="GET", target="/", headers=[("Host", "server")]))
        self._http.send(h11.EndOfMessage())
        self.ends_with(response.raw)

    def ends_with(self, data: bytes) -> bool:
        """Take in what comes next; tell whether the body has ended."""
        import h11

        if self._is_over or self._is_broken:
            return self._is_over
        try:
            if data:
                self._http.receive_data(data)
            while isinstance(event := self._http.next_event(), h11.Event):
                if isinstance(event, h11.Data):
                    self.data += event.data[: REFUSAL_BYTES - len(self.data)]
                self._is_over |= isinstance(event, h11.EndOfMessage)
        except h11.RemoteProtocolError:
            self._is_broken = True  # passed on as it is; its end is that of the connection
        return self._is_over


def _handshake(url: str, request: Head, response: Head) -> Handshake:
    subprotocol = response.value("sec-websocket-protocol")
    return Handshake(
        url,
        response.status,
        mask_headers(request.headers),
        mask_headers(response.headers),
        mask_subprotocol(subprotocol) if subprotocol else None,
    )
