"""Completion of what a user enters as an address to the WebSocket URL of a Realtime endpoint. No I/O."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from inspector.errors import UsageError
from inspector.secret import mask_url

REALTIME_PATH = "/v1/realtime"
WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
"""What is meant by each scheme that users write."""
_LOOPBACK = ("localhost", "127.", "::1", "[::1]")


def realtime_url(
    address: str,
    *,
    model: str = "",
    call_id: str = "",
    intent: str = "",
    path: str = REALTIME_PATH,
) -> str:
    """Return the complete URL for an address.

    ``http(s)`` becomes ``ws(s)``; a host without a scheme gets ``wss`` (``ws`` on loopback); a host without a path, or
    a base URL that ends in ``/v1``, gets the realtime path. Query parameters of the address take precedence.

    Args:
        address: a URL, a base URL, or ``host[:port]``.
        model: value of ``?model=``; ignored with a call id, because the call's session already has a model.
        call_id: ``rtc_…``, to join the session of a WebRTC or SIP call ("sideband").
        intent: value of ``?intent=``, such as ``transcription``.
        path: appended to a host without a path.

    Raises:
        UsageError: the address is not that of a WebSocket.
    """
    address = address.strip()
    if "://" not in address:
        address = f"{'ws' if address.startswith(_LOOPBACK) else 'wss'}://{address}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # both are parsed, and may raise, on access
    except ValueError as error:
        raise _bad(address, str(error)) from None
    scheme = WEBSOCKET_SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise _bad(address, f"its scheme is {parts.scheme!r}")
    if not host or any(character.isspace() for character in address):
        raise _bad(address, "it has no host" if not host else "it has a space in it")
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    parameters = {"call_id": call_id, "model": "" if call_id else model, "intent": intent}
    added = [
        f"{name}={quote(value, safe='')}"
        for name, value in parameters.items()
        if value and name not in present
    ]
    query = "&".join([*([parts.query] if parts.query else []), *added])
    return urlunsplit((scheme, parts.netloc, _path(parts.path, path), query, ""))


def target_parts(target: str) -> tuple[str, str]:
    """Return path and query of a URL or request target; never raises."""
    try:
        parts = urlsplit(target)
    except (
        ValueError
    ):  # urlsplit takes "//[" for the start of an IPv6 host; in a target it is a path
        path, _, query = target.partition("?")
        return path, query
    return parts.path, parts.query


def is_loopback(url: str) -> bool:
    """Return True if a URL points to this machine."""
    return (urlsplit(url).hostname or "").startswith(_LOOPBACK)


def model_in(url: str) -> str:
    """Return the model in a URL's query (or Azure's ``deployment``); ``""`` if it has none."""
    parameters = dict(parse_qsl(target_parts(url)[1]))
    return parameters.get("model", parameters.get("deployment", ""))


def _path(path: str, default: str) -> str:
    if path in ("", "/"):
        return default
    if path.rstrip("/").endswith("/v1"):
        return f"{path.rstrip('/')}/realtime"
    return path


def _bad(address: str, why: str) -> UsageError:
    return UsageError(
        f"{mask_url(address)} is not a WebSocket address: {why}",
        code="bad_url",
        hint="write it like wss://api.openai.com/v1/realtime?model=gpt-realtime or ws://127.0.0.1:8080",
    )
