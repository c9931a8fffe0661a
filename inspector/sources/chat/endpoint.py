"""A chat completions endpoint: its address, model and key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inspector.errors import UsageError
from inspector.secret import Secret, mask_url
from inspector.sources.address import is_loopback
from inspector.sources.upstream import Upstream, upstream_at

CHAT_PATH = "/chat/completions"
DEFAULT_BASE = "/v1"
_NEWER_LIMIT = ("api.openai.com", ".openai.azure.com")
"""Hosts whose newer models refuse ``max_tokens``; most other endpoints support nothing else."""


@dataclass(frozen=True)
class ChatEndpoint:
    """The server, model and key of an endpoint."""

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
        """Return the base URL without secrets, for messages."""
        return mask_url(self.url.partition("?")[0].removesuffix(CHAT_PATH))

    @property
    def limit_name(self) -> str:
        """Return the name of the request member that limits the length of the answer."""
        is_newer = self.server.host.endswith(_NEWER_LIMIT)
        return "max_completion_tokens" if is_newer else "max_tokens"


def chat_endpoint(address: str, model: str, key: Secret | None = None) -> ChatEndpoint:
    """Parse the address of an endpoint.

    Args:
        address: a base URL such as ``http://127.0.0.1:11434/v1``. Without a path it gets ``/v1``; without a scheme
            ``https``, or ``http`` on this machine.
        model: the endpoint's name of the model.
        key: sent as a bearer token.

    Raises:
        UsageError: the address is not valid, or ``model`` is empty.
    """
    if not model:
        raise UsageError(
            "--brain needs the name of a model",
            code="no_brain_model",
            hint="set it with --brain-model, to a model that the endpoint serves",
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
    return ChatEndpoint(replace(server, base=base or DEFAULT_BASE), model, key)
