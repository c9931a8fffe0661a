"""Description of the user's profiles for the home screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from inspector.folders import path_exists
from inspector.profiles import UserProfile, find_provider, needs_key
from inspector.secret import mask_url
from inspector.tui.home.launching import KnownConnection


def known_connection(profile: UserProfile, environment: Mapping[str, str]) -> KnownConnection:
    """Return a profile as shown on the home screen, with whether its key is available."""
    provider = find_provider(profile.name, profile.url, {profile.name: profile})
    address = profile.url or environment.get(provider.address_env, "") or provider.address
    words, is_ready = _key_text(profile, profile.key_env or provider.key_env, environment)
    # A server that is not known to require a key may well work without one.
    if not is_ready and not profile.key_env and not profile.key_file and not needs_key(address):
        words, is_ready = "", True
    extras = [
        f"session {Path(profile.session).name}" if profile.session else "",
        profile.dialect,
        f"{len(profile.headers)} header{'s' * (len(profile.headers) != 1)}"
        if profile.headers
        else "",
    ]
    return KnownConnection(
        profile.name,
        "the simulator" if profile.is_simulated else mask_url(address) or "no address",
        profile.model or provider.model,
        "" if profile.is_simulated else words,
        bool(address) and (is_ready or profile.is_simulated),
        tuple(extra for extra in extras if extra),
    )


def _key_text(
    profile: UserProfile, variable: str, environment: Mapping[str, str]
) -> tuple[str, bool]:
    if profile.key_file:
        is_there = path_exists(Path(profile.key_file)) and Path(profile.key_file).is_file()
        name = Path(profile.key_file).name
        return f"key in {name}" if is_there else f"{name} is missing", is_there
    if not variable:
        return "", True
    is_set = bool(environment.get(variable, "").strip())
    return f"{variable} is {'set' if is_set else 'not set'}", is_set
