"""The interface of voices, and the default voice: deterministic babble with the rhythm and spectrum of speech.

Each word becomes syllables: harmonics shaped by the first two formants of its vowel, after a burst of noise for a consonant,
about 0.35 s per word. Levels, durations and voice activity resemble speech, without a text-to-speech library; nobody will
mistake it for one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Wave = npt.NDArray[np.float64]

# Approximate first and second formant of each vowel.
_FORMANTS_HZ = {
    "a": (750, 1250),
    "e": (480, 1900),
    "i": (320, 2300),
    "o": (470, 900),
    "u": (330, 800),
    "y": (300, 2000),
}
_PITCH_HZ = {
    "alloy": 165,
    "ash": 115,
    "ballad": 130,
    "coral": 205,
    "echo": 105,
    "sage": 190,
    "shimmer": 220,
    "verse": 125,
    "marin": 200,
    "cedar": 110,
}
_PITCH_DEFAULT_HZ = 150
_SYLLABLE_S, _CONSONANT_S, _GAP_S = 0.16, 0.045, 0.05
_PAUSE_S = {".": 0.25, "!": 0.25, "?": 0.25, ",": 0.12, ";": 0.15, ":": 0.15}
_PEAK = 9000.0
_TOP_HZ = 3600


class Voice(Protocol):
    """Convert text to audio."""

    def speak(self, phrase: str, *, voice: str, rate_hz: int, speed: float) -> Iterator[bytes]:
        """Yield the audio of a phrase lazily, piece by piece.

        Args:
            phrase: a few words of an answer, with the punctuation that ends them.
            voice: name or id of the voice.
            rate_hz: sample rate of the audio.
            speed: 0.25 to 1.5; 1 is normal.

        Yields:
            PCM16, little-endian mono; nothing for a phrase without pronounceable characters.
        """
        ...


class BabblingVoice:
    """The voice of the base install."""

    def speak(self, phrase: str, *, voice: str, rate_hz: int, speed: float) -> Iterator[bytes]:
        """Yield the audio of a phrase word by word."""
        import numpy as np  # here: a text-only session starts without NumPy

        pitch_hz = _PITCH_HZ.get(voice, _PITCH_DEFAULT_HZ)
        for word in phrase.split():
            letters = "".join(letter for letter in word.lower() if letter.isalnum())
            if not letters:
                continue
            ends_question = word.rstrip("\"')”").endswith("?")
            syllables = _syllables(letters)
            pieces = []
            for index, syllable in enumerate(syllables):
                tune = (  # the pitch falls within a word, and rises in the last word of a question
                    1.0
                    + 0.06 * (len(syllables) - index)
                    - (0.0 if not ends_question else -0.2 * index)
                )
                pieces += _syllable(syllable, pitch_hz * tune, rate_hz, speed)
            pause_s = _PAUSE_S.get(word.rstrip("\"')”")[-1:], _GAP_S)
            pieces.append(np.zeros(int(pause_s / speed * rate_hz)))
            wave = np.concatenate(pieces) * _PEAK
            yield np.clip(wave, -32768, 32767).astype("<i2").tobytes()


def _syllables(letters: str) -> list[str]:
    """Split a word into consonants-plus-vowels groups; digits and other scripts count two characters per syllable."""
    found = re.findall(r"[^aeiouy]*[aeiouy]+(?:[^aeiouy]+$)?", letters)
    return found or re.findall(r"..?", letters)


def _syllable(letters: str, pitch_hz: float, rate_hz: int, speed: float) -> list[Wave]:
    import numpy as np

    vowel = next((letter for letter in letters if letter in _FORMANTS_HZ), "")
    formants = _FORMANTS_HZ[vowel] if vowel else (400 + ord(letters[0]) * 7 % 400, 1400)
    pieces = []
    if letters[0] not in _FORMANTS_HZ:
        size = int(_CONSONANT_S / speed * rate_hz)
        # Seeded by the letters, and by CRC-32 because ``hash`` of a string differs between runs.
        noise = np.random.default_rng(zlib.crc32(letters.encode()))
        loudness = 0.25 if letters[0] in "sfcxzhtkp" else 0.1  # voiceless consonants are noisier
        pieces.append(loudness * noise.uniform(-1, 1, size) * np.hanning(size))
    size = int(_SYLLABLE_S / speed * rate_hz)
    time_s = np.arange(size) / rate_hz
    glide = 2 * np.pi * pitch_hz * time_s * (1.03 - 0.2 * time_s)
    harmonics = np.arange(1, int(min(_TOP_HZ, rate_hz / 2.3) / pitch_hz) + 1)
    weights = sum(
        strength * np.exp(-(((harmonics * pitch_hz - formant) / width) ** 2))
        for formant, strength, width in zip(formants, (1.0, 0.5), (180.0, 260.0), strict=True)
    ) + 0.15 / np.maximum(harmonics, 1)
    wave = _harmonics(weights, glide)
    envelope = np.minimum(1.0, 6 * np.sin(np.pi * np.arange(size) / max(1, size)) ** 2)
    pieces.append(wave / max(1e-9, float(np.abs(wave).max(initial=0.0))) * envelope)
    return pieces


def _harmonics(weights: Wave, angle: Wave) -> Wave:
    """Return the sum of ``weights[n] * sin((n + 1) * angle)``."""
    import numpy as np

    # sin((n + 1)a) = 2 cos(a) sin(na) - sin((n - 1)a): ten times as fast as a call of ``np.sin`` per harmonic.

    twice_cosine = 2 * np.cos(angle)
    before, sine = np.zeros_like(angle), np.sin(angle)
    total: Wave = weights[0] * sine
    for weight in weights[1:]:
        before, sine = sine, twice_cosine * sine - before
        total += weight * sine
    return total
