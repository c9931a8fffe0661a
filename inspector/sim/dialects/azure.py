"""Azure OpenAI: the GA API with deployment names, and a preview API in the shape of OpenAI's beta.

Both refuse a connection with an HTTP error in place of the upgrade, unlike OpenAI. Sources: recorded sessions, and
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from inspector.sim.connect_request import ConnectRequest, HttpAnswer, key_of, key_refusal, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.fatal import Fatal
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.spec.dialects import ROUTES

_PUBLIC_TRANSCRIBERS = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
"""OpenAI's model names, which fail on Azure: it expects the name of a deployment, and none is called like this here."""
_OTHER_MODELS = (
    "gpt-3",
    "gpt-4",
    "gpt-5",
    "gpt-nope",
    "o1",
    "o3",
    "o4",
    "text-",
    "dall-e",
    "tts",
    "whisper",
)
_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)


def azure_refusal(request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
    """Return Azure's HTTP error for a request; None to upgrade it."""
    if not key_of(request) or key_refusal(request, settings) is not None:
        return _refused(401, "401", _DENIED)
    if request.query.get("intent") == "transcription":
        return None
    model = model_of(request)
    if not model:
        return _refused(400, "BadRequest", "The model or deployment query parameter is missing.")
    if model.startswith(_OTHER_MODELS) and "realtime" not in model:
        message = (
            f"The realtime operation does not work with the specified model, {model}. Please choose different model and "
            "try again. You can learn more about which models can be used with each operation here: "
            "https://go.microsoft.com/fwlink/?linkid=2197993."
        )
        return _refused(400, "OperationNotSupported", message)
    return None


def _refused(status: int, code: str, message: str) -> HttpAnswer:
    return HttpAnswer(status, {"error": {"code": code, "message": message}})


class AzureDialect(Dialect):
    """Azure's GA API: OpenAI's events with one more key in content parts."""

    name: ClassVar[str] = "azure"
    path: ClassVar[str] = ROUTES[name].path

    @classmethod
    def http_refusal(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
        """Return Azure's HTTP error; None to upgrade the connection."""
        return azure_refusal(request, settings)

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:  # noqa: ARG002 - a hook
        """Return None: Azure refuses over HTTP only."""
        return None

    def initial_session(self, session: Json) -> Json:
        """Return the session with the model behind the deployment."""
        return _with_model(session, self.default_model)

    def accept(self, event: Json) -> Json:
        """Return the event without a model: the deployment determines it, so the name in an update is ignored."""
        return _without_model(event)

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the event with Azure's additional ``content`` member, which repeats ``part``."""
        if event["type"] == "rate_limits.updated":  # in no recorded session
            return
        yield {**event, "content": event["part"]} if "part" in event else event

    def transcription_failure(self, model: str) -> str | None:
        """Return ``DeploymentNotFound`` for one of OpenAI's model names."""
        return "DeploymentNotFound" if model in _PUBLIC_TRANSCRIBERS else None


class AzurePreviewDialect(BetaDialect):
    """Azure's preview API: the beta under ``/openai/realtime``."""

    name: ClassVar[str] = "azure-preview"
    path: ClassVar[str] = ROUTES[name].path
    query: ClassVar[str] = "api-version=2025-04-01-preview&deployment={model}"

    @classmethod
    def http_refusal(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
        """Return Azure's HTTP error; None to upgrade the connection."""
        if not request.query.get("api-version"):
            return _refused(404, "404", "Resource not found")
        return azure_refusal(request, settings)

    def initial_session(self, session: Json) -> Json:
        """Return the session with the model behind the deployment."""
        return _with_model(session, self.default_model)

    def accept(self, event: Json) -> Json:
        """Return a flat event translated to GA, without a model."""
        return super().accept(_without_model(event))


def _with_model(session: Json, default: str) -> Json:
    # A deployment named like a realtime model is assumed to serve that model.
    if "model" not in session or "realtime" in session["model"]:
        return session
    return {**session, "model": default}


def _without_model(event: Json) -> Json:
    session = event.get("session")
    if not isinstance(session, dict) or "model" not in session:
        return event
    return {**event, "session": {key: session[key] for key in session if key != "model"}}
