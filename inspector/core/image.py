"""What the first bytes of an image say of it: media type and size in pixels. Nothing is decoded."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

from inspector.core.groups import base64_size

HEAD_CHARS = 1 << 18
"""Base64 looked at: a JPEG may carry a large preview before the marker that holds its size."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers (ITU-T T.81, table B.1)."""
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image without decoding it."""

    media_type: str
    """As its ``data:`` URI says; ``""`` for an address."""
    size_bytes: int = 0
    """Decoded size."""
    width: int = 0
    """Pixels; 0 where the header does not tell."""
    height: int = 0
    """Pixels; 0 where the header does not tell."""
    address: str = ""
    """Where the image is, if the event does not hold it."""

    def __str__(self) -> str:
        if self.address:
            return self.address
        pixels = f"{self.width}×{self.height} px" if self.width else ""
        words = (self.media_type or "image", pixels, f"{self.size_bytes:,} bytes")
        return "  ".join(word for word in words if word)


def image_facts(url: str) -> ImageFacts:
    """Read an ``image_url``: a base64 ``data:`` URI, or an address."""
    head, comma, payload = url.partition(",")
    if not head.startswith("data:") or not comma:
        return ImageFacts("", address=url[:200])
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if "base64" not in encoding:
        return ImageFacts(media_type[:80], len(payload))
    width, height = pixels_of(_start(payload))
    return ImageFacts(media_type[:80], base64_size(payload), width, height)


def pixels_of(head: bytes) -> tuple[int, int]:
    """Return width and height of a PNG, JPEG, GIF or WebP by its first bytes; zeros where they do not tell."""
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
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _pair(form: str, head: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, head, offset)
    return int(first), int(second)


def _jpeg(head: bytes) -> tuple[int, int]:
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
