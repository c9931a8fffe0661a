"""The client's upgrade request, and the checks of its key and model.

OpenAI's upgrade always succeeds; a refused connection gets an ``error`` event and a close right after the upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.sim.fatal import Fatal, bad_key, bad_model, beta_shape, no_auth, no_model
from inspector.sim.settings import SimSettings

_KEY_PROTOCOL = "openai-insecure-api-key."
"""Subprotocol prefix with which a browser, which cannot set headers, sends its key."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """The parts of an upgrade request that the server looks at."""

    path: str = "/v1/realtime"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    subprotocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A response over plain HTTP, without an upgrade."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    """Sent as JSON."""


def is_transcription(request: ConnectRequest) -> bool:
    """Return True if the client requests a transcription session."""
    return request.query.get("intent") == "transcription"


def is_translation(request: ConnectRequest) -> bool:
    """Return True if the client requests a translation session."""
    return request.path.rstrip("/").endswith("/realtime/translations")


def kind_of(request: ConnectRequest) -> str:
    """Return the requested kind of session: ``realtime``, ``transcription`` or ``translation``."""
    if is_translation(request):
        return "translation"
    return "transcription" if is_transcription(request) else "realtime"


def model_of(request: ConnectRequest) -> str:
    """Return the requested model, from ``model`` or Azure's ``deployment``; ``""`` if the request names none."""
    return request.query.get("model") or request.query.get("deployment") or ""


def key_refusal(request: ConnectRequest, settings: SimSettings) -> Fatal | None:
    """Return why the key of a request is refused; None if it is accepted or not required."""
    key = key_of(request)
    if settings.require_key and not key:
        return no_auth()
    if settings.accepted_key is not None and key:
        return None if key == settings.accepted_key.reveal() else bad_key(key)
    # Only without an accepted key: then any key is fine, except one that a test made obviously bad.
    if any(word in key.lower() for word in settings.refused_keys):
        return bad_key(key)
    return None


def connection_refusal(request: ConnectRequest, settings: SimSettings) -> Fatal | None:
    """Return why a connection is refused; None if it is accepted."""
    refused = key_refusal(request, settings)
    if refused is not None:
        return refused
    if "realtime=" in request.headers.get("openai-beta", ""):
        return beta_shape()
    # A transcription session sets its model later, in an update; ``call_id`` joins a SIP or WebRTC call that has one.
    if is_transcription(request) or "call_id" in request.query:
        return None
    model = model_of(request)
    if not model:
        return no_model()
    served = ("gpt-realtime-translate",) if is_translation(request) else settings.models
    return None if model.startswith(served) else bad_model(model)


def key_of(request: ConnectRequest) -> str:
    """Return the key of a request from its headers, query or subprotocols; ``""`` if it has none."""
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
    # ``scheme`` alone: a client that sends the bare key, without "Bearer".
    return credentials or scheme or next(filter(None, named), "") or next(offered, "")
