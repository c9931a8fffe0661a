"""The client side of the ``websockets`` library, adapted to the inspector. Imported when a connection is opened.

Frames keep their bytes and kind, even a text frame that is not UTF-8. Redirects are not followed, because the key would be
sent along. Every failure becomes a ``ConnectError`` with a hint.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections import deque
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from inspector.errors import ConnectError
from inspector.secret import mask_text, mask_url
from inspector.sources.base import Closed, Received, Side
from inspector.sources.reasons import explained, proxy_step, refusal_words
from inspector.sources.tunnel import NetworkProxy, unreachable

BODY_EXCERPT_CHARS = 300
"""Length of the excerpt of a refusal's body in the error message."""
_REQUEST_IDS = ("x-request-id", "apim-request-id", "cf-ray")

quiet_log = logging.getLogger("inspector.sources.wire.frames")
quiet_log.setLevel(logging.WARNING)  # at DEBUG the library logs all headers, including the key


class FrameKinds:
    """The kinds of the incoming data frames, which ``recv(decode=False)`` does not return (websockets 15 to 17)."""

    def __init__(self) -> None:
        self._are_text: deque[bool] = deque()

    def note(self, event: object) -> None:
        """Record the kind of a frame that the protocol passes to the connection."""
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._are_text.append(event.opcode is Opcode.TEXT)

    def received(self, data: bytes) -> Received:
        """Return the next frame with its kind."""
        return Received(bytes(data), self._are_text.popleft())


class VerbatimConnection(ClientConnection):
    """A connection whose frames keep both their bytes and their kind.

    ``recv(decode=None)`` would tell text from binary by the type of the result, but fails the connection on a text
    frame that is not UTF-8; ``recv(decode=False)`` accepts any bytes, but does not tell the kind. So the kind is kept here.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._kinds = FrameKinds()
        self._is_ending = False
        super().__init__(*arguments, **options)

    def data_received(self, data: bytes) -> None:
        """Process bytes; after a close frame, give the server ``close_timeout`` to end the connection.

        The library (17.4) enforces that time only during a call of ``close`` or ``send``. A server that sends a close frame
        and never hangs up, or violates the protocol, would look alive until the pings fail.
        """
        super().data_received(data)
        if not self._is_ending and self.protocol.close_expected():
            self._is_ending = True
            self.loop.call_later(self.close_timeout or 0, self.transport.abort)

    def process_event(self, event: Any) -> None:
        """Record the kind of each incoming data frame."""
        self._kinds.note(event)
        super().process_event(event)

    async def receive(self) -> Received:
        """Return the next frame.

        Raises:
            ConnectionClosed: the connection has ended.
        """
        return self._kinds.received(await self.recv(decode=False))


class Connector(connect):
    """Open connections without following redirects."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the redirect as an error, instead of the new URL."""
        return exc


def how_it_ended(error: ConnectionClosed) -> Closed:
    """Return how a connection ended; keys in the server's reason are masked."""
    received, sent = error.rcvd, error.sent
    if received is not None and (sent is None or error.rcvd_then_sent):
        return explained(received.code, mask_text(received.reason), Side.SERVER)
    if sent is None:
        return explained(1006, "", Side.NETWORK)
    if sent.code == 1011 and received is None:  # sent by the library after a ping timeout
        return Closed(
            1006,
            sent.reason,
            Side.NETWORK,
            "the server stopped answering pings",
            "check the network",
        )
    if sent.code == 1009:  # sent by the library for a frame beyond ``max_size``
        return Closed(
            1009,
            sent.reason,
            Side.CLIENT,
            "the server sent a frame larger than the inspector accepts",
            "check what the server sends: the largest append of the API is 15 MiB",
        )
    return explained(sent.code, sent.reason, Side.CLIENT)


def refusal(
    error: Exception, url: str, timeout_s: float, way_out: NetworkProxy | None = None
) -> ConnectError:
    """Return the error for a failed connection.

    Args:
        error: the exception of the library.
        url: the URL of the connection, masked.
        timeout_s: the timeout that applied.
        way_out: the network's proxy that the connection used.
    """
    host = url.split("/")[2] if url.count("/") > 1 else url
    variable = way_out.variable if way_out is not None else "HTTPS_PROXY"
    match error:
        case InvalidStatus():
            return _http_refusal(error.response, host, url)
        case InvalidProxyStatus():
            status = error.response.status_code
            return ConnectError(
                f"the proxy on the way to {host} answers HTTP {status}",
                code="proxy",
                hint=proxy_step(status, variable),
            )
        case InvalidProxy():
            return ConnectError(
                f"{mask_url(error.proxy)} is not an address of a proxy: {error.msg}",
                code="proxy",
                hint=f"check {variable}",
            )
        case ProxyError():
            return ConnectError(
                f"the proxy on the way to {host} does not work: {mask_text(str(error))}",
                code="proxy",
                hint=f"check {variable}, or list the host in NO_PROXY",
            )
        case InvalidURI():
            return ConnectError(f"{url} is not an address of a WebSocket", code="bad_url")
        case InvalidMessage() | InvalidHandshake() | EOFError():
            why = _one_line(mask_text(str(error.__cause__ or error)))
            return ConnectError(
                f"{host} answers, but not with a WebSocket handshake: {why}",
                code="bad_handshake",
                hint="check the scheme (ws:// or wss://), the port and the path",
            )
        case ImportError():
            return ConnectError(
                f"{way_out or 'the environment'} names a SOCKS proxy, and the library for it is not installed",
                code="proxy",
                hint=f"pip install 'python-socks[asyncio]', or unset {variable}",
            )
    if way_out is not None and isinstance(error, OSError) and not _is_beyond_proxy(error):
        return unreachable(way_out, error)
    failed = _network_refusal(error, host, timeout_s)
    if way_out is not None:
        failed.hint += f"; {way_out} is on the way, and may be what fails"
    return failed


def _is_beyond_proxy(error: OSError) -> bool:
    """Tell whether a failure may be of the server behind a proxy: what fails before that is the connection to the proxy."""
    return isinstance(error, ssl.SSLError | TimeoutError | ConnectionResetError | BrokenPipeError)


def _network_refusal(error: Exception, host: str, timeout_s: float) -> ConnectError:
    match error:
        case TimeoutError():
            return ConnectError(
                f"{host} did not complete the handshake in {timeout_s:g} s",
                code="connect_timeout",
                hint="check the address and the network; a firewall may drop packets silently",
            )
        case socket.gaierror():
            return ConnectError(
                f"the name {host} cannot be resolved: {error.strerror}",
                code="dns",
                hint="check the spelling of the host, and the network",
            )
        case ssl.SSLCertVerificationError():
            return ConnectError(
                f"the certificate of {host} is not accepted: {error.verify_message}",
                code="tls",
                hint="check the host's name and the system's clock; for your own authority set SSL_CERT_FILE",
            )
        case ssl.SSLError():
            return ConnectError(
                f"TLS with {host} failed: {error.reason or error}",
                code="tls",
                hint="if the server does not use TLS on this port, use ws:// instead of wss://",
            )
    # For a host with several addresses (IPv6, IPv4), asyncio raises one OSError without errno and joins their messages.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(error):
        return ConnectError(
            f"{host} refused the connection: nothing is listening there",
            code="refused",
            hint="check that the server is running, and that the port is right",
        )
    return ConnectError(
        f"cannot connect to {host}: {mask_text(str(error)) or type(error).__name__}",
        hint="check the address and the network",
    )


def _http_refusal(response: Response, host: str, url: str) -> ConnectError:
    status, body = response.status_code, bytes(response.body or b"")
    wait = mask_text(_one_line(response.headers.get("Retry-After", "")))
    words = refusal_words(status, url, _error_code(body), wait)
    detail = _excerpt(body)
    if 300 <= status < 400 and "Location" in response.headers:
        detail = f"to {mask_url(response.headers['Location'])}"
    request_id = next((response.headers[n] for n in _REQUEST_IDS if n in response.headers), "")
    return ConnectError(
        f"{host} answered HTTP {status}: {words.meaning}"
        + (f" ({detail})" if detail else "")
        + (f" [request {mask_text(request_id)}]" if request_id else ""),
        code=f"http_{status}",
        hint=words.next_step,
    )


def _error_code(body: bytes) -> str:
    """Return the error code in a body; ``""`` if it has none."""
    try:
        data = orjson.loads(body)
    except ValueError:
        return ""
    error = data.get("error", data) if isinstance(data, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def _excerpt(body: bytes) -> str:
    """Return the message of an error body, or the start of another body, as one printable line with keys masked."""
    text = body[: 1 << 16].decode("utf-8", "replace")
    try:
        data = orjson.loads(body)
        error = data.get("error", data)
        text = str(error.get("message") or text) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        pass
    return _one_line(
        mask_text(text)
    )  # mask before shortening: half of a key would not be recognized


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= BODY_EXCERPT_CHARS else f"{line[:BODY_EXCERPT_CHARS]}…"
