"""Loading of PortAudio. The only module that imports sounddevice, and only when a sound card is used."""

from __future__ import annotations

import ctypes
import sys
import threading
from functools import cache
from types import ModuleType

from inspector.errors import DeviceError

# The Linux wheels of sounddevice contain no PortAudio; those for macOS and Windows do.
INSTALL = "apt install libportaudio2 (Debian, Ubuntu) or dnf install portaudio (Fedora)"
_importing = threading.Lock()
"""Held during the import: in Python 3.11 a thread that waits for an import that fails gets a partially initialized module."""


@cache
def portaudio() -> ModuleType:
    """Return the sounddevice module, with ALSA's output to the terminal switched off.

    Raises:
        DeviceError: sounddevice or PortAudio is not installed.
    """
    _silence_drivers()
    try:
        with _importing:
            import sounddevice
    except ImportError:
        raise DeviceError(
            "sounddevice is not installed", hint="pip install sounddevice", code="no_portaudio"
        ) from None
    except OSError:
        raise DeviceError("no PortAudio", hint=INSTALL, code="no_portaudio") from None
    module: ModuleType = sounddevice
    return module


_ErrorHandler = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
# Module level, because ALSA keeps the pointer: a collected callback would crash the process.
_MUTE = _ErrorHandler(lambda *_: None)


def _silence_drivers() -> None:
    """Stop ALSA from printing errors to stderr, which would corrupt the screen."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_MUTE)
    except (OSError, AttributeError):
        return  # ALSA is not installed, so it prints nothing
