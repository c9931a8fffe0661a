"""xAI's Grok Voice: GA names, and otherwise much of its own. Always spoken; a commit begins the answer; nothing is truncated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inspector.core.audio_formats import PCM16_24K, audio_format
from inspector.sim.connect_request import ConnectRequest, key_refusal, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.flat import beta_item
from inspector.sim.fatal import Fatal, no_model
from inspector.sim.ids import Ids, UuidIds
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.sim.value_checks import VOICES

_DROPPED = ("conversation.item.done", "rate_limits.updated")
_VOICE = "ara"
_RATES_HZ = (8000, 16000, 24000, 32000, 48000)
_SHARED = ("instructions", "tools", "tool_choice", "max_output_tokens")
_FILLED: Mapping[str, Any] = {
    "enable_noise_suppression": True,
    "keep_context": False,
    "enable_phonetic_spelling": False,
    "input_audio_format": "not specified",
    "output_audio_format": "not specified",
    "tool_choice": "auto",
    "temperature": -1.0,
    "max_response_output_tokens": "inf",
}
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class XaiDialect(Dialect):
    """xAI's server."""

    name: ClassVar[str] = "xai"
    default_model: ClassVar[str] = "grok-voice-latest"
    answers_commits: ClassVar[bool] = True
    can_truncate: ClassVar[bool] = False
    ping_s: ClassVar[int] = 10

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        super().__init__(ids, unix_ms)
        self._session: Json = {"voice": _VOICE, "turn_detection": {"type": None}, "tools": []}
        """What the client set, as it set it."""
        self._is_updated = False
        self._held: list[Json] = []
        self._words: Json | None = None
        """Words that wait for their sound."""
        self._heard: dict[str, str] = {}
        self._spoken_ms = 0.0

    @classmethod
    def make_ids(cls, seed: int) -> Ids:
        """Return UUIDs in place of prefixed ids."""
        return UuidIds(seed)

    def why_not(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is ended; any model's name will do."""
        return key_refusal(request, settings) or (None if model_of(request) else no_model())

    def opening(self, session: Json) -> Json:
        """Return a session without turn detection or instructions."""
        audio = {**session["audio"], "input": {**session["audio"]["input"], "turn_detection": None}}
        return {**session, "instructions": "", "audio": audio}

    def settle(self, session: Json) -> None:
        """Set the sample rates that the client asked for: 8 to 48 kHz, where OpenAI's API has one."""
        for side in ("input", "output"):
            wanted = _within(self._session.get("audio"), side, "format")
            rate = wanted.get("rate") if isinstance(wanted, dict) else None
            shown = session["audio"][side]["format"]
            if shown["type"] == "audio/pcm" and rate in _RATES_HZ:
                session["audio"][side]["format"] = {**shown, "rate": rate}

    def accept(self, event: Json) -> Json:
        """Return an event as GA has it; what GA does not know is kept for the echo."""
        given = event.get("session")
        if event.get("type") == "session.update" and isinstance(given, dict):
            return {**event, "session": self._ga_session(given)}
        if event.get("type") == "response.create" and isinstance(event.get("response"), dict):
            known = ("instructions", "tools", "tool_choice", "conversation", "metadata", "input")
            response = event["response"]
            return {**event, "response": {key: response[key] for key in known if key in response}}
        return event

    def _ga_session(self, given: Json) -> Json:
        self._is_updated = True
        self._session.update(given)
        heard: Json = {}
        output: Json = {}
        audio = given.get("audio")
        for side, target in (("input", heard), ("output", output)):
            wanted = _within(audio, side, "format")
            if isinstance(wanted, dict):
                target["format"] = {**wanted, "rate": 24000} if _is_pcm(wanted) else wanted
        transcription = given.get("input_audio_transcription") or _within(
            audio, "input", "transcription"
        )
        if isinstance(transcription, dict) and transcription.get("model"):
            heard["transcription"] = {"model": str(transcription["model"])}
        if "turn_detection" in given:
            heard["turn_detection"] = _detection(given["turn_detection"])
        if given.get("voice") in VOICES:
            output["voice"] = given["voice"]
        found: Json = {"type": "realtime", "audio": {"input": heard, "output": output}}
        shared = {key: given[key] for key in _SHARED if key in given}
        if isinstance(shared.get("tools"), list):
            shared["tools"] = [tool for tool in shared["tools"] if _is_function(tool)]
        return {**found, **shared}

    def render(self, event: Json) -> Iterable[Json]:
        """Yield what an event is here; each but the first says what came before it."""
        kind = event["type"]
        if kind in _DROPPED:
            return
        if kind == "session.created":
            yield {**event, "session": self._flat(event["session"])}
            yield self._own("conversation.created", conversation=self._conversation())
            yield self._own("ping", timestamp=self._unix_ms())
            return
        for found in self._reordered(self._changed(event)):
            yield {**found, "previous_item_id": found.get("previous_item_id")}

    def _changed(self, event: Json) -> Json:
        kind = str(event["type"])
        found = {key: value for key, value in event.items() if key != "obfuscation"}
        if "session" in event:
            found["session"] = self._flat(event["session"])
        if "item" in event:
            found["item"] = _item(event["item"], is_output=kind.startswith("response."))
            if kind == "response.output_item.added":
                found["item"].pop("content", None)
        if "response" in event:
            found |= self._response(event)
        if kind.endswith(".delta"):
            self._mark(kind, found)
        if kind == f"{_TRANSCRIPTION}.delta":
            text = self._heard.get(event["item_id"], "") + event["delta"]
            self._heard[event["item_id"]] = text
            del found["delta"]
            found |= {"type": f"{_TRANSCRIPTION}.updated", "transcript": text.strip()}
            found["status"] = "in_progress"
        if kind == f"{_TRANSCRIPTION}.completed":
            self._heard.pop(event["item_id"], None)
            found["status"] = "completed"
        if kind == "response.content_part.done":
            del found["part"]
        if kind == "response.function_call_arguments.delta":
            del found["output_index"]
        if kind == "response.content_part.added":
            found["previous_item_id"] = "0"
        return found

    def _reordered(self, event: Json) -> Iterable[Json]:
        """Send words after the first of their sound, a phrase at a time; and the end of the sound after its part."""
        kind = event["type"]
        if kind == "response.output_audio_transcript.delta":
            spoken = self._words["delta"] if self._words else ""
            self._words = {**event, "delta": spoken + event["delta"]}
            return
        if kind == "response.output_audio.done":
            self._held.append(event)
            return
        if kind == "response.output_audio_transcript.done":
            yield from self._take_words()
        yield event
        if kind == "response.output_audio.delta":
            yield from self._take_words()
        if kind == "response.content_part.done":
            yield from self._held
            self._held.clear()

    def _take_words(self) -> Iterable[Json]:
        words, self._words = self._words, None
        return () if words is None else (words,)

    def _mark(self, kind: str, event: Json) -> None:
        event["rid"] = event["event_id"]
        if kind == "response.output_audio.delta":
            length_ms = len(event["delta"]) * 3 // 4 / self._bytes_per_ms
            event |= {"audio_duration_ms": round(length_ms), "ts": self._unix_ms()}
            self._spoken_ms += length_ms
        elif kind == "response.output_audio_transcript.delta":
            event["start_time"] = round(self._spoken_ms / 1000, 2)

    def _response(self, event: Json) -> Json:
        response = event["response"]
        wire = {
            "id": response["id"],
            "object": "realtime.response",
            "output": [_item(item, is_output=True) for item in response["output"]],
            "status": response["status"],
            "status_details": "unimplemented",
            "usage": {},
        }
        if event["type"] == "response.created":
            self._spoken_ms = 0.0
            return {"response": wire}
        seconds = self._spoken_ms / 1000
        usage = response["usage"] or {}
        return {
            "response": wire,
            "response_id": response["id"],
            "usage": {
                "input_tokens": usage.get("input_tokens", 0),
                "input_token_details": _grok(usage.get("input_token_details")),
                "output_tokens": usage.get("output_tokens", 0),
                "output_token_details": _grok(usage.get("output_token_details")),
                "total_tokens": usage.get("total_tokens", 0),
                "output_audio_seconds": seconds,
                "billable_audio_seconds": round(seconds),
            },
        }

    def _flat(self, session: Json) -> Json:
        """Return what the client set, in the server's words."""
        own = self._session
        if not self._is_updated:
            return {
                "id": session["id"],
                "object": "realtime.session",
                "instructions": "",
                "voice": own["voice"],
                "modalities": ["audio"],
                "turn_detection": own["turn_detection"],
                "tools": [],
                "model": session["model"],
            }
        found = {"instructions": session["instructions"], **_FILLED, **own}
        found |= {"model": session["model"], "modalities": ["audio"]}
        found.pop("type", None)
        found["tools"] = [_nested_tool(tool) for tool in session["tools"]]
        if session["audio"]["input"]["transcription"] is not None:
            model = session["audio"]["input"]["transcription"]["model"]
            found["input_audio_transcription"] = {"model": model}
        return found

    def _own(self, kind: str, **members: Any) -> Json:
        event_id = self._ids.new("event_")
        return {"type": kind, "event_id": event_id, **members, "previous_item_id": None}

    def _conversation(self) -> Json:
        return {"id": self._ids.new("conv_"), "object": "realtime.conversation"}

    @property
    def _bytes_per_ms(self) -> float:
        wanted = _within(self._session.get("audio"), "output", "format")
        return (audio_format(wanted) or PCM16_24K).bytes_per_ms


def _is_pcm(wanted: Json) -> bool:
    return wanted.get("type") == "audio/pcm"


def _is_function(tool: object) -> bool:
    """Tell whether a tool is one that the client runs; searches and the like run on xAI's side."""
    return isinstance(tool, dict) and tool.get("type") == "function"


def _within(audio: object, side: str, name: str) -> object:
    described = audio.get(side) if isinstance(audio, dict) else None
    return described.get(name) if isinstance(described, dict) else None


def _detection(given: object) -> object:
    """Return a turn detection as GA has it: ``{"type": null}`` is none at all."""
    if not isinstance(given, dict) or given.get("type") is None:
        return None
    return given


def _nested_tool(tool: Json) -> Json:
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


def _item(item: Mapping[str, Any], *, is_output: bool) -> Json:
    found = beta_item(item)
    if found.get("type") in ("function_call", "function_call_output"):
        found["role"] = "user" if is_output else "tool"
        found.setdefault("status", "completed")
    return found


def _grok(details: object) -> Json:
    given = details if isinstance(details, dict) else {}
    return {
        "text_tokens": given.get("text_tokens", 0),
        "audio_tokens": given.get("audio_tokens", 0),
        "grok_tokens": 0,
    }
