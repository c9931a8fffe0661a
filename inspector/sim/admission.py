"""Who may connect. The upgrade itself always succeeds: a refusal is an ``error`` event and a close right after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from inspector.sim.refusals import Fatal, bad_key, bad_model, beta_shape, no_auth, no_model
from inspector.sim.settings import SimSettings

_KEY_PROTOCOL = "openai-insecure-api-key."
"""How a browser, which cannot set headers, sends its key."""


class Request(Protocol):
    """The upgrade request, as far as it matters here."""

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, lower-case names."""
        ...

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """Offered subprotocols."""
        ...


def is_transcription(request: Request) -> bool:
    """Tell whether a transcription session is asked for."""
    return request.query.get("intent") == "transcription"


def model_of(request: Request) -> str:
    """Return the model that is asked for, by the name of the API or of Azure; ``""`` where none is."""
    return request.query.get("model") or request.query.get("deployment") or ""


def why_not(request: Request, settings: SimSettings) -> Fatal | None:
    """Return why a connection is refused; None where it is welcome."""
    key = _key(request)
    if settings.require_key and not key:
        return no_auth()
    if any(word in key.lower() for word in settings.refused_keys):
        return bad_key(key)
    if "realtime=" in request.headers.get("openai-beta", ""):
        return beta_shape()
    if is_transcription(request) or "call_id" in request.query:
        return None
    model = model_of(request)
    if not model:
        return no_model()
    return None if model.startswith(settings.models) else bad_model(model)


def _key(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    offered = (
        name.removeprefix(_KEY_PROTOCOL)
        for name in request.subprotocols
        if name.startswith(_KEY_PROTOCOL)
    )
    return credentials or scheme or request.headers.get("api-key", "") or next(offered, "")
