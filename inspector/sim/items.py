"""One item: its shape on the wire, and what the server knows beside it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.sim.ids import Ids
from inspector.sim.refusals import append_too_large, bad_audio
from inspector.sim.server_outbox import Json
from inspector.sim.speech_recognizer import PendingTranscript, Transcript

MAX_APPEND_BYTES = 15 << 20
"""Of sound in one append (API reference, input_audio_buffer.append)."""
_AUDIO_PARTS = ("input_audio", "output_audio")


@dataclass(slots=True)
class SimItem:
    """An item of a conversation, or of a response outside of it."""

    wire: Json
    """What events carry, in the server's key order; never with audio in it."""
    audio: bytearray = field(default_factory=bytearray)
    """In ``format``; emptied when too much is kept."""
    audio_bytes: int = 0
    """How much audio the item has, kept or not."""
    format: AudioFormat = PCM16_24K
    is_cut: bool = False
    """True once it was truncated: what its response still says is not remembered."""
    kept_words: str = ""
    """What of a truncated answer was heard: the transcript is gone from the wire, but the model has the audio."""
    recognition: PendingTranscript | None = None
    """What is finding out what the user said."""
    transcription: Transcript | None = None
    """What was made of the user's audio; None before anybody asked."""

    @property
    def id(self) -> str:
        """Return the item's id."""
        return str(self.wire["id"])

    @property
    def role(self) -> str:
        """Return who speaks; ``""`` where the item is no message."""
        return str(self.wire.get("role", ""))

    @property
    def parts(self) -> list[Json]:
        """Return the content parts; empty where the item is no message."""
        found: list[Json] = self.wire.get("content", [])
        return found

    @property
    def audio_ms(self) -> int:
        """Return the length of the item's audio."""
        return self.format.ms(self.audio_bytes)

    @property
    def images(self) -> tuple[str, ...]:
        """Return the URLs of the item's images."""
        shown = [part for part in self.parts if part["type"] == "input_image"]
        return tuple(str(part.get("image_url") or "") for part in shown)

    @property
    def text(self) -> str:
        """Return the item's words: written, spoken, or understood."""
        return " ".join(filter(None, map(self._words, self.parts)))

    @property
    def is_unheard(self) -> bool:
        """Tell whether there is audio of the user's whose words nobody knows yet."""
        untold = any(
            part["type"] == "input_audio" and not part["transcript"] for part in self.parts
        )
        return untold and self.transcription is None

    def _words(self, part: Json) -> str:
        if part["type"] == "input_audio" and self.transcription is not None:
            return self.transcription.words
        return str(part.get("text") or part.get("transcript") or self.kept_words)

    def retrieved(self) -> Json:
        """Return the item as ``conversation.item.retrieved`` has it, audio included."""
        wire = snapshot(self.wire)
        for part in wire.get("content", []):
            if part["type"] in _AUDIO_PARTS:
                part["audio"] = base64.b64encode(self.audio).decode()
                part["format"] = self.format.encoding
        return wire


def snapshot(wire: Json) -> Json:
    """Return an item's wire shape as it is now."""
    copied = dict(wire)
    if "content" in wire:
        copied["content"] = [dict(part) for part in wire["content"]]
    return copied


def appended_audio(event: Json) -> bytes:
    """Return the sound that an append holds.

    Raises:
        Refusal: it is too much, or not base64.
    """
    text = event["audio"]
    if len(text) > -(-MAX_APPEND_BYTES // 3) * 4:
        raise append_too_large()
    return decoded_audio(text)


def decoded_audio(text: str, param: str = "audio") -> bytes:
    """Decode base64.

    Raises:
        Refusal: it is none; ``param`` says where.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_audio(param) from None


def from_client(given: Json, ids: Ids) -> SimItem:
    """Return a client's item in the server's shape; its id is kept, or made up.

    Raises:
        Refusal: a part holds audio that is not base64.
    """
    kind = given["type"]
    head: Json = {"id": given.get("id") or ids.new("item_"), "type": kind}
    if kind == "message":
        return _message(given, head)
    if kind == "function_call":
        call_id = given.get("call_id") or ids.new("call_", 16)
        named = {"name": given["name"], "call_id": call_id, "arguments": given["arguments"]}
        return SimItem({**head, "status": "completed", **named})
    left_out = ("id", "type", "object", "status")
    return SimItem({**head, **{key: given[key] for key in given if key not in left_out}})


def _message(given: Json, head: Json) -> SimItem:
    audio = bytearray()
    parts = []
    for index, part in enumerate(given["content"]):
        kind = part["type"]
        if kind == "input_audio":
            audio += decoded_audio(part.get("audio") or "", f"item.content[{index}].audio")
            parts.append({"type": kind, "transcript": part.get("transcript")})
        elif kind == "input_image":
            detail = part.get("detail") or "auto"
            parts.append({"type": kind, "image_url": part.get("image_url"), "detail": detail})
        else:
            parts.append({"type": kind, "text": part.get("text", "")})
    wire = {**head, "status": "completed", "role": given["role"], "content": parts}
    return SimItem(wire, audio, len(audio))
