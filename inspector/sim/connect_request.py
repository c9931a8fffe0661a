"""Who may connect. OpenAI's upgrade always succeeds: a refusal is an ``error`` event and a close right after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.sim.fatal import Fatal, bad_key, bad_model, beta_shape, no_auth, no_model
from inspector.sim.settings import SimSettings

_KEY_PROTOCOL = "openai-insecure-api-key."
"""How a browser, which cannot set headers, sends its key."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the client's upgrade request said."""

    path: str = "/v1/realtime"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    subprotocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer over plain HTTP."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    """JSON."""


def is_transcription(request: ConnectRequest) -> bool:
    """Tell whether a transcription session is asked for."""
    return request.query.get("intent") == "transcription"


def is_translation(request: ConnectRequest) -> bool:
    """Tell whether a translation session is asked for."""
    return request.path.rstrip("/").endswith("/realtime/translations")


def kind_of(request: ConnectRequest) -> str:
    """Return the kind of session that is asked for."""
    if is_translation(request):
        return "translation"
    return "transcription" if is_transcription(request) else "realtime"


def model_of(request: ConnectRequest) -> str:
    """Return the model that is asked for, by the name of the API or of Azure; ``""`` where none is."""
    return request.query.get("model") or request.query.get("deployment") or ""


def key_refusal(request: ConnectRequest, settings: SimSettings) -> Fatal | None:
    """Return why the key of a request is refused; None where it is good, or none is needed."""
    key = key_of(request)
    if settings.require_key and not key:
        return no_auth()
    if settings.accepted_key is not None and key:
        return None if key == settings.accepted_key.reveal() else bad_key(key)
    if any(word in key.lower() for word in settings.refused_keys):
        return bad_key(key)
    return None


def why_not(request: ConnectRequest, settings: SimSettings) -> Fatal | None:
    """Return why a connection is refused; None where it is welcome."""
    refused = key_refusal(request, settings)
    if refused is not None:
        return refused
    if "realtime=" in request.headers.get("openai-beta", ""):
        return beta_shape()
    if is_transcription(request) or "call_id" in request.query:
        return None
    model = model_of(request)
    if not model:
        return no_model()
    served = ("gpt-realtime-translate",) if is_translation(request) else settings.models
    return None if model.startswith(served) else bad_model(model)


def key_of(request: ConnectRequest) -> str:
    """Return the key of a request, wherever it is; ``""`` where there is none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    offered = (
        name.removeprefix(_KEY_PROTOCOL)
        for name in request.subprotocols
        if name.startswith(_KEY_PROTOCOL)
    )
    named = (
        request.headers.get("api-key"),
        request.query.get("api-key"),
        request.query.get("api_key"),
    )
    return credentials or scheme or next(filter(None, named), "") or next(offered, "")
