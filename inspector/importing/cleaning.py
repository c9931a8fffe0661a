"""Secrets in foreign files: nothing that opens a door is written to a recording. What is taken out is counted by its kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from inspector.secret import (
    MASK,
    FrameMask,
    Secret,
    is_secret_header,
    mask_subprotocol,
    mask_url,
    secrets_of,
)

MASKED = MASK.encode()
_KEY = re.compile(rb"(?<![A-Za-z0-9])(?:(ek_)[A-Za-z0-9_.\-]{3,}|([sr]k[-_])[A-Za-z0-9_.\-]{6,})")
_BEARER = re.compile(rb"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{8,}")
_JWT = re.compile(rb"\beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]*)?")
_MEMBER = re.compile(
    rb'(?i)("(?:proxy-)?(?:authorization|cookie|set-cookie|x-api-key|api[-_]?key|access_token|refresh_token|client_secret|password)"\s*:\s*")'
    rb'((?:[^"\\]|\\.)+)(?=")'
)
_CLIENT_SECRET = re.compile(
    rb'("client_secret"\s*:\s*\{[^{}]*?"value"\s*:\s*")((?:[^"\\]|\\.)+)(?=")'
)


class Cleaner:
    """Takes secrets out of what an importer has found."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        """Number of secrets taken out, by what they are: ``Authorization header``."""
        self._secrets: list[Secret] = []
        self._mask = FrameMask(())

    def headers(self, headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """Return headers without those that hold a secret; of the offered subprotocols those without a key."""
        kept: dict[str, str] = {}
        for name, value in headers:
            if name.lower() == "sec-websocket-protocol":
                value = self._subprotocols(value)
            elif is_secret_header(name):
                self.dropped[f"{_title(name)} header"] += 1
                continue
            else:
                value = self.data(value.encode()).decode("utf-8", "replace")
            if value:
                kept[name] = f"{kept[name]}, {value}" if name in kept else value
        return kept

    def url(self, url: str) -> str:
        """Return an address with its secrets masked."""
        clean = self.data(mask_url(url).encode("utf-8", "replace")).decode()
        if clean != url and MASK in clean and MASK not in url:
            self.dropped["URL secret"] += 1
        return clean

    def learn(self, headers: Sequence[tuple[str, str]], url: str) -> None:
        """Remember the secrets of a request, which the frames of its connection may quote."""
        self._secrets = secrets_of(headers, url)
        self._mask = FrameMask(self._secrets)

    def data(self, data: bytes, gist: bytes | None = None, *, is_delta: bool = False) -> bytes:
        """Return a payload with its secrets masked; usually the same object.

        Args:
            data: the payload.
            gist: the part of it that may hold secrets, which is searched first; None for all of it.
            is_delta: True for a piece of a text, which has no members that hold secrets.
        """
        if self._secrets:
            data = self._mask.masked(data)
        part = data if gist is None else gist
        if b"k_" in part or b"k-" in part:
            data = _KEY.sub(self._key, data)
        # One after the other, not in a loop: this is asked of almost every event.
        if not is_delta and (
            b"earer " in part
            or b"asic " in part
            or b"uthorization" in part
            or b"ookie" in part
            or b"eyJ" in part
            or b'_token"' in part
            or b"assword" in part
            or b"_secret" in part
            or b"pi_key" in part
            or b"pi-key" in part
            or b"piKey" in part
            or b"PI_KEY" in part
        ):
            data = self._members(data)
        return data

    def _members(self, data: bytes) -> bytes:
        for pattern, what in (
            (_CLIENT_SECRET, "client secret"),
            (_MEMBER, "payload secret"),
            (_BEARER, "Authorization value"),
        ):
            data = pattern.sub(partial(self._masked, what), data)
        return _JWT.sub(self._token, data)

    def _masked(self, what: str, found: re.Match[bytes]) -> bytes:
        if found.group().endswith(MASKED):
            return found.group()
        self.dropped[what] += 1
        return found.group(1) + MASKED

    def _token(self, _: re.Match[bytes]) -> bytes:
        self.dropped["token"] += 1
        return MASKED

    def _key(self, found: re.Match[bytes]) -> bytes:
        prefix: bytes = found.group(1) or found.group(2)
        self.dropped["client secret" if found.group(1) else "API key"] += 1
        return prefix + MASKED

    def _subprotocols(self, value: str) -> str:
        offered = [part.strip() for part in value.split(",")]
        kept = [part for part in offered if mask_subprotocol(part) == part]
        if len(kept) < len(offered):
            self.dropped["subprotocol key"] += len(offered) - len(kept)
        return ", ".join(kept)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))[:40]
