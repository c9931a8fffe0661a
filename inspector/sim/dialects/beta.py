"""OpenAI's beta API, which OpenAI has switched off and Azure's preview still has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inspector.sim.connect_request import ConnectRequest, is_transcription, key_refusal, model_of
from inspector.sim.dialect import Dialect, as_number
from inspector.sim.dialects.flat import (
    SERVER_NAMES,
    beta_item,
    beta_value,
    flattened,
    ga_item,
    nested,
    with_beta_paths,
)
from inspector.sim.fatal import Fatal, no_model
from inspector.sim.ids import Ids
from inspector.sim.refusals import ApiRefusal
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings

_ORDER = (
    "id",
    "object",
    "expires_at",
    "input_audio_noise_reduction",
    "turn_detection",
    "input_audio_format",
    "input_audio_transcription",
    "client_secret",
    "include",
    "model",
    "modalities",
    "instructions",
    "voice",
    "output_audio_format",
    "tool_choice",
    "temperature",
    "max_response_output_tokens",
    "speed",
    "tracing",
    "tools",
)
_UPDATES = ("session.update", "transcription_session.update")
_REQUESTS = {"name": "requests", "limit": 20_000, "remaining": 19_999, "reset_seconds": 0.003}


class BetaDialect(Dialect):
    """The flat session object and the event names of the beta."""

    name: ClassVar[str] = "beta"
    default_model: ClassVar[str] = "gpt-4o-realtime-preview"
    server_names: ClassVar[Mapping[str, str]] = SERVER_NAMES
    own_members: ClassVar[tuple[str, ...]] = ("temperature",)
    """Members of a session or response that the GA API does not have."""

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        super().__init__(ids, unix_ms)
        self.extra: Json = {"temperature": 0.8, "client_secret": None}
        """Session members that the GA API does not have."""
        self._is_transcription = False
        self._tokens: Json = {}

    @property
    def temperature(self) -> float | None:
        """Return the sampling temperature."""
        return as_number(self.extra.get("temperature"))

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is refused; unlike in GA, the beta header is accepted."""
        self._is_transcription = is_transcription(request)
        refused = key_refusal(request, settings)
        if refused is not None or self._is_transcription or model_of(request):
            return refused
        return no_model()

    def accept(self, event: Json) -> Json:
        """Return a flat event translated to GA."""
        name = event.get("type")
        if name in _UPDATES:
            return {**event, "type": "session.update", **self._ga_session(event)}
        if name == "response.create" and isinstance(event.get("response"), dict):
            return {**event, "response": self.ga_response(event["response"])}
        if name == "conversation.item.create":
            return {**event, "item": ga_item(event["item"])} if "item" in event else event
        return event

    def _ga_session(self, event: Json) -> Json:
        session = event.get("session")
        if not isinstance(session, dict):  # left for the checks to refuse
            return {} if session is None else {"session": session}
        ga, extra = nested(session, "session", own=self.own_members)
        self.extra.update(extra)
        return {"session": {"type": self._kind, **self.ga_values(ga)}}

    def ga_values(self, session: Json) -> Json:
        """Return a nested session or response with its values translated to GA; a hook for dialects with other values."""
        return session

    def ga_response(self, flat: Json) -> Json:
        """Return the ``response`` of a ``response.create`` translated to GA."""
        ga, _ = nested(flat, "response", own=self.own_members)
        if isinstance(ga.get("input"), list):
            ga["input"] = [ga_item(item) for item in ga["input"]]
        return self.ga_values(ga)

    def translated_refusal(self, refusal: ApiRefusal) -> ApiRefusal:
        """Return a refusal with flat paths."""
        return with_beta_paths(refusal)

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the beta's events for a GA event."""
        kind = event["type"]
        name = self.named(event)
        if kind == "rate_limits.updated":
            self._tokens = event["rate_limits"][0]
        if not name:
            return
        found = {**event, "type": name}
        found.pop("obfuscation", None)
        if "session" in event:
            found["session"] = self.flat_session(event["session"])
        if "response" in event:
            found["response"] = self.flat_response(event["response"])
        if "item" in event:
            found["item"] = beta_item(event["item"])
        yield found
        if kind == "response.created":
            yield from self.after_created()

    def named(self, event: Json) -> str:
        """Return the beta's name of an event; ``""`` for an event that the beta does not send."""
        kind = str(event["type"])
        if self._is_transcription and kind in ("session.created", "session.updated"):
            return f"transcription_{kind}"
        return self.server_names.get(kind, kind)

    def after_created(self) -> Iterable[Json]:
        """Yield the events that follow ``response.created``: the beta sends the rate limits here, not after ``response.done``."""
        tokens = self._tokens or {**_REQUESTS, "name": "tokens", "limit": 15_000_000}
        limits = [dict(_REQUESTS), {**tokens, "remaining": tokens["limit"] - 4_500}]
        event_id = self._ids.new("event_")
        yield {"type": "rate_limits.updated", "event_id": event_id, "rate_limits": limits}

    def flat_session(self, session: Json) -> Json:
        """Return the session object in the beta's key order."""
        found = {**flattened(session), **self.extra}
        if self._is_transcription:
            found.pop("temperature", None)
        return {name: found[name] for name in (*_ORDER, *found) if name in found}

    def flat_response(self, response: Mapping[str, Any]) -> Json:
        """Return the response object in the beta's shape."""
        output = response["audio"]["output"]
        return {
            "object": "realtime.response",
            "id": response["id"],
            "status": response["status"],
            "status_details": response["status_details"],
            "output": [beta_item(item) for item in response["output"]],
            "conversation_id": response["conversation_id"],
            "modalities": beta_value("modalities", response["output_modalities"]),
            "voice": output["voice"],
            "output_audio_format": beta_value("output_audio_format", output["format"]),
            "temperature": self.extra.get("temperature"),
            "max_output_tokens": response["max_output_tokens"],
            "usage": response["usage"],
            "metadata": response["metadata"],
        }

    @property
    def _kind(self) -> str:
        return "transcription" if self._is_transcription else "realtime"
