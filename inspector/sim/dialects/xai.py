"""xAI's Grok Voice: GA event names with many differences.

Responses are always spoken, a commit starts a response, and truncation is not supported. Sources: recorded sessions, and
https://docs.x.ai/docs/guides/voice/agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inspector.core.audio_formats import PCM16_24K, audio_format
from inspector.sim.connect_request import ConnectRequest, key_refusal, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.flat import TRANSCRIPTION, beta_item
from inspector.sim.fatal import Fatal, no_model
from inspector.sim.ids import Ids, UuidIds
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.sim.value_checks import VOICES

_NOT_SENT = ("conversation.item.done", "rate_limits.updated")
_VOICE = "ara"
_RATES_HZ = (8000, 16000, 24000, 32000, 48000)
_SHARED = ("instructions", "tools", "tool_choice", "max_output_tokens")
# The defaults that the server adds to its echo after the first update.
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


class XaiDialect(Dialect):
    """xAI's dialect."""

    name: ClassVar[str] = "xai"
    default_model: ClassVar[str] = "grok-voice-latest"
    answers_commits: ClassVar[bool] = True
    can_truncate: ClassVar[bool] = False
    ping_s: ClassVar[int] = 10

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        super().__init__(ids, unix_ms)
        self._session: Json = {"voice": _VOICE, "turn_detection": {"type": None}, "tools": []}
        """The client's settings, in its own spelling, as the server echoes them."""
        self._is_updated = False
        self._delayed_audio_done: list[Json] = []
        """``response.output_audio.done`` events until their content part is done."""
        self._delayed_words: Json | None = None
        """A transcript delta until its audio has been sent."""
        self._transcripts: dict[str, str] = {}
        """The input transcript so far, by item id: xAI sends the whole text each time, not deltas."""
        self._spoken_ms = 0.0

    @classmethod
    def make_ids(cls, seed: int) -> Ids:
        """Return a generator of UUIDs, which xAI uses instead of prefixed ids."""
        return UuidIds(seed)

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is refused; any model name is accepted."""
        return key_refusal(request, settings) or (None if model_of(request) else no_model())

    def initial_session(self, session: Json) -> Json:
        """Return a session without turn detection or instructions."""
        audio = {**session["audio"], "input": {**session["audio"]["input"], "turn_detection": None}}
        return {**session, "instructions": "", "audio": audio}

    def after_update(self, session: Json) -> None:
        """Apply the sample rates that the client set: 8 to 48 kHz, where OpenAI's API has only 24 kHz."""
        for side in ("input", "output"):
            wanted = _within(self._session.get("audio"), side, "format")
            rate = wanted.get("rate") if isinstance(wanted, dict) else None
            current = session["audio"][side]["format"]
            if current["type"] == "audio/pcm" and rate in _RATES_HZ:
                session["audio"][side]["format"] = {**current, "rate": rate}

    def accept(self, event: Json) -> Json:
        """Return an event translated to GA; settings that GA does not have are kept for the echo."""
        session = event.get("session")
        if event.get("type") == "session.update" and isinstance(session, dict):
            return {**event, "session": self._ga_session(session)}
        if event.get("type") == "response.create" and isinstance(event.get("response"), dict):
            known = ("instructions", "tools", "tool_choice", "conversation", "metadata", "input")
            response = event["response"]
            return {**event, "response": {key: response[key] for key in known if key in response}}
        item = event.get("item")
        if event.get("type") == "conversation.item.create" and isinstance(item, dict):
            return _spoken(event, item) if item.get("type") == "force_message" else event
        return event

    def _ga_session(self, session: Json) -> Json:
        self._is_updated = True
        self._session.update(session)
        audio_input: Json = {}
        output: Json = {}
        audio = session.get("audio")
        for side, target in (("input", audio_input), ("output", output)):
            wanted = _within(audio, side, "format")
            if isinstance(
                wanted, dict
            ):  # the core accepts 24 kHz only; ``after_update`` sets the real rate
                target["format"] = {**wanted, "rate": 24000} if _is_pcm(wanted) else wanted
        transcription = session.get("input_audio_transcription") or _within(
            audio, "input", "transcription"
        )
        if isinstance(transcription, dict) and transcription.get("model"):
            audio_input["transcription"] = {"model": str(transcription["model"])}
        if "turn_detection" in session:
            audio_input["turn_detection"] = _detection(session["turn_detection"])
        if session.get("voice") in VOICES:
            output["voice"] = session["voice"]
        found: Json = {"type": "realtime", "audio": {"input": audio_input, "output": output}}
        shared = {key: session[key] for key in _SHARED if key in session}
        if isinstance(shared.get("tools"), list):
            shared["tools"] = [tool for tool in shared["tools"] if _is_function(tool)]
        return {**found, **shared}

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the events of xAI's API for a GA event; all but the first have a ``previous_item_id``."""
        kind = event["type"]
        if kind in _NOT_SENT:
            return
        if kind == "session.created":
            yield {**event, "session": self._flat(event["session"])}
            yield self._own("conversation.created", conversation=self._conversation())
            yield self._own("ping", timestamp=self._unix_ms())
            return
        for found in self._reordered(self._translated(event)):
            yield {**found, "previous_item_id": found.get("previous_item_id")}

    def _translated(self, event: Json) -> Json:
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
            self._add_times(kind, found)
        if kind == f"{TRANSCRIPTION}.delta":
            text = self._transcripts.get(event["item_id"], "") + event["delta"]
            self._transcripts[event["item_id"]] = text
            del found["delta"]
            found |= {"type": f"{TRANSCRIPTION}.updated", "transcript": text.strip()}
            found["status"] = "in_progress"
        if kind == f"{TRANSCRIPTION}.completed":
            self._transcripts.pop(event["item_id"], None)
            found["status"] = "completed"
        if kind == "response.content_part.done":
            del found["part"]
        if kind == "response.function_call_arguments.delta":
            del found["output_index"]
        if kind == "response.content_part.added":
            found["previous_item_id"] = "0"
        return found

    def _reordered(self, event: Json) -> Iterable[Json]:
        """Yield events in xAI's order: the transcript of a phrase after its first audio, ``output_audio.done`` after its part."""
        kind = event["type"]
        if kind == "response.output_audio_transcript.delta":
            text = self._delayed_words["delta"] if self._delayed_words else ""
            self._delayed_words = {**event, "delta": text + event["delta"]}
            return
        if kind == "response.output_audio.done":
            self._delayed_audio_done.append(event)
            return
        if kind == "response.output_audio_transcript.done":
            yield from self._pop_words()
        yield event
        if kind == "response.output_audio.delta":
            yield from self._pop_words()
        if kind == "response.content_part.done":
            yield from self._delayed_audio_done
            self._delayed_audio_done.clear()

    def _pop_words(self) -> Iterable[Json]:
        words, self._delayed_words = self._delayed_words, None
        return () if words is None else (words,)

    def _add_times(self, kind: str, event: Json) -> None:
        event["rid"] = event["event_id"]
        if kind == "response.output_audio.delta":
            length_ms = len(event["delta"]) * 3 // 4 / self._bytes_per_ms  # base64: 3 bytes in 4
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
        if response["metadata"]:  # absent from recorded sessions, none of which sent any
            wire["metadata"] = response["metadata"]
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
        """Return the session object: the client's own settings, and after the first update also the defaults."""
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
    """Return True for a tool that the client runs; others, such as web search, run on xAI's side."""
    return isinstance(tool, dict) and tool.get("type") == "function"


def _spoken(event: Json, item: Json) -> Json:
    """Return the ``response.create`` that says the text of a ``force_message``, which xAI speaks without being asked to."""
    parts = item.get("content")
    found = parts if isinstance(parts, list) else []
    text = " ".join(str(part.get("text", "")) for part in found if isinstance(part, dict))
    response = {"instructions": f"Say exactly: {text}", "input": [], "tools": []}
    return {
        "type": "response.create",
        "response": response,
        **{key: event[key] for key in ("event_id",) if key in event},
    }


def _within(audio: object, side: str, name: str) -> object:
    described = audio.get(side) if isinstance(audio, dict) else None
    return described.get(name) if isinstance(described, dict) else None


def _detection(detection: object) -> object:
    """Return turn detection settings translated to GA, which has null for xAI's ``{"type": null}``."""
    if not isinstance(detection, dict) or detection.get("type") is None:
        return None
    return detection


def _nested_tool(tool: Json) -> Json:
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


def _item(item: Mapping[str, Any], *, is_output: bool) -> Json:
    found = beta_item(item)
    if found.get("type") in ("function_call", "function_call_output"):
        found["role"] = "user" if is_output else "tool"
        found.setdefault("status", "completed")
    return found


def _grok(details: object) -> Json:
    counts = details if isinstance(details, dict) else {}
    return {
        "text_tokens": counts.get("text_tokens", 0),
        "audio_tokens": counts.get("audio_tokens", 0),
        "grok_tokens": 0,
    }
