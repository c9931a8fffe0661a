"""Decompression of relayed frames, with the parameters that client and server negotiated (RFC 7692)."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.exceptions import InvalidHeader
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.headers import parse_extension


def inflaters(accepted: Sequence[str]) -> tuple[PerMessageDeflate | None, PerMessageDeflate | None]:
    """Return the decompressors of the client's and of the server's frames; None for frames without compression.

    Args:
        accepted: the values of ``Sec-WebSocket-Extensions`` in the server's response.
    """
    for value in accepted:
        try:
            extensions = parse_extension(value)
        except InvalidHeader:
            continue
        for name, parameters in extensions:
            if name == PerMessageDeflate.name:
                chosen = dict(parameters)
                return _inflater(chosen, "client"), _inflater(chosen, "server")
    return None, None


def _inflater(parameters: dict[str, str | None], sender: str) -> PerMessageDeflate:
    bits = parameters.get(f"{sender}_max_window_bits") or "15"  # the default of RFC 7692, 7.1.2
    return PerMessageDeflate(
        remote_no_context_takeover=f"{sender}_no_context_takeover" in parameters,
        local_no_context_takeover=True,  # frames of our own must not depend on a shared context
        remote_max_window_bits=int(bits) if bits.isdigit() and 8 <= int(bits) <= 15 else 15,
        local_max_window_bits=15,
    )
