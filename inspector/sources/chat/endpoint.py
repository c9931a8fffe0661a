"""Which endpoint answers for the simulator: its address, the model there, and the key for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inspector.errors import UsageError
from inspector.secret import Secret, mask_url
from inspector.sources.address import is_loopback
from inspector.sources.upstream import Upstream, upstream_at

CHAT_PATH = "/chat/completions"
USUAL_BASE = "/v1"
_NEWER_LIMIT = ("api.openai.com", ".openai.azure.com")
"""Hosts that refuse ``max_tokens`` for their newer models; the others know nothing else."""


@dataclass(frozen=True)
class ChatEndpoint:
    """Where a model is asked, and which."""

    server: Upstream
    model: str
    key: Secret | None = None

    @property
    def url(self) -> str:
        """Return the URL that requests are sent to."""
        server = self.server
        scheme = "http" if server.tls is None else "https"
        query = f"?{server.query}" if server.query else ""
        return f"{scheme}://{server.netloc}{server.base}{CHAT_PATH}{query}"

    @property
    def shown(self) -> str:
        """Return what messages call it: the base URL, without secrets."""
        return mask_url(self.url.partition("?")[0].removesuffix(CHAT_PATH))

    @property
    def limit_name(self) -> str:
        """Return the member of a request that limits the answer's length."""
        is_newer = self.server.host.endswith(_NEWER_LIMIT)
        return "max_completion_tokens" if is_newer else "max_tokens"


def chat_endpoint(address: str, model: str, key: Secret | None = None) -> ChatEndpoint:
    """Read the address of an endpoint.

    Args:
        address: a base URL like ``http://127.0.0.1:11434/v1``; a host alone gets ``/v1``, and one on this machine ``http``.
        model: the endpoint's name of a model.
        key: sent as a bearer token.

    Raises:
        UsageError: it is no such address, or there is no model.
    """
    if not model:
        raise UsageError(
            "--brain needs the name of a model",
            code="no_brain_model",
            hint="name one that the endpoint serves with --brain-model",
        )
    address = address.strip()
    if "://" not in address:
        address = f"{'http' if is_loopback(f'http://{address}') else 'https'}://{address}"
    try:
        server = upstream_at(address)
    except UsageError as error:
        raise UsageError(
            error.message.replace("wss://", "https://"),
            code=error.code,
            hint="write it like http://127.0.0.1:11434/v1",
        ) from None
    base = server.base.removesuffix(CHAT_PATH)
    return ChatEndpoint(replace(server, base=base or USUAL_BASE), model, key)
