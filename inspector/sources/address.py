"""What a user writes as an address, made into the WebSocket URL of a Realtime endpoint. No I/O."""

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
    """Complete an address.

    ``http(s)`` becomes ``ws(s)``; a host without a scheme gets ``wss`` (``ws`` on loopback); a host without a path, or
    a base that ends in ``/v1``, gets the realtime path. A parameter that the address has already is left alone.

    Args:
        address: a URL, a base URL, or ``host[:port]``.
        model: goes to ``?model=``; not used beside a call id, whose session has its model already.
        call_id: ``rtc_…``, joins the session of a WebRTC or SIP call ("sideband").
        intent: ``transcription`` or whatever the server knows.
        path: what follows a bare host.

    Raises:
        UsageError: it is no address of a WebSocket.
    """
    address = address.strip()
    if "://" not in address:
        address = f"{'ws' if address.startswith(_LOOPBACK) else 'wss'}://{address}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _bad(address, str(error)) from None
    scheme = WEBSOCKET_SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise _bad(address, f"the scheme is {parts.scheme!r}")
    if not host or any(character.isspace() for character in address):
        raise _bad(address, "there is no host in it" if not host else "there is a space in it")
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    asked = {"call_id": call_id, "model": "" if call_id else model, "intent": intent}
    added = [
        f"{name}={quote(value, safe='')}"
        for name, value in asked.items()
        if value and name not in present
    ]
    query = "&".join([*([parts.query] if parts.query else []), *added])
    return urlunsplit((scheme, parts.netloc, _path(parts.path, path), query, ""))


def target_parts(target: str) -> tuple[str, str]:
    """Return path and query of a URL or a request's target, whatever it is."""
    try:
        parts = urlsplit(target)
    except ValueError:  # //[ begins a path here, and no host
        path, _, query = target.partition("?")
        return path, query
    return parts.path, parts.query


def is_loopback(url: str) -> bool:
    """Tell whether a URL points at this machine."""
    return (urlsplit(url).hostname or "").startswith(_LOOPBACK)


def model_in(url: str) -> str:
    """Return the model that a URL names, ``""`` where it names none."""
    parameters = dict(parse_qsl(target_parts(url)[1]))
    return parameters.get("model", parameters.get("deployment", ""))


def _path(given: str, default: str) -> str:
    if given in ("", "/"):
        return default
    if given.rstrip("/").endswith("/v1"):
        return f"{given.rstrip('/')}/realtime"
    return given


def _bad(address: str, why: str) -> UsageError:
    return UsageError(
        f"{mask_url(address)} is not an address of a WebSocket: {why}",
        code="bad_url",
        hint="write it like wss://api.openai.com/v1/realtime?model=gpt-realtime or ws://127.0.0.1:8080",
    )
