"""The default ear: it measures, and says that it does not understand."""

from __future__ import annotations

from typing import Protocol


class Ear(Protocol):
    """Turns the user's audio into words."""

    def hear(self, pcm16: bytes, rate_hz: int) -> str:
        """Return the transcript of one committed item; ``""`` for silence."""
        ...


class MeasuringEar:
    """The ear of the base install: no speech recognition, and no pretence of it."""

    def hear(self, pcm16: bytes, rate_hz: int) -> str:
        """Return a transcript that says what it is; ``""`` for silence."""
        if not any(pcm16):
            return ""
        return f"(simulated transcript of {len(pcm16) / 2 / rate_hz:.1f} s of audio)"
