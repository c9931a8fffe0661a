"""The default voice: a deterministic hum that has the rhythm of speech. It is honest about not being one.

Each word becomes a few syllables: a buzz of harmonics under a smooth envelope, pitched by its letters and gliding down at
the end of a sentence. So levels, lengths and voice activity are like those of speech, and no library is needed.
"""

from __future__ import annotations

from typing import Protocol

_SYLLABLE_S = 0.17
_GAP_S = 0.05
_PAUSE_S = 0.22


class Voice(Protocol):
    """Turns words into sound."""

    def speak(self, word: str, rate_hz: int, speed: float) -> bytes:
        """Return PCM16 audio of one word, with the gap that follows it."""
        ...


class HummingVoice:
    """The voice of the base install."""

    def speak(self, word: str, rate_hz: int, speed: float) -> bytes:
        """Return PCM16 audio of one word, with the gap that follows it."""
        import numpy as np

        syllables = max(1, sum(letter in "aeiouyäöü" for letter in word.lower()))
        ends_sentence = word.rstrip()[-1:] in (".", "!", "?")
        pieces = []
        for index in range(syllables):
            size = int(_SYLLABLE_S / speed * rate_hz)
            time = np.arange(size) / rate_hz
            letter = ord(word[index % len(word)]) if word else 97
            pitch = 110.0 + letter % 13 * 6.0 - (20.0 * index if ends_sentence else 0.0)
            wave = sum(
                np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in range(1, 9)
            )
            envelope = np.sin(np.pi * np.arange(size) / size) ** 0.6
            pieces.append(wave * envelope * 5200.0)
        gap = _PAUSE_S if ends_sentence else _GAP_S
        pieces.append(np.zeros(int(gap / speed * rate_hz)))
        return np.clip(np.concatenate(pieces), -32768, 32767).astype("<i2").tobytes()
