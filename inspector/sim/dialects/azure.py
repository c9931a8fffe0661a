"""Azure OpenAI: GA with deployment names, and a preview that keeps the beta's shape. Both refuse at the upgrade, over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from inspector.sim.connect_request import ConnectRequest, HttpAnswer, key_of, key_refusal, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.fatal import Fatal
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings

_PUBLIC_TRANSCRIBERS = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
"""Names of OpenAI's: on Azure it is the name of a deployment that counts, and nobody has made one under these."""
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


def turned_away(request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
    """Return the HTTP refusal of Azure; None where the request is upgraded."""
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
    """Azure's GA: the same events, and one more key in content parts."""

    name: ClassVar[str] = "azure"
    path: ClassVar[str] = "/openai/v1/realtime"

    @classmethod
    def turn_away(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
        """Return Azure's refusal."""
        return turned_away(request, settings)

    def why_not(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:  # noqa: ARG002 - a hook
        """Return None: whoever is refused does not get this far."""
        return None

    def opening(self, session: Json) -> Json:
        """Return a session that names the model behind the deployment."""
        return _with_model(session, self.default_model)

    def accept(self, event: Json) -> Json:
        """Return an event without a model: the deployment has one, whatever the client calls it."""
        return _without_model(event)

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the event; a content part comes twice, under two names; no recording has rate limits."""
        if event["type"] == "rate_limits.updated":
            return
        yield {**event, "content": event["part"]} if "part" in event else event

    def transcription_failure(self, model: str) -> str | None:
        """Return ``DeploymentNotFound`` for a name that is OpenAI's."""
        return "DeploymentNotFound" if model in _PUBLIC_TRANSCRIBERS else None


class AzurePreviewDialect(BetaDialect):
    """Azure's preview: the beta, under ``/openai/realtime``."""

    name: ClassVar[str] = "azure-preview"
    path: ClassVar[str] = "/openai/realtime"
    query: ClassVar[str] = "api-version=2025-04-01-preview&deployment={model}"

    @classmethod
    def turn_away(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
        """Return Azure's refusal."""
        if not request.query.get("api-version"):
            return _refused(404, "404", "Resource not found")
        return turned_away(request, settings)

    def opening(self, session: Json) -> Json:
        """Return a session that names the model behind the deployment."""
        return _with_model(session, self.default_model)

    def accept(self, event: Json) -> Json:
        """Return a flat event as GA has it, without a model."""
        return super().accept(_without_model(event))


def _with_model(session: Json, usual: str) -> Json:
    if "model" not in session or "realtime" in session["model"]:
        return session
    return {**session, "model": usual}


def _without_model(event: Json) -> Json:
    session = event.get("session")
    if not isinstance(session, dict) or "model" not in session:
        return event
    return {**event, "session": {key: session[key] for key in session if key != "model"}}
