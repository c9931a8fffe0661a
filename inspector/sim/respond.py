"""One response, as a process: everything that the server sends for it, in the order that recorded sessions show."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inspector.audio.pcm import pcm16_to_alaw, pcm16_to_ulaw, samples_of
from inspector.core.formats import PCM16_24K, AudioFormat, audio_format
from inspector.sim.brain import Brain, Call, Context, Heard
from inspector.sim.config import SessionConfig
from inspector.sim.ids import Ids
from inspector.sim.items import Items, SimItem, heard_of
from inspector.sim.settings import SimSettings
from inspector.sim.timeline import Process
from inspector.sim.voice import Voice

Json = dict[str, Any]
NS_PER_MS = 1_000_000

# Measured on gpt-realtime-2.1-mini from nearby: created 30 ms after the request, first item 300 ms later, first audio
# 120 ms after the first transcript, rate limits 30 ms after the end.
CREATED_MS, THINK_MS, FIRST_AUDIO_MS, TOKEN_MS, RATE_LIMITS_MS = 30, 300, 120, 5, 30
RATE_LIMIT_TOKENS = 15_000_000


@dataclass(slots=True)
class Desk:
    """What a response works with: the session's parts, and how to send."""

    config: SessionConfig
    items: Items
    ids: Ids
    brain: Brain
    voice: Voice
    settings: SimSettings
    emit: Callable[[Json], None]
    conversation_id: str
    cached_tokens: int = 0
    """Input of the last response: what the next one finds in the cache."""
    tokens_used: int = 0


@dataclass(slots=True)
class SimResponse:
    """One response in the making."""

    desk: Desk
    options: Json
    id: str
    status: str = "in_progress"
    status_details: Json | None = None
    output: list[Json] = field(default_factory=list)
    usage: Json | None = None
    process: Process | None = None
    open_item: SimItem | None = None
    text_tokens: int = 0
    audio_ms: int = 0

    @property
    def is_out_of_band(self) -> bool:
        """Tell whether it is outside of the default conversation."""
        return self.options.get("conversation") == "none"

    @property
    def modalities(self) -> list[str]:
        """Return ``["audio"]`` or ``["text"]``."""
        chosen = self.options.get("output_modalities") or self.desk.config.effective.get(
            "output_modalities"
        )
        return list(chosen or ["audio"])

    def wire(self) -> Json:
        """Return the response object as the server sends it, in its key order."""
        output = {
            **self.desk.config.effective["audio"]["output"],
            **self.options.get("audio", {}).get("output", {}),
        }
        limit = self.options.get(
            "max_output_tokens", self.desk.config.effective["max_output_tokens"]
        )
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.status_details,
            "output": list(self.output),
            "conversation_id": None if self.is_out_of_band else self.desk.conversation_id,
            "output_modalities": self.modalities,
            "max_output_tokens": limit,
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": self.usage,
            "metadata": self.options.get("metadata"),
        }

    def run(self) -> Process:
        """Send the whole response; may be stopped between any two steps."""
        yield self._after(CREATED_MS)
        self.desk.emit({"type": "response.created", "response": self.wire()})
        yield self._after(THINK_MS)
        answer = self.desk.brain.answer(self._context())
        limit = self.wire()["max_output_tokens"]
        index = 0
        if answer.text or not answer.calls:
            words = pieces_of(answer.text)
            cut = words[:limit] if isinstance(limit, int) else words
            yield from self._message(
                index, cut, is_whole=len(cut) == len(words), has_calls=bool(answer.calls)
            )
            if len(cut) < len(words):
                self.finish("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
                yield from self._rate_limits()
                return
            index += 1
        for call in answer.calls:
            yield from self._call(index, call)
            index += 1
        self.finish("completed", None)
        yield from self._rate_limits()

    def stop(self, reason: str) -> None:
        """End it before its time: ``client_cancelled`` or ``turn_detected``."""
        if self.process is not None:
            self.process.close()
        if self.open_item is not None:
            self._close_item(self.open_item, "incomplete", len(self.output))
        self.finish("cancelled", {"type": "cancelled", "reason": reason})

    def finish(self, status: str, details: Json | None) -> None:
        """Send ``response.done``."""
        self.status, self.status_details = status, details
        self.usage = self._usage()
        self.desk.emit({"type": "response.done", "response": self.wire()})

    def _after(self, ms: float) -> int:
        return int(ms * NS_PER_MS * self.desk.settings.latency_scale)

    def _rate_limits(self) -> Process:
        yield self._after(RATE_LIMITS_MS)
        remaining = RATE_LIMIT_TOKENS - self.desk.tokens_used
        limit = {
            "name": "tokens",
            "limit": RATE_LIMIT_TOKENS,
            "remaining": max(0, remaining),
            "reset_seconds": 0.009,
        }
        self.desk.emit({"type": "rate_limits.updated", "rate_limits": [limit]})

    def _context(self) -> Context:
        session = self.desk.config.effective
        heard = self.desk.items.heard()
        if "input" in self.options:
            heard = [
                known
                for entry in self.options["input"]
                if (known := self._input(entry)) is not None
            ]
        return Context(
            str(self.options.get("instructions", session["instructions"])),
            heard,
            self.options.get("tools", session["tools"]) or [],
            self.options.get("tool_choice") or session["tool_choice"],
        )

    def _input(self, entry: Json) -> Heard | None:
        if entry.get("type") != "item_reference":
            return heard_of(entry)
        item = self.desk.items.find(str(entry.get("id")))
        return None if item is None else heard_of(item.wire)

    def _open(self, index: int, wire: Json) -> SimItem:
        item = SimItem(wire)
        self.open_item = item
        self.desk.emit(
            {
                "type": "response.output_item.added",
                "response_id": self.id,
                "output_index": index,
                "item": copy_of(wire),
            }
        )
        if not self.is_out_of_band:
            previous = self.desk.items.last_id()
            self.desk.items.add(item)
            self.desk.emit(
                {
                    "type": "conversation.item.added",
                    "previous_item_id": previous,
                    "item": copy_of(wire),
                }
            )
        return item

    def _close_item(self, item: SimItem, status: str, index: int) -> None:
        item.wire["status"] = status
        self.open_item = None
        if item.id in self.desk.items:
            previous = self.desk.items.previous_when_done(item.id)
            self.desk.emit(
                {
                    "type": "conversation.item.done",
                    "previous_item_id": previous,
                    "item": copy_of(item.wire),
                }
            )
        self.desk.emit(
            {
                "type": "response.output_item.done",
                "response_id": self.id,
                "output_index": index,
                "item": copy_of(item.wire),
            }
        )
        self.output.append(copy_of(item.wire))

    def _message(self, index: int, words: list[str], *, is_whole: bool, has_calls: bool) -> Process:
        is_spoken = self.modalities == ["audio"]
        wire: Json = {
            "id": self.desk.ids.new("item_"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        if str(self.desk.config.effective.get("model", "")).startswith("gpt-realtime-2"):
            wire["phase"] = "commentary" if has_calls else "final_answer"
        item = self._open(index, wire)
        where = {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": index,
            "content_index": 0,
        }
        empty = {"type": "audio", "transcript": ""} if is_spoken else {"type": "text", "text": ""}
        self.desk.emit({"type": "response.content_part.added", **where, "part": empty})
        wire["content"].append(
            {"type": "output_audio", "transcript": ""}
            if is_spoken
            else {"type": "output_text", "text": ""}
        )
        yield from (
            self._spoken(item, where, words) if is_spoken else self._written(item, where, words)
        )
        text = "".join(words)
        if is_spoken:
            self.desk.emit({"type": "response.output_audio.done", **where})
            self.desk.emit(
                {"type": "response.output_audio_transcript.done", **where, "transcript": text}
            )
        else:
            self.desk.emit({"type": "response.output_text.done", **where, "text": text})
        done = (
            {"type": "audio", "transcript": text} if is_spoken else {"type": "text", "text": text}
        )
        self.desk.emit({"type": "response.content_part.done", **where, "part": done})
        self._close_item(item, "completed" if is_whole else "incomplete", index)

    def _written(self, item: SimItem, where: Json, words: list[str]) -> Process:
        for word in words:
            self._say(item, where, "response.output_text.delta", "text", word)
            yield self._after(TOKEN_MS)

    def _spoken(self, item: SimItem, where: Json, words: list[str]) -> Process:
        """Send words ahead of their sound; the sound in larger pieces, ten times faster than it plays."""
        output = {
            **self.desk.config.effective["audio"]["output"],
            **self.options.get("audio", {}).get("output", {}),
        }
        item.format = audio_format(output["format"]) or PCM16_24K
        piece = int(self.desk.settings.delta_ms * item.format.bytes_per_ms)
        waiting = bytearray()
        for number, word in enumerate(words):
            self._say(item, where, "response.output_audio_transcript.delta", "transcript", word)
            yield self._after(FIRST_AUDIO_MS if number == 0 else TOKEN_MS)
            waiting += encoded(
                self.desk.voice, word, item.format, float(output.get("speed") or 1.0)
            )
            while len(waiting) >= piece:
                yield self._send_audio(item, where, bytes(waiting[:piece]))
                del waiting[:piece]
        if waiting:
            yield self._send_audio(item, where, bytes(waiting))

    def _say(self, item: SimItem, where: Json, kind: str, member: str, word: str) -> None:
        item.wire["content"][0][member] += word
        self.text_tokens += 1
        self.desk.emit(
            {"type": kind, **where, "delta": word, "obfuscation": self.desk.ids.padding(word)}
        )

    def _send_audio(self, item: SimItem, where: Json, data: bytes) -> int:
        self.desk.config.has_spoken = True
        self.desk.items.keep_audio(item, data)
        self.audio_ms += item.format.ms(len(data))
        self.desk.emit(
            {
                "type": "response.output_audio.delta",
                **where,
                "delta": base64.b64encode(data).decode(),
            }
        )
        return self._after(item.format.ms(len(data)) / self.desk.settings.audio_speed)

    def _call(self, index: int, call: Call) -> Process:
        wire: Json = {
            "id": self.desk.ids.new("item_"),
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": self.desk.ids.new("call_", 16),
            "arguments": "",
        }
        item = self._open(index, wire)
        where = {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": index,
            "call_id": wire["call_id"],
        }
        for piece in re.findall(r"\w+|\s+|[^\w\s]+", call.arguments):
            self.text_tokens += 1
            self.desk.emit(
                {
                    "type": "response.function_call_arguments.delta",
                    **where,
                    "delta": piece,
                    "obfuscation": self.desk.ids.padding(piece),
                }
            )
            yield self._after(TOKEN_MS)
        wire["arguments"] = call.arguments
        self.desk.emit(
            {
                "type": "response.function_call_arguments.done",
                **where,
                "name": call.name,
                "arguments": call.arguments,
            }
        )
        self._close_item(item, "completed", index)

    def _usage(self) -> Json:
        """Count tokens as the API does: audio by its length, the whole conversation as input, its prefix cached."""
        made_audio = self.audio_ms // 50
        text, audio = self.desk.items.text_tokens(), self.desk.items.audio_tokens()
        if not self.output and not self.text_tokens:
            text = audio = 0
        else:
            text += len(str(self.desk.config.effective.get("instructions", ""))) // 4
        given, made = text + audio, self.text_tokens + made_audio
        cached = min(self.desk.cached_tokens, given) // 64 * 64
        self.desk.cached_tokens = max(self.desk.cached_tokens, given)
        self.desk.tokens_used += given + made
        return {
            "total_tokens": given + made,
            "input_tokens": given,
            "output_tokens": made,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "image_tokens": 0,
                "cached_tokens": cached,
                "cached_tokens_details": {
                    "text_tokens": min(cached, text),
                    "audio_tokens": max(0, cached - text),
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": self.text_tokens, "audio_tokens": made_audio},
        }


def copy_of(wire: Json) -> Json:
    """Return an item's wire shape as it is now."""
    copied = dict(wire)
    if "content" in wire:
        copied["content"] = [dict(part) for part in wire["content"]]
    return copied


def pieces_of(text: str) -> list[str]:
    """Cut a text into deltas as a model's tokens are: words with the space before them; they add up exactly."""
    return re.findall(r"\s*[\w'’-]+|\s*[^\w\s]|\s+$", text) or [text]


def encoded(voice: Voice, word: str, audio: AudioFormat, speed: float) -> bytes:
    """Speak a piece of text in the wanted format; pure punctuation makes no sound."""
    if not any(letter.isalnum() for letter in word):
        return b""
    pcm16 = voice.speak(word.strip(), audio.rate_hz, speed)
    if audio.encoding == "pcm16":
        return pcm16
    encode = pcm16_to_ulaw if audio.encoding == "pcmu" else pcm16_to_alaw
    return encode(samples_of(pcm16))
