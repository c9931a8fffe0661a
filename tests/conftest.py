"""Fixtures of every test: its own folders and environment, independent of the user's files and variables."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from inspector import shipped
from tests.check import MEASURED, PURE

ROOT = Path(__file__).resolve().parents[1]
USERS_OWN = ("OPENAI", "AZURE", "INSPECTOR", "XDG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "SSL_CERT")
"""Prefixes of environment variables with the user's keys, folders and terminal."""

# Otherwise it would be made in whatever folder the first property test stands in.
set_hypothesis_home_dir(ROOT / ".hypothesis")
# How long an example takes says how busy the machine is, and measuring coverage makes it longer.
settings.register_profile(
    "fast", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.hookimpl(tryfirst=True)  # before ``-m`` selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests whose coverage is measured."""
    folders = [ROOT / folder for folder in PURE]
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if not is_property and any(folder in item.path.parents for folder in folders):
            item.add_marker(MEASURED)


@pytest.fixture(scope="session")
def shipped_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a package folder with the shipped files only; the checkout's ``sessions`` may contain the user's recordings."""
    package = tmp_path_factory.mktemp("package")
    share = package / "_share"
    share.mkdir()
    (share / "themes").symlink_to(ROOT / "themes")
    sessions = share / "sessions"
    shutil.copytree(ROOT / "sessions" / "scenarios", sessions / "scenarios")
    for example in (ROOT / "sessions").glob("example-*.jsonl"):
        shutil.copy2(example, sessions)
    return package


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, shipped_files: Path
) -> Path:
    """Return the empty home folder of one test, without keys, configuration, recordings or proxies."""
    for name in tuple(os.environ):
        if name.startswith(USERS_OWN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")
    place = tmp_path_factory.mktemp("user")
    folder = place / "home"
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr(shipped, "_PACKAGE", shipped_files)
    (place / "work").mkdir()
    monkeypatch.chdir(place / "work")
    return folder
