"""Who may use the proxy. It holds keys and hears voices, so a stranger is refused before the server hears of them.

* A browser names the page that sends a request in ``Origin``, and any web page can reach a loopback port: an origin that
  is not allowed is refused.
* Some libraries that are no browsers send the address that they connect to as their ``Origin``, as websocket-client does. A page
  of that origin could only have come from here, so it is let in; a name that DNS could send elsewhere does not count.
* An image or a form of a page sends no ``Origin``, but ``Sec-Fetch-Site``: where a key is put in, such a request is refused.
* A page can also make its own name resolve to this machine ("DNS rebinding"), and then needs no ``Origin``: on loopback, a
  ``Host`` that is a name for something else is refused.
* Where a token is asked for, nothing passes without it. It never leaves for the server.
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
"""``Sec-Fetch-Site`` of a program, of an address typed into a browser, and of a page that came from here."""


@dataclass(frozen=True, slots=True)
class AccessRefusal:
    """Why a request is not let in."""

    status: int
    """Of the HTTP answer."""
    code: str
    """For programs, under the error's ``code``."""
    message: str
    """For people."""


@dataclass(frozen=True, slots=True)
class AccessControl:
    """The rules of one listener."""

    allowed_origins: tuple[str, ...] = ()
    """Like ``http://localhost:3000``; ``*`` allows all."""
    token: Secret | None = None
    """What every request has to show; None for nothing."""
    is_loopback: bool = True
    """True where the port can be reached from this machine alone, so that a ``Host`` with another name was rebound."""
    port: int = 0
    """The listener's own; 0 while it is not known."""
    what: str = "proxy"
    """What it is that refuses, for people."""
    puts_key_in: bool = False
    """True where the app's own key is replaced, so that the token may stand in its place, and any request is worth a key."""

    def refusal(self, head: Head) -> AccessRefusal | None:
        """Return why a request may not pass; None where it may."""
        host = head.value("host")
        for origin in head.values("origin"):
            if not (self.allows(origin) or is_own_origin(origin, host, self.port)):
                message = f"the inspector's {self.what} does not let pages of {origin[:200]} in; --allow-origin would"
                return AccessRefusal(403, "origin_not_allowed", message)
        if self.token is not None:
            return None if self._has_token(head, self.token) else _NO_TOKEN
        if self.puts_key_in and "*" not in self.allowed_origins and not head.values("origin"):
            site = head.value("sec-fetch-site").lower()
            if site not in _OWN_SITES:
                message = f"the inspector's proxy puts a key in, and does not let other pages' requests in (Sec-Fetch-Site: {site[:20]})"
                return AccessRefusal(403, "cross_site", message)
        if self.is_loopback and not _is_local_name(host):
            message = (
                "this name does not belong to the inspector's proxy, which listens on loopback only"
            )
            return AccessRefusal(403, "host_not_allowed", message)
        return None

    def allows(self, origin: str) -> bool:
        """Tell whether the user lets pages of an origin in."""
        return "*" in self.allowed_origins or origin in self.allowed_origins

    def cleaned(self, head: Head) -> Head:
        """Return a request without the token."""
        path, mark, query = head.target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        kept = [(name, value) for name, value in pairs if name != TOKEN_PARAMETER]
        if len(kept) != len(pairs):
            head = head.with_target(path + (mark + urlencode(kept) if kept else ""))
        return head.without([TOKEN_HEADER])

    def _has_token(self, head: Head, token: Secret) -> bool:
        given = [head.value(TOKEN_HEADER.lower())]
        given += [v for n, v in parse_qsl(target_parts(head.target)[1]) if n == TOKEN_PARAMETER]
        if self.puts_key_in:
            authorization = head.value("authorization")
            given += [authorization.partition(" ")[2].strip(), head.value("api-key")]
            given += [
                name[len(KEY_SUBPROTOCOL) :]
                for name in head.tokens("sec-websocket-protocol")
                if name.lower().startswith(KEY_SUBPROTOCOL)
            ]
        wanted = token.reveal().encode()
        return any(hmac.compare_digest(one.encode("latin-1", "replace"), wanted) for one in given)


_NO_TOKEN = AccessRefusal(
    401,
    "token_required",
    f"the inspector's proxy asks for its token: in the header {TOKEN_HEADER}, or as ?{TOKEN_PARAMETER}=",
)


def is_own_origin(origin: str, host: str, port: int) -> bool:
    """Tell whether an ``Origin`` is the very address that was connected to, by a name that no DNS answers for.

    Args:
        origin: what the request says of where it comes from.
        host: its ``Host``.
        port: of the listener.
    """
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{host}")
        usual = _PORTS.get(page.scheme, 0)
        ports = {page.port or usual, asked.port or usual}
    except ValueError:
        return False
    name = page.hostname or ""
    return (
        origin == f"{page.scheme}://{page.netloc}"
        and "@" not in page.netloc
        and ports == {port}
        and bool(usual)
        and name == asked.hostname
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
