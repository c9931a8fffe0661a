"""Passage: how one session of an app gets through the proxy to the server.

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
from inspector.secret import mask_headers, mask_subprotocol, mask_text, mask_url, secrets_of
from inspector.sources.address import model_in
from inspector.sources.base import Closed, Handshake, Side
from inspector.sources.deflate import inflaters
from inspector.sources.exchange import problem_response
from inspector.sources.frames import FrameReader
from inspector.sources.heads import Head
from inspector.sources.lane import Lane
from inspector.sources.relay import Leg, Relay
from inspector.sources.upstream import HEAD_TIMEOUT_S, Upstream, refused_by
from inspector.sources.watcher import CarefulWatcher, Opening, Watcher

REFUSAL_TIMEOUT_S = 10.0
"""For the body of a server's refusal."""
REFUSAL_BYTES = 64 << 10
"""What is looked at of that body."""

log = logging.getLogger(__name__)


class Passage:
    """The way to one server, for the sessions of all apps."""

    def __init__(self, upstream: Upstream, open_session: Callable[[Opening], Watcher]) -> None:
        """Make a way.

        Args:
            upstream: the server.
            open_session: returns the watcher of a session that an app asks for; ``ConnectError`` turns the app away.
        """
        self._upstream = upstream
        self._open_session = open_session

    async def run(self, leg: Leg, head: Head, task: asyncio.Task[None]) -> None:
        """Carry one session to its end.

        Args:
            leg: the app's side; caller must close it.
            head: its upgrade request.
            task: the one that runs this: it is cancelled when the app leaves before the server has answered.
        """
        request = self._upstream.request(head)
        # Alive, and so masked, as long as the session.
        known = secrets_of(head.headers, head.target)
        url = mask_url(f"{self._upstream.scheme}://{self._upstream.netloc}{request.target}")
        try:
            watcher = self._watcher(leg, head, url)
        except ConnectError as error:
            leg.write(problem_response(503, error.code, error.message))
            return

        def app_left(_: Exception | None) -> None:
            task.cancel()

        leg.lost = app_left
        watcher.waits(leg.abort)
        answered = await self._ask(leg, request, watcher)
        if answered is not None:
            api, response = answered
            if response.status == 101:
                await self._relay(leg, api, _handshake(url, request, response), response, watcher)
            else:
                await self._pass_refusal(leg, api, response, watcher)
        del known

    async def _ask(
        self, leg: Leg, request: Head, watcher: CarefulWatcher
    ) -> tuple[Leg, Head] | None:
        """Return the server's side and its answer; None where it gave none, which the app and the watcher are told."""
        api: Leg | None = None
        try:
            api = await self._upstream.connect()
            api.write(request.raw)
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                response = await api.head()
        except (OSError, ConnectError, ValueError) as error:
            refused = refused_by(error, self._upstream)
            watcher.refused(refused)
            status = 504 if isinstance(error, TimeoutError) else 502
            leg.write(problem_response(status, refused.code, refused.message))
            if api is not None:
                api.abort()
            return None
        except asyncio.CancelledError:
            watcher.refused(ConnectError("given up before the server answered", code="cancelled"))
            if api is not None:
                api.abort()
            raise
        return api, response

    async def _relay(
        self, leg: Leg, api: Leg, handshake: Handshake, response: Head, watcher: CarefulWatcher
    ) -> None:
        lanes = []
        pair = inflaters(response.values("sec-websocket-extensions"))
        for direction, inflater in zip((Direction.CLIENT, Direction.SERVER), pair, strict=True):
            can_reread = inflater is None or inflater.remote_no_context_takeover
            lanes.append(Lane(direction, FrameReader(inflater), watcher, can_reread=can_reread))
        relay = Relay(leg, api, *lanes)
        watcher.connected(handshake, relay)
        leg.write(response.raw)
        relay.start()
        closed = Closed(1006, "", Side.INSPECTOR, "cut off by the inspector")
        try:
            closed = await relay.ended()
        finally:
            relay.abort()
            watcher.ended(closed)

    async def _pass_refusal(
        self, leg: Leg, api: Leg, response: Head, watcher: CarefulWatcher
    ) -> None:
        """Hand a refusal to the app as it came, to the end of its body."""
        body = bytearray()
        length = response.value("content-length")
        left = int(length) if length.isdigit() else None
        is_over = asyncio.Event()

        def consume(data: bytes) -> None:
            nonlocal left
            leg.write(data)
            body.extend(data[: REFUSAL_BYTES - len(body)])
            if left is not None:
                left -= len(data)
            if (left is not None and left <= 0) or data.endswith(b"\r\n0\r\n\r\n"):
                is_over.set()

        leg.lost = api.lost = lambda _: is_over.set()
        leg.hold_other = lambda is_held: api.hold("slow", is_held)
        leg.write(response.raw)
        api.connect_to(consume)
        if not left and left is not None:
            is_over.set()
        try:
            async with asyncio.timeout(REFUSAL_TIMEOUT_S):
                if not (api.is_lost or leg.is_lost):
                    await is_over.wait()
        except TimeoutError:
            pass  # a server that keeps the connection open without saying how long its body is
        finally:
            api.abort()
            api.let_go()
            headers = Headers(response.headers)
            answer = Response(response.status, response.phrase, headers, bytes(body))
            watcher.refused(refused_by(InvalidStatus(answer), self._upstream))

    def _watcher(self, leg: Leg, head: Head, url: str) -> CarefulWatcher:
        peer = leg.transport.get_extra_info("peername") if leg.transport is not None else None
        opening = Opening(
            url=url,
            model=model_in(url),
            path=mask_url(head.target),
            app=mask_text(head.value("user-agent")),
            peer=f"{peer[0]}:{peer[1]}" if peer else "",
        )
        try:
            return CarefulWatcher(self._open_session(opening))
        except ConnectError:
            raise
        except Exception:
            log.exception("a session could not be opened for watching")
            return CarefulWatcher(None)


def _handshake(url: str, request: Head, response: Head) -> Handshake:
    subprotocol = response.value("sec-websocket-protocol")
    return Handshake(
        url,
        response.status,
        mask_headers(request.headers),
        mask_headers(response.headers),
        mask_subprotocol(subprotocol) if subprotocol else None,
    )
