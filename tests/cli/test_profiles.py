"""The user's profiles, from the configuration file to the wire."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from inspector.cli.launch import SessionLauncher
from inspector.cli.live_target import LiveOptions, live_target
from inspector.config import Settings, load_settings
from inspector.errors import UsageError
from inspector.folders import find_folders
from inspector.profiles import UserProfile
from tests.support import ManualClock

CONFIG = """
[profiles.work]
provider = "azure"
url = "https://res.openai.azure.com"
model = "my-deployment"
key_env = "WORK_KEY"
headers = { X-Team = "voice" }
[profiles.avatar]
provider = "azure"
url = "https://res.services.ai.azure.com"
model = "gpt-realtime"
dialect = "voice-live"
key_env = "WORK_KEY"
[profiles.old]
provider = "azure"
url = "https://res.openai.azure.com/"
model = "a b"
dialect = "azure-preview"
key_env = "WORK_KEY"
[profiles.try]
url = "sim"
session = "french.json"
"""
ENVIRONMENT = {"WORK_KEY": "w" * 20}


def settings(name: str, folder: Path) -> Settings:
    file = folder / "config.toml"
    file.write_text(CONFIG)
    return load_settings({"profile": name}, {}, file)


def test_a_profile_decides_address_and_key(tmp_path: Path) -> None:
    options = LiveOptions(headers=(("x-other", "1"),))
    target = live_target(settings("work", tmp_path), options, ENVIRONMENT, print)

    assert target.url == "wss://res.openai.azure.com/openai/v1/realtime?model=my-deployment"
    assert [name for name, _ in target.headers] == ["api-key", "x-other", "X-Team"]


def test_a_header_of_the_command_line_replaces_that_of_the_profile(tmp_path: Path) -> None:
    options = LiveOptions(headers=(("x-team", "other"),))
    target = live_target(settings("work", tmp_path), options, ENVIRONMENT, print)

    assert dict(target.headers)["x-team"] == "other"
    assert "X-Team" not in dict(target.headers)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        (
            "avatar",
            "wss://res.services.ai.azure.com/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime",
        ),
        (
            "old",
            "wss://res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=a%20b",
        ),
    ],
)
def test_a_dialect_decides_the_path_of_a_bare_host(name: str, url: str, tmp_path: Path) -> None:
    target = live_target(settings(name, tmp_path), LiveOptions(), ENVIRONMENT, print)

    assert target.url == url


def test_the_beta_dialect_asks_for_itself_and_leaves_a_path_alone() -> None:
    told = Settings(url="ws://localhost:1/mine", dialect="beta")
    target = live_target(told, LiveOptions(), {}, print)

    assert target.url == "ws://localhost:1/mine"
    assert ("OpenAI-Beta", "realtime=v1") in target.headers


def test_an_unknown_profile_is_rejected_with_a_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        live_target(settings("wrok", tmp_path), LiveOptions(), {}, print)

    assert "work" in caught.value.hint
    assert "openai" in caught.value.hint


def test_a_profile_of_the_simulator_opens_it_with_its_session(tmp_path: Path) -> None:
    (tmp_path / "french.json").write_text('{"instructions":"Speak French."}')
    told = settings("try", tmp_path)
    launch = SessionLauncher(told, find_folders(str(tmp_path), tmp_path), {}, ManualClock())

    engine = launch.open_live()
    first = asyncio.run(engine.outbox.get())
    engine.recording.close()

    assert engine.source.kind == "sim"
    assert orjson.loads(first.data)["session"] == {"instructions": "Speak French."}


def test_settings_missing_in_a_profile_come_from_other_sources() -> None:
    assert UserProfile("p", model="m").settings() == {"model": "m"}
