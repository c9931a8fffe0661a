"""SampleStream: decodes the base64 pieces of an audio stream to samples; damaged pieces are counted and skipped."""

from __future__ import annotations

import binascii

import numpy as np

from inspector.audio.pcm import Samples, decoded
from inspector.core.riff import WavHeader, wav_header

NO_SAMPLES: Samples = np.zeros(0, np.int16)


class SampleStream:
    """Decoder of one stream's pieces, in order; a sample may be split between two of them."""

    def __init__(self, encoding: str) -> None:
        """Prepare to decode ``pcm16``, ``pcmu`` or ``pcma``."""
        self.damaged = 0
        """Number of pieces that were not base64."""
        self._encoding = encoding
        self._torn = b""

    def feed(self, text: str) -> Samples:
        """Return the samples of the next piece, int16, shape (n,), mono."""
        data = base64_bytes(text)
        if data is None:
            self.damaged += 1
            return NO_SAMPLES
        return self.feed_bytes(data, wav_header(text))

    def feed_bytes(self, data: bytes, header: WavHeader | None = None) -> Samples:
        """Return the samples of the next piece that has been decoded from base64; ``header`` is that at its beginning, if any."""
        if header is not None:
            # The server counts the header as audio, so it becomes silence of its length: all later audio keeps the server's times.
            data = _silence(header.size_bytes, self._encoding) + data[header.size_bytes :]
        if self._encoding == "pcm16":
            data = self._torn + data
            whole = len(data) // 2 * 2
            data, self._torn = data[:whole], data[whole:]
        return decoded(data, self._encoding) if data else NO_SAMPLES


def _silence(size: int, encoding: str) -> bytes:
    # Codes of 0 in G.711, whose bits are inverted on the line.
    return {"pcmu": b"\xff", "pcma": b"\xd5"}.get(encoding, b"\0") * size


def base64_bytes(text: str) -> bytes | None:
    """Return the bytes of a base64 text, padded or not; None if it is not base64."""
    # Strict, because by default invalid characters are skipped, and any text would decode to noise.
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return None
