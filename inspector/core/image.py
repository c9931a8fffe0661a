"""Media type and pixel size of an image, read from its first bytes without decoding it."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

from inspector.core.groups import base64_size

HEAD_CHARS = 1 << 18
"""Base64 that is examined: a JPEG may carry a large preview before the marker with its size."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers (ITU-T T.81, table B.1)."""
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts about an image that its URL and header reveal."""

    media_type: str
    """Media type in its ``data:`` URI; ``""`` for an address."""
    size_bytes: int = 0
    """Decoded size."""
    width: int = 0
    """Pixels; 0 if unknown."""
    height: int = 0
    """Pixels; 0 if unknown."""
    address: str = ""
    """URL of the image, if the event does not contain it."""

    def __str__(self) -> str:
        if self.address:
            return self.address
        pixels = f"{self.width}×{self.height} px" if self.width else ""
        words = (self.media_type or "image", pixels, f"{self.size_bytes:,} bytes")
        return "  ".join(word for word in words if word)


def image_facts(url: str) -> ImageFacts:
    """Return the facts in an ``image_url``, which is a ``data:`` URI or an address."""
    head, comma, payload = url.partition(",")
    if not head.startswith("data:") or not comma:
        return ImageFacts("", address=url[:200])
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if "base64" not in encoding:
        return ImageFacts(media_type[:80], len(payload))
    width, height = pixels_of(_start(payload))
    return ImageFacts(media_type[:80], base64_size(payload), width, height)


def pixels_of(head: bytes) -> tuple[int, int]:
    """Return the width and height in the first bytes of a PNG, JPEG, GIF or WebP; zeros if they are not found."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(">II", head, 16)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return _pair("<HH", head, 6)
        if head.startswith(b"\xff\xd8"):
            return _jpeg(head)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(head)
    except (struct.error, IndexError):
        pass
    return 0, 0


def _start(payload: str) -> bytes:
    kept = payload[:HEAD_CHARS]
    # Only whole groups of four characters decode.
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _pair(form: str, head: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, head, offset)
    return int(first), int(second)


def _jpeg(head: bytes) -> tuple[int, int]:
    # Segments are walked to the start-of-frame marker; the IndexError or struct.error at the end of the bytes ends the loop.
    position = 2
    while True:
        while head[position] != 0xFF:
            position += 1
        while head[position] == 0xFF:
            position += 1
        marker = head[position]
        position += 1
        if marker in _JPEG_FRAMES:
            height, width = _pair(">HH", head, position + 3)
            return width, height
        if marker not in _JPEG_BARE:
            position += max(2, struct.unpack_from(">H", head, position)[0])


def _webp(head: bytes) -> tuple[int, int]:
    # Three bitstreams, three encodings of the size (WebP container specification, RFC 9649 section 2).
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = _pair("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    return 0, 0
