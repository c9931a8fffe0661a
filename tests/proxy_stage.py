"""A proxy on a loopback port between the app and the server of a test, with real sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from inspector.clock import Clock, SystemClock
from inspector.core.event import Direction, Event
from inspector.engine.proxied_session import FrameRules, ProxiedSession
from inspector.engine.proxy_engine import Proxy
from inspector.recording.writer import RecordingFile
from inspector.sources.access_control import AccessControl
from inspector.sources.proxy_port import ListenOptions
from inspector.sources.session_observer import SessionRequest
from inspector.sources.upstream import upstream_at

PATIENCE_S = 10.0
"""Timeout that is never reached unless a test fails."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Stage:
    """One proxy, and its sessions and exchanges."""

    def __init__(self, proxy: Proxy, url: str) -> None:
        self.proxy, self.url = proxy, url

    @property
    def session(self) -> ProxiedSession:
        """Return the newest session."""
        newest = self.proxy.newest
        assert newest is not None
        return newest

    @property
    def place(self) -> tuple[str, int]:
        """Return the host and port of the proxy."""
        host, _, port = self.url.partition("://")[2].rpartition(":")
        return host.strip("[]"), int(port)

    def app(self, path: str = "/v1/realtime?model=m", **options: Any) -> connect:
        """Return an app's WebSocket connection, with the options of the API's own clients."""
        return connect(
            self.url + path, **{"compression": None, "max_size": None, "proxy": None, **options}
        )

    async def raw_app(
        self, head: bytes | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect a socket and upgrade it."""
        reader, writer = await asyncio.open_connection(*self.place)
        writer.write(head or upgrade_request())
        return reader, writer

    def events(self, *, local: bool = False) -> list[Event]:
        """Return the logged events of the session."""
        log = self.session.log
        found = [log.event(row) for row in range(len(log))]
        return [event for event in found if local or event.direction is not Direction.LOCAL]

    def types(self) -> list[str]:
        """Return the types of all logged events."""
        return [event.type for event in self.events(local=True)]

    def facts(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of the local events of one type."""
        return [dict(e.body or {}) for e in self.events(local=True) if e.type == name]

    async def until(self, is_so: Callable[[], object]) -> None:
        """Run the loop until a condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0.001)

    async def over(self) -> None:
        """Wait until every session has ended."""
        await self.until(lambda: self.proxy.opened_count and not self.proxy.running)


@asynccontextmanager
async def proxied(
    server_url: str,
    folder: Path | None = None,
    *,
    faults: FrameRules | None = None,
    admission: AccessControl | None = None,
    new_recording: Callable[[SessionRequest], RecordingFile] | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """Run a proxy in front of a server.

    Args:
        server_url: the server.
        folder: where sessions are recorded; None keeps them in memory.
        faults: rules.
        admission: who is let in.
        new_recording: in place of a file in ``folder``.
        clock: in place of the machine's.
        options: of ``upstream_at`` and ``Proxy``.
    """
    clock = clock or SystemClock()
    count = iter(range(1, 100_000))

    def recording(_: SessionRequest) -> RecordingFile:
        return RecordingFile(folder / f"{next(count)}.jsonl" if folder else None, clock)

    of_upstream = {name: options.pop(name) for name in ("key", "key_header") if name in options}
    proxy = Proxy(
        clock, new_recording or recording, lambda file: file.close(), faults=faults, **options
    )
    entrance = ListenOptions(admission=admission or AccessControl())
    async with proxy.listen(entrance, upstream_at(server_url, **of_upstream)) as url:
        yield Stage(proxy, url)


def upgrade_request(*lines: str, target: str = "/v1/realtime?model=m") -> bytes:
    """Return a client's upgrade request with additional header lines."""
    head = (
        f"GET {target} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *lines,
    )
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"


def upgrade_response(request: bytes, *lines: str) -> bytes:
    """Return a server's 101 response to a request."""
    key = next(
        line.partition(b":")[2].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
    head = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        *lines,
    )
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"


async def closed_with(app: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the end of a connection; return the close code and reason."""
    async with asyncio.timeout(PATIENCE_S):
        await app.wait_closed()
    return app.close_code, app.close_reason
