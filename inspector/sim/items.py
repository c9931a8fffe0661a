"""A conversation item: its wire shape, and the server-side state that events do not show."""

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
"""Largest append, decoded (API reference, ``input_audio_buffer.append``)."""
_AUDIO_PARTS = ("input_audio", "output_audio")


@dataclass(slots=True)
class SimItem:
    """An item of the conversation or of an out-of-band response."""

    wire: Json
    """The item as events carry it, in the server's key order and without audio."""
    audio: bytearray = field(default_factory=bytearray)
    """Encoded in ``format``; emptied when the conversation holds too much audio."""
    audio_bytes: int = 0
    """Length of the item's audio, including audio no longer kept."""
    format: AudioFormat = PCM16_24K
    is_truncated: bool = False
    """True after a truncation; audio that its response still sends is not added."""
    kept_words: str = ""
    """The words before the truncation: the wire transcript is cleared, but the model still knows the audio."""
    recognition: PendingTranscript | None = None
    """The running speech recognition of the user's audio."""
    transcription: Transcript | None = None
    """The recognized speech; None if recognition has not finished or not started."""

    @property
    def id(self) -> str:
        """Return the item's id."""
        return str(self.wire["id"])

    @property
    def role(self) -> str:
        """Return the role of a message; ``""`` for other items."""
        return str(self.wire.get("role", ""))

    @property
    def parts(self) -> list[Json]:
        """Return the content parts of a message; empty for other items."""
        parts: list[Json] = self.wire.get("content", [])
        return parts

    @property
    def audio_ms(self) -> int:
        """Return the length of the item's audio in milliseconds."""
        return self.format.ms(self.audio_bytes)

    @property
    def images(self) -> tuple[str, ...]:
        """Return the URLs of the item's images."""
        images = [part for part in self.parts if part["type"] == "input_image"]
        return tuple(str(part.get("image_url") or "") for part in images)

    @property
    def text(self) -> str:
        """Return the item's text and transcripts, including recognized user speech."""
        return " ".join(filter(None, map(self._words, self.parts)))

    @property
    def needs_transcript(self) -> bool:
        """Return True if the item has user audio that has not been recognized."""
        has_audio = any(
            part["type"] == "input_audio" and not part["transcript"] for part in self.parts
        )
        return has_audio and self.transcription is None

    def _words(self, part: Json) -> str:
        if part["type"] == "input_audio" and self.transcription is not None:
            return self.transcription.words
        return str(part.get("text") or part.get("transcript") or self.kept_words)

    def retrieved(self) -> Json:
        """Return the item of ``conversation.item.retrieved``, which includes the audio."""
        wire = snapshot(self.wire)
        for part in wire.get("content", []):
            if part["type"] in _AUDIO_PARTS:
                part["audio"] = base64.b64encode(self.audio).decode()
                part["format"] = self.format.encoding
        return wire


def snapshot(wire: Json) -> Json:
    """Return a copy of an item's wire shape, so that later changes do not alter an emitted event."""
    copied = dict(wire)
    if "content" in wire:
        copied["content"] = [dict(part) for part in wire["content"]]
    return copied


def appended_audio(event: Json) -> bytes:
    """Return the decoded audio of an append.

    Raises:
        ApiRefusal: the audio is too long or not base64.
    """
    text = event["audio"]
    if len(text) > -(-MAX_APPEND_BYTES // 3) * 4:  # compare encoded lengths: refuse before decoding
        raise append_too_large()
    return decoded_audio(text)


def decoded_audio(text: str, param: str = "audio") -> bytes:
    """Return decoded base64.

    Raises:
        ApiRefusal: the text is not valid base64; ``param`` is the path in the error.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_audio(param) from None


def from_client(item: Json, ids: Ids) -> SimItem:
    """Return a client's item in the server's shape, with its own id or a new one.

    Raises:
        ApiRefusal: a part has audio that is not base64.
    """
    kind = item["type"]
    head: Json = {"id": item.get("id") or ids.new("item_"), "type": kind}
    if kind == "message":
        return _message(item, head)
    if kind == "function_call":
        call_id = item.get("call_id") or ids.new("call_", 16)
        named = {"name": item["name"], "call_id": call_id, "arguments": item["arguments"]}
        return SimItem({**head, "status": "completed", **named})
    # The server sets these itself; the other members of a client's item are echoed in its order.
    left_out = ("id", "type", "object", "status")
    return SimItem({**head, **{key: item[key] for key in item if key not in left_out}})


def _message(item: Json, head: Json) -> SimItem:
    audio = bytearray()
    parts = []
    for index, part in enumerate(item["content"]):
        kind = part["type"]
        if kind == "input_audio":
            audio += decoded_audio(part.get("audio") or "", f"item.content[{index}].audio")
            parts.append({"type": kind, "transcript": part.get("transcript")})
        elif kind == "input_image":
            detail = part.get("detail") or "auto"
            parts.append({"type": kind, "image_url": part.get("image_url"), "detail": detail})
        else:
            parts.append({"type": kind, "text": part.get("text", "")})
    wire = {**head, "status": "completed", "role": item["role"], "content": parts}
    return SimItem(wire, audio, len(audio))
