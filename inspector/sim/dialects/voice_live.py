"""Azure Voice Live: the beta's names and flat session, with Azure's voices and additional settings.

Sources: recorded sessions, and https://learn.microsoft.com/azure/ai-services/speech-service/voice-live-api-reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inspector.sim.connect_request import ConnectRequest, HttpAnswer, key_of
from inspector.sim.dialects.azure import azure_refusal
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.dialects.flat import SERVER_NAMES
from inspector.sim.fatal import Fatal
from inspector.sim.ids import Ids
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.sim.value_checks import VOICES
from inspector.spec.dialects import ROUTES

_CLIENT_NAMES = {
    "input_audio.clear": "input_audio_buffer.clear",
    "input_audio.turn.append": "input_audio_buffer.append",
    "input_audio.turn.end": "input_audio_buffer.commit",
    "input_audio.turn.cancel": "input_audio_buffer.clear",
}
_RATES_HZ = (8000, 16000, 24000)
_NULLS: Mapping[str, Any] = {
    "input_audio_sampling_rate": 24000,
    "animation": None,
    "input_audio_echo_cancellation": None,
    "avatar": None,
    "output_audio_timestamp_types": None,
    "truncation_strategy": None,
    "include": None,
}
_OWN = (*_NULLS, "temperature", "reasoning_effort", "parallel_tool_calls", "interim_response")
_DETECTION_NULLS: Mapping[str, Any] = {
    "speech_duration_ms": None,
    "end_of_utterance_detection": None,
    "auto_truncate": False,
    "appended_text_after_truncation": None,
}
_DETECTION_OWN = (*_DETECTION_NULLS, "remove_filler_words", "languages")
_UPDATED_DETECTION = {"threshold": 0.5, "prefix_padding_ms": 400, "silence_duration_ms": 500}
"""Recorded: an update that sets turn detection gets other defaults than a new session."""
_TRANSCRIPTION_NULLS = {"custom_speech": None, "phrase_list": None}


class VoiceLiveDialect(BetaDialect):
    """Voice Live's dialect."""

    name: ClassVar[str] = "voice-live"
    path: ClassVar[str] = ROUTES[name].path
    query: ClassVar[str] = "api-version=2026-04-10&model={model}"
    default_model: ClassVar[str] = "gpt-realtime"
    server_names: ClassVar[Mapping[str, str]] = SERVER_NAMES
    own_members: ClassVar[tuple[str, ...]] = _OWN

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        super().__init__(ids, unix_ms)
        self.extra = dict(_NULLS)
        self._voice: Json = {}
        """The client's voice, as the server echoes it."""
        self._detection: Json = {}
        """The client's turn detection settings beyond GA, as the server echoes them."""
        self._is_audio_only = True
        """True if the session shows ``modalities`` as ``["audio"]``, which the beta does not have."""

    @classmethod
    def http_refusal(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:
        """Return Azure's HTTP error; None to upgrade. A request for an agent needs no model."""
        names_agent = any(name.startswith("agent") for name in request.query)
        return None if names_agent and key_of(request) else azure_refusal(request, settings)

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:  # noqa: ARG002 - a hook
        """Return None: Azure refuses over HTTP only."""
        return None

    def accept(self, event: Json) -> Json:
        """Return an event translated to GA."""
        name = str(event.get("type"))
        session = event.get("session")
        if name == "session.update" and isinstance(session, dict):
            if "modalities" in session:
                self._is_audio_only = session["modalities"] == ["audio"]
            if session.get("modalities") == ["audio"]:
                event = {**event, "session": {**session, "modalities": ["audio", "text"]}}
        return super().accept({**event, "type": _CLIENT_NAMES.get(name, name)})

    def after_update(self, session: Json) -> None:
        """Apply the sample rate of the input, which Voice Live lets the client choose."""
        rate, pcm = self.extra["input_audio_sampling_rate"], session["audio"]["input"]["format"]
        if pcm["type"] == "audio/pcm" and rate in _RATES_HZ:
            session["audio"]["input"]["format"] = {**pcm, "rate": rate}

    def ga_values(self, session: Json) -> Json:
        """Return a session with GA's voice and turn detection; the client's own values are kept for the echo."""
        output = session.get("audio", {}).get("output", {})
        if "voice" in output:
            voice = output["voice"]
            is_azure = isinstance(voice, dict) or voice not in VOICES
            self._voice = voice if isinstance(voice, dict) else _voice(str(voice), is_azure)
            name = str(self._voice.get("name"))
            output["voice"] = name if name in VOICES else VOICES[0]
        audio_input = session.get("audio", {}).get("input", {})
        if isinstance(audio_input.get("turn_detection"), dict):
            audio_input["turn_detection"] = self._ga_detection(audio_input["turn_detection"])
        transcription = audio_input.get("transcription")
        if isinstance(transcription, dict):
            for name in _TRANSCRIPTION_NULLS:
                transcription.pop(name, None)
        return session

    def _ga_detection(self, detection: Json) -> Json:
        self._detection = {name: detection[name] for name in _DETECTION_OWN if name in detection}
        found = {name: value for name, value in detection.items() if name not in _DETECTION_OWN}
        kind = str(found.get("type"))
        if kind.startswith("azure_semantic_vad"):  # takes the parameters of server_vad
            self._detection["type"] = kind
            found["type"] = kind = "server_vad"
        return {**_UPDATED_DETECTION, **found} if kind == "server_vad" else found

    def named(self, event: Json) -> str:
        """Return the event's name; unlike the beta, a user item with audio also gets a ``done`` event (recorded)."""
        is_done = event["type"] == "conversation.item.done"
        parts = event["item"].get("content") or () if is_done else ()
        if any(part["type"] == "input_audio" for part in parts):
            return "conversation.item.done"
        return super().named(event)

    def after_created(self) -> Iterable[Json]:
        """Yield nothing: Voice Live sends no rate limits."""
        return ()

    def flat_session(self, session: Json) -> Json:
        """Return the session object in Voice Live's shape."""
        found = super().flat_session(session)
        for name in ("client_secret", "temperature", "tracing", "speed"):
            if name not in self.extra:
                found.pop(name, None)
        found["voice"] = self._echoed_voice(found["voice"])
        if self._is_audio_only and found["modalities"] != ["text"]:
            found["modalities"] = ["audio"]
        if found["turn_detection"] is not None:
            detection = session["audio"]["input"]["turn_detection"]
            found["turn_detection"] = {**detection, **_DETECTION_NULLS, **self._detection}
        if found["input_audio_transcription"] is not None:
            found["input_audio_transcription"] |= _TRANSCRIPTION_NULLS
        return found

    def flat_response(self, response: Mapping[str, Any]) -> Json:
        """Return the response object in Voice Live's shape."""
        found = super().flat_response(response)
        voice = self._echoed_voice(str(found["voice"]))
        return {**found, "voice": voice, "temperature": self.extra.get("temperature")}

    def _echoed_voice(self, name: str) -> Json:
        return self._voice or _voice(name, is_azure=False)


def _voice(name: str, is_azure: bool) -> Json:
    return {"name": name, "type": "azure-standard" if is_azure else "openai"}
