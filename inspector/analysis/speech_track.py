"""SpeechTrack: the probability of speech over the microphone's audio clock, computed once, with what the server made of it.

Audio counts as the server counts it: accepted appends, one after the other, from the beginning of the connection. Where detection
begins anew (another connection or format, a commit by hand, a clear) a span begins. Later connections follow the earlier ones on one
axis, so that a recording with several sessions is one track.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.analysis.placement import PLACING_TYPES
from inspector.analysis.server_vad import (
    WINDOW_MS,
    SettingsFrom,
    VadSettings,
    is_told,
    settings_of,
)
from inspector.analysis.turn_sound import SpeechDetecting
from inspector.audio.pcm import Samples, bytes_of
from inspector.audio.resample import Resampler
from inspector.audio.stream import SampleStream
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_of
from inspector.core.input_audio import INPUT_AUDIO_TYPES, InputAudioFold
from inspector.core.kinds import APPENDS
from inspector.core.read import int_at, text_at
from inspector.core.refused_appends import RefusedAppends
from inspector.core.session_fold import CONFIGURED, SESSION_TYPES, SessionFold
from inspector.core.turn_counter import SPEECH_STARTED, SPEECH_STOPPED

COMMIT, CLEAR = "input_audio_buffer.commit", "input_audio_buffer.clear"
TRACK_TYPES = (
    PLACING_TYPES
    | INPUT_AUDIO_TYPES
    | SESSION_TYPES
    | {COMMIT, CLEAR, SPEECH_STARTED, SPEECH_STOPPED}
)
"""Types of all events that a track uses; callers may skip all others."""
MAX_WAITING_EVENTS = 64
"""Events behind an append that may still refuse it."""
DETECTED_HZ = (8_000, 16_000, 24_000, 32_000, 48_000)
"""Rates that every detector takes; other audio is resampled to ``RESAMPLED_HZ``."""
RESAMPLED_HZ = 16_000
LEAST_WINDOWS = 32
"""Windows that are passed to the detector together, a second."""
OFF, UNKNOWN = "off", "unknown"
"""Kinds of turn detection: push to talk, and of a session that no event describes."""


@dataclass(slots=True)
class TrackSpan:
    """Audio without an interruption of turn detection."""

    begin_ms: float
    """Start on the track's axis."""
    clock_ms: float
    """Start on the audio clock of its connection, as in ``audio_start_ms``."""
    first_window: int
    """Index of its first window."""
    windows: int = 0
    detection: list[SettingsFrom] = field(default_factory=list)
    """Settings of server_vad in force, by window of the span; empty under any other detection."""
    kind: str = OFF
    """``server_vad``, ``semantic_vad``, another server's, ``off`` or ``unknown``."""

    @property
    def shift_ms(self) -> float:
        """Return the distance of the axis from the connection's audio clock."""
        return self.begin_ms - self.clock_ms


@dataclass(slots=True)
class ServerTurn:
    """A turn that the server detected; times on the track's axis."""

    number: int
    """From 1."""
    item_id: str
    start_ms: float
    stop_ms: float | None
    """None while the turn is open."""
    seq: int
    """``speech_started``."""
    stop_seq: int
    """``speech_stopped``; 0 while the turn is open."""
    kind: str
    """The turn detection that found it."""
    settings: VadSettings | None
    """In force at its start; None if it was not server_vad."""


class SpeechTrack:
    """Collects the microphone's audio of a log and passes it to a detector."""

    def __init__(self, new_detector: Callable[[], SpeechDetecting], detector_name: str) -> None:
        """Start empty.

        Args:
            new_detector: returns a detector for the next connection.
            detector_name: its name, for the reader.
        """
        self.detector_name = detector_name
        self.spans: list[TrackSpan] = []
        self.turns: list[ServerTurn] = []
        """What the server detected, in order."""
        self.unplaced = 0
        """Turns without a time on the audio clock, as some servers send them."""
        self.appends = 0
        self.is_elided = False
        self.is_assumed = False
        """Whether a server left out settings of its server_vad, so that the API's defaults stand for them."""
        self.revision = 0
        """Grows with everything that is drawn."""
        self._new_detector = new_detector
        self._detector: SpeechDetecting | None = None
        self._probabilities = array("f")
        self._peaks = array("f")
        self._session = SessionFold()
        self._input = InputAudioFold()
        self._refusals = RefusedAppends()
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._decoder: _SpanDecoder | None = None
        self._shift_ms = 0.0
        """Length of the earlier connections."""
        self._clock_ms = 0.0
        """Audio of this connection that has been taken in."""

    @property
    def length_ms(self) -> float:
        """Return the length of the axis."""
        return self._shift_ms + self._clock_ms

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Return the probability of speech in each window, shape (windows,); a copy."""
        # Through bytes in one step: while a view of an array is alive, a thread that extends it fails.
        return np.frombuffer(self._probabilities.tobytes(), np.float32)

    @property
    def peaks(self) -> npt.NDArray[np.float32]:
        """Return the largest magnitude in each window, 0..1, shape (windows,); a copy."""
        return np.frombuffer(self._peaks.tobytes(), np.float32)

    @property
    def windows(self) -> int:
        """Return the number of windows so far."""
        return len(self._probabilities)

    @property
    def in_force(self) -> VadSettings | None:
        """Return the last settings of server_vad that were in force; None if there were none."""
        for span in reversed(self.spans):
            if span.detection:
                return span.detection[-1].settings
        return None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of turn detection that were in force while audio was sent."""
        return tuple(dict.fromkeys(span.kind for span in self.spans if span.windows))

    def feed(self, event: Event) -> None:
        """Take the next event in; nothing is detected before it is certain that the server accepted the audio."""
        if self._session.ends_with(event):
            self._queue(event.seq, self._begin_connection)
            self._session = SessionFold()
            self._input = InputAudioFold()
        before = self._detection(), self._session.input_format
        self._session.apply(event)
        self._input.apply(event)
        self.is_elided |= self._input.is_elided
        refused = self._refusals.apply(event)
        if refused:
            self._waiting = deque(one for one in self._waiting if one[0] != refused)
        is_client = event.direction is Direction.CLIENT
        if event.type in CONFIGURED and (self._detection(), self._session.input_format) != before:
            detection, form = dict(self._detection()), self._session.input_format
            self._queue(event.seq, lambda: self._configure(detection, form))
        elif event.type in (COMMIT, CLEAR) and is_client:
            self._queue(event.seq, self._restart)
        elif event.type in APPENDS and is_client:
            text, form = audio_of(event), self._session.input_format
            detection = dict(self._detection())
            self._queue(event.seq, lambda: self._append(text, form, detection))
        elif event.type == SPEECH_STARTED and not is_client:
            self._queue(event.seq, lambda: self._started(event))
        elif event.type == SPEECH_STOPPED and not is_client:
            self._queue(event.seq, lambda: self._stopped(event))
        while len(self._waiting) > MAX_WAITING_EVENTS:
            self._waiting.popleft()[1]()

    def finish(self) -> None:
        """Take in what waits, and detect in all complete windows; more may be fed afterwards."""
        while self._waiting:
            self._waiting.popleft()[1]()
        self._detect(least=1)

    def _queue(self, seq: int, work: Callable[[], None]) -> None:
        self._waiting.append((seq, work))

    def _detection(self) -> Mapping[str, Any]:
        return self._session.detection

    def _begin_connection(self) -> None:
        self._detect(least=1)
        self._shift_ms += self._clock_ms
        self._clock_ms = 0.0
        self._detector = self._decoder = None

    def _restart(self) -> None:
        self._detect(least=1)
        self._decoder = None

    def _configure(self, detection: Mapping[str, Any], form: AudioFormat) -> None:
        self._detect(least=1)
        decoder = self._decoder
        if decoder is None:
            return
        if form != decoder.form or str(detection.get("type") or OFF) != decoder.span.kind:
            self._decoder = None
            return
        settings = self._settings(detection)
        if settings is not None:
            decoder.span.detection.append(SettingsFrom(decoder.span.windows, settings))

    def _append(self, text: str, form: AudioFormat, detection: Mapping[str, Any]) -> None:
        decoder = self._decoder
        if decoder is None or decoder.form != form:
            self._detect(least=1)
            decoder = self._decoder = self._begin_span(form, detection)
        self.appends += 1
        self._clock_ms += decoder.feed(text)
        self._detect(least=LEAST_WINDOWS)

    def _begin_span(self, form: AudioFormat, detection: Mapping[str, Any]) -> _SpanDecoder:
        settings = self._settings(detection)
        unset = OFF if self._session.confirmed_seq else UNKNOWN
        span = TrackSpan(
            self._shift_ms + self._clock_ms,
            self._clock_ms,
            len(self._probabilities),
            0,
            [] if settings is None else [SettingsFrom(0, settings)],
            str(detection.get("type") or unset),
        )
        self.spans.append(span)
        return _SpanDecoder(span, form)

    def _settings(self, detection: Mapping[str, Any]) -> VadSettings | None:
        found = settings_of(detection)
        self.is_assumed |= found is not None and not is_told(detection)
        return found

    def _detect(self, least: int) -> None:
        """Pass complete windows to the detector, if there are at least so many."""
        decoder = self._decoder
        if decoder is None or decoder.ready < least:
            return
        samples = decoder.take()
        if self._detector is None:
            self._detector = self._new_detector()
        found = self._detector.probabilities(bytes_of(samples), decoder.rate_hz)
        count = len(found)
        self._probabilities.extend(found)
        windows = samples.reshape(count, -1).astype(np.int32)
        self._peaks.frombytes((np.abs(windows).max(axis=1) / 32768.0).astype("f").tobytes())
        decoder.span.windows += count
        self.revision += 1

    def _started(self, event: Event) -> None:
        body = event.body or {}
        if not isinstance(body.get("audio_start_ms"), int | float):
            self.unplaced += 1
            return
        span = self._decoder.span if self._decoder is not None else None
        settings = span.detection[-1].settings if span is not None and span.detection else None
        turn = ServerTurn(
            len(self.turns) + 1,
            text_at(body, "item_id"),
            self._shift_ms + int_at(body, "audio_start_ms"),
            None,
            event.seq,
            0,
            span.kind if span is not None else OFF,
            settings,
        )
        self.turns.append(turn)
        self.revision += 1

    def _stopped(self, event: Event) -> None:
        body = event.body or {}
        turn = self.turns[-1] if self.turns else None
        is_same = turn is not None and turn.item_id in ("", text_at(body, "item_id"))
        if turn is None or turn.stop_seq or not is_same:
            return
        if isinstance(body.get("audio_end_ms"), int | float):
            turn.stop_ms = self._shift_ms + int_at(body, "audio_end_ms")
        turn.stop_seq = event.seq
        self.revision += 1


class _SpanDecoder:
    """Decodes the appends of one span into whole windows."""

    def __init__(self, span: TrackSpan, form: AudioFormat) -> None:
        self.span, self.form = span, form
        is_usual = form.rate_hz in DETECTED_HZ
        self.rate_hz = form.rate_hz if is_usual else RESAMPLED_HZ
        self._resampler = None if is_usual else Resampler(form.rate_hz, RESAMPLED_HZ)
        self._stream = SampleStream(form.encoding)
        self._pieces: list[Samples] = []
        self._size = 0
        self._window = self.rate_hz * WINDOW_MS // 1000

    @property
    def ready(self) -> int:
        """Return the number of complete windows."""
        return self._size // self._window

    def feed(self, text: str) -> float:
        """Add an append; return its length in ms."""
        samples = self._stream.feed(text)
        length_ms = len(samples) * 1000 / self.form.rate_hz
        if self._resampler is not None:
            samples = self._resampler.feed(samples)
        self._pieces.append(samples)
        self._size += len(samples)
        return length_ms

    def take(self) -> Samples:
        """Return all complete windows, and keep the rest."""
        samples = np.concatenate(self._pieces)
        whole = self.ready * self._window
        self._pieces, self._size = [samples[whole:]], len(samples) - whole
        return samples[:whole]


def track_windows(track: SpeechTrack) -> Iterator[tuple[TrackSpan, slice]]:
    """Yield the spans that have windows, with the place of these."""
    for span in track.spans:
        if span.windows:
            yield span, slice(span.first_window, span.first_window + span.windows)
