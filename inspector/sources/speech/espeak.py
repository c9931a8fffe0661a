"""A voice for the simulator with espeak-ng, from the wheel ``espeakng-loader``.

espeak-ng has global state and is not thread-safe. A phrase takes 2 ms, so it is called directly in the event loop's thread.
C interface: ``espeak-ng/speak_lib.h``.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator
from functools import cache

log = logging.getLogger(__name__)

_SYNCHRONOUS, _DONT_EXIT, _UTF8 = 2, 0x8000, 1
_RATE, _PITCH = 1, 3
"""Values of ``espeak_AUDIO_OUTPUT``, of the options, of the character encodings, and of ``espeak_PARAMETER``."""
_WORDS_PER_MINUTE = 165
_SLOWEST, _FASTEST = 80, 450  # the range of ``espeakRATE``
MAX_PHRASE_CHARS = 400  # bounds the time of one call; ``phrases_of`` sends far less
_VOICES = {
    "alloy": ("en-us+f2", 45),
    "ash": ("en-us+m3", 40),
    "ballad": ("en-gb+m2", 45),
    "coral": ("en-us+f4", 60),
    "echo": ("en-us+m1", 35),
    "sage": ("en-us+f3", 50),
    "shimmer": ("en-us+f5", 60),
    "verse": ("en-us+m4", 45),
    "marin": ("en-us+f3", 55),
    "cedar": ("en-us+m7", 40),
}
"""Variant and pitch (0 to 100) of each of the API's voices."""
_DEFAULT = ("en-us", 50)
_Synthesized = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Espeak:
    """The library, initialized once per process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        folder = str(espeakng_loader.get_data_path()).encode()
        self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, folder, _DONT_EXIT)
        if self.rate_hz <= 0:
            raise OSError("espeak-ng cannot find its data")
        self._sound = bytearray()
        # Referenced here, or Python would free the callback while the library still calls it.
        self._callback = _Synthesized(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, pitch: int, words_per_minute: int) -> bytes:
        """Return the audio of a text as PCM16 at ``rate_hz``."""
        self._sound.clear()
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        data = text.replace("\0", " ").encode("utf-8", "replace")
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        return bytes(self._sound)

    def _collect(self, samples: int | None, count: int, _: int | None) -> int:
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, 2 * count)
        return 0


@cache
def _espeak() -> _Espeak:
    return _Espeak()


def can_speak() -> bool:
    """Return True if the library can be loaded and initialized."""
    try:
        _espeak()
    except (OSError, ImportError, AttributeError) as error:
        log.warning("espeak-ng cannot be used: %s", error)
        return False
    return True


class EspeakVoice:
    """An intelligible voice."""

    def speak(self, phrase: str, *, voice: str, rate_hz: int, speed: float) -> Iterator[bytes]:
        """Yield the audio of a phrase in one piece; nothing for a phrase without letters and digits."""
        if not any(letter.isalnum() for letter in phrase):
            return
        import numpy as np
        import soxr

        espeak = _espeak()
        variant, pitch = _VOICES.get(voice, _DEFAULT)
        words_per_minute = round(min(_FASTEST, max(_SLOWEST, _WORDS_PER_MINUTE * speed)))
        sound = espeak.speak(phrase[:MAX_PHRASE_CHARS], variant, pitch, words_per_minute)
        samples = np.frombuffer(sound, "<i2")
        if len(samples):
            yield soxr.resample(samples, espeak.rate_hz, rate_hz).astype("<i2").tobytes()
