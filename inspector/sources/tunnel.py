"""The way out through a proxy of the network, where the environment names one (``HTTPS_PROXY`` and the like)."""

from __future__ import annotations

import base64
import os
import ssl
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from inspector.errors import ConnectError
from inspector.secret import mask_url
from inspector.sources.address import is_loopback
from inspector.sources.relay import Endpoint, open_endpoint

_VARIABLES = {"wss": ("wss", "socks", "https"), "ws": ("ws", "socks", "https", "http")}
"""The variables that are asked, in the order of the WebSocket library's own client."""
HTTP = ("http", "https")
SOCKS = ("socks5h", "socks5", "socks4a", "socks4")


@dataclass(frozen=True)
class NetworkProxy:
    """A proxy of the network that the environment names, and where it does."""

    variable: str
    """Like ``HTTPS_PROXY``, as it is spelled in the environment; words for the system's settings where it is not there."""
    address: str
    """A URL, with whatever user and password it holds."""

    @cached_property
    def parts(self) -> SplitResult:
        """Return the parts of the address."""
        return urlsplit(self.address)

    def __str__(self) -> str:
        """Return the name of the variable and what it holds, without secrets."""
        return f"{self.variable} ({mask_url(self.address)})"


def network_proxy(
    scheme: str, host: str, port: int, speaking: tuple[str, ...] = HTTP
) -> NetworkProxy | None:
    """Return the proxy on the way to a server, None where there is none; this machine is always reached directly.

    Raises:
        ConnectError: what the environment names is not the address of a proxy that speaks one of these schemes.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if is_loopback(f"{scheme}://{place}") or proxy_bypass(place):
        return None
    known = getproxies()
    name = next((name for name in _VARIABLES[scheme] if known.get(name)), None)
    if name is None:
        return None
    address = known[name]
    if name == "socks" and address.startswith("http://"):  # as macOS has it
        address = f"socks5h://{address.removeprefix('http://')}"
    found = NetworkProxy(_variable(name, known[name]), address)
    problem = _problem(found, speaking)
    if problem:
        raise ConnectError(
            f"{found} {problem}",
            code="proxy",
            hint=f"set it to {speaking[0]}://HOST:PORT, or list the host in NO_PROXY",
        )
    return found


def _variable(name: str, value: str) -> str:
    """Return how the environment spells the variable that a proxy was read from."""
    wanted = f"{name}_proxy"
    spelled = (key for key, held in os.environ.items() if key.lower() == wanted and held == value)
    return next(spelled, "the system's proxy setting")


def _problem(proxy: NetworkProxy, speaking: tuple[str, ...]) -> str:
    """Return what is wrong with a proxy, as the end of a sentence; ``""`` where nothing is."""
    try:
        parts = proxy.parts
        host, _ = parts.hostname, parts.port
        for secret in (parts.username, parts.password):
            unquote(secret or "", errors="strict")
    except ValueError as error:
        return f"is not an address of a proxy: {error}"
    if parts.scheme in SOCKS and parts.scheme not in speaking:
        return f"speaks no HTTP, but {parts.scheme}"
    wrong = {
        "it needs a scheme, like http://": parts.scheme not in speaking,
        "there is no host in it": not host,
        "it is not plain ASCII": not all("!" <= character <= "~" for character in proxy.address),
        "there is a path in it": parts.path not in ("", "/") or parts.query or parts.fragment,
    }
    why = next((words for words, applies in wrong.items() if applies), "")
    return f"is not an address of a proxy: {why}" if why else ""


async def open_tunnel(proxy: NetworkProxy, host: str, port: int) -> Endpoint:
    """Connect to a server through a proxy; the connection is as if it were direct.

    Raises:
        OSError: it is lost again, or does not answer in time.
        ConnectError: the proxy cannot be reached, or refuses.
    """
    parts = proxy.parts
    is_secure = parts.scheme == "https"
    try:
        endpoint = await open_endpoint(
            parts.hostname or "",
            parts.port or (443 if is_secure else 80),
            tls=ssl.create_default_context() if is_secure else None,
        )
    except TimeoutError:
        raise
    except OSError as error:
        raise unreachable(proxy, error) from error
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}")
    endpoint.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
    try:
        answer = await endpoint.head()
    except BaseException:
        endpoint.abort()
        raise
    if not 200 <= answer.status < 300:
        endpoint.abort()
        raise ConnectError(
            f"the network's proxy answers {answer.status} on the way to {host}",
            code="proxy",
            hint=f"check {proxy.variable}, and the user and password in it",
        )
    return endpoint


def unreachable(proxy: NetworkProxy, error: OSError) -> ConnectError:
    """Return what it means that a proxy of the network cannot be connected to."""
    return ConnectError(
        f"the network's proxy cannot be reached: {error.strerror or error}",
        code="proxy",
        hint=f"check {proxy}, or list the host in NO_PROXY",
    )
