"""Access control of a listening port. The proxy handles keys and voices, so it refuses strangers before it contacts the server.

* Any web page can reach a loopback port. A browser names the page in ``Origin``; an origin that is not allowed is refused.
* Some libraries, such as websocket-client, send the URL that they connect to as ``Origin``. Only a page served from this port
  could have that origin, so it is allowed, unless its host is a name that DNS could point elsewhere.
* Images and forms of a web page send ``Sec-Fetch-Site`` but no ``Origin``. If the proxy adds a key, cross-site requests are refused.
* With DNS rebinding, a page makes its own host name resolve to this machine, and then needs no ``Origin``. On loopback, a
  ``Host`` that is not a name of this machine is refused.
* If a token is set, every request needs it. It is never sent on to the server.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from inspector.secret import Secret
from inspector.sources.address import target_parts
from inspector.sources.heads import Head
from inspector.sources.upstream import KEY_SUBPROTOCOL

TOKEN_HEADER = "X-Inspector-Token"  # noqa: S105 - the name of a header
TOKEN_PARAMETER = "inspector_token"  # noqa: S105 - the name of a parameter
_LOCAL_NAMES = ("localhost", "host.docker.internal", "host.containers.internal")

_PORTS = {"http": 80, "https": 443}
_OWN_SITES = ("", "none", "same-origin")
"""``Sec-Fetch-Site`` of a program (absent), of an address typed into a browser, and of a page from this port."""


@dataclass(frozen=True, slots=True)
class AccessRefusal:
    """Why a request is refused."""

    status: int
    """HTTP status of the response."""
    code: str
    """The ``code`` of the error, for programs."""
    message: str
    """The message of the error, for people."""


@dataclass(frozen=True, slots=True)
class AccessControl:
    """The access rules of one port."""

    allowed_origins: tuple[str, ...] = ()
    """Origins such as ``http://localhost:3000``; ``*`` allows all."""
    token: Secret | None = None
    """The token that every request needs; None for no token."""
    is_loopback: bool = True
    """True if only this machine can reach the port, so that a foreign ``Host`` means DNS rebinding."""
    port: int = 0
    """The port listened on; 0 until it is known."""
    what: str = "proxy"
    """The name of the service in messages."""
    puts_key_in: bool = False
    """True if the app's key is replaced: the token may then be sent as key, and any accepted request uses the user's key."""

    def refusal(self, head: Head) -> AccessRefusal | None:
        """Return why a request is refused; None if it is allowed."""
        host = head.value("host")
        for origin in head.values(
            "origin"
        ):  # all of them: a request with two must not pass by the first
            if not (self.allows(origin) or is_own_origin(origin, host, self.port)):
                message = f"the inspector's {self.what} does not allow requests from pages of {origin[:200]}; allow them with --allow-origin"
                return AccessRefusal(403, "origin_not_allowed", message)
        if self.token is not None:
            return None if self._has_token(head, self.token) else _NO_TOKEN
        if self.puts_key_in and "*" not in self.allowed_origins and not head.values("origin"):
            site = head.value("sec-fetch-site").lower()
            if site not in _OWN_SITES:
                message = f"the inspector's proxy adds a key, so it refuses requests from other sites' pages (Sec-Fetch-Site: {site[:20]})"
                return AccessRefusal(403, "cross_site", message)
        if self.is_loopback and not _is_local_name(host):
            message = "the Host header is not a name of the inspector's proxy, which listens on loopback only"
            return AccessRefusal(403, "host_not_allowed", message)
        return None

    def allows(self, origin: str) -> bool:
        """Return True if the user allows an origin."""
        return "*" in self.allowed_origins or origin in self.allowed_origins

    def without_token(self, head: Head) -> Head:
        """Return a request without the token, which must not reach the server."""
        path, mark, query = head.target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        kept = [(name, value) for name, value in pairs if name != TOKEN_PARAMETER]
        if len(kept) != len(pairs):
            head = head.with_target(path + (mark + urlencode(kept) if kept else ""))
        return head.without([TOKEN_HEADER])

    def _has_token(self, head: Head, token: Secret) -> bool:
        candidates = [head.value(TOKEN_HEADER.lower())]
        candidates += [
            v for n, v in parse_qsl(target_parts(head.target)[1]) if n == TOKEN_PARAMETER
        ]
        if self.puts_key_in:
            authorization = head.value("authorization")
            candidates += [authorization.partition(" ")[2].strip(), head.value("api-key")]
            candidates += [
                name[len(KEY_SUBPROTOCOL) :]
                for name in head.tokens("sec-websocket-protocol")
                if name.lower().startswith(KEY_SUBPROTOCOL)
            ]
        expected = token.reveal().encode()
        # Constant time: a plain comparison would tell how many leading characters were right.
        return any(
            hmac.compare_digest(one.encode("latin-1", "replace"), expected) for one in candidates
        )


_NO_TOKEN = AccessRefusal(
    401,
    "token_required",
    f"the inspector's proxy needs its token: in the header {TOKEN_HEADER}, or as ?{TOKEN_PARAMETER}=",
)


def is_own_origin(origin: str, host: str, port: int) -> bool:
    """Return True if an ``Origin`` is the address that was connected to, and its host is not resolved by DNS.

    Args:
        origin: the request's ``Origin``.
        host: the request's ``Host``.
        port: the port listened on.
    """
    try:
        page, target = urlsplit(origin), urlsplit(f"//{host}")
        default = _PORTS.get(page.scheme, 0)
        ports = {page.port or default, target.port or default}
    except ValueError:
        return False
    name = page.hostname or ""
    return (
        origin == f"{page.scheme}://{page.netloc}"
        and "@" not in page.netloc
        and ports == {port}
        and bool(default)
        and name == target.hostname
        and (name == "localhost" or _is_address(name))
    )


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if not name or name in _LOCAL_NAMES or name.endswith(".localhost"):
        return True
    return _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
