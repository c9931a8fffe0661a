"""The proxy's access options from the command line. Options that would admit other machines by accident are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inspector.errors import UsageError
from inspector.secret import Secret
from inspector.sources.access_control import AccessControl
from inspector.sources.proxy_port import ListenOptions

if TYPE_CHECKING:
    from inspector.sources.chat.endpoint import ChatEndpoint


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """The options of ``inspector proxy``."""

    listen: str = "127.0.0.1:8899"
    upstream: str = "wss://api.openai.com"
    is_remote_allowed: bool = False
    origins: tuple[str, ...] = ()
    token_env: str | None = None
    key_env: str | None = None
    uses_tls: bool = False
    rules: Path | None = None
    adds_event_ids: bool = False
    folder: Path | None = None
    as_jsonl: bool = False
    max_sessions: int | None = None
    timeout_s: float | None = None
    lints: bool = False
    """Whether the run ends with what is wrong in its recordings."""
    brain: ChatEndpoint | None = None
    """Model that answers for the simulator behind the proxy; None for the rules."""


def listen_options(options: ProxyOptions, environment: Mapping[str, str]) -> ListenOptions:
    """Return the address to listen on, with access control.

    Raises:
        UsageError: an option is invalid, or other machines would get access without a token.
    """
    host, port = read_place(options.listen)
    origins = read_origins(options.origins)
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    token = secret_in(options.token_env, environment)
    if not is_local and not options.is_remote_allowed:
        raise UsageError(
            f"{host} is reachable from other machines",
            code="not_loopback",
            hint="add --allow-remote if that is what you want, and a token with --token-from",
        )
    if not is_local and token is None:
        raise UsageError(
            "a proxy reachable from other machines needs a token",
            code="no_token",
            hint="put a token into an environment variable and name it with --token-from",
        )
    admission = AccessControl(origins, token, is_local, puts_key_in=options.key_env is not None)
    return ListenOptions(host, port, admission)


def read_place(listen: str) -> tuple[str, int]:
    """Return the host and port of ``HOST:PORT``, or of a port alone.

    Raises:
        UsageError: the text is neither.
    """
    host, colon, port = listen.rpartition(":")
    if not colon and port.isdigit():
        host = "127.0.0.1"
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise UsageError(
            f"{listen!r} is not a valid address", hint="write it like 127.0.0.1:8899 or [::1]:0"
        )
    return host, int(port)


def read_origins(given: Sequence[str]) -> tuple[str, ...]:
    """Return origins of pages as browsers send them; ``*`` allows all, ``null`` pages without an origin.

    Raises:
        UsageError: a text is not an origin, so no page could match it.
    """
    return tuple(_origin(text) for text in given)


def _origin(text: str) -> str:
    if text in ("*", "null"):
        return text
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme and parts.hostname and (parts.port is None or parts.port >= 0)
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
    except ValueError:
        is_origin, origin = False, ""
    has_more = text.lower().removesuffix("/") != origin or "@" in text
    if not is_origin or has_more or not text.isascii():
        raise UsageError(
            f"{text!r} is not the origin of a page",
            hint="write it like http://localhost:3000, or '*' for all",
        )
    return origin


def secret_in(name: str | None, environment: Mapping[str, str]) -> Secret | None:
    """Return the key or token in an environment variable; None without a name.

    Raises:
        UsageError: the variable is not set, or does not contain a key.
    """
    if name is None:
        return None
    text = environment.get(name, "").strip()
    if not text or not all("!" <= character <= "~" for character in text):
        raise UsageError(
            f"the environment variable {name} does not contain a key or token",
            code="bad_key",
            hint="it must hold the key alone, on one line, without quotes",
        )
    return Secret(text)
