"""The microphone: the user's audio in short appends to the server, converted to the session's format.

What else must be sent depends on who ends a turn. With turn detection the server ends it: the user opens the microphone, and
after talking, silence is sent until the server has detected the end. Without turn detection (push to talk) the client ends
it: clear, appends, commit, and a request for a response.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np

from inspector.audio.ends import SoundInput
from inspector.audio.levels import LevelMeter
from inspector.audio.pcm import Samples, encoded
from inspector.audio.resample import Resampler
from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

SubmitAudio = Callable[[dict[str, Any]], None]
"""Queues an event to be sent."""

APPEND_MS = 40  # the latency it adds is small beside the server's, and the log stays readable
LEAST_APPEND_MS, MOST_APPEND_MS = 20, 100
LEAST_COMMIT_MS = 100
"""The API refuses to commit a shorter buffer."""
_APPEND, _TRANSLATION_APPEND = "input_audio_buffer.append", "session.input_audio_buffer.append"
TRAIL_LEAST_MS, TRAIL_MOST_MS = 1200, 10_000
"""Silence sent after talking so that turn detection ends the turn: the minimum, and the maximum if it does not end (semantic
VAD may take 8 s)."""
HELD_BACK_S = 5
"""Audio read ahead from a file if the connection does not keep up; reading pauses until it is sent."""


class Talk(StrEnum):
    """The state of the microphone."""

    OFF = "off"
    OPEN = "open"
    """Sending until it is closed."""
    PUSH_TO_TALK = "talking"
    """Sending one turn, which the user ends."""
    TRAILING = "ending"
    """Sending silence until the server ends the turn."""


class Microphone:
    """Send the user's audio."""

    def __init__(self, submit: SubmitAudio, *, append_ms: int = APPEND_MS) -> None:
        """Create a microphone without an input.

        Args:
            submit: sends an event; may drop appends if the connection does not keep up.
            append_ms: length of one append, limited to 20 to 100 ms.
        """
        self.input: SoundInput | None = None
        self.talk = Talk.OFF
        self.is_muted = False
        self.is_monitoring = False
        """True to measure levels without sending, for a test of the device."""
        self.meter = LevelMeter()
        self.append_ms = max(LEAST_APPEND_MS, min(MOST_APPEND_MS, append_ms))
        self._submit = submit
        self._format = PCM16_24K
        self._resampler: Resampler | None = None
        self._ready: Samples = np.zeros(0, np.int16)
        self._append_type = _APPEND
        self._sent_ms = 0.0
        self._trail_ns = 0

    @property
    def is_sending(self) -> bool:
        """Return True while appends are sent."""
        return self.talk is not Talk.OFF

    @property
    def input_finished(self) -> bool:
        """Return True if the input is a file that was sent completely, so that only silence follows."""
        source = self.input
        return (
            self.is_sending
            and source is not None
            and source.supports_backpressure
            and source.is_finished
        )

    def restart_input(self, now_ns: int) -> None:
        """Send the file from its start again."""
        if self.input is not None:
            self.input.start(now_ns)

    @property
    def _append_size(self) -> int:
        return self._format.rate_hz * self.append_ms // 1000

    def change_input(self, source: SoundInput | None, now_ns: int) -> None:
        """Replace the input; None for no input."""
        if self.input is not None:
            self.input.close()
        self.input = source
        self._resampler = None
        if source is not None:
            source.start(now_ns)

    def open(self, now_ns: int) -> None:
        """Send all audio from now on."""
        self._begin(Talk.OPEN, now_ns)

    def push(self, state: SessionState, now_ns: int) -> None:
        """Start a turn."""
        if not _finds_turns(state):
            # The buffer may hold audio of a turn that was cancelled.
            self._submit({"type": "input_audio_buffer.clear"})
        self._begin(Talk.PUSH_TO_TALK, now_ns)

    def release(self, state: SessionState, now_ns: int) -> str:
        """End the turn, or close the open microphone; return a message for the user, or ``""``."""
        if self.talk is Talk.OFF:
            return ""
        if _finds_turns(state):
            self.talk = Talk.TRAILING
            self._trail_ns = now_ns
            return ""
        was_pushed, self.talk = self.talk is Talk.PUSH_TO_TALK, Talk.OFF
        self._send_rest()
        if not was_pushed:
            return ""
        if self._sent_ms < LEAST_COMMIT_MS:
            self._submit({"type": "input_audio_buffer.clear"})
            return f"too short: a turn needs at least {LEAST_COMMIT_MS} ms of audio"
        self._submit({"type": "input_audio_buffer.commit"})
        if not _commit_is_answered(state):
            self._submit({"type": "response.create"})
        return ""

    def stop(self) -> None:
        """Stop sending, and discard unsent audio."""
        self.talk = Talk.OFF
        self._ready = self._ready[:0]

    def on_event(self, event: Event, state: SessionState) -> None:
        """Handle an event of the session, after the folds."""
        if event.type == "inspector.closed":
            self.stop()
        elif (
            event.type == "input_audio_buffer.committed"
            and event.direction is Direction.SERVER
            and self.talk is Talk.TRAILING
        ):
            self.stop()
            if not state.session.creates_response:
                self._submit({"type": "response.create"})

    def tick(self, state: SessionState, now_ns: int, *, room: int) -> None:
        """Send the audio that is due; ``room`` is the number of appends that the outbox accepts now."""
        source = self.input
        if source is None:
            self._trail_end(state, now_ns)
            return
        if source.supports_backpressure and len(self._ready) > HELD_BACK_S * self._format.rate_hz:
            self._send(room)
            return
        samples = source.read(now_ns)
        if self.is_muted or self.talk is Talk.TRAILING:
            # Silence and not nothing: without appends, the server's turn detection would wait forever.
            samples = np.zeros_like(samples)
        if self.is_sending or self.is_monitoring:
            self.meter.feed(samples, source.rate_hz, now_ns)
        if not self.is_sending:
            return
        is_translated = state.session.kind == "translation"
        self._append_type = _TRANSLATION_APPEND if is_translated else _APPEND
        self._convert(samples, source.rate_hz, state.session.input_format)
        self._send(room if source.supports_backpressure else None)
        self._trail_end(state, now_ns)
        input_finished = source.is_finished and len(self._ready) < self._append_size
        if source.supports_backpressure and input_finished and self.talk is Talk.PUSH_TO_TALK:
            self.release(state, now_ns)

    def _begin(self, talk: Talk, now_ns: int) -> None:
        self.talk = talk
        self._sent_ms = 0.0
        self._ready = self._ready[:0]
        self._resampler = None
        if self.input is not None:
            self.input.start(now_ns)

    def _convert(self, samples: Samples, rate_hz: int, audio: AudioFormat) -> None:
        if (
            audio != self._format
        ):  # a ``session.updated`` while talking; the rest in the old format is lost
            self._format, self._ready, self._resampler = audio, self._ready[:0], None
        if self._resampler is None or self._resampler.from_hz != rate_hz:
            self._resampler = Resampler(rate_hz, audio.rate_hz, is_live=True)
        self._ready = np.concatenate((self._ready, self._resampler.feed(samples)))

    def _send(self, room: int | None) -> None:
        """Send complete appends: as many as there is room for, or with None all, of which the outbox may drop some."""
        size = self._append_size
        while len(self._ready) >= size and (room is None or room > 0):
            self._append(self._ready[:size])
            self._ready = self._ready[size:]
            room = None if room is None else room - 1

    def _send_rest(self) -> None:
        # A resampler holds back the last samples until it knows those after them.
        if self._resampler is not None:
            rest = self._resampler.feed(np.zeros(0, np.int16), is_last=True)
            self._ready = np.concatenate((self._ready, rest))
            self._resampler = None
        self._send(None)
        if len(self._ready):
            self._append(self._ready)
            self._ready = self._ready[:0]

    def _append(self, samples: Samples) -> None:
        audio = base64.b64encode(encoded(samples, self._format.encoding)).decode()
        self._submit({"type": self._append_type, "audio": audio})
        self._sent_ms += len(samples) * 1000 / self._format.rate_hz

    def _trail_end(self, state: SessionState, now_ns: int) -> None:
        """Stop sending silence when the turn has ended, or when no speech was detected."""
        if self.talk is not Talk.TRAILING:
            return
        trailed_ms = (now_ns - self._trail_ns) / NS_PER_MS
        # No speech detected for a while: nothing was said, or the turn has ended already.
        is_quiet = not state.input_audio.speech_item_id and trailed_ms >= TRAIL_LEAST_MS
        if is_quiet or trailed_ms >= TRAIL_MOST_MS or self.input is None:
            self.stop()


def _finds_turns(state: SessionState) -> bool:
    """Return True if the server detects the end of speech; a translation session has no commits, so it counts, too."""
    return bool(state.session.turn_detection) or state.session.kind == "translation"


def _commit_is_answered(state: SessionState) -> bool:
    """Return True if a commit needs no ``response.create``: in a transcription session, and with xAI."""
    return state.session.kind != "realtime" or state.dialect.dialect == "xai"
