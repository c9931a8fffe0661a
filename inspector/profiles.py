"""Connections: what is known of the providers, and the profiles that users keep in their configuration file.

A profile never holds a key, only where the key is: whatever looks like one is refused, so that a file that is backed up,
shared or shown holds nothing that it should not.
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
"""In place of a URL: the built-in simulator."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9_\-+/=.]{32,}")
"""What no header but one with a key in it would say: 32 characters of letters and digits without a space."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one provider."""

    name: str
    address: str = ""
    """Where to connect without ``--url``; a host, or a URL with its path."""
    address_env: str = ""
    """Environment variable that may name the address."""
    path: str = ROUTES["openai"].path
    model: str = ""
    """The model without ``--model``."""
    key_env: str = ""
    """Environment variable that the key is read from unless told otherwise."""
    key_header: str = "Authorization"
    """``Authorization`` carries ``Bearer KEY``; any other header the bare key."""
    env_headers: tuple[tuple[str, str], ...] = ()
    """``(header, environment variable)``: sent where the variable is set."""
    hosts: tuple[str, ...] = ()
    """Hosts that this profile is chosen for, and that need a key; ``.x`` also stands for all its subdomains."""


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
    """A connection that the user keeps, by name: ``[profiles.NAME]`` in the configuration file.

    Every field is text but ``headers``; ``""`` leaves it to the provider.
    """

    name: str
    provider: str = ""
    """A name in ``PROFILES``; ``""`` goes by the profile's own name, then by the URL's host."""
    url: str = ""
    """Where to connect; ``sim`` is the built-in simulator."""
    model: str = ""
    key_env: str = ""
    """Environment variable that holds the key."""
    key_file: str = ""
    """File that holds the key and nothing else."""
    session: str = ""
    """File with the session to send first; relative to the configuration file."""
    dialect: str = ""
    """One of ``spec.dialects.SPOKEN``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with the upgrade; none of them a secret."""

    @property
    def is_simulated(self) -> bool:
        """Tell whether this is the simulator."""
        return self.url == SIMULATOR

    def settings(self) -> dict[str, Any]:
        """Return what the profile says, by the names of ``Settings``; what it leaves open is left out."""
        said = {name: getattr(self, name) for name in _TEXTS if name != "provider"}
        return {name: value for name, value in {**said, "headers": self.headers}.items() if value}


_TEXTS = tuple(item.name for item in fields(UserProfile) if item.name not in ("name", "headers"))


def read_profiles(table: object, where: str) -> dict[str, UserProfile]:
    """Read the table ``[profiles]``.

    Args:
        table: as TOML gives it.
        where: names the file in messages.

    Raises:
        UsageError: it makes no sense, or holds what looks like a key. No value is repeated in the message.
    """
    if not isinstance(table, dict):
        raise _bad(f"{where}: profiles are tables", "write [profiles.NAME]")
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
                f"{where}: {key!r} is not a setting of a profile, or its value is of the wrong kind",
                f"settings are {', '.join(_TEXTS)} (texts) and headers (a table of texts)",
            )
    profile = UserProfile(name, **value)
    if profile.provider and profile.provider not in PROFILES:
        raise _bad(
            f"{where}: there is no provider {profile.provider!r}", f"one of {', '.join(PROFILES)}"
        )
    if profile.dialect and profile.dialect not in SPOKEN:
        raise _bad(
            f"{where}: there is no dialect {profile.dialect!r}", f"one of {', '.join(SPOKEN)}"
        )
    if profile.key_env and profile.key_file:
        raise _bad(f"{where} names two places for the key", "say key_env or key_file, not both")
    return profile


def _refuse_keys(value: Mapping[str, Any], where: str) -> None:
    headers = value.get("headers")
    texts: dict[str, object] = {k: v for k, v in value.items() if k != "headers"}
    texts |= headers if isinstance(headers, dict) else {}
    for name, text in texts.items():
        if not isinstance(text, str):
            continue
        is_named_so = (
            name == "key"
            or name.endswith("api_key")
            or (name not in _TEXTS and is_secret_header(name))
        )
        is_variable = name != "key_env" or not text or _VARIABLE.fullmatch(text)
        shown = mask_url(text) if name == "url" else mask_text(text)
        is_random = name not in ("url", "key_file", "session") and _LOOKS_RANDOM.fullmatch(text)
        if is_named_so or not is_variable or shown != text or is_random:
            raise _bad(
                f"{where}: {name!r} holds what looks like a key; keys do not belong in a configuration file",
                'say where the key is: key_env = "NAME" (an environment variable) or key_file = "PATH"',
            )


def find_provider(name: str, url: str, profiles: Mapping[str, UserProfile]) -> Profile:
    """Return the provider of a profile's or provider's name, or else that of a URL's host; no URL at all means OpenAI.

    A host that no provider is known by gets ``custom``, which sends a key only if told where to find one: a key of one
    provider must not go to another by accident.

    Raises:
        UsageError: there is no such name.
    """
    own = profiles.get(name)
    chosen = (own.provider if own is not None else "") or name
    if chosen in PROFILES:
        return PROFILES[chosen]
    if name and own is None:
        known = ", ".join([*profiles, *(known for known in PROFILES if known not in profiles)])
        raise UsageError(f"there is no profile {name!r}", hint=f"one of {known}")
    if not url:
        return PROFILES["openai"]
    return next((p for p in PROFILES.values() if is_host_of(p, url)), PROFILES["custom"])


def needs_key(url: str) -> bool:
    """Tell whether a URL's host is known to accept nobody without a key."""
    return any(is_host_of(profile, url) for profile in PROFILES.values())


def is_host_of(profile: Profile, url: str) -> bool:
    """Tell whether a URL's host is one of a provider's."""
    try:
        host = (urlsplit(url if "://" in url else f"wss://{url}").hostname or "").lower()
    except ValueError:  # no address, as whoever connects to it will say
        return False
    return is_host_in(host, profile.hosts)


def _bad(message: str, hint: str) -> UsageError:
    return UsageError(message, code="bad_config", hint=hint)
