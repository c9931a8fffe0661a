"""Ids that look like the API's, from a seed, so that a run can be repeated to the letter."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """A source of ids and of other pseudo-random text."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def new(self, prefix: str, length: int = 21) -> str:
        """Return ``prefix`` and ``length`` letters and digits, never the same twice."""
        self._count += 1
        digest = hashlib.blake2b(f"{self._seed}:{self._count}".encode(), digest_size=32).digest()
        return prefix + "".join(_ALPHABET[byte % 62] for byte in digest[:length])

    def padding(self, text: str) -> str:
        """Return an ``obfuscation`` value: with it, deltas of any text up to 16 characters have one length."""
        return self.new("", max(1, 16 - len(text) % 16))
