"""Secrets, and text with its secrets masked. What leaves the process for a file or a screen goes through here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NoReturn
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from weakref import WeakSet

MASK = "***"
SHORTEST_SECRET = 6
"""A shorter one would be found in innocent text everywhere."""

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
_SECRET_WORDS = ("token", "secret", "password", "apikey", "api-key", "auth-key", "credential")
_SECRET_PARAMETERS = frozenset(
    {"key", "api_key", "api-key", "apikey", "token", "access_token", "sig", "signature", "code"}
)
_SECRET_SUBPROTOCOLS = ("openai-insecure-api-key.", "base64url.bearer.authorization.")
_SCHEMES = ("bearer", "basic", "api-key", "token")
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|ek|rk)[-_][A-Za-z0-9_*.-]{6,}")


class Secret:
    """A text that does not show itself: not printed, not formatted, not pickled.

    As long as one is alive, ``mask_text`` knows it and masks it wherever it turns up.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        _ALIVE.add(self)

    def reveal(self) -> str:
        """Return the text; to be called where it leaves for the server, and nowhere else."""
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
    """Tell whether a header's value must not be shown."""
    name = name.lower()
    return name in SECRET_HEADERS or any(word in name for word in _SECRET_WORDS)


def mask_headers(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers fit to be kept: secret values masked, the authorization's scheme left, repeated names joined."""
    shown: dict[str, str] = {}
    for name, value in headers:
        text = _mask_header(name, value)
        shown[name] = f"{shown[name]}, {text}" if name in shown else text
    return shown


def mask_subprotocol(name: str) -> str:
    """Return a subprotocol with a key that travels in it masked."""
    prefix = _key_prefix(name)
    return prefix + MASK if prefix else name


def mask_url(url: str) -> str:
    """Return a URL with user info and secret parameters masked; everything else as it was."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return mask_text(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{MASK}@{host}" if "@" in parts.netloc else host
    query = (
        "&".join(_mask_parameter(pair) for pair in parts.query.split("&")) if parts.query else ""
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def secrets_of(headers: Iterable[tuple[str, str]], target: str) -> list[Secret]:
    """Return the keys that a request carries; a server that quotes one is masked as long as they are kept.

    Args:
        headers: names and values.
        target: path and query.
    """
    found = []
    for name, value in headers:
        if name.lower() == "sec-websocket-protocol":
            offered = (part.strip() for part in value.split(","))
            found += [one[len(_key_prefix(one)) :] for one in offered if _key_prefix(one)]
        elif is_secret_header(name):
            scheme, space, rest = value.partition(" ")
            found.append(rest.strip() if space and scheme.lower() in _SCHEMES else value)
    for pair in target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if _is_secret_parameter(name):
            found += [value, unquote(value)]
    return [Secret(text) for text in dict.fromkeys(found) if text]


def mask_text(text: str) -> str:
    """Return a text with every living secret, and whatever looks like an OpenAI key, masked."""
    for secret in tuple(_ALIVE):
        plain = secret.reveal()
        if len(plain) >= SHORTEST_SECRET:
            text = text.replace(plain, MASK).replace(quote(plain, safe=""), MASK)
    return _LOOKS_LIKE_A_KEY.sub(lambda found: found.group()[:3] + MASK, text)


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
    return plain in _SECRET_PARAMETERS or any(word in plain for word in _SECRET_WORDS)


def _key_prefix(subprotocol: str) -> str:
    """Return what stands before the key in a subprotocol that carries one, else ``""``."""
    lower = subprotocol.lower()
    return next((prefix for prefix in _SECRET_SUBPROTOCOLS if lower.startswith(prefix)), "")
