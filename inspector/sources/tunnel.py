"""The way out through a proxy of the network, where the environment names one (``HTTPS_PROXY`` and the like)."""

from __future__ import annotations

import base64
import ssl
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from inspector.errors import ConnectError
from inspector.secret import mask_url
from inspector.sources.address import is_loopback
from inspector.sources.relay import Endpoint, open_endpoint

_SCHEMES = {"wss": ("wss", "socks", "https"), "ws": ("ws", "socks", "https", "http")}
"""The variables that are asked, in the order of the WebSocket library's own client."""


def network_proxy(scheme: str, host: str, port: int) -> str | None:
    """Return the proxy on the way to a server, None where there is none; this machine is always reached directly.

    Raises:
        ConnectError: it is not one that speaks HTTP.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if is_loopback(f"{scheme}://{place}") or proxy_bypass(place):
        return None
    known = getproxies()
    found = next((known[name] for name in _SCHEMES[scheme] if known.get(name)), None)
    if found is not None and not found.startswith(("http://", "https://")):
        raise ConnectError(
            f"the network's proxy {mask_url(found)} speaks no HTTP",
            code="proxy",
            hint="set HTTPS_PROXY to one that does, or list the host in NO_PROXY",
        )
    return found


async def open_tunnel(proxy: str, host: str, port: int) -> Endpoint:
    """Connect to a server through a proxy; the connection is as if it were direct.

    Raises:
        OSError: the proxy cannot be reached.
        ConnectError: the proxy refuses.
    """
    parts = urlsplit(proxy)
    is_secure = parts.scheme == "https"
    endpoint = await open_endpoint(
        parts.hostname or "",
        parts.port or (443 if is_secure else 80),
        tls=ssl.create_default_context() if is_secure else None,
    )
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
            hint="check HTTPS_PROXY, and the user and password in it",
        )
    return endpoint
