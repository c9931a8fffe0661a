"""Ids that look like the API's, from a seed, so that a run can be repeated to the letter."""

from __future__ import annotations

import hashlib
import uuid

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """A source of ids and of other pseudo-random text."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def new(self, prefix: str, length: int = 21) -> str:
        """Return ``prefix`` and ``length`` letters and digits, never the same twice."""
        return prefix + "".join(_ALPHABET[byte % 62] for byte in self._digest()[:length])

    def padding(self, text: str) -> str:
        """Return an ``obfuscation`` value: with it, deltas of any text up to 16 characters have one length."""
        length = max(1, 16 - len(text) % 16)
        return "".join(_ALPHABET[byte % 62] for byte in self._digest()[:length])

    def _digest(self) -> bytes:
        self._count += 1
        return hashlib.blake2b(f"{self._seed}:{self._count}".encode(), digest_size=32).digest()


class UuidIds(Ids):
    """Ids of a server that gives everything a UUID."""

    def new(self, prefix: str, length: int = 21) -> str:  # noqa: ARG002 - a UUID has one length
        """Return a UUID; without hyphens for a session, framed for a call."""
        found = uuid.UUID(bytes=self._digest()[:16], version=4)
        if prefix == "sess_":
            return found.hex
        return f"call-{found}-0" if prefix == "call_" else str(found)
