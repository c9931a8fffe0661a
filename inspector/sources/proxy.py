"""The proxy's port: lets an app in, joins it to the server, and tells a watcher what goes by.

The handshake passes through: the app's own request goes to the server (its lines in their order and case; only the target's
base, ``Host`` and, when told to, the key are changed), and the server's answer comes back as it was, a refusal with its body
included. So the app's key, subprotocols and extensions are agreed on between the two ends, and the bytes after it need no
change either: ``Relay`` passes them on raw and reads along. Compression was left to the ends on purpose: taking the offer
out would be simpler to read, but would change both ends' behaviour, and frames would no longer be those that were sent.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from inspector.core.event import Direction
from inspector.errors import ConnectError
from inspector.secret import mask_headers, mask_subprotocol, mask_text, mask_url, secrets_of
from inspector.sources.address import model_in
from inspector.sources.admission import Admission
from inspector.sources.base import Closed, Handshake, Side
from inspector.sources.exchange import Exchange, problem_response
from inspector.sources.frames import FrameReader, inflaters
from inspector.sources.heads import Head
from inspector.sources.lane import Lane
from inspector.sources.relay import Leg, Relay
from inspector.sources.upstream import HEAD_TIMEOUT_S, Upstream, refused_by
from inspector.sources.watcher import CarefulWatcher, Opening, Watcher

if TYPE_CHECKING:
    from inspector.sources.forward import Forwarder

APP_HEAD_TIMEOUT_S = 20.0
"""An app that connects and says nothing is let go."""
REFUSAL_TIMEOUT_S = 10.0
"""For the body of a server's refusal."""
REFUSAL_BYTES = 64 << 10
"""What is looked at of that body."""
BACKLOG = 512
"""Apps that connect at the same instant."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where and how to listen."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    admission: Admission = field(default_factory=Admission)
    tls: ssl.SSLContext | None = None


@asynccontextmanager
async def listen(
    entrance: Entrance,
    upstream: Upstream,
    open_session: Callable[[Opening], Watcher],
    exchanged: Callable[[Exchange], None],
) -> AsyncIterator[str]:
    """Listen for as long as the context is open; its value is the base URL for apps.

    Sessions that still run at the end are cut off: close them first.

    Args:
        entrance: where.
        upstream: the server.
        open_session: returns the watcher of a session that an app asks for; ``ConnectError`` turns the app away.
        exchanged: told about every plain HTTP exchange.

    Raises:
        ConnectError: the port is taken, or the address is not one of this machine.
    """
    try:
        async with _listening(entrance, upstream, open_session, exchanged) as url:
            yield url
    except (
        BaseExceptionGroup
    ) as group:  # connections never fail, so this is what the context's body raised
        raise group.exceptions[0] from None


@asynccontextmanager
async def _listening(
    entrance: Entrance,
    upstream: Upstream,
    open_session: Callable[[Opening], Watcher],
    exchanged: Callable[[Exchange], None],
) -> AsyncIterator[str]:
    async with asyncio.TaskGroup() as tasks:
        door = _Door(entrance.admission, upstream, open_session, exchanged)

        def arrive() -> Leg:
            return _AppLeg(lambda leg: tasks.create_task(door.serve(leg)))

        try:
            server = await asyncio.get_running_loop().create_server(
                arrive, entrance.host, entrance.port, ssl=entrance.tls, backlog=BACKLOG
            )
        except OSError as error:
            raise ConnectError(
                f"cannot listen on {entrance.host}:{entrance.port}: {error.strerror or error}",
                code="cannot_listen",
                hint="another program has the port; choose another with --listen, port 0 takes a free one",
            ) from error
        try:
            host, port = server.sockets[0].getsockname()[:2]
            scheme = "wss" if entrance.tls is not None else "ws"
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            server.close()
            door.shut()
            await door.close()


class _AppLeg(Leg):
    """An app's side, from the moment it connects."""

    def __init__(self, arrived: Callable[[Leg], object]) -> None:
        super().__init__()
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._arrived(self)


class _Door:
    """Serves the connections of apps."""

    def __init__(
        self,
        admission: Admission,
        upstream: Upstream,
        open_session: Callable[[Opening], Watcher],
        exchanged: Callable[[Exchange], None],
    ) -> None:
        self._admission = admission
        self._upstream = upstream
        self._open_session = open_session
        self._exchanged = exchanged
        self._forwarder: Forwarder | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def shut(self) -> None:
        """Cut off what still runs."""
        for task in self._serving:
            task.cancel()

    async def close(self) -> None:
        """Let go of the connections for plain HTTP."""
        if self._forwarder is not None:
            await self._forwarder.close()

    async def serve(self, leg: Leg) -> None:
        """Serve one connection to its end; never raises but when it is cancelled."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._serving.add(task)
        try:
            await self._serve(leg, task)
        except Exception:
            log.exception("serving an app failed")
        finally:
            self._serving.discard(task)
            if not leg.is_lost:
                leg.close()

    async def _serve(self, leg: Leg, task: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(APP_HEAD_TIMEOUT_S):
                head = await leg.head()
        except (ConnectError, TimeoutError) as error:
            if isinstance(error, ConnectError) and error.code == "tls_wanted":
                self._exchanged(Exchange("", "", 0, 0, 0, 0.0, f"{error}; {error.hint}"))
            leg.write(problem_response(400, "bad_request", str(error)))
            return
        refusal = self._admission.refusal(head)
        if refusal is not None:
            log.warning("refused: %s", refusal.message)
            leg.write(problem_response(refusal.status, refusal.code, refusal.message))
        elif head.is_upgrade:
            await self._session(leg, self._admission.cleaned(head), task)
        else:
            await self._plain(leg, head)

    async def _plain(self, leg: Leg, head: Head) -> None:
        if self._forwarder is None:
            from inspector.sources.forward import Forwarder

            try:
                self._forwarder = Forwarder(self._upstream, self._admission, self._exchanged)
            except ConnectError as error:
                leg.write(problem_response(502, error.code, error.message))
                return
        await self._forwarder.serve(leg, head)

    async def _session(self, leg: Leg, head: Head, task: asyncio.Task[None]) -> None:
        request = self._upstream.request(head)
        known = secrets_of(
            head.headers, head.target
        )  # alive, and so masked, as long as the session
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
            return
        except asyncio.CancelledError:
            watcher.refused(ConnectError("given up before the server answered", code="cancelled"))
            if api is not None:
                api.abort()
            raise
        if response.status == 101:
            await self._relay(leg, api, _handshake(url, request, response), response, watcher)
        else:
            await self._pass_refusal(leg, api, response, watcher)
        del known

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
