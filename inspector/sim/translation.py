"""A translation session: audio in, transcript and audio of the translation out, without items, responses or turns.

Nothing is translated: the output repeats the recognized text, with the target language in brackets. Each stretch of speech is
handled on its own; output times are on the audio clock, in steps of 200 ms.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from inspector.core.audio_formats import PCM16_24K
from inspector.sim.buffer import InputBuffer
from inspector.sim.items import appended_audio
from inspector.sim.output_items import pieces_of
from inspector.sim.response import THINK_MS
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext
from inspector.sim.vad import SpeechDetector, SpeechStarted, TurnDetector

FRAME_MS = 200
HEARING_DEADLINE_MS = 5_000
_DETECTION: Json = {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 300}
_VOICE = "marin"
_KEPT_SILENCE_MS = 2000
"""Audio kept while nobody speaks: the prefix padding and a margin for the detector's delay."""


class Translator:
    """Handle the events of a translation session."""

    def __init__(
        self, session_context: SessionContext, detector: SpeechDetector, end: Callable[[], None]
    ) -> None:
        """Create a translator.

        Args:
            session_context: the session.
            detector: the speech detector.
            end: ends the session.
        """
        self._session_context = session_context
        self._buffer = InputBuffer()
        self._turns = TurnDetector(detector)
        self._end = end
        self._speech_start_ms = 0
        self._is_ending = False
        self._busy = 0

    def append(self, event: Json) -> None:
        """Add audio.

        Raises:
            ApiRefusal: the audio is too long or not base64.
        """
        data = appended_audio(event)
        self._buffer.append(data, PCM16_24K)
        for change in self._turns.feed(data, PCM16_24K, _DETECTION):
            if isinstance(change, SpeechStarted):
                self._speech_start_ms = change.at_ms
            else:
                self._begin(change.at_ms)
        if not self._turns.is_open:
            self._buffer.pop(to_ms=self._buffer.end_ms - _KEPT_SILENCE_MS)

    def close(self, _: Json) -> None:
        """End the session after the output for all speech so far."""
        self._is_ending = True
        if self._turns.is_open:
            self._begin(round(self._buffer.end_ms))
        self._end_if_done()

    def _begin(self, end_ms: int) -> None:
        data = self._buffer.pop(self._speech_start_ms, end_ms)
        self._busy += 1
        self._session_context.schedule.start(self._translate(data, end_ms))

    def _translate(self, data: bytes, at_ms: int) -> Process:
        emit, delay_ns = self._session_context.outbox.emit, self._session_context.settings.delay_ns
        yield delay_ns(THINK_MS)
        transcription = yield from self._session_context.transcribe(
            data, PCM16_24K.rate_hz, HEARING_DEADLINE_MS
        )
        text = transcription.transcript if transcription is not None else ""
        audio = self._session_context.session.object["audio"]
        elapsed_ms = at_ms // FRAME_MS * FRAME_MS
        if audio["input"]["transcription"] is not None:
            for word in pieces_of(text):
                emit("session.input_transcript.delta", delta=word, elapsed_ms=elapsed_ms)
        translated = f" [{audio['output']['language'] or 'translated'}] {text}"
        for word in pieces_of(translated) if text else ():
            emit("session.output_transcript.delta", delta=word, elapsed_ms=elapsed_ms)
        for frame in self._frames(text):
            emit(
                "session.output_audio.delta",
                delta=base64.b64encode(frame).decode(),
                sample_rate=PCM16_24K.rate_hz,
                channels=1,
                format="pcm16",
                elapsed_ms=elapsed_ms,
            )
            elapsed_ms += FRAME_MS
            yield delay_ns(FRAME_MS)
        self._busy -= 1
        self._end_if_done()  # ``session.closed`` comes after the last output

    def _frames(self, text: str) -> list[bytes]:
        speak, rate_hz = self._session_context.voice.speak, PCM16_24K.rate_hz
        sound = b"".join(speak(text, voice=_VOICE, rate_hz=rate_hz, speed=1.0)) if text else b""
        size = int(FRAME_MS * PCM16_24K.bytes_per_ms)
        return [sound[start : start + size] for start in range(0, len(sound), size)]

    def _end_if_done(self) -> None:
        if self._is_ending and not self._busy:
            self._session_context.outbox.emit("session.closed")
            self._end()
