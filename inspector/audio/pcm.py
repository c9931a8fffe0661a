"""PCM16 and G.711 codecs in numpy. PCM16 is signed 16-bit little-endian mono.

G.711 follows ITU-T G.711 (1988) and the ITU-T Software Tool Library (G.191): μ-law encodes the upper 14 bits with a bias of 33,
A-law the upper 13; decoding returns 16-bit values. Python's ``audioop`` did the same, but was removed in 3.13 (PEP 594).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Audio samples, shape (n,), mono, -32768..32767, in the machine's byte order."""

_ULAW_BIAS = 33
_ULAW_CLIP = 8158
"""Largest magnitude: with the bias it is 8191, the last value of the last segment. A larger one would overflow to silence."""


def samples_of(data: bytes) -> Samples:
    """Return the samples in PCM16 bytes, shape (n,); an odd last byte is ignored."""
    # The copy makes the array writable and native-endian; frombuffer returns a read-only view of the bytes.
    return np.frombuffer(data, "<i2", count=len(data) // 2).astype(np.int16)


def bytes_of(samples: Samples) -> bytes:
    """Return samples as PCM16 bytes."""
    return samples.astype("<i2").tobytes()


def pcm16_to_ulaw(samples: Samples) -> bytes:
    """Encode samples as G.711 μ-law, one byte each."""
    linear = samples.astype(np.int32) >> 2
    sign = np.where(linear < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    # The biased magnitude is 33 to 8191, so its highest bit is 5 to 12: segments 0 to 7. Codes are sent inverted.
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = (magnitude >> (exponent + 1)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def pcm16_to_alaw(samples: Samples) -> bytes:
    """Encode samples as G.711 A-law, one byte each."""
    linear = samples.astype(np.int32) >> 3
    sign = np.where(linear >= 0, 0x80, 0)
    # A-law has no zero code: -1 mirrors 0, hence the one's complement of negative values.
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    exponent = np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32)
    segment = np.maximum(exponent - 4, 0)
    # Segments 0 and 1 have the same step. Every second bit is inverted on the line (0x55).
    mantissa = np.where(segment <= 1, magnitude >> 1, magnitude >> segment) & 0x0F
    return bytes(((sign | (segment << 4) | mantissa) ^ 0x55).astype(np.uint8))


def ulaw_to_pcm16(data: bytes) -> Samples:
    """Decode G.711 μ-law to samples."""
    return _ulaw_table()[np.frombuffer(data, np.uint8)]


def alaw_to_pcm16(data: bytes) -> Samples:
    """Decode G.711 A-law to samples."""
    return _alaw_table()[np.frombuffer(data, np.uint8)]


def decoded(data: bytes, encoding: str) -> Samples:
    """Decode ``pcm16``, ``pcmu`` or ``pcma``.

    Raises:
        KeyError: another encoding.
    """
    return {"pcm16": samples_of, "pcmu": ulaw_to_pcm16, "pcma": alaw_to_pcm16}[encoding](data)


def encoded(samples: Samples, encoding: str) -> bytes:
    """Encode as ``pcm16``, ``pcmu`` or ``pcma``.

    Raises:
        KeyError: another encoding.
    """
    return {"pcm16": bytes_of, "pcmu": pcm16_to_ulaw, "pcma": pcm16_to_alaw}[encoding](samples)


@cache
def _ulaw_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    bias = _ULAW_BIAS << 2
    magnitude = (((code & 0x0F) << 3) + bias << (code >> 4 & 7)) - bias
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _alaw_table() -> Samples:
    code = np.arange(256) ^ 0x55
    segment, mantissa = code >> 4 & 7, code & 0x0F
    low = (mantissa << 4) + 8
    magnitude = np.where(segment == 0, low, low + 0x100 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
