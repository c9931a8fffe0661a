"""Levels and encoding of appended audio, from samples of it: a tenth of a second now and then is enough to judge a session."""

from __future__ import annotations

import binascii
import copy
from collections.abc import Mapping
from math import log10
from typing import TYPE_CHECKING, NamedTuple

from inspector.core.audio_formats import AudioFormat
from inspector.core.units import NS_PER_MS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Wave = npt.NDArray[np.float64]

FRAME_MS = 100
"""Length of sound for which one level is taken: about a syllable."""
SPARSER_EVERY = 100
"""Frames after which the next ones are taken at twice, three times … the distance: a long session is not looked at for ever."""
MAX_FRAMES = 100
"""Frames looked at in one append: of a file that is sent in one piece its first ten seconds."""
FAINTEST_DBFS = -100
"""The level of digital silence."""
LEAST_POWER = 1e-10
"""Its power."""
FULL_SCALE_POWER = 32768.0**2
EVERY_BYTES = 8000
"""Distance of the pieces whose encoding is guessed."""
PIECE_BYTES = 1920
LEAST_PIECE_BYTES = 160
"""20 ms of G.711, which telephony sends; recorders that cut audio off leave less."""
MOST_GUESSES = 100
_BASE64_STEP = 4
NOISY_CORRELATION, NOISY_DBFS = 0.25, -18.0
"""Samples that are loud and do not resemble their neighbours are noise: bytes read in the wrong encoding."""
PAIR_DBFS, SAME_DB = -9.0, 1.5
"""Bytes of G.711, read in pairs, are near full scale even if the sound is faint."""
SWAPPED_DB = 12.0
"""Read in the right order, samples are as much fainter; noise and loud speech are not."""
SMOOTH_CORRELATION, SMOOTH_DBFS = 0.6, -12.0
"""Speech resembles itself from sample to sample, and on average it is far below full scale."""


def data_of(text: str, most_bytes: int) -> bytes:
    """Return the beginning of base64 audio, decoded, at most ``most_bytes``; ``b""`` if it is not base64."""
    cut = text[: -(-most_bytes // 3) * _BASE64_STEP]
    try:
        return binascii.a2b_base64(cut + "=" * (-len(cut) % _BASE64_STEP))[:most_bytes]
    except ValueError:
        return b""


class LevelSampler:
    """Levels of a session's audio, one for every ``FRAME_MS`` of it."""

    def __init__(self) -> None:
        self.levels = [0] * (1 - FAINTEST_DBFS)
        """Number of frames by level: the first at 0 dBFS, the last at ``FAINTEST_DBFS`` or below."""
        self.frames = 0
        """Number of frames."""
        self.due_ns = 0
        """The audio clock from which on the next frame is due."""

    def add(self, data: bytes, form: AudioFormat, appended_ns: int) -> None:
        """Take an append in, at which a frame is due.

        Args:
            data: its audio; more than ``most_bytes`` of it is not looked at.
            form: of the audio.
            appended_ns: the audio clock after it.
        """
        distance = FRAME_MS * (1 + self.frames // SPARSER_EVERY)
        self.due_ns = appended_ns + distance * NS_PER_MS
        for level in _levels(data[: most_bytes(form)], form):
            self.levels[-max(FAINTEST_DBFS, min(0, level))] += 1
            self.frames += 1

    def copy(self) -> LevelSampler:
        """Return an independent copy."""
        clone = copy.copy(self)
        clone.levels = list(self.levels)
        return clone

    def quantile(self, share: float) -> int:
        """Return the level in dBFS that ``share`` of the frames do not exceed; ``FAINTEST_DBFS`` without frames."""
        left = share * self.frames
        for at in range(len(self.levels) - 1, -1, -1):
            left -= self.levels[at]
            if left <= 0 and self.levels[at]:
                return -at
        return FAINTEST_DBFS

    def frames_above(self, dbfs: int) -> int:
        """Return how many frames are at a level or above it."""
        return sum(self.levels[: 1 - max(FAINTEST_DBFS, min(0, dbfs))])


def most_bytes(form: AudioFormat) -> int:
    """Return how much of an append is looked at for levels."""
    return int(form.bytes_per_ms * FRAME_MS) * MAX_FRAMES


def _levels(data: bytes, form: AudioFormat) -> list[int]:
    """Return the level of each frame, in whole dBFS; of a short append one."""
    # numpy is loaded only when there is sound: it takes longer than all rules without it.
    import numpy as np

    from inspector.audio.pcm import decoded

    samples = decoded(data, form.encoding)
    if not len(samples):
        return []
    size = min(len(samples), form.rate_hz * FRAME_MS // 1000)
    # The mean is removed, since a constant offset is not heard. Most appends are shorter than a frame.
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return [_dbfs(frame) for frame in frames]


def _dbfs(samples: Wave) -> int:
    """Return the level of samples as PCM16, in whole dBFS."""
    mean = float(samples.sum()) / len(samples)
    power = (float(samples.dot(samples)) / len(samples) - mean * mean) / FULL_SCALE_POWER
    return round(10 * log10(power)) if power > LEAST_POWER else FAINTEST_DBFS


def guess_encoding(data: bytes, declared: str) -> str | None:
    """Return what audio is likely to be.

    Args:
        data: at least some milliseconds of it.
        declared: the session's encoding: ``pcm16``, ``pcmu`` or ``pcma``.

    Returns:
        ``declared`` if it is loud and plausible, another encoding if only that gives a plausible wave: ``pcm16``, ``pcm16
        big-endian``, ``float32``, ``pcmu`` or ``pcma``. None if nothing can be said, as of faint sound and of noise.
    """
    own = _measure(_reading(data, declared))
    if own.dbfs < NOISY_DBFS:
        # Faint sound of any other encoding would be loud here, and most audio is faint: nothing else need be looked at.
        return declared if declared == "pcm16" and own.correlation >= SMOOTH_CORRELATION else None
    waves = {name: _reading(data, name) for name in _ENCODINGS}
    if declared == "pcm16" and _is_g711(waves, own):
        return max(("pcmu", "pcma"), key=lambda name: _measure(waves[name]).correlation)
    swapped = _measure(waves["pcm16 big-endian"])
    if declared == "pcm16" and own.dbfs > PAIR_DBFS and swapped.dbfs < own.dbfs - SWAPPED_DB:
        # Faint sound with its bytes swapped is loud, though it may still be smooth.
        return "pcm16 big-endian" if swapped.correlation >= SMOOTH_CORRELATION else None
    if own.correlation >= SMOOTH_CORRELATION:
        return declared
    if own.correlation > NOISY_CORRELATION:
        return None
    found = {
        name: look.correlation
        for name, wave in waves.items()
        if name != declared
        and (look := _measure(wave)).correlation >= SMOOTH_CORRELATION
        and look.dbfs <= SMOOTH_DBFS
    }
    return max(found, key=lambda name: found[name]) if found else None


def _is_g711(waves: Mapping[str, Wave], own: _Look) -> bool:
    """Return whether PCM16 is G.711: as PCM16 it is always loud, and the same with its bytes swapped, since each is a sample."""
    swapped = _measure(waves["pcm16 big-endian"])
    if own.dbfs < PAIR_DBFS or abs(own.dbfs - swapped.dbfs) > SAME_DB:
        return False
    laws = [_measure(waves[name]) for name in ("pcmu", "pcma")]
    return any(
        law.correlation >= SMOOTH_CORRELATION and law.dbfs <= SMOOTH_DBFS < own.dbfs for law in laws
    )


class _Look(NamedTuple):
    correlation: float
    """Of neighbouring samples, -1..1; 0 for silence."""
    dbfs: float


def _measure(wave: Wave) -> _Look:
    if len(wave) < 2:
        return _Look(0.0, FAINTEST_DBFS)
    around = wave - float(wave.sum()) / len(wave)
    power = float(around.dot(around)) / len(around)
    if power < LEAST_POWER:
        return _Look(0.0, FAINTEST_DBFS)
    correlation = float(around[1:].dot(around[:-1])) / (len(around) - 1) / power
    return _Look(correlation, 10 * log10(power))


_ENCODINGS = ("pcm16", "pcm16 big-endian", "float32", "pcmu", "pcma")
"""What apps send, right or wrong."""


def _reading(data: bytes, encoding: str) -> Wave:
    """Return bytes as a wave, -1..1; an empty one if they cannot be float32."""
    import numpy as np

    from inspector.audio.pcm import alaw_to_pcm16, ulaw_to_pcm16

    if encoding == "float32":
        floats = np.frombuffer(data[: len(data) // 4 * 4], "<f4")
        # Samples of another encoding, read as floats, are mostly not numbers of this range.
        with np.errstate(invalid="ignore"):
            is_float = bool((np.abs(floats) <= 1.5).all())
        return floats[: len(floats) * is_float].astype(np.float64)
    if encoding == "pcmu":
        samples = ulaw_to_pcm16(data)
    elif encoding == "pcma":
        samples = alaw_to_pcm16(data)
    else:
        even = data[: len(data) // 2 * 2]
        samples = np.frombuffer(even, "<i2" if encoding == "pcm16" else ">i2")
    return samples.astype(np.float64) / 32768.0
