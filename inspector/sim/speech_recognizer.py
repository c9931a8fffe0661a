"""The interface of speech recognition, and a default that reports only the length of the audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a failed transcription or response, as events carry it."""

    type: str
    """For example ``server_error``."""
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result of recognizing the audio of one item."""

    transcript: str
    """The text of transcription events; ``""`` for silence."""
    words: str = ""
    """The text that the brain gets; ``""`` if nothing was recognized."""
    failure: Failure | None = None
    """Set if the transcription failed; the response does not depend on it."""


class PendingTranscript(Protocol):
    """Speech recognition in progress, outside of the simulator."""

    def result(self) -> Transcript | None:
        """Return the transcript; None while recognition is running."""
        ...


class SpeechRecognizer(Protocol):
    """Convert the user's audio to text."""

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | PendingTranscript:
        """Return the transcript of a piece of audio, finished or pending; ``pcm16`` is little-endian mono."""
        ...


class MeasuringRecognizer:
    """The recognizer of the base install, which does not recognize speech and says so in the transcript."""

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript:
        """Return a transcript that names the length of the audio; ``""`` for digital silence."""
        if not pcm16.strip(b"\0"):
            return Transcript("")
        return Transcript(f"(simulated transcript of {len(pcm16) / 2 / rate_hz:.1f} s of audio)")
