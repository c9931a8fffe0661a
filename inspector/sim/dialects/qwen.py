"""Alibaba's Qwen-Omni (DashScope): the beta's names and flat session, 16 kHz in, 24 kHz out, tools as in chat completions.

Sources: Model Studio's pages on client and server events, and the SDK ``dashscope`` 2.0.2. The order of events is that of the
beta, because no recorded Qwen session was available.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inspector.analysis.validate import not_supported
from inspector.sim.connect_request import ConnectRequest, key_refusal, model_of
from inspector.sim.dialect import as_number
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.dialects.flat import TRANSCRIPTION, beta_item
from inspector.sim.fatal import Fatal, no_model
from inspector.sim.ids import Ids
from inspector.sim.refusals import ApiRefusal, missing
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.sim.value_checks import VOICES
from inspector.spec.dialects import ROUTES

_VOICE = "Cherry"
_TRANSCRIBER = "gummy-realtime-v1"
_SILENCE_MS = 800
_RATES_HZ = {"input": 16_000, "output": 24_000}
_CHOSEN_HZ = (8_000, 16_000, 24_000, 48_000)
_FORMATS = {"input": ("pcm", "pcm16"), "output": ("pcm", "pcm24", "pcm16")}
_OWN = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "repetition_penalty",
    "presence_penalty",
    "seed",
    "enable_search",
    "search_options",
    "smooth_output",
    "translation",
    "video",
    "sample_rate",
    "max_response_output_tokens",
)
"""Session members that the simulator only echoes."""
_FUNCTION_KEYS = ("name", "description", "parameters")
_DETECTION_KEYS = (
    "type",
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "create_response",
    "interrupt_response",
)
_WITHOUT_PREVIOUS = ("input_audio_buffer.committed", "conversation.item.added")


class QwenDialect(BetaDialect):
    """DashScope's server."""

    name: ClassVar[str] = "qwen"
    path: ClassVar[str] = ROUTES[name].path
    default_model: ClassVar[str] = "qwen3-omni-flash-realtime"
    own_members: ClassVar[tuple[str, ...]] = ()
    ignored: ClassVar[tuple[str, ...]] = ("input_image_buffer.append",)
    closing_events: ClassVar[Mapping[str, str]] = {"session.finish": "session.finished"}

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        super().__init__(ids, unix_ms)
        self._shown: Json = {"temperature": 0.8}
        """The client's settings, in its own spelling, as the server echoes them."""
        self._updating: Json = {}
        """The settings of an update that has not been accepted yet."""

    @property
    def temperature(self) -> float | None:
        """Return the sampling temperature."""
        return as_number(self._shown.get("temperature"))

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is refused; any model name is accepted."""
        return key_refusal(request, settings) or (None if model_of(request) else no_model())

    def initial_session(self, session: Json) -> Json:
        """Return a session without instructions, with transcription and a longer silence before a turn ends."""
        audio_input = session["audio"]["input"]
        changes = {
            "turn_detection": {
                **audio_input["turn_detection"],
                "silence_duration_ms": _SILENCE_MS,
            },
            "transcription": {"model": _TRANSCRIBER, "language": None, "prompt": None},
            "format": {"type": "audio/pcm", "rate": _RATES_HZ["input"]},
        }
        audio = {**session["audio"], "input": {**audio_input, **changes}}
        return {**session, "instructions": "", "audio": audio}

    def after_update(self, session: Json) -> None:
        """Keep the settings of an accepted update, and apply its sample rates."""
        self._shown.update(self._updating)
        self._updating = {}
        for side, default in _RATES_HZ.items():
            chosen = _format_in(self._shown.get("audio"), side).get("sample_rate")
            rate = chosen if chosen in _CHOSEN_HZ else default
            session["audio"][side]["format"] = {"type": "audio/pcm", "rate": rate}

    def accept(self, event: Json) -> Json:
        """Return an event translated to GA."""
        kind, session = event.get("type"), event.get("session")
        if kind == "input_image_buffer.append" and not isinstance(event.get("image"), str):
            raise missing("image")
        if kind == "session.update" and isinstance(session, dict):
            return super().accept({**event, "session": self._beta_session(session)})
        if kind == "response.create" and isinstance(event.get("response"), dict):
            response = {key: value for key, value in event["response"].items() if key not in _OWN}
            return super().accept({**event, "response": _with_flat_tools(response)})
        return super().accept(event)

    def _beta_session(self, session: Json) -> Json:
        """Return a session translated to the beta; null counts as absent, except where it turns something off."""
        nullable = ("turn_detection", "input_audio_transcription")
        own = {key: value for key, value in session.items() if value is not None or key in nullable}
        self._updating = dict(own)
        found = {key: value for key, value in own.items() if key not in (*_OWN, "audio", "type")}
        for side, known in _FORMATS.items():
            name = f"{side}_audio_format"
            if name in found and found.pop(name) not in known:
                message = not_supported(own[name], known)
                raise ApiRefusal("invalid_value", message, f"session.{name}")
        if "voice" in found:  # any of OpenAI's: the core would refuse Qwen's names
            found["voice"] = VOICES[0]
        if isinstance(found.get("input_audio_transcription"), dict):
            model = found["input_audio_transcription"].get("model") or _TRANSCRIBER
            found["input_audio_transcription"] = {"model": str(model)}
        detection = found.get("turn_detection")
        if isinstance(detection, dict):
            kept = {key: detection[key] for key in _DETECTION_KEYS if key in detection}
            kept.setdefault("type", "server_vad")
            if isinstance(kept.get("threshold"), int | float):  # Qwen's range is -1 to 1
                kept["threshold"] = max(0.0, kept["threshold"])
            found["turn_detection"] = kept
        return _with_flat_tools(found)

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the event in the beta's shape, with transcripts as a whole and without ``usage`` and ``previous_item_id``."""
        kind = event["type"]
        if kind == f"{TRANSCRIPTION}.delta":
            return
        if kind == f"{TRANSCRIPTION}.completed":
            event = {key: value for key, value in event.items() if key not in ("usage", "logprobs")}
        if kind in _WITHOUT_PREVIOUS:
            event = {key: value for key, value in event.items() if key != "previous_item_id"}
        yield from super().render(event)

    def after_created(self) -> Iterable[Json]:
        """Yield nothing: Qwen sends no rate limits."""
        return ()

    def flat_session(self, session: Json) -> Json:
        """Return the session object in Qwen's shape."""
        audio_input, shown = session["audio"]["input"], self._shown
        found: Json = {
            "id": session["id"],
            "object": "realtime.session",
            "model": session["model"],
            "modalities": _modalities(session["output_modalities"]),
            "voice": shown.get("voice", _VOICE),
            "input_audio_format": shown.get("input_audio_format", "pcm"),
            "output_audio_format": shown.get("output_audio_format", "pcm"),
            "input_audio_transcription": None,
            "turn_detection": None,
            "tools": shown.get("tools", []),
            "tool_choice": session["tool_choice"],
        }
        if session["instructions"]:
            found["instructions"] = session["instructions"]
        if audio_input["transcription"] is not None:
            found["input_audio_transcription"] = {"model": audio_input["transcription"]["model"]}
        if audio_input["turn_detection"] is not None:
            detection = {key: audio_input["turn_detection"].get(key) for key in _DETECTION_KEYS}
            kept = {key: value for key, value in detection.items() if value is not None}
            found["turn_detection"] = {**kept, **(shown.get("turn_detection") or {})}
        return found | {key: shown[key] for key in (*_OWN, "audio") if key in shown}

    def flat_response(self, response: Mapping[str, Any]) -> Json:
        """Return the response object in Qwen's shape."""
        found: Json = {
            "id": response["id"],
            "object": "realtime.response",
            "conversation_id": response["conversation_id"],
            "status": response["status"],
            "modalities": _modalities(response["output_modalities"]),
            "voice": self._shown.get("voice", _VOICE),
            "output_audio_format": self._shown.get("output_audio_format", "pcm"),
            "output": [beta_item(item) for item in response["output"]],
        }
        if response["status_details"] is not None:
            found["status_details"] = response["status_details"]
        if response["usage"] is not None:
            found["usage"] = _usage(response["usage"])
        return found


def _modalities(names: object) -> list[str]:
    return ["text"] if names == ["text"] else ["text", "audio"]


def _format_in(audio: object, side: str) -> Mapping[str, Any]:
    """Return the ``format`` of one side of Qwen's newer, nested ``audio`` object; empty if it has none."""
    found = audio.get(side) if isinstance(audio, dict) else None
    format_ = found.get("format") if isinstance(found, dict) else None
    return format_ if isinstance(format_, dict) else {}


def _with_flat_tools(body: Json) -> Json:
    """Return a session or response with its function tools in OpenAI's flat shape."""
    tools = body.get("tools")
    if not isinstance(tools, list):
        return body
    return {**body, "tools": [_flat_tool(tool) for tool in tools]}


def _flat_tool(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    named = {key: function[key] for key in _FUNCTION_KEYS if key in function}
    return {"type": "function", **named}


def _usage(usage: Mapping[str, Any]) -> Json:
    """Return the usage of a response with Qwen's names (``input_tokens_details``)."""
    found = {name: usage[name] for name in ("total_tokens", "input_tokens", "output_tokens")}
    for side in ("input", "output"):
        details = usage[f"{side}_token_details"]
        kept = {name: details[name] for name in ("text_tokens", "audio_tokens")}
        found[f"{side}_tokens_details"] = kept
    return found
