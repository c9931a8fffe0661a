"""A connection to a Realtime server over WebSocket.

``websockets`` is imported on connecting, so that the screen can appear before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inspector import __version__
from inspector.errors import ConnectError
from inspector.secret import Secret, mask_headers, mask_subprotocol, mask_url, secrets_of
from inspector.sources.base import Closed, Handshake, Received

if TYPE_CHECKING:
    from inspector.sources.tunnel import NetworkProxy
    from inspector.sources.wire import VerbatimConnection

MAX_FRAME_BYTES = 64 << 20
"""Four times the largest append of the API; a larger frame is an error."""
OPEN_TIMEOUT_S = 10.0
PING_INTERVAL_S = 20.0
"""The interval at which the API sends pings itself."""
PING_TIMEOUT_S = 60.0
"""Long, because a local server may stall for tens of seconds while it loads a model."""
CLOSE_TIMEOUT_S = 1.5
"""Shorter than the time that ``TaskSupervisor`` allows for an end, so that the close is still recorded."""


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """The address and credentials of a connection."""

    url: str
    """A complete ``ws`` or ``wss`` URL (``sources.address`` completes one)."""
    model: str = ""
    """The model in the recording's header; the server gets it in the URL."""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    """Additional headers of the upgrade."""
    subprotocols: tuple[str | Secret, ...] = ()
    """Offered subprotocols, in order of preference."""
    open_timeout_s: float = OPEN_TIMEOUT_S
    """Timeout of connection and handshake together."""

    def secrets(self) -> list[Secret]:
        """Return the keys in the headers, the subprotocols and the URL."""
        offered = ("Sec-WebSocket-Protocol", ", ".join(map(_plain, self.subprotocols)))
        return secrets_of([*self.headers, offered], self.url)


class LiveSource:
    """A connection to a server over the network."""

    kind = "live"

    def __init__(self, target: LiveTarget) -> None:
        self.url = mask_url(target.url)
        self.model = target.model
        self.secrets: Sequence[Secret] = target.secrets()
        """The keys in the upgrade; masked in all output as long as they are referenced here."""
        self._target = target
        self._connection: VerbatimConnection | None = None
        self._closed: Closed | None = None

    @property
    def closed(self) -> Closed | None:
        """How the last connection ended; None if none has ended."""
        return self._closed

    async def connect(self) -> Handshake:
        """Open the connection.

        Raises:
            ConnectError: the server refused the upgrade, was not reached, or did not answer in time.
        """
        from inspector.sources.wire import Connector, VerbatimConnection, quiet_log, refusal

        self._closed = None
        target = self._target
        way_out = _way_out(target.url)
        try:
            connection = await Connector(
                target.url,
                proxy=way_out.address if way_out is not None else None,
                additional_headers=[(name, _plain(value)) for name, value in target.headers],
                subprotocols=[_plain(name) for name in target.subprotocols] or None,  # type: ignore[misc]  # Subprotocol is a NewType of str
                user_agent_header=f"realtime-inspector/{__version__}",
                compression=None,  # frames are shown and recorded as they cross the wire
                max_size=MAX_FRAME_BYTES,
                open_timeout=target.open_timeout_s,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                logger=quiet_log,
                create_connection=VerbatimConnection,
            )
        except (
            Exception
        ) as error:  # websockets, its proxy support and the system raise a dozen types
            raise refusal(error, self.url, target.open_timeout_s, way_out) from error
        if not isinstance(connection, VerbatimConnection):
            raise TypeError(f"expected a VerbatimConnection, got {type(connection)}")
        self._connection = connection
        return self._handshake(connection)

    async def frames(self) -> AsyncIterator[Received]:
        """Yield the server's frames in order until the connection ends."""
        from websockets.exceptions import ConnectionClosed

        from inspector.sources.wire import how_it_ended

        connection = self._connection
        if connection is None:
            return
        try:
            while True:
                yield await connection.receive()
        except ConnectionClosed as error:
            self._closed = how_it_ended(error)
        finally:
            self._connection = None
            connection.transport.abort()  # a server that never hangs up must not keep the socket open

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Send one frame unchanged.

        Raises:
            ConnectError: the connection has ended.
        """
        from websockets.exceptions import ConnectionClosed

        if self._connection is None:
            raise ConnectError("the connection has ended", code="not_connected")
        try:
            await self._connection.send(data, text=is_text)
        except ConnectionClosed as error:
            raise ConnectError(
                f"the connection has ended: {error}", code="not_connected"
            ) from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; do nothing if it has already ended."""
        if self._connection is not None:
            await self._connection.close(code, reason)

    def _handshake(self, connection: VerbatimConnection) -> Handshake:
        request, response = connection.request, connection.response
        subprotocol = connection.subprotocol
        return Handshake(
            self.url,
            response.status_code if response is not None else 101,
            mask_headers(request.headers.raw_items()) if request is not None else {},
            mask_headers(response.headers.raw_items()) if response is not None else {},
            mask_subprotocol(subprotocol) if subprotocol is not None else None,
        )


def _way_out(url: str) -> NetworkProxy | None:
    """Return the network's own proxy on the way to a server.

    Raises:
        ConnectError: what the environment names is not the address of a proxy.
    """
    from inspector.sources.tunnel import HTTP, SOCKS, network_proxy

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    return network_proxy(parts.scheme, parts.hostname or "", port, HTTP + SOCKS)


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
