"""The proxy's port: accepts apps' connections, and dispatches them.

An upgrade goes to the ``UpgradeForwarder``, plain HTTP to the ``Forwarder``; what the access rules refuse goes to neither.
"""

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
from inspector.sources.base import BACKLOG
from inspector.sources.heads import Head, request_problem
from inspector.sources.http_exchange import HttpExchange, problem_response, refused
from inspector.sources.relay import Endpoint
from inspector.sources.session_observer import SessionObserver, SessionRequest
from inspector.sources.upgrade_forwarder import UpgradeForwarder
from inspector.sources.upstream import Upstream

if TYPE_CHECKING:
    from inspector.sources.forward import Forwarder

APP_HEAD_TIMEOUT_S = 20.0
"""How long an app may take to send its first request."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """The address, access rules and TLS context of the port."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 0
    """The port to listen on; 0 for any free port."""
    admission: AccessControl = field(default_factory=AccessControl)
    """The access rules."""
    tls: ssl.SSLContext | None = None
    """TLS context to serve ``wss``; None serves ``ws``."""


@asynccontextmanager
async def listen(
    options: ListenOptions,
    upstream: Upstream,
    open_session: Callable[[SessionRequest], SessionObserver],
    exchanged: Callable[[HttpExchange], None],
) -> AsyncIterator[str]:
    """Listen while the context is open; yields the base URL for apps.

    Sessions that still run at the end are aborted: close them first.

    Args:
        options: the address, access rules and TLS context.
        upstream: the server.
        open_session: returns the observer of a requested session, or raises ``ConnectError`` to refuse it.
        exchanged: called after every plain HTTP exchange.

    Raises:
        ConnectError: the port is in use, or the address is not one of this machine.
    """
    try:
        async with _listening(options, upstream, open_session, exchanged) as url:
            yield url
    except BaseExceptionGroup as group:
        # ``_AppServer.serve`` never raises, so this is the exception of the context's body.
        raise group.exceptions[0] from None


@asynccontextmanager
async def _listening(
    options: ListenOptions,
    upstream: Upstream,
    open_session: Callable[[SessionRequest], SessionObserver],
    exchanged: Callable[[HttpExchange], None],
) -> AsyncIterator[str]:
    async with asyncio.TaskGroup() as tasks:
        apps = _AppServer(options.admission, upstream, open_session, exchanged)

        def new_endpoint() -> Endpoint:
            return _AppEndpoint(lambda endpoint: tasks.create_task(apps.serve(endpoint)))

        try:
            server = await asyncio.get_running_loop().create_server(
                new_endpoint,
                options.host,
                options.port,
                ssl=options.tls,
                backlog=BACKLOG,
                start_serving=False,  # not before the access rules know the port
            )
            host, port = server.sockets[0].getsockname()[:2]
            apps.admission = replace(options.admission, port=port)
            await server.start_serving()
        except OSError as error:
            raise ConnectError(
                f"cannot listen on {options.host}:{options.port}: {error.strerror or error}",
                code="cannot_listen",
                hint="another program may use the port; choose another with --listen, or port 0 for a free one",
            ) from error
        try:
            scheme = "wss" if options.tls is not None else "ws"
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            server.close()
            apps.cancel()
            await apps.close()


class _AppEndpoint(Endpoint):
    """The endpoint of an app, which calls back when it is connected."""

    def __init__(self, connected: Callable[[Endpoint], object]) -> None:
        super().__init__()
        self.may_half_close = True
        self._connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connected(self)


class _AppServer:
    """Serve the connections of apps."""

    def __init__(
        self,
        admission: AccessControl,
        upstream: Upstream,
        open_session: Callable[[SessionRequest], SessionObserver],
        exchanged: Callable[[HttpExchange], None],
    ) -> None:
        self.admission = admission
        self._upstream = upstream
        self._upgrades = UpgradeForwarder(upstream, open_session)
        self._exchanged = exchanged
        self._forwarder: Forwarder | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def cancel(self) -> None:
        """Abort the connections that are still being served."""
        for task in self._serving:
            task.cancel()

    async def close(self) -> None:
        """Close the connections to the server for plain HTTP."""
        if self._forwarder is not None:
            await self._forwarder.close()

    async def serve(self, endpoint: Endpoint) -> None:
        """Serve one connection to its end; raises only if it is cancelled."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("serve must run in a task")
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
        # Against clients that connect and send nothing, which would use up file descriptors.
        try:
            async with asyncio.timeout(APP_HEAD_TIMEOUT_S):
                head = await endpoint.head()
        except TimeoutError:
            message = f"no complete request was received within {APP_HEAD_TIMEOUT_S:g} s"
            endpoint.write(problem_response(408, "bad_request", message))
            return
        except ConnectError as error:
            # A client that connects and leaves without a request is a health check, and not worth a line.
            if not (endpoint.is_lost or endpoint.has_ended):
                self._exchanged(HttpExchange("", "", 400, 0, 0, 0.0, error.words, error.code))
            endpoint.write(problem_response(400, "bad_request", str(error)))
            return
        if not head.is_upgrade:
            await self._serve_http(endpoint, head)
            return
        problem = request_problem(head)
        refusal = (
            AccessRefusal(400, "bad_request", problem) if problem else self.admission.refusal(head)
        )
        if refusal is not None:
            endpoint.write(problem_response(refusal.status, refusal.code, refusal.message))
            self._exchanged(refused(head, refusal))
            return
        await self._upgrades.run(endpoint, self.admission.without_token(head).end_to_end(), task)

    async def _serve_http(self, endpoint: Endpoint, head: Head) -> None:
        if self._forwarder is None:
            # Here: h11 and httpx2 are slow to load, and an app that only opens sessions needs neither.
            from inspector.sources.forward import Forwarder

            try:
                self._forwarder = Forwarder(self._upstream, self.admission, self._exchanged)
            except ConnectError as error:
                endpoint.write(problem_response(502, error.code, error.message))
                return
        await self._forwarder.serve(endpoint, head)
