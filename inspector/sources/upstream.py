"""The server behind the proxy: its address, the rewriting of requests to it, and connections to it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from inspector.errors import ConnectError, UsageError
from inspector.secret import Secret, mask_url
from inspector.sources.address import WEBSOCKET_SCHEMES
from inspector.sources.heads import Head
from inspector.sources.relay import Endpoint, open_endpoint
from inspector.sources.tunnel import NetworkProxy, network_proxy, open_tunnel

CONNECT_TIMEOUT_S = 10.0
HEAD_TIMEOUT_S = 60.0
"""How long the response to the upgrade may take; a local server may load a model first."""
KEY_HEADERS = ("authorization", "api-key", "x-api-key")
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""Subprotocol prefix with which a browser, which cannot set headers, sends its key."""
_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True)
class Upstream:
    """The server that requests are forwarded to."""

    scheme: str
    """``ws`` or ``wss``."""
    host: str
    """Name or address, without brackets."""
    port: int
    """The port in the address, or the scheme's default."""
    base: str = ""
    """Path prefix of the app's paths, without a slash at its end."""
    query: str = ""
    """Query string for a request without one."""
    key: Secret | None = None
    """Replaces the app's key; None keeps it."""
    key_header: str = "Authorization"
    """The header that ``key`` is sent in."""

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, with the system's authorities or those in ``SSL_CERT_FILE``; None for ``ws``."""
        if self.scheme != "wss":
            return None
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    @property
    def netloc(self) -> str:
        """Return host and port in the form of a URL and of ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address with secrets masked."""
        return mask_url(f"{self.scheme}://{self.netloc}{self.base}")

    def target(self, app_target: str) -> str:
        """Return the target on the server for the target of an app's request."""
        path, mark, query = app_target.partition("?")
        # An app that was given the whole base URL sends the prefix itself.
        if self.base and path != self.base and not path.startswith(f"{self.base}/"):
            path = self.base + (path if path != "/" else "")
        query = query if mark else self.query
        return f"{path}?{query}" if query else path + mark

    def request(self, head: Head) -> Head:
        """Return an app's request for the server, with changed target, ``Host``, own ``Origin`` and key, and all other lines kept."""
        host, origin = head.value("host"), head.value("origin")
        request = head.with_target(self.target(head.target)).with_header("Host", self.netloc)
        if host and origin.partition("://")[2].lower() == host.lower():
            # Some libraries send the server's own address as Origin; without the proxy, the server would get its own.
            scheme = "https" if self.scheme == "wss" else "http"
            request = request.with_header("Origin", f"{scheme}://{self.netloc}")
        if self.key is None:
            return request
        return self._with_key(request, self.key)

    def _with_key(self, head: Head, key: Secret) -> Head:
        is_bearer = self.key_header.lower() == "authorization"
        value = f"Bearer {key.reveal()}" if is_bearer else key.reveal()
        # No second key may reach the server: which one it would use is undefined.
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
        """Open a connection to the server.

        Raises:
            OSError: the connection failed, including TLS errors and timeouts.
            ConnectError: a proxy on the way refused.
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
    """Parse the address of a server.

    Args:
        address: ``wss://host`` or ``https://host``, with a path if the API is not at the root.
        key: replaces the app's key.
        key_header: the header that the key is sent in.

    Raises:
        UsageError: the address is not valid.
    """
    address = address.strip()
    try:
        parts = urlsplit(address if "://" in address else f"wss://{address}")
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:  # UnicodeError is one
        raise _bad(address, str(error)) from None
    scheme = WEBSOCKET_SCHEMES.get(parts.scheme.lower())
    if scheme is None or not host or any(character.isspace() for character in address):
        raise _bad(address, "it needs a scheme (wss://) and a host")
    if parts.username is not None or parts.password is not None:
        raise _bad(address, "it contains a user name or password")
    if not all("!" <= character <= "~" for character in f"{parts.path}{parts.query}"):
        raise _bad(address, "its path must be ASCII, with everything else percent-encoded")
    base = parts.path.rstrip("/")
    return Upstream(
        scheme, host, port or _PORTS[scheme], base, parts.query, key=key, key_header=key_header
    )


def refused_by(error: BaseException, upstream: Upstream, url: str = "") -> ConnectError:
    """Return the error for a failed connection; ``url`` is the masked URL of the request, if known."""
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
        f"{mask_url(address)} is not a server address: {why}",
        code="bad_url",
        hint="write it like wss://api.openai.com or ws://127.0.0.1:8080",
    )
