"""The user's side: audio in, turns found in it, items made of it, and their transcription."""

from __future__ import annotations

from inspector.sim.buffer import InputBuffer
from inspector.sim.desk import Desk
from inspector.sim.items import SimItem, decoded_audio
from inspector.sim.outbox import Json
from inspector.sim.output import pieces_of
from inspector.sim.refusals import append_too_large
from inspector.sim.responder import Responder
from inspector.sim.schedule import Process
from inspector.sim.vad import SpeechDetector, SpeechStarted, SpeechStopped, TurnDetector

MAX_APPEND_BYTES = 15 << 20
TRANSCRIPTION_MS = 400
TRANSCRIPT_TOKEN_MS = 10
NUDGE = (
    "No user speech was detected for a while. Please review the recorded audio: If the user was speaking, respond "
    "naturally. If not, follow up on their last message to keep the conversation going or ask if they're still there."
)
_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_BILLED_BY_TOKEN = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe")
_ONE_DELTA = "whisper-1"
"""This model sends its text whole; the others send it in pieces."""


class Listener:
    """Takes the user's audio."""

    def __init__(self, desk: Desk, responder: Responder, detector: SpeechDetector) -> None:
        self._desk = desk
        self._responder = responder
        self._buffer = InputBuffer()
        self._turns = TurnDetector(detector)
        self._speech_id = ""
        self._speech_start_ms = 0
        self._idle_from_ms: float | None = None

    def append(self, event: Json) -> None:
        """Add audio to the buffer; without a reply, but for what turn detection has to say.

        Raises:
            Refusal: it is too much, or not base64.
        """
        text = event["audio"]
        if len(text) > -(-MAX_APPEND_BYTES // 3) * 4:
            raise append_too_large()
        data = decoded_audio(text)
        audio = self._desk.session.input_format
        if audio != self._buffer.format:
            self._buffer.append(b"", audio)
            self._turns.restart(self._buffer.end_ms)
        self._buffer.append(data, audio)
        detection = self._desk.session.turn_detection
        if detection is None:
            self._turns.restart(self._buffer.end_ms)
            return
        for change in self._turns.feed(data, audio, detection):
            if isinstance(change, SpeechStarted):
                self._start_speech(change, detection)
            else:
                self._stop_speech(change, detection)
        self._watch_idleness(detection)

    def commit(self, _: Json) -> None:
        """Make a user item of the buffer, in the middle of speech too.

        Raises:
            Refusal: there is less than 100 ms.
        """
        self._buffer.check_commit()
        item_id = self._speech_id or self._desk.ids.new("item_")
        self._add_item(item_id, self._buffer.take())
        self._restart()

    def clear(self, _: Json) -> None:
        """Forget the buffer."""
        self._buffer.clear()
        self._restart()
        self._desk.outbox.emit("input_audio_buffer.cleared")

    def _restart(self) -> None:
        self._turns.restart(self._buffer.end_ms)
        self._speech_id = ""
        self._idle_from_ms = None

    def _start_speech(self, change: SpeechStarted, detection: Json) -> None:
        self._speech_id = self._desk.ids.new("item_")
        self._speech_start_ms = change.at_ms
        started = {"audio_start_ms": change.at_ms, "item_id": self._speech_id}
        self._desk.outbox.emit("input_audio_buffer.speech_started", **started)
        if detection.get("interrupt_response", True):
            self._responder.interrupt()

    def _stop_speech(self, change: SpeechStopped, detection: Json) -> None:
        item_id, self._speech_id = self._speech_id, ""
        stopped = {"audio_end_ms": change.at_ms, "item_id": item_id}
        self._desk.outbox.emit("input_audio_buffer.speech_stopped", **stopped)
        self._add_item(item_id, self._buffer.take(self._speech_start_ms, change.at_ms))
        if self._desk.session.is_realtime and detection.get("create_response", True):
            self._responder.begin({})

    def _watch_idleness(self, detection: Json) -> None:
        """Nudge the model when nothing was said for long after its answer was played; audio must keep coming."""
        timeout_ms = detection.get("idle_timeout_ms")
        silent_from_ns = self._responder.silent_from_ns
        is_idle = (
            timeout_ms is not None
            and not self._turns.is_open
            and self._responder.active is None
            and silent_from_ns is not None
            and self._desk.schedule.now_ns >= silent_from_ns
        )
        if not is_idle:
            self._idle_from_ms = None
        elif self._idle_from_ms is None:
            self._idle_from_ms = self._buffer.end_ms
        elif self._buffer.end_ms - self._idle_from_ms >= float(timeout_ms or 0):
            self._nudge(self._idle_from_ms)

    def _nudge(self, from_ms: float) -> None:
        item_id = self._desk.ids.new("item_")
        span = {"audio_start_ms": round(from_ms), "audio_end_ms": round(self._buffer.end_ms)}
        self._desk.outbox.emit("input_audio_buffer.timeout_triggered", **span, item_id=item_id)
        wire = {
            "id": self._desk.ids.new("item_"),
            "type": "message",
            "status": "completed",
            "role": "system",
            "content": [{"type": "input_text", "text": NUDGE}],
        }
        self._desk.add(SimItem(wire))
        self._add_item(item_id, self._buffer.take(from_ms))
        self._restart()
        self._responder.begin({})

    def _add_item(self, item_id: str, data: bytes) -> None:
        previous = self._desk.conversation.last_id()
        committed = {"previous_item_id": previous, "item_id": item_id}
        self._desk.outbox.emit("input_audio_buffer.committed", **committed)
        wire = {
            "id": item_id,
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = SimItem(wire, bytearray(data), len(data), self._buffer.format)
        self._desk.add(item)
        transcription = self._desk.session.input["transcription"]
        if transcription is not None:
            process = self._transcribe(item, str(transcription["model"]))
            self._desk.schedule.start(process)

    def _transcribe(self, item: SimItem, model: str) -> Process:
        emit, settings = self._desk.outbox.emit, self._desk.settings
        yield settings.delay_ns(TRANSCRIPTION_MS)
        hearing = self._desk.hear(item)
        where = {"item_id": item.id, "content_index": 0}
        if hearing.failure is not None:
            failure = hearing.failure
            error = {"type": failure.type, "code": failure.code, "message": failure.message}
            emit(f"{_TRANSCRIPTION}.failed", **where, error={**error, "param": None})
            return
        text = hearing.transcript
        for token in [text] if model == _ONE_DELTA and text else pieces_of(text):
            padding = self._desk.ids.padding(token)
            emit(f"{_TRANSCRIPTION}.delta", **where, delta=token, obfuscation=padding)
            yield settings.delay_ns(TRANSCRIPT_TOKEN_MS)
        item.parts[0]["transcript"] = text
        usage = _usage(item, model, text)
        emit(f"{_TRANSCRIPTION}.completed", **where, transcript=text, usage=usage)


def _usage(item: SimItem, model: str, transcript: str) -> Json:
    """Return what a transcription costs: tokens, or begun seconds; nothing for silence."""
    if not model.startswith(_BILLED_BY_TOKEN):
        seconds = -(-item.audio_ms // 1000) if transcript else 0
        return {"type": "duration", "seconds": seconds}
    audio, text = item.audio_ms // 100, len(pieces_of(transcript))
    return {
        "type": "tokens",
        "total_tokens": audio + text,
        "input_tokens": audio,
        "input_token_details": {"text_tokens": 0, "audio_tokens": audio},
        "output_tokens": text,
    }
