"""PortAudio, loaded: the only importer of sounddevice, and only when a sound card is asked for."""

from __future__ import annotations

import ctypes
import sys
import threading
from functools import cache
from types import ModuleType

from inspector.errors import DeviceError

INSTALL = "apt install libportaudio2 (Debian, Ubuntu) or dnf install portaudio (Fedora)"
_importing = threading.Lock()
"""Python 3.11 hands a half-made module to a thread that waits while the import fails in another."""


@cache
def portaudio() -> ModuleType:
    """Return sounddevice, kept from writing on the terminal.

    Raises:
        DeviceError: it, or PortAudio, is not installed.
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
_MUTE = _ErrorHandler(lambda *_: None)


def _silence_drivers() -> None:
    """Keep ALSA from printing its errors: stderr is the screen."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_MUTE)
    except (OSError, AttributeError):
        return  # no ALSA here, so nothing to silence
