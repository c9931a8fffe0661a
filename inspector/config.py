"""Settings, from the command line, the environment and the configuration file, and the folders that the program uses.

Precedence: flag > environment > file > default. The file is TOML, in the configuration folder of the user; it never
holds a key, only where the key is. Nothing below the command line reads this.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from inspector.errors import UsageError
from inspector.secret import Secret

APP_NAME = "realtime-inspector"
ENVIRONMENT_PREFIX = "INSPECTOR_"
FOLDER_MODE = 0o700
"""Recordings hold someone's voice, logs what was done with it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one provider."""

    name: str
    address: str = ""
    """Where to connect without ``--url``; a host, or a URL with its path."""
    address_env: str = ""
    """Environment variable that may name the address."""
    path: str = "/v1/realtime"
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
                hosts=("api.openai.com", ".api.openai.com"),
            ),
            Profile(
                "azure",
                address_env="AZURE_OPENAI_ENDPOINT",
                path="/openai/v1/realtime",
                key_env="AZURE_OPENAI_API_KEY",
                key_header="api-key",
                hosts=(
                    ".openai.azure.com",
                    ".services.ai.azure.com",
                    ".cognitiveservices.azure.com",
                ),
            ),
            Profile(
                "xai",
                address="wss://api.x.ai",
                model="grok-voice-latest",
                key_env="XAI_API_KEY",
                hosts=("api.x.ai",),
            ),
            Profile(
                "qwen",
                address="wss://dashscope-intl.aliyuncs.com",
                path="/api-ws/v1/realtime",
                key_env="DASHSCOPE_API_KEY",
                hosts=("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"),
            ),
            Profile("custom"),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program is told, wherever it was told."""

    profile: str = ""
    """A name in ``PROFILES``; ``""`` chooses by the URL's host."""
    url: str = ""
    model: str = ""
    key_env: str = ""
    """Environment variable that holds the key."""
    key_file: str = ""
    """File that holds the key and nothing else."""
    theme: str = ""
    sessions: str = ""
    """Folder of the recordings."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key bindings by the id of the binding; only in the file, table ``[keys]``."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the program keeps things."""

    sessions: Path
    config: Path
    """The configuration file itself."""
    themes: Path
    """Themes of the user's own."""
    state: Path
    """Logs and crash reports."""
    data: Path
    cache: Path
    """What can be made again: indexes of large recordings."""


def load_settings(
    flags: Mapping[str, str | None], environment: Mapping[str, str], file: Path | None = None
) -> Settings:
    """Join the sources of settings.

    Args:
        flags: by the names of ``Settings``; None where the flag was not given.
        environment: ``os.environ``, or a test's own.
        file: the configuration file; may be absent.

    Raises:
        UsageError: the file is not TOML, or names a setting that there is not.
    """
    values: dict[str, Any] = dict(_read(file)) if file is not None else {}
    for name in _text_settings():
        told = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if told:
            values[name] = told
        flag = flags.get(name)
        if flag is not None:
            values[name] = flag
    # A key source that is closer to the user replaces the other kind as well.
    for near in (flags, {n: environment.get(ENVIRONMENT_PREFIX + n.upper()) for n in _KEY_SOURCES}):
        told_sources = [name for name in _KEY_SOURCES if near.get(name)]
        if told_sources:
            values.update({name: near.get(name) or "" for name in _KEY_SOURCES})
            break
    return Settings(**values)


def choose_profile(settings: Settings) -> Profile:
    """Return the profile that was named, or the one of the URL's host; no URL at all means OpenAI.

    A host that no profile knows gets ``custom``, which sends a key only if told where to find one: a key of one
    provider must not go to another by accident.

    Raises:
        UsageError: no such profile.
    """
    if settings.profile:
        profile = PROFILES.get(settings.profile)
        if profile is None:
            raise UsageError(
                f"there is no profile {settings.profile!r}", hint=f"one of {', '.join(PROFILES)}"
            )
        return profile
    if not settings.url:
        return PROFILES["openai"]
    return next((p for p in PROFILES.values() if _is_host_of(p, settings.url)), PROFILES["custom"])


def needs_key(url: str) -> bool:
    """Tell whether a URL's host is known to accept nobody without a key."""
    return any(_is_host_of(profile, url) for profile in PROFILES.values())


def find_key(settings: Settings, profile: Profile, environment: Mapping[str, str]) -> Secret | None:
    """Return the key from the file or the environment variable that names it; None where there is none.

    Raises:
        UsageError: the file cannot be read, the variable that was asked for is not set, or it is no key.
    """
    if settings.key_file:
        place = settings.key_file
        try:
            text = Path(place).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not text"
            raise UsageError(f"cannot read the key file {place}: {why}", code="bad_key") from None
    else:
        place = settings.key_env or profile.key_env
        text = environment.get(place, "") if place else ""
        if settings.key_env and not text.strip():
            raise UsageError(f"the environment variable {place} is not set", code="bad_key")
    key = text.strip()
    if not key and not settings.key_file:
        return None
    if not key or not all("!" <= character <= "~" for character in key):
        raise UsageError(
            f"what {place} holds is no key: {'nothing' if not key else 'there are characters in it that no key has'}",
            code="bad_key",
            hint="it must hold the key alone, on one line, without quotes",
        )
    return Secret(key)


def find_folders(settings: Settings, working: Path) -> Folders:
    """Return the folders; none of them is made here.

    Args:
        settings: ``sessions`` overrides where recordings go.
        working: the current folder; its ``sessions`` is used where it exists.
    """
    import platformdirs

    dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
    here = working / "sessions"
    sessions = (
        Path(settings.sessions).expanduser()
        if settings.sessions
        else here
        if here.is_dir()
        else dirs.user_data_path / "sessions"
    )
    config = config_file()
    return Folders(
        sessions=sessions,
        config=config,
        themes=config.with_name("themes"),
        state=dirs.user_state_path,
        data=dirs.user_data_path,
        cache=dirs.user_cache_path,
    )


def config_file() -> Path:
    """Return where the configuration file is, or would be."""
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def make_folder(folder: Path) -> Path:
    """Make a folder that only its owner can read; one that exists is left as it is.

    Raises:
        OSError: it cannot be made.
    """
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


_KEY_SOURCES = ("key_env", "key_file")


def _text_settings() -> list[str]:
    return [item.name for item in fields(Settings) if item.name != "keys"]


def _is_host_of(profile: Profile, url: str) -> bool:
    host = (urlsplit(url if "://" in url else f"wss://{url}").hostname or "").lower()
    return any(
        host.endswith(known) if known.startswith(".") else host == known for known in profile.hosts
    )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as text:
            values = tomllib.load(text)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}", code="bad_config") from None
    for name, value in values.items():
        if name == "key" or name.endswith("api_key"):
            raise UsageError(
                f"{file} holds a key; keys do not belong there",
                code="bad_config",
                hint='say where the key is: key_env = "NAME" or key_file = "PATH"',
            )
        if name == "keys":
            is_good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        else:
            is_good = name in _text_settings() and isinstance(value, str)
        if not is_good:
            raise UsageError(
                f"{file}: {name!r} is not a setting, or its value is not text",
                code="bad_config",
                hint=f"settings are {', '.join(_text_settings())} and the table [keys]",
            )
    return values
