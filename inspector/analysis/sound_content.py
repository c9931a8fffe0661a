"""SoundContent: what is in the audio of one side: level, noise, DC offset, clipping, silence, bandwidth and likely encoding.

Samples are measured in batches and forgotten. Levels are dBFS without the mean; 0 dBFS is a full-scale square wave, as in
``turn_sound``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inspector.analysis.lint.append_levels import (
    EVERY_BYTES,
    LEAST_PIECE_BYTES,
    MOST_GUESSES,
    PIECE_BYTES,
    guess_encoding,
)
from inspector.analysis.turn_sound import LEVEL_FRAME_MS
from inspector.audio.levels import FULL_SCALE
from inspector.audio.pcm import Samples
from inspector.core.audio_formats import AudioFormat

FAINTEST_DB = 100
"""Levels of the histogram, 1 dB each; the last holds everything fainter."""
SILENT_DBFS = -50
"""Frames below this level are silence."""
NOISE_SHARE = 0.1
"""The level that a tenth of the frames do not exceed is the noise."""
MAX_PENDING_SAMPLES = 1 << 14
"""Samples measured together, because a numpy call costs about the same for few samples as for many."""
CLIPPED = {"pcm16": FULL_SCALE - 1, "pcmu": 32_124, "pcma": 32_256}
"""Largest magnitude of each encoding."""
SPECTRUM = 1024
SAMPLES_PER_SPECTRUM = 4096
"""One spectrum for so many samples: some of them show where the band ends."""
BAND_DB = 60.0
"""The band ends where the mean spectrum has fallen so far below its peak: resampled telephone sound falls further."""
LEAST_SPECTRA = 8
LEAST_VOTES = 3
PRIOR = 0.5
"""Weight of the declared encoding before anything was looked at, in votes; the other encodings share as much."""

ENCODING_NAMES: Mapping[str, str] = {
    "pcm16": "PCM16",
    "pcm16 big-endian": "PCM16 with its bytes swapped",
    "float32": "float32",
    "pcmu": "G.711 μ-law",
    "pcma": "G.711 A-law",
    "wav": "WAV (RIFF) header",
}
"""What audio may be."""

Spectrum = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EncodingChance:
    """How likely audio has an encoding."""

    name: str
    """Key of ``ENCODING_NAMES``."""
    likelihood: float
    """0..1; all add up to 1, except for that of a WAV header, which is the share of the events that begin with one."""
    pieces: int
    """Pieces that look like it."""


class SoundContent:
    """The content of one side."""

    def __init__(self) -> None:
        self.samples = 0
        self.clipped = 0
        """Samples at full scale."""
        self.peak = 0
        """Largest magnitude."""
        self.frames = 0
        self.zero_frames = 0
        """Frames of digital silence: all samples are equal."""
        self._sum = 0.0
        self._power = 0.0
        """Sum of the variances of all frames, full scale = 1."""
        self._loud_power = 0.0
        self._levels = np.zeros(FAINTEST_DB + 1, np.int64)
        self._spectra: dict[int, tuple[Spectrum, int]] = {}
        self._pending: dict[AudioFormat, list[Samples]] = {}
        self._pending_samples = 0

    def feed(self, samples: Samples, form: AudioFormat) -> None:
        """Add samples; they are measured together with those that follow."""
        if len(samples):
            self._pending.setdefault(form, []).append(samples)
            self._pending_samples += len(samples)
            if self._pending_samples >= MAX_PENDING_SAMPLES:
                self.measure()

    def measure(self) -> None:
        """Measure what is pending, except for an unfinished frame."""
        pending, self._pending, self._pending_samples = self._pending, {}, 0
        for form, pieces in pending.items():
            samples = np.concatenate(pieces)
            size = max(1, form.rate_hz * LEVEL_FRAME_MS // 1000)
            whole = len(samples) // size * size
            if len(samples) > whole:
                self._pending[form] = [samples[whole:]]
                self._pending_samples += len(samples) - whole
            if whole:
                self._measure(samples[:whole].reshape(-1, size), form)

    @property
    def level_dbfs(self) -> float | None:
        """Return the RMS level of everything; None if it is digital silence or nothing."""
        return _dbfs(self._power / self.frames) if self.frames else None

    @property
    def speech_dbfs(self) -> float | None:
        """Return the RMS level of the frames that are not silence; None without any."""
        loud = int(self._levels[: -SILENT_DBFS + 1].sum())
        return _dbfs(self._loud_power / loud) if loud else None

    @property
    def noise_dbfs(self) -> float | None:
        """Return the level that a tenth of the frames do not exceed; None without frames."""
        if not self.frames:
            return None
        at = int(np.searchsorted(np.cumsum(self._levels[::-1]), NOISE_SHARE * self.frames))
        return float(at - FAINTEST_DB)

    @property
    def peak_dbfs(self) -> float | None:
        """Return the level of the largest sample; None if all are 0."""
        return 20 * math.log10(self.peak / FULL_SCALE) if self.peak else None

    @property
    def dc_offset(self) -> float | None:
        """Return the mean of all samples as a share of full scale; None without samples."""
        return self._sum / self.samples / FULL_SCALE if self.samples else None

    @property
    def clipped_share(self) -> float | None:
        """Return the share of samples at full scale; None without samples."""
        return self.clipped / self.samples if self.samples else None

    @property
    def silence_share(self) -> float | None:
        """Return the share of frames below ``SILENT_DBFS``; None without frames."""
        if not self.frames:
            return None
        return float(self._levels[-SILENT_DBFS + 1 :].sum()) / self.frames

    @property
    def zero_share(self) -> float | None:
        """Return the share of frames of digital silence; None without frames."""
        return self.zero_frames / self.frames if self.frames else None

    @property
    def bandwidth_hz(self) -> float | None:
        """Return the frequency at which the mean spectrum ends; None if there is too little sound."""
        if not self._spectra:
            return None
        rate_hz, (power, count) = max(self._spectra.items(), key=lambda one: one[1][1])
        if count < LEAST_SPECTRA or not power.max():
            return None
        # Smoothed over 5 bins, so that a lone whistle does not widen the band.
        smooth = np.convolve(power, np.ones(5) / 5, "same")
        inside = np.flatnonzero(smooth >= smooth.max() / 10 ** (BAND_DB / 10))
        return float(inside[-1] + 1) * rate_hz / SPECTRUM

    def _measure(self, frames: npt.NDArray[np.int16], form: AudioFormat) -> None:
        wide = frames.astype(np.float64)
        high = max(int(frames.max()), -int(frames.min()))
        self.samples += frames.size
        self.peak = max(self.peak, high)
        limit = CLIPPED.get(form.encoding, FULL_SCALE - 1)
        if high >= limit:
            self.clipped += int(np.count_nonzero((frames >= limit) | (frames <= -limit)))
        self._sum += float(wide.sum())
        power = wide.var(axis=1) / FULL_SCALE**2
        self.frames += len(power)
        self.zero_frames += int(np.count_nonzero(power == 0))
        self._power += float(power.sum())
        below = -10 * np.log10(np.maximum(power, 1e-12))
        levels = np.clip(np.ceil(below - 0.5), 0, FAINTEST_DB).astype(np.int64)
        self._levels += np.bincount(levels, minlength=FAINTEST_DB + 1)
        is_loud = levels <= -SILENT_DBFS
        self._loud_power += float(power[is_loud].sum())
        if is_loud.any():
            self._add_spectra(wide, is_loud, form.rate_hz)

    def _add_spectra(self, frames: Spectrum, is_loud: npt.NDArray[np.bool_], rate_hz: int) -> None:
        flat, size = frames.reshape(-1), frames.shape[1]
        begins = np.flatnonzero(is_loud) * size
        begins = begins[begins + SPECTRUM <= len(flat)]
        if not len(begins):
            return
        wanted = max(1, len(flat) // SAMPLES_PER_SPECTRUM)
        begins = begins[:: max(1, len(begins) // wanted)][:wanted]
        pieces = flat[begins[:, None] + np.arange(SPECTRUM)]
        power = np.abs(np.fft.rfft(pieces * np.hanning(SPECTRUM), axis=1)) ** 2
        before, count = self._spectra.get(rate_hz, (np.zeros(SPECTRUM // 2 + 1), 0))
        self._spectra[rate_hz] = before + power.sum(axis=0), count + len(begins)


class EncodingVotes:
    """Guesses the encoding of audio from pieces of its bytes."""

    def __init__(self) -> None:
        self.votes: Counter[str] = Counter()
        self.looked_at = 0
        """Pieces looked at; faint ones and noise have no vote."""
        self.events = 0
        self.wav_events = 0
        """Events that begin with the header of a WAV file."""
        self.declared = "pcm16"
        self._due_bytes = 0
        self._bytes = 0

    def add(self, data: bytes, declared: str, *, is_wav: bool) -> None:
        """Look at the audio of an event, if a look is due."""
        self.events += 1
        self.wav_events += is_wav
        self.declared = declared
        self._bytes += len(data)
        if self._bytes < self._due_bytes or self.looked_at >= MOST_GUESSES:
            return
        for begin in range(0, max(1, len(data) - PIECE_BYTES + 1), EVERY_BYTES):
            piece = data[begin : begin + PIECE_BYTES]
            if len(piece) < LEAST_PIECE_BYTES or self.looked_at >= MOST_GUESSES:
                break
            self.looked_at += 1
            found = guess_encoding(piece, declared)
            if found is not None:
                self.votes[found] += 1
        self._due_bytes = self._bytes + EVERY_BYTES

    @property
    def chances(self) -> Sequence[EncodingChance]:
        """Return how likely each encoding is, the likeliest first; empty if too few pieces say anything."""
        total = sum(self.votes.values())
        found = []
        if total >= LEAST_VOTES:
            names = [name for name in ENCODING_NAMES if name != "wav"]
            prior = {name: PRIOR / (len(names) - 1) for name in names} | {self.declared: PRIOR}
            whole = total + sum(prior.values())
            found = [
                EncodingChance(name, (self.votes[name] + prior[name]) / whole, self.votes[name])
                for name in names
            ]
            found.sort(key=lambda one: -one.likelihood)
        if self.wav_events:
            share = self.wav_events / self.events
            found.insert(0, EncodingChance("wav", share, self.wav_events))
        return found


def _dbfs(power: float) -> float | None:
    return 10 * math.log10(power) if power > 0 else None
