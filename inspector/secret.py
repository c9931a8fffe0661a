"""Secrets, and masking them in text. Everything that leaves the process for a file or screen passes through here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NoReturn
from urllib.parse import unquote, urlsplit, urlunsplit
from weakref import WeakSet

MASK = "***"
SHORTEST_SECRET = 6
"""Shorter secrets are not masked in text: they would match inside innocent words."""
SHORTEST_IN_FRAMES = 8
"""Shorter keys are not masked in frames: local servers are given keys like "session", which are also protocol words."""
_USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]*@")
"""User name and password in a text that is hardly a URL."""
_PLAIN_WORD = re.compile(r"[a-z._ -]{1,19}")

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "x-goog-api-key",
        "xi-api-key",
        "ocp-apim-subscription-key",
        "cookie",
        "set-cookie",
    }
)
_SECRET_WORDS = ("token", "secret", "password", "apikey", "api-key", "credential")
_KEY_ENDINGS = ("-key", "_key")
"""Endings of header names like ``x-functions-key``; gateways invent their own."""
_NO_KEYS = frozenset({"sec-websocket-key", "idempotency-key"})
_SECRET_PARAMETERS = frozenset(
    {"key", "api_key", "api-key", "apikey", "token", "access_token", "sig", "signature", "code"}
)
_SECRET_SUBPROTOCOLS = ("openai-insecure-api-key.", "base64url.bearer.authorization.")
_SCHEMES = ("bearer", "basic", "api-key", "token")
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|ek|rk)[-_][A-Za-z0-9_*.-]{6,}")


class Secret:
    """A string that hides itself: it cannot be printed, formatted or pickled.

    ``mask_text`` masks it wherever it occurs for as long as the object is alive.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        _ALIVE.add(self)

    @cached_property
    def spelling(self) -> re.Pattern[str]:
        """Return a pattern that matches the secret in every JSON and URL spelling, also one nested in the other."""
        return re.compile("".join(map(_spelled, self._text)))

    @cached_property
    def trace(self) -> str:
        """Return the longest part of the secret that has only one spelling; ``""`` if it has no such part."""
        return max(re.findall(r"[A-Za-z0-9._-]+", self._text), key=len, default="")

    def reveal(self) -> str:
        """Return the secret itself. Call this only where it is sent to the server."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __deepcopy__(self, memo: object) -> Secret:
        return self


_ALIVE: WeakSet[Secret] = WeakSet()


def is_secret_header(name: str) -> bool:
    """Return whether a header's value must be masked."""
    name = name.lower()
    if name in _NO_KEYS:
        return False
    is_key = name in SECRET_HEADERS or name.endswith(_KEY_ENDINGS)
    return is_key or any(word in name for word in _SECRET_WORDS)


def mask_headers(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers that are safe to store: secrets masked, authorization schemes kept, repeated headers joined."""
    shown: dict[str, str] = {}
    for name, value in headers:
        text = _mask_header(name, value)
        shown[name] = f"{shown[name]}, {text}" if name in shown else text
    return shown


def mask_subprotocol(name: str) -> str:
    """Return a subprotocol name with the key that it may carry masked."""
    prefix = _key_prefix(name)
    return prefix + MASK if prefix else name


def mask_url(url: str) -> str:
    """Return a URL with user info and secret parameters masked and the rest unchanged."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return mask_text(_USER_INFO.sub(rf"\1{MASK}@", url))
    if not parts.netloc:  # name:password@host, where somebody left the scheme out
        url = _USER_INFO.sub(rf"\1{MASK}@", url)
        parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{MASK}@{host}" if "@" in parts.netloc else host
    query = (
        "&".join(_mask_parameter(pair) for pair in parts.query.split("&")) if parts.query else ""
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def secrets_of(headers: Iterable[tuple[str, str | Secret]], target: str) -> list[Secret]:
    """Return the secrets that a request carries; keep them alive so that quotes of them in frames are masked.

    Args:
        headers: names and values; a ``Secret`` value is always secret.
        target: a URL, or a path with its query.
    """
    found: list[str] = []
    for name, given in headers:
        value = given.reveal() if isinstance(given, Secret) else given
        if name.lower() == "sec-websocket-protocol":
            for offered in map(str.strip, value.split(",")):
                prefix = _key_prefix(offered)
                found += _with_decoded(offered[len(prefix) :]) if prefix else []
        elif isinstance(given, Secret) or is_secret_header(name):
            scheme, space, rest = value.partition(" ")
            has_scheme = space and scheme.lower() in _SCHEMES
            # Basic credentials are base64 of user:password, which a server may quote decoded.
            is_basic = has_scheme and scheme.lower() == "basic"
            plain = rest.strip() if has_scheme else value
            found += _with_decoded(plain) if is_basic else [plain]
    for pair in target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if _is_secret_parameter(name):
            found += [value, unquote(value)]
    user, _, password = _user_info(target).partition(":")
    found += [unquote(user), unquote(password)] if password else []
    return [Secret(text) for text in dict.fromkeys(found) if text]


def mask_text(text: str) -> str:
    """Return a text with every live secret, in any spelling, and anything like an OpenAI key masked."""
    for secret in tuple(_ALIVE):
        if len(secret.reveal()) >= SHORTEST_SECRET and secret.trace in text:
            text = secret.spelling.sub(MASK, text)
    # The prefix stays: it shows what kind of key it was.
    return _LOOKS_LIKE_A_KEY.sub(lambda found: found.group()[:3] + MASK, text)


class FrameMask:
    """Mask a connection's own secrets in the copies of frames that are stored and shown.

    Frames are otherwise kept verbatim. A mask has the length of the secret, so sizes, offsets and JSON syntax stay valid.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = [one for one in secrets if _stands_out(one.reveal())]
        # Longest first: one key may contain another.
        self._secrets.sort(key=lambda one: -len(one.reveal()))
        self._finders = [_finder(secret) for secret in self._secrets]

    def masked(self, data: bytes) -> bytes:
        """Return a frame's bytes as they may be stored; usually the same object."""
        for rare, trace, spelling in self._finders:
            # Searching for one byte is ten times as fast as for a text, and most keys contain one that base64 audio lacks.
            if rare in data and trace in data:
                data = spelling.sub(lambda found: b"*" * len(found.group()), data)
        return data


def _finder(secret: Secret) -> tuple[bytes, bytes, re.Pattern[bytes]]:
    trace = secret.trace
    rare = next((character for character in "-._" if character in trace), "")
    return rare.encode(), trace.encode(), re.compile(secret.spelling.pattern.encode())


def _stands_out(text: str) -> bool:
    return len(text) >= SHORTEST_IN_FRAMES and not _PLAIN_WORD.fullmatch(text)


def _spelled(character: str) -> str:
    r"""Return a pattern for one character in JSON (``\/``, ``\u002b``) and URL (``%2F``) spelling, also nested."""
    plain = re.escape(character)
    if character.isalnum() or character in "._-" or not character.isascii():
        return plain
    code = f"{ord(character):02x}"
    any_case = "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in code)
    ways = [rf"\\+u00{any_case}", rf"\\+{plain}", f"%(?:25)*{any_case}", plain]
    return f"(?:{'|'.join(ways)})"


def _with_decoded(text: str) -> list[str]:
    """Return a base64 text itself and its decoded form: a token, or a user's password."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_").decode("ascii")
    except (binascii.Error, ValueError):
        return [text]
    return [text, plain, plain.partition(":")[2]]


def _user_info(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[0] if "://" in url else ""
    except ValueError:
        return ""


def _mask_header(name: str, value: str) -> str:
    if name.lower() == "sec-websocket-protocol":
        return ", ".join(mask_subprotocol(part.strip()) for part in value.split(","))
    if not is_secret_header(name):
        return mask_text(value)
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and scheme.lower() in _SCHEMES else MASK


def _mask_parameter(pair: str) -> str:
    name, equals, value = pair.partition("=")
    is_secret = equals and value and _is_secret_parameter(name)
    return f"{name}={MASK}" if is_secret else mask_text(pair)


def _is_secret_parameter(name: str) -> bool:
    plain = unquote(name).lower()
    is_key = plain in _SECRET_PARAMETERS or plain.endswith(_KEY_ENDINGS)
    return is_key or any(word in plain for word in _SECRET_WORDS)


def _key_prefix(subprotocol: str) -> str:
    """Return the prefix of a subprotocol that carries a key, else ``""``."""
    lower = subprotocol.lower()
    return next((prefix for prefix in _SECRET_SUBPROTOCOLS if lower.startswith(prefix)), "")
