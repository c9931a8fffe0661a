"""Connections: the known providers, and the profiles in the user's configuration file.

A profile never holds an API key, only the name of the variable or file that does. Values that look like a key are refused,
so that the file can be backed up, shared and shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from inspector.errors import UsageError
from inspector.secret import is_secret_header, mask_text, mask_url
from inspector.spec.dialects import HOSTS, ROUTES, SPOKEN, is_host_in

SIMULATOR = "sim"
"""The value of ``url`` that means the built-in simulator."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9_\-+/=.]{32,}")
"""A header value that is probably a key: 32 or more letters and digits without a space."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Connection details of one provider."""

    name: str
    address: str = ""
    """Where to connect without ``--url``: a host, or a URL with its path."""
    address_env: str = ""
    """Environment variable with an address that overrides ``address``."""
    path: str = ROUTES["openai"].path
    model: str = ""
    """Default for ``--model``."""
    key_env: str = ""
    """Default environment variable for the key."""
    key_header: str = "Authorization"
    """``Authorization`` carries ``Bearer KEY``; any other header carries the key alone."""
    env_headers: tuple[tuple[str, str], ...] = ()
    """Pairs ``(header, environment variable)``; a header is sent if its variable is set."""
    hosts: tuple[str, ...] = ()
    """Hosts that select this provider and require a key; ``.x`` matches all subdomains of ``x``."""


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                "openai",
                address="wss://api.openai.com",
                address_env="OPENAI_BASE_URL",
                model="gpt-realtime",
                key_env="OPENAI_API_KEY",
                env_headers=(
                    ("OpenAI-Organization", "OPENAI_ORG_ID"),
                    ("OpenAI-Project", "OPENAI_PROJECT_ID"),
                ),
                hosts=HOSTS["openai"],
            ),
            Profile(
                "azure",
                address_env="AZURE_OPENAI_ENDPOINT",
                path=ROUTES["azure"].path,
                key_env="AZURE_OPENAI_API_KEY",
                key_header="api-key",
                hosts=HOSTS["azure"],
            ),
            Profile(
                "xai",
                address="wss://api.x.ai",
                model="grok-voice-latest",
                key_env="XAI_API_KEY",
                hosts=HOSTS["xai"],
            ),
            Profile(
                "qwen",
                address="wss://dashscope-intl.aliyuncs.com",
                path=ROUTES["qwen"].path,
                key_env="DASHSCOPE_API_KEY",
                hosts=HOSTS["qwen"],
            ),
            Profile("custom"),
        )
    }
)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A named connection in the configuration file, ``[profiles.NAME]``.

    Every field but ``headers`` is a string; ``""`` means the provider's default.
    """

    name: str
    provider: str = ""
    """A name in ``PROFILES``; ``""`` tries the profile's own name, then the URL's host."""
    url: str = ""
    """Where to connect; ``sim`` is the built-in simulator."""
    model: str = ""
    key_env: str = ""
    """Environment variable that holds the API key."""
    key_file: str = ""
    """File that holds the API key and nothing else."""
    session: str = ""
    """File with the ``session.update`` to send first; relative to the configuration file."""
    dialect: str = ""
    """One of ``spec.dialects.SPOKEN``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers to send with the upgrade; none may hold a secret."""

    @property
    def is_simulated(self) -> bool:
        """Return whether the profile connects to the simulator."""
        return self.url == SIMULATOR

    def settings(self) -> dict[str, Any]:
        """Return the values that the profile sets, by the field names of ``Settings``."""
        texts = {name: getattr(self, name) for name in _TEXTS if name != "provider"}
        return {name: value for name, value in {**texts, "headers": self.headers}.items() if value}


_TEXTS = tuple(item.name for item in fields(UserProfile) if item.name not in ("name", "headers"))


def read_profiles(table: object, where: str) -> dict[str, UserProfile]:
    """Parse the table ``[profiles]``.

    Args:
        table: the value from the TOML parser.
        where: the file's name, for messages.

    Raises:
        UsageError: the table is invalid, or a value looks like a key. The message does not repeat values.
    """
    if not isinstance(table, dict):
        raise _bad(f"{where}: profiles must be tables", "write [profiles.NAME]")
    return {
        name: _read_profile(name, value, f"{where}: profile {name!r}")
        for name, value in table.items()
    }


def _read_profile(name: str, value: object, where: str) -> UserProfile:
    if not isinstance(value, dict):
        raise _bad(f"{where} must be a table", f"write [profiles.{name}]")
    _refuse_keys(value, where)
    for key, entry in value.items():
        if key == "headers":
            is_good = isinstance(entry, dict) and all(isinstance(v, str) for v in entry.values())
        else:
            is_good = key in _TEXTS and isinstance(entry, str)
        if not is_good:
            raise _bad(
                f"{where}: {key!r} is not a profile setting, or its value has the wrong type",
                f"settings are {', '.join(_TEXTS)} (strings) and headers (a table of strings)",
            )
    profile = UserProfile(name, **value)
    if profile.provider and profile.provider not in PROFILES:
        raise _bad(
            f"{where}: unknown provider {profile.provider!r}",
            f"choose one of {', '.join(PROFILES)}",
        )
    if profile.dialect and profile.dialect not in SPOKEN:
        raise _bad(
            f"{where}: unknown dialect {profile.dialect!r}", f"choose one of {', '.join(SPOKEN)}"
        )
    if profile.key_env and profile.key_file:
        raise _bad(f"{where} sets both key_env and key_file", "keep one of them")
    return profile


def _refuse_keys(value: Mapping[str, Any], where: str) -> None:
    headers = value.get("headers")
    texts: dict[str, object] = {k: v for k, v in value.items() if k != "headers"}
    texts |= headers if isinstance(headers, dict) else {}
    for name, text in texts.items():
        if not isinstance(text, str):
            continue
        # Every message names the setting only: repeating the value would print the key.
        is_named_so = (
            name == "key"
            or name.endswith("api_key")
            or (name not in _TEXTS and is_secret_header(name))
        )
        # A key pasted in place of a variable's name is rarely a valid name.
        is_variable = name != "key_env" or not text or _VARIABLE.fullmatch(text)
        shown = mask_url(text) if name == "url" else mask_text(text)
        is_random = name not in ("url", "key_file", "session") and _LOOKS_RANDOM.fullmatch(text)
        if is_named_so or not is_variable or shown != text or is_random:
            raise _bad(
                f"{where}: {name!r} looks like an API key; keys do not belong in a configuration file",
                'name the place of the key instead: key_env = "NAME" (an environment variable) or key_file = "PATH"',
            )


def find_provider(name: str, url: str, profiles: Mapping[str, UserProfile]) -> Profile:
    """Return the provider for a profile's or provider's name, else for a URL's host; without a URL, OpenAI.

    An unknown host gets ``custom``, which sends a key only if a setting names one: one provider's key must not reach
    another by accident.

    Raises:
        UsageError: the name is unknown.
    """
    own = profiles.get(name)
    chosen = (own.provider if own is not None else "") or name
    if chosen in PROFILES:
        return PROFILES[chosen]
    if name and own is None:
        known = ", ".join([*profiles, *(known for known in PROFILES if known not in profiles)])
        raise UsageError(f"unknown profile {name!r}", hint=f"choose one of {known}")
    if not url:
        return PROFILES["openai"]
    return next((p for p in PROFILES.values() if is_host_of(p, url)), PROFILES["custom"])


def needs_key(url: str) -> bool:
    """Return whether a URL's host is known to require an API key."""
    return any(is_host_of(profile, url) for profile in PROFILES.values())


def is_host_of(profile: Profile, url: str) -> bool:
    """Return whether a URL's host belongs to a provider."""
    try:
        host = (urlsplit(url if "://" in url else f"wss://{url}").hostname or "").lower()
    except ValueError:  # not a URL; connecting to it reports that
        return False
    return is_host_in(host, profile.hosts)


def _bad(message: str, hint: str) -> UsageError:
    return UsageError(message, code="bad_config", hint=hint)
