"""The server behind the proxy: where it is, how a request is turned towards it, and the connection to it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from inspector.errors import ConnectError, UsageError
from inspector.secret import Secret, mask_url
from inspector.sources.heads import Head
from inspector.sources.relay import Endpoint, open_endpoint
from inspector.sources.tunnel import NetworkProxy, network_proxy, open_tunnel

CONNECT_TIMEOUT_S = 10.0
HEAD_TIMEOUT_S = 60.0
"""For the answer to the upgrade: local servers load a model first."""
KEY_HEADERS = ("authorization", "api-key", "x-api-key")
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How a browser sends its key."""
_PORTS = {"ws": 80, "wss": 443}
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@dataclass(frozen=True)
class Upstream:
    """Where requests go."""

    scheme: str
    """``ws`` or ``wss``."""
    host: str
    """Name or address, without brackets."""
    port: int
    """Its own, or that of the scheme."""
    base: str = ""
    """Path that goes before the app's own, without a slash at its end."""
    query: str = ""
    """Parameters for an app that sends none."""
    key: Secret | None = None
    """Put in place of whatever key the app sends."""
    key_header: str = "Authorization"
    """The header in which a key is put."""

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """Return how certificates are verified: by the system's authorities, or those in ``SSL_CERT_FILE``."""
        if self.scheme != "wss":
            return None
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    @property
    def netloc(self) -> str:
        """Return host and port as they stand in a URL and in ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address, without secrets."""
        return mask_url(f"{self.scheme}://{self.netloc}{self.base}")

    def target(self, asked: str) -> str:
        """Return the target on the server for the target that an app asks for."""
        path, mark, query = asked.partition("?")
        if self.base and path != self.base and not path.startswith(f"{self.base}/"):
            path = self.base + (path if path != "/" else "")
        query = query if mark else self.query
        return f"{path}?{query}" if query else path + mark

    def request(self, head: Head) -> Head:
        """Return an app's request as the server gets it: all its lines but the target, ``Host``, an ``Origin`` that names the same, and the key."""
        host, origin = head.value("host"), head.value("origin")
        turned = head.with_target(self.target(head.target)).with_header("Host", self.netloc)
        if host and origin.partition("://")[2].lower() == host.lower():
            # What names the server as its origin does so behind a proxy too, as it would without one.
            scheme = "https" if self.scheme == "wss" else "http"
            turned = turned.with_header("Origin", f"{scheme}://{self.netloc}")
        if self.key is None:
            return turned
        return self._with_key(turned, self.key)

    def _with_key(self, head: Head, key: Secret) -> Head:
        is_bearer = self.key_header.lower() == "authorization"
        value = f"Bearer {key.reveal()}" if is_bearer else key.reveal()
        others = [name for name in KEY_HEADERS if name != self.key_header.lower()]
        head = head.without(others).with_header(self.key_header, value)
        offered = head.tokens("sec-websocket-protocol")
        kept = [name for name in offered if not name.lower().startswith(KEY_SUBPROTOCOL)]
        if kept == offered:
            return head
        name = "Sec-WebSocket-Protocol"
        return head.with_header(name, ", ".join(kept)) if kept else head.without([name])

    @property
    def way_out(self) -> NetworkProxy | None:
        """Return the network's own proxy on the way there, None where there is none.

        Raises:
            ConnectError: it is not one that speaks HTTP.
        """
        return network_proxy(self.scheme, self.host, self.port)

    async def connect(self) -> Endpoint:
        """Open a connection.

        Raises:
            OSError: it cannot be opened; TLS failures and too long a wait are ``OSError`` too.
            ConnectError: a proxy on the way refuses.
        """
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            proxy = self.way_out
            if proxy is None:
                return await open_endpoint(self.host, self.port, tls=self.tls)
            endpoint = await open_tunnel(proxy, self.host, self.port)
            if self.tls is not None:
                await self._encrypt(endpoint, self.tls)
            return endpoint

    async def _encrypt(self, endpoint: Endpoint, tls: ssl.SSLContext) -> None:
        plain = endpoint.transport
        if plain is None:
            raise ConnectError("the connection to the network's proxy was lost", code="proxy")
        try:
            secure = await asyncio.get_running_loop().start_tls(
                plain, endpoint, tls, server_hostname=self.host
            )
        except BaseException:
            endpoint.abort()
            raise
        if secure is None:
            raise ConnectError("the connection to the network's proxy was lost", code="proxy")
        endpoint.connection_made(secure)


def upstream_at(
    address: str, *, key: Secret | None = None, key_header: str = "Authorization"
) -> Upstream:
    """Read the address of a server.

    Args:
        address: ``wss://host``, with a path where the API does not begin at the root; ``https`` will do.
        key: put in place of whatever key the app sends.
        key_header: which header carries it.

    Raises:
        UsageError: it is no such address.
    """
    address = address.strip()
    try:
        parts = urlsplit(address if "://" in address else f"wss://{address}")
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:  # UnicodeError is one
        raise _bad(address, str(error)) from None
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None or not host or any(character.isspace() for character in address):
        raise _bad(address, "it needs a scheme (wss://) and a host")
    if parts.username is not None or parts.password is not None:
        raise _bad(address, "it holds a user or a password")
    if not all("!" <= character <= "~" for character in f"{parts.path}{parts.query}"):
        raise _bad(address, "its path is ASCII, with everything else percent-encoded")
    base = parts.path.rstrip("/")
    return Upstream(
        scheme, host, port or _PORTS[scheme], base, parts.query, key=key, key_header=key_header
    )


def refused_by(error: BaseException, upstream: Upstream, url: str = "") -> ConnectError:
    """Return what a failed attempt to reach the server means; ``url`` is what was asked for, masked, where that is known."""
    from inspector.sources.reasons import step_for_app
    from inspector.sources.wire import refusal

    if isinstance(error, ConnectError):
        return error
    timeout_s = HEAD_TIMEOUT_S if isinstance(error, TimeoutError) else CONNECT_TIMEOUT_S
    refused = refusal(
        error if isinstance(error, Exception) else OSError(str(error)),
        url or upstream.url,
        timeout_s,
        upstream.way_out,
    )
    return ConnectError(refused.message, code=refused.code, hint=step_for_app(refused.hint))


def _bad(address: str, why: str) -> UsageError:
    return UsageError(
        f"{mask_url(address)} is not the address of a server: {why}",
        code="bad_url",
        hint="write it like wss://api.openai.com or ws://127.0.0.1:8080",
    )
