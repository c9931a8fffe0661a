"""The proxy's port: lets apps in, and sends each on its way: a session by a ``UpgradeForwarder``, plain HTTP by a ``Forwarder``."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inspector.errors import ConnectError
from inspector.sources.access_control import AccessControl, AccessRefusal
from inspector.sources.heads import Head, request_problem
from inspector.sources.http_exchange import HttpExchange, problem_response, refused
from inspector.sources.relay import Endpoint
from inspector.sources.session_observer import SessionObserver, SessionRequest
from inspector.sources.upgrade_forwarder import UpgradeForwarder
from inspector.sources.upstream import Upstream

if TYPE_CHECKING:
    from inspector.sources.forward import Forwarder

APP_HEAD_TIMEOUT_S = 20.0
"""An app that connects and says nothing is let go."""
BACKLOG = 512
"""Apps that connect at the same instant."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Where and how to listen."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """0 takes a free one."""
    admission: AccessControl = field(default_factory=AccessControl)
    """Who may come in."""
    tls: ssl.SSLContext | None = None
    """Serves ``wss``; None serves ``ws``."""


@asynccontextmanager
async def listen(
    entrance: ListenOptions,
    upstream: Upstream,
    open_session: Callable[[SessionRequest], SessionObserver],
    exchanged: Callable[[HttpExchange], None],
) -> AsyncIterator[str]:
    """Listen for as long as the context is open; its value is the base URL for apps.

    Sessions that still run at the end are cut off: close them first.

    Args:
        entrance: where.
        upstream: the server.
        open_session: returns the observer of a session that an app asks for; ``ConnectError`` turns the app away.
        exchanged: told about every plain HTTP exchange.

    Raises:
        ConnectError: the port is taken, or the address is not one of this machine.
    """
    try:
        async with _listening(entrance, upstream, open_session, exchanged) as url:
            yield url
    except BaseExceptionGroup as group:
        # Connections never fail, so this is what the context's body raised.
        raise group.exceptions[0] from None


@asynccontextmanager
async def _listening(
    entrance: ListenOptions,
    upstream: Upstream,
    open_session: Callable[[SessionRequest], SessionObserver],
    exchanged: Callable[[HttpExchange], None],
) -> AsyncIterator[str]:
    async with asyncio.TaskGroup() as tasks:
        door = _Door(entrance.admission, upstream, open_session, exchanged)

        def arrive() -> Endpoint:
            return _AppLeg(lambda endpoint: tasks.create_task(door.serve(endpoint)))

        try:
            server = await asyncio.get_running_loop().create_server(
                arrive,
                entrance.host,
                entrance.port,
                ssl=entrance.tls,
                backlog=BACKLOG,
                start_serving=False,
            )
            host, port = server.sockets[0].getsockname()[:2]
            door.admission = replace(entrance.admission, port=port)
            await server.start_serving()
        except OSError as error:
            raise ConnectError(
                f"cannot listen on {entrance.host}:{entrance.port}: {error.strerror or error}",
                code="cannot_listen",
                hint="another program has the port; choose another with --listen, port 0 takes a free one",
            ) from error
        try:
            scheme = "wss" if entrance.tls is not None else "ws"
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            server.close()
            door.shut()
            await door.close()


class _AppLeg(Endpoint):
    """An app's side, from the moment it connects."""

    def __init__(self, arrived: Callable[[Endpoint], object]) -> None:
        super().__init__()
        self.may_half_close = True
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._arrived(self)


class _Door:
    """Serves the connections of apps."""

    def __init__(
        self,
        admission: AccessControl,
        upstream: Upstream,
        open_session: Callable[[SessionRequest], SessionObserver],
        exchanged: Callable[[HttpExchange], None],
    ) -> None:
        self.admission = admission
        self._upstream = upstream
        self._passage = UpgradeForwarder(upstream, open_session)
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

    async def serve(self, endpoint: Endpoint) -> None:
        """Serve one connection to its end; never raises but when it is cancelled."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._serving.add(task)
        try:
            await self._serve(endpoint, task)
        except Exception:
            log.exception("serving an app failed")
        finally:
            self._serving.discard(task)
            if not endpoint.is_lost:
                endpoint.close()

    async def _serve(self, endpoint: Endpoint, task: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(APP_HEAD_TIMEOUT_S):
                head = await endpoint.head()
        except TimeoutError:
            message = f"no whole request came in {APP_HEAD_TIMEOUT_S:g} s"
            endpoint.write(problem_response(408, "bad_request", message))
            return
        except ConnectError as error:
            if not (
                endpoint.is_lost or endpoint.has_ended
            ):  # who connects and goes away is a check whether we live
                self._exchanged(HttpExchange("", "", 400, 0, 0, 0.0, error.words, error.code))
            endpoint.write(problem_response(400, "bad_request", str(error)))
            return
        if not head.is_upgrade:
            await self._plain(endpoint, head)
            return
        problem = request_problem(head)
        refusal = (
            AccessRefusal(400, "bad_request", problem) if problem else self.admission.refusal(head)
        )
        if refusal is not None:
            endpoint.write(problem_response(refusal.status, refusal.code, refusal.message))
            self._exchanged(refused(head, refusal))
            return
        await self._passage.run(endpoint, self.admission.cleaned(head).end_to_end(), task)

    async def _plain(self, endpoint: Endpoint, head: Head) -> None:
        if self._forwarder is None:
            from inspector.sources.forward import Forwarder

            try:
                self._forwarder = Forwarder(self._upstream, self.admission, self._exchanged)
            except ConnectError as error:
                endpoint.write(problem_response(502, error.code, error.message))
                return
        await self._forwarder.serve(endpoint, head)
