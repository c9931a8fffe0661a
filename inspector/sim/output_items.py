"""The output items of a response, as processes: a written or spoken message, and a function call.

Events and their keys are in the order of recorded sessions. A transcript runs ahead of its audio, and audio is sent several
times faster than it plays. A process may be stopped between any two steps; ``close`` then sends the ``.done`` events.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from inspector.core.audio_formats import PCM16_24K, AudioFormat, audio_format
from inspector.core.units import NS_PER_MS
from inspector.sim.items import SimItem
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import POLL_MS, SessionContext

# Measured on gpt-realtime-2.1-mini over a short network path: first audio 120 ms after the first word, words every 5 to 40 ms.
FIRST_AUDIO_MS, TOKEN_MS = 120, 10
PHRASE_WORDS = (
    8  # short enough that speech starts early, long enough for a voice to have intonation
)


class ResponsePart(Protocol):
    """An output item that is being sent."""

    def run(self) -> Process:
        """Send the item's content, until it ends or the response's token limit is reached."""
        ...

    def close(self, status: str) -> None:
        """Send the ``.done`` events; ``status`` is ``completed`` or ``incomplete``."""
        ...


class Owner(Protocol):
    """The response that an output item belongs to."""

    id: str
    text_tokens: int
    audio_ms: int

    @property
    def audio_output(self) -> Json:
        """The ``audio.output`` settings of this response."""
        ...

    @property
    def is_out_of_tokens(self) -> bool:
        """True once ``max_output_tokens`` are used up."""
        ...

    @property
    def output_count(self) -> int:
        """How many output items are finished."""
        ...

    def open_item(self, index: int, item: SimItem) -> None:
        """Announce an item."""
        ...

    def close_item(self, index: int, wire: Json) -> None:
        """Send the ``.done`` events of an item, given its wire shape."""
        ...


class GrowingText:
    """A text that may still grow, cut into pieces that join to exactly that text."""

    def __init__(
        self, so_far: Callable[[], tuple[str, bool]], cut: Callable[[str], list[str]]
    ) -> None:
        """Start at the beginning of the text.

        Args:
            so_far: returns the text that has arrived, and True once it is complete.
            cut: splits a text into pieces; the last piece is held back while the text may still grow.
        """
        self._so_far = so_far
        self._cut = cut
        self._pieces: deque[str] = deque()
        self._read = 0
        self._is_whole = False

    def next(self) -> Generator[int, None, str]:
        """Wait for the next piece and return it; ``""`` at the end."""
        # Two pieces, because the last one may still be growing and is not handed out.
        while len(self._pieces) < 2 and not self._is_whole:
            text, self._is_whole = self._so_far()
            self._pieces = deque(self._cut("".join(self._pieces) + text[self._read :]))
            self._read = len(text)
            if len(self._pieces) < 2 and not self._is_whole:
                yield POLL_MS * NS_PER_MS
        return self._pieces.popleft() if self._pieces else ""


class MessageOutput:
    """An assistant message, written or spoken."""

    def __init__(
        self,
        session_context: SessionContext,
        owner: Owner,
        index: int,
        so_far: Callable[[], tuple[str, bool]],
        *,
        is_spoken: bool,
        phase: str,
    ) -> None:
        """Prepare a message.

        Args:
            session_context: the session.
            owner: the response.
            index: ``output_index``.
            so_far: returns the text that has arrived, and True once it is complete.
            is_spoken: True to send audio and transcript, False to send text.
            phase: ``commentary`` or ``final_answer``; ``""`` for a model without phases.
        """
        self._session_context = session_context
        self._owner = owner
        self._index = index
        self._text = GrowingText(so_far, phrases_of if is_spoken else pieces_of)
        self._is_spoken = is_spoken
        wire: Json = {
            "id": session_context.ids.new("item_"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        if phase:
            wire["phase"] = phase
        self._item = SimItem(wire)
        # A truncation replaces ``_item.wire`` by a copy; the ``.done`` events go on with the original.
        self._wire, self._content = wire, self._item.parts
        self._where = {
            "response_id": owner.id,
            "item_id": self._item.id,
            "output_index": index,
            "content_index": 0,
        }
        self._member = "transcript" if is_spoken else "text"

    def run(self) -> Process:
        """Send the message, until it ends or the response's token limit is reached."""
        self._owner.open_item(self._index, self._item)
        self._session_context.outbox.emit(
            "response.content_part.added", **self._where, part=self._part("")
        )
        kind = "output_audio" if self._is_spoken else "output_text"
        self._content.append({"type": kind, self._member: ""})
        yield from self._speak() if self._is_spoken else self._write_all()

    def close(self, status: str) -> None:
        """Send the ``.done`` events."""
        emit, where = self._session_context.outbox.emit, self._where
        text = "".join(str(part[self._member]) for part in self._content)
        if self._is_spoken:
            emit("response.output_audio.done", **where)
            emit("response.output_audio_transcript.done", **where, transcript=text)
        else:
            emit("response.output_text.done", **where, text=text)
        emit("response.content_part.done", **where, part=self._part(text))
        self._wire["status"] = self._item.wire["status"] = status
        self._owner.close_item(self._index, self._wire)

    def _part(self, text: str) -> Json:
        return {"type": "audio" if self._is_spoken else "text", self._member: text}

    def _write_all(self) -> Process:
        while piece := (yield from self._text.next()):
            yield from self._write(piece)

    def _write(self, text: str) -> Process:
        kind = "output_audio_transcript" if self._is_spoken else "output_text"
        for token in pieces_of(text):
            if self._owner.is_out_of_tokens:
                return
            self._content[0][self._member] += token
            self._owner.text_tokens += 1
            padding = self._session_context.ids.padding(token)
            self._session_context.outbox.emit(
                f"response.{kind}.delta", **self._where, delta=token, obfuscation=padding
            )
            yield self._session_context.settings.delay_ns(TOKEN_MS)

    def _speak(self) -> Process:
        """Send the transcript of each phrase, then its audio, no faster than ``audio_speed`` allows."""
        schedule, settings = self._session_context.schedule, self._session_context.settings
        audio = audio_format(self._owner.audio_output.get("format")) or PCM16_24K
        self._item.format = audio
        due_ns = schedule.now_ns + settings.delay_ns(FIRST_AUDIO_MS)
        size = int(settings.delta_ms * audio.bytes_per_ms) // 2 * 2  # whole 16-bit samples
        unsent = bytearray()
        phrase = " "
        while phrase:
            phrase = yield from self._text.next()
            yield from self._write(phrase)
            # After the last phrase, one empty piece of audio flushes the rest in a delta shorter than ``size``.
            for sound in self._sound(phrase, audio) if phrase else iter((b"",)):
                unsent += sound
                while unsent and (len(unsent) >= size or not phrase):
                    if schedule.now_ns < due_ns:
                        yield due_ns - schedule.now_ns
                    if self._owner.is_out_of_tokens:
                        return
                    due_ns += self._send(bytes(unsent[:size]), audio)
                    del unsent[:size]

    def _sound(self, phrase: str, audio: AudioFormat) -> Iterator[bytes]:
        output = self._owner.audio_output
        voice, speed = output.get("voice"), float(output.get("speed") or 1.0)
        name = str(
            voice.get("id") if isinstance(voice, dict) else voice
        )  # a custom voice is an object
        pieces = self._session_context.voice.speak(
            phrase, voice=name, rate_hz=audio.rate_hz, speed=speed
        )
        return (_in_format(piece, audio) for piece in pieces)

    def _send(self, data: bytes, audio: AudioFormat) -> int:
        """Send an audio delta; return the time until the next one is due, in nanoseconds."""
        # Out-of-band audio does not fix the session's voice.
        if self._item.id in self._session_context.conversation:
            self._session_context.session.spoken_voice = self._owner.audio_output["voice"]
        self._session_context.conversation.keep_audio(self._item, data)
        self._owner.audio_ms += audio.ms(len(data))
        encoded = base64.b64encode(data).decode()
        self._session_context.outbox.emit(
            "response.output_audio.delta", **self._where, delta=encoded
        )
        return self._session_context.settings.delay_ns(
            audio.ms(len(data)) / self._session_context.settings.audio_speed
        )


class CallOutput:
    """A ``function_call`` item."""

    def __init__(
        self,
        session_context: SessionContext,
        owner: Owner,
        index: int,
        name: str,
        so_far: Callable[[], tuple[str, bool]],
    ) -> None:
        """Prepare a call.

        Args:
            session_context: the session.
            owner: the response.
            index: ``output_index``.
            name: of the function.
            so_far: returns the arguments that have arrived, and True once they are complete.
        """
        self._session_context = session_context
        self._owner = owner
        self._index = index
        self._arguments = GrowingText(so_far, pieces_of)
        self._item = SimItem(
            {
                "id": session_context.ids.new("item_"),
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": session_context.ids.new("call_", 16),
                "arguments": "",
            }
        )
        self._where = {
            "response_id": owner.id,
            "item_id": self._item.id,
            "output_index": index,
            "call_id": self._item.wire["call_id"],
        }

    def run(self) -> Process:
        """Stream the arguments."""
        self._owner.open_item(self._index, self._item)
        while token := (yield from self._arguments.next()):
            if self._owner.is_out_of_tokens:
                return
            self._item.wire["arguments"] += token
            self._owner.text_tokens += 1
            padding = self._session_context.ids.padding(token)
            kind = "response.function_call_arguments.delta"
            self._session_context.outbox.emit(kind, **self._where, delta=token, obfuscation=padding)
            yield self._session_context.settings.delay_ns(TOKEN_MS)

    def close(self, status: str) -> None:
        """Send the ``.done`` events, with the arguments sent so far."""
        wire = self._item.wire
        if status == "completed":  # an interrupted call has no ``arguments.done``
            named = {"name": wire["name"], "arguments": wire["arguments"]}
            self._session_context.outbox.emit(
                "response.function_call_arguments.done", **self._where, **named
            )
        wire["status"] = status
        self._owner.close_item(self._index, self._item.wire)


def pieces_of(text: str) -> list[str]:
    """Split a text into token-like deltas: words with the space before them; they join to the same text."""
    return re.findall(r"\s*[\w'’-]+|\s*[^\w\s'’-]|\s+", text)


def phrases_of(text: str) -> list[str]:
    """Split a text after punctuation and after every few words; the phrases join to the same text."""
    phrases, count = [""], 0
    for word in re.findall(r"\s*\S+|\s+", text):
        phrases[-1] += word
        count += 1
        if count >= PHRASE_WORDS or word[-1] in ".,;:!?…":
            phrases.append("")
            count = 0
    return [phrase for phrase in phrases if phrase]


def _in_format(pcm16: bytes, audio: AudioFormat) -> bytes:
    if audio.encoding == "pcm16":
        return pcm16
    from inspector.audio.pcm import (
        encoded,
        samples_of,
    )  # here: imports NumPy, which PCM16 does not need

    return encoded(samples_of(pcm16), audio.encoding)
