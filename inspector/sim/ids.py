"""Ids that look like the API's, generated from a seed so that a run can be reproduced exactly."""

from __future__ import annotations

import hashlib
import uuid

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """Generate ids and other pseudo-random text."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def new(self, prefix: str, length: int = 21) -> str:
        """Return ``prefix`` followed by ``length`` letters and digits, different on each call."""
        return prefix + "".join(_ALPHABET[byte % 62] for byte in self._digest()[:length])

    def padding(self, text: str) -> str:
        """Return an ``obfuscation`` value that pads a delta to a multiple of 16 characters."""
        length = max(1, 16 - len(text) % 16)
        return "".join(_ALPHABET[byte % 62] for byte in self._digest()[:length])

    def _digest(self) -> bytes:
        self._count += 1
        # A hash of a counter rather than ``random``: its sequence does not change between Python versions.
        return hashlib.blake2b(f"{self._seed}:{self._count}".encode(), digest_size=32).digest()


class UuidIds(Ids):
    """Generate UUIDs, for a server that uses them for every id."""

    def new(self, prefix: str, length: int = 21) -> str:  # noqa: ARG002 - a UUID has one length
        """Return a UUID: without hyphens for a session, as ``call-…-0`` for a call."""
        found = uuid.UUID(bytes=self._digest()[:16], version=4)
        if prefix == "sess_":
            return found.hex
        return f"call-{found}-0" if prefix == "call_" else str(found)
