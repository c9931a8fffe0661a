"""Settings, from the command line, the environment and the configuration file.

Precedence: flag > environment > file > default. The file is TOML, in the configuration folder of the user; it never
holds a key, only where the key is. Nothing below the command line reads this.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from inspector.errors import UsageError
from inspector.profiles import Profile, UserProfile, find_provider, read_profiles
from inspector.secret import Secret

ENVIRONMENT_PREFIX = "INSPECTOR_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program is told, wherever it was told."""

    profile: str = ""
    """A profile of the user's, or a provider's name; ``""`` chooses by the URL's host."""
    url: str = ""
    model: str = ""
    key_env: str = ""
    """Environment variable that holds the key."""
    key_file: str = ""
    """File that holds the key and nothing else."""
    theme: str = ""
    sessions: str = ""
    """Folder of the recordings."""
    session: str = ""
    """File with the session to send first."""
    dialect: str = ""
    """How the server speaks, where its URL does not tell; one of ``spec.dialects.SPOKEN``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with the upgrade; only from a profile."""
    profiles: Mapping[str, UserProfile] = field(default_factory=dict)
    """The user's connections by name; only in the file, tables ``[profiles.NAME]``."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key bindings by the id of the binding; only in the file, table ``[keys]``."""

    @property
    def simulator_model(self) -> str:
        """Return the model to simulate: not that of a profile for another server."""
        own = self.profiles.get(self.profile)
        is_others = own is not None and not own.is_simulated and own.model == self.model
        return "" if is_others else self.model


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
    told = {name: environment.get(ENVIRONMENT_PREFIX + name.upper()) for name in _IN_FILE}
    from_file = _read(file) if file is not None else {}
    profiles = _profiles(from_file, file)
    layers = [
        {name: value for name, value in layer.items() if value is not None and value != ""}
        for layer in (from_file, told, flags)
    ]
    naming = _naming_layer(layers)
    values: dict[str, Any] = {}
    for index, given in enumerate(layers):
        parts = [given]
        if index == naming and given["profile"] in profiles:
            # A profile stands where it was named: before the single settings of a command line or an environment,
            # behind those of the file, which are for what no profile says.
            parts.insert(index == 0, profiles[given["profile"]].settings())
        for part in parts:
            if any(name in part for name in _KEY_SOURCES):
                values |= dict.fromkeys(_KEY_SOURCES, "")
            values |= part
    chosen = layers[naming]["profile"] if naming is not None else ""
    return Settings(**{**values, "profile": chosen, "profiles": profiles})


def choose_profile(settings: Settings) -> Profile:
    """Return the provider to connect to: see ``find_provider``.

    Raises:
        UsageError: no such profile.
    """
    return find_provider(settings.profile, settings.url, settings.profiles)


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
            f"{place} does not contain a valid API key ({'it is empty' if not key else 'unexpected characters'})",
            code="bad_key",
            hint="it must hold the key alone, on one line, without quotes",
        )
    return Secret(key)


_KEY_SOURCES = ("key_env", "key_file")
_TABLES = ("headers", "profiles", "keys")
_ONLY_IN_PROFILES = ("session", "dialect")
_TEXTS = tuple(item.name for item in fields(Settings) if item.name not in _TABLES)
_IN_FILE = tuple(name for name in _TEXTS if name not in _ONLY_IN_PROFILES)


def _naming_layer(layers: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the nearest layer that names a profile; None where a nearer one names a URL, which is somebody else's."""
    for index in reversed(range(len(layers))):
        if "profile" in layers[index]:
            return index
        if "url" in layers[index]:
            return None
    return None


def _profiles(values: Mapping[str, Any], file: Path | None) -> dict[str, UserProfile]:
    """Return the profiles of a file; the files that they name are found beside it."""
    found = read_profiles(values.get("profiles", {}), str(file))
    folder = file.parent if file is not None else Path()
    return {
        name: replace(
            profile,
            session=str(folder / Path(profile.session).expanduser()) if profile.session else "",
            key_file=str(folder / Path(profile.key_file).expanduser()) if profile.key_file else "",
        )
        for name, profile in found.items()
    }


def _joined(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``session.send = "x"`` as one name: without quotes TOML takes it for a table in a table."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = _joined(value) if isinstance(value, dict) else {"": value}
        found |= {f"{name}.{rest}" if rest else name: entry for rest, entry in inner.items()}
    return found


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
            values[name] = value = _joined(value) if isinstance(value, dict) else value
            is_good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        else:
            is_good = name == "profiles" or (name in _IN_FILE and isinstance(value, str))
        if not is_good:
            raise UsageError(
                f"{file}: {name!r} is not a setting, or its value is not text",
                code="bad_config",
                hint=f"settings are {', '.join(_IN_FILE)} and the tables [profiles.NAME] and [keys]",
            )
    return values
