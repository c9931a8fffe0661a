"""What undoes the compression of a connection's frames, as its two ends agreed on it (RFC 7692)."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.exceptions import InvalidHeader
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.headers import parse_extension


def inflaters(accepted: Sequence[str]) -> tuple[PerMessageDeflate | None, PerMessageDeflate | None]:
    """Return what undoes the compression of the client's and of the server's frames, as the server has accepted it.

    Args:
        accepted: values of the response's ``Sec-WebSocket-Extensions``.
    """
    for value in accepted:
        try:
            extensions = parse_extension(value)
        except InvalidHeader:
            continue
        for name, parameters in extensions:
            if name == PerMessageDeflate.name:
                known = dict(parameters)
                return _inflater(known, "client"), _inflater(known, "server")
    return None, None


def _inflater(parameters: dict[str, str | None], sender: str) -> PerMessageDeflate:
    bits = parameters.get(f"{sender}_max_window_bits") or "15"
    return PerMessageDeflate(
        remote_no_context_takeover=f"{sender}_no_context_takeover" in parameters,
        local_no_context_takeover=True,
        remote_max_window_bits=int(bits) if bits.isdigit() and 8 <= int(bits) <= 15 else 15,
        local_max_window_bits=15,
    )
