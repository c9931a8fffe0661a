"""The input side of a session: appended audio, the turns detected in it, the user items and their transcription."""

from __future__ import annotations

from inspector.sim.buffer import InputBuffer
from inspector.sim.completeness import Completeness, Judge, completeness_of
from inspector.sim.items import SimItem, appended_audio
from inspector.sim.responder import Responder
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext
from inspector.sim.speech_recognizer import Transcript
from inspector.sim.transcription import Transcriber
from inspector.sim.vad import SpeechDetector, SpeechStarted, SpeechStopped, TurnDetector, as_pcm16

# The text of the system item that recorded sessions show after ``timeout_triggered``.
NUDGE = (
    "No user speech was detected for a while. Please review the recorded audio: If the user was speaking, respond "
    "naturally. If not, follow up on their last message to keep the conversation going or ask if they're still there."
)


class InputPipeline:
    """Handle the ``input_audio_buffer`` events of a session."""

    def __init__(
        self, session_context: SessionContext, responder: Responder, detector: SpeechDetector
    ) -> None:
        self._session_context = session_context
        self._responder = responder
        self._buffer = InputBuffer()
        self._turns = TurnDetector(detector, self._judge)
        self._transcriber = Transcriber(session_context)
        self._speech_id = ""
        self._speech_start_ms = 0
        self._idle_from_ms: float | None = None

    def append(self, event: Json) -> None:
        """Add audio to the buffer and run turn detection on it; the append itself has no reply.

        Raises:
            ApiRefusal: the audio is too long or not base64.
        """
        data = appended_audio(event)
        audio = self._session_context.session.input_format
        if (
            audio != self._buffer.format
        ):  # switch first, so that the detector restarts at the new end
            self._buffer.append(b"", audio)
            self._turns.restart(self._buffer.end_ms)
        self._buffer.append(data, audio)
        detection = self._session_context.session.turn_detection
        if (
            detection is None
        ):  # push to talk: the id is fixed at the first append, for live transcription
            self._turns.restart(self._buffer.end_ms)
            self._speech_id = self._speech_id or self._session_context.ids.new("item_")
            self._transcribe_live(self._buffer.start_ms)
            return
        for change in self._turns.feed(data, audio, detection):
            if isinstance(change, SpeechStarted):
                self._start_speech(change, detection)
            else:
                self._stop_speech(change, detection)
        if self._turns.is_open:
            self._transcribe_live(self._speech_start_ms)
        self._watch_idleness(detection)

    def _judge(self) -> Judge:
        """Start recognizing the current sentence; return a function that judges whether it is complete."""
        audio = self._buffer.format
        recognition = self._session_context.recognizer.hear(
            as_pcm16(self._buffer.peek(self._speech_start_ms), audio), audio.rate_hz
        )

        def verdict() -> Completeness:
            transcription = (
                recognition if isinstance(recognition, Transcript) else recognition.result()
            )
            return (
                Completeness.PENDING
                if transcription is None
                else completeness_of(transcription.words)
            )

        return verdict

    def _transcribe_live(self, from_ms: float) -> None:
        if self._transcriber.wants(self._speech_id, self._buffer.end_ms - from_ms):
            self._transcriber.listen(self._buffer.peek(from_ms), self._buffer.format)

    # Handlers take the event even if they need nothing from it: the intake calls them all alike.
    def commit(self, _: Json) -> None:
        """Turn the buffer into a user item, even in the middle of speech.

        Raises:
            ApiRefusal: the buffer has less than 100 ms.
        """
        self._buffer.check_commit()
        item_id = self._speech_id or self._session_context.ids.new("item_")
        self._add_item(item_id, self._buffer.pop())
        self._restart()
        if (
            self._session_context.dialect.answers_commits
            and self._session_context.session.turn_detection is None
        ):
            self._responder.begin({})

    def clear(self, _: Json) -> None:
        """Discard the buffer."""
        self._buffer.clear()
        self._transcriber.forget(self._speech_id)
        self._restart()
        self._session_context.outbox.emit("input_audio_buffer.cleared")

    def _restart(self) -> None:
        self._turns.restart(self._buffer.end_ms)
        self._speech_id = ""
        self._idle_from_ms = None

    def _start_speech(self, change: SpeechStarted, detection: Json) -> None:
        self._speech_id = self._session_context.ids.new("item_")
        self._speech_start_ms = change.at_ms
        started = {"audio_start_ms": change.at_ms, "item_id": self._speech_id}
        self._session_context.outbox.emit("input_audio_buffer.speech_started", **started)
        if detection.get("interrupt_response", True):
            self._responder.interrupt()

    def _stop_speech(self, change: SpeechStopped, detection: Json) -> None:
        item_id, self._speech_id = self._speech_id, ""
        stopped = {"audio_end_ms": change.at_ms, "item_id": item_id}
        self._session_context.outbox.emit("input_audio_buffer.speech_stopped", **stopped)
        self._add_item(item_id, self._buffer.pop(self._speech_start_ms, change.at_ms))
        # May raise if a response is active that ``interrupt_response: false`` left running; the server reports that error.
        if self._session_context.session.is_realtime and detection.get("create_response", True):
            self._responder.begin({})

    def _watch_idleness(self, detection: Json) -> None:
        """Prompt the model to speak after ``idle_timeout_ms`` of silence since the end of its last answer.

        Time is counted on the audio clock, as in the API: a client that stops appending never times out.
        """
        timeout_ms = detection.get("idle_timeout_ms")
        silent_from_ns = self._responder.silent_from_ns
        is_idle = (
            timeout_ms is not None
            and not self._turns.is_open
            and self._responder.active is None
            and silent_from_ns is not None
            and self._session_context.schedule.now_ns >= silent_from_ns
        )
        if not is_idle:
            self._idle_from_ms = None
        elif self._idle_from_ms is None:
            self._idle_from_ms = self._buffer.end_ms
        elif self._buffer.end_ms - self._idle_from_ms >= float(timeout_ms or 0):
            self._nudge(self._idle_from_ms)

    def _nudge(self, from_ms: float) -> None:
        item_id = self._session_context.ids.new("item_")
        span = {"audio_start_ms": round(from_ms), "audio_end_ms": round(self._buffer.end_ms)}
        self._session_context.outbox.emit(
            "input_audio_buffer.timeout_triggered", **span, item_id=item_id
        )
        wire = {
            "id": self._session_context.ids.new("item_"),
            "type": "message",
            "status": "completed",
            "role": "system",
            "content": [{"type": "input_text", "text": NUDGE}],
        }
        self._session_context.add(SimItem(wire))
        self._add_item(item_id, self._buffer.pop(from_ms))
        self._restart()
        self._responder.begin({})

    def _add_item(self, item_id: str, data: bytes) -> None:
        previous = self._session_context.conversation.last_id()
        committed = {"previous_item_id": previous, "item_id": item_id}
        self._session_context.outbox.emit("input_audio_buffer.committed", **committed)
        wire = {
            "id": item_id,
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = SimItem(wire, bytearray(data), len(data), self._buffer.format)
        self._session_context.add(item)
        self._transcriber.start(item)
