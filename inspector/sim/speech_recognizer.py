"""What is made of the user's audio. The default recognizer measures it, and says that it does not understand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transcription or a response failed, as events carry it."""

    type: str
    """Like ``server_error``."""
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in one item."""

    transcript: str
    """What transcription events say; ``""`` for silence."""
    words: str = ""
    """What the model understood; ``""`` where it only knows how long the audio was."""
    failure: Failure | None = None
    """Set where the transcription failed; the response does not depend on it."""


class PendingTranscript(Protocol):
    """A hearing that takes its time; what it works with is outside of the simulator."""

    def result(self) -> Transcript | None:
        """Return what was heard; None while that is not known."""
        ...


class SpeechRecognizer(Protocol):
    """Turns the user's audio into words."""

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | PendingTranscript:
        """Return what is heard in a piece of audio, or what will know; ``pcm16`` is little-endian mono."""
        ...


class MeasuringRecognizer:
    """The recognizer of the base install: no speech recognition, and no pretence of it."""

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript:
        """Return a transcript that says what it is; ``""`` for digital silence."""
        if not pcm16.strip(b"\0"):
            return Transcript("")
        return Transcript(f"(simulated transcript of {len(pcm16) / 2 / rate_hz:.1f} s of audio)")
