"""Settings, from the command line, the environment and the configuration file.

Precedence: flag > environment > file > default. The file is TOML, in the user's configuration folder; it never holds a
key, only the name of the variable or file that does. Nothing below the command line reads this.
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
    """The values of all settings, after the sources are merged."""

    profile: str = ""
    """Name of a user profile or a provider; ``""`` chooses by the URL's host."""
    url: str = ""
    model: str = ""
    key_env: str = ""
    """Environment variable that holds the API key."""
    key_file: str = ""
    """File that holds the API key and nothing else."""
    theme: str = ""
    sessions: str = ""
    """Folder for recordings."""
    session: str = ""
    """File with the ``session.update`` to send first."""
    dialect: str = ""
    """Server dialect, for URLs that do not show it; one of ``spec.dialects.SPOKEN``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers to send with the upgrade; only from a profile."""
    profiles: Mapping[str, UserProfile] = field(default_factory=dict)
    """The user's profiles by name; only in the file, tables ``[profiles.NAME]``."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key bindings by binding id; only in the file, table ``[keys]``."""

    @property
    def simulator_model(self) -> str:
        """Return the model for the simulator, ignoring that of a profile for a real server."""
        own = self.profiles.get(self.profile)
        is_others = own is not None and not own.is_simulated and own.model == self.model
        return "" if is_others else self.model


def load_settings(
    flags: Mapping[str, str | None], environment: Mapping[str, str], file: Path | None = None
) -> Settings:
    """Merge the sources of settings.

    Args:
        flags: values by the field names of ``Settings``; None for a flag that was not given.
        environment: ``os.environ``, or a substitute in tests.
        file: the configuration file; may be absent.

    Raises:
        UsageError: the file is not TOML, or contains an unknown setting.
    """
    from_environment = {
        name: environment.get(ENVIRONMENT_PREFIX + name.upper()) for name in _IN_FILE
    }
    from_file = _read(file) if file is not None else {}
    profiles = _profiles(from_file, file)
    layers = [
        {name: value for name, value in layer.items() if value is not None and value != ""}
        for layer in (from_file, from_environment, flags)
    ]
    naming = _naming_layer(layers)
    values: dict[str, Any] = {}
    for index, layer in enumerate(layers):
        parts = [layer]
        if index == naming and layer["profile"] in profiles:
            # A profile has the precedence of the layer that names it. Single flags or variables of that layer override
            # it; single settings of the file do not, since they are defaults for what a profile leaves open.
            parts.insert(index == 0, profiles[layer["profile"]].settings())
        for part in parts:
            # A key source replaces both lower ones: a nearer key_env must not lose to a key_file from the file.
            if any(name in part for name in _KEY_SOURCES):
                values |= dict.fromkeys(_KEY_SOURCES, "")
            values |= part
    chosen = layers[naming]["profile"] if naming is not None else ""
    return Settings(**{**values, "profile": chosen, "profiles": profiles})


def choose_profile(settings: Settings) -> Profile:
    """Return the provider to connect to, as described for ``find_provider``.

    Raises:
        UsageError: the profile does not exist.
    """
    return find_provider(settings.profile, settings.url, settings.profiles)


def find_key(settings: Settings, profile: Profile, environment: Mapping[str, str]) -> Secret | None:
    """Return the API key from the configured file or environment variable; None if neither holds one.

    Raises:
        UsageError: the file cannot be read, the configured variable is not set, or the text is not a valid key.
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
    """Return the index of the nearest layer that names a profile; None if a nearer one has a URL, which may be another server."""
    for index in reversed(range(len(layers))):
        if "profile" in layers[index]:
            return index
        if "url" in layers[index]:
            return None
    return None


def _profiles(values: Mapping[str, Any], file: Path | None) -> dict[str, UserProfile]:
    """Return the profiles in a file, with relative paths resolved against the file's folder."""
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
    """Flatten nested tables to dotted names: TOML parses an unquoted ``session.send = "x"`` as a table in a table."""
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
                f"{file} contains an API key; keys do not belong in it",
                code="bad_config",
                hint='name the place of the key instead: key_env = "NAME" or key_file = "PATH"',
            )
        if name == "keys":
            values[name] = value = _joined(value) if isinstance(value, dict) else value
            is_good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        else:
            is_good = name == "profiles" or (name in _IN_FILE and isinstance(value, str))
        if not is_good:
            raise UsageError(
                f"{file}: {name!r} is not a setting, or its value is not a string",
                code="bad_config",
                hint=f"settings are {', '.join(_IN_FILE)} and the tables [profiles.NAME] and [keys]",
            )
    return values
