"""``inspector serve`` from outside: TLS, once, recording, replaying, dialects."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.cli.conftest import Run, spawn


def test_once_ends_with_its_client_and_leaves_a_recording_to_replay(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with spawn("serve", "--once", "--tls", "--record", folder) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        trusting = ssl.create_default_context(cafile=first["certificate"])
        with connect(first["url"], ssl=trusting) as client:
            created = client.recv(timeout=10)
        status = process.wait(timeout=20)

    (recording,) = folder.iterdir()
    assert status == 0
    assert first["url"].startswith("wss://")
    assert first["http_url"].startswith("https://")
    assert recording.stat().st_mode & 0o777 == 0o600

    with spawn("serve", "--once", "--replay", recording, "--pace", "full") as process:
        assert process.stdout is not None
        with connect(json.loads(process.stdout.readline())["url"]) as client:
            again = client.recv(timeout=10)
        status = process.wait(timeout=20)

    assert (again, status) == (created, 0)


def test_faults_and_scenarios_reach_the_client() -> None:
    with spawn("serve", "--once", "--fault", "bad-key", "--scenario", "bad-day") as process:
        assert process.stdout is not None
        with connect(json.loads(process.stdout.readline())["url"]) as client:
            error: Any = json.loads(client.recv(timeout=10))
        process.wait(timeout=20)

    assert error["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("dialect", "key"),
    [("beta", "temperature"), ("xai", "voice"), ("voice-live", "avatar")],
)
def test_a_dialect_shows_in_the_first_frame(dialect: str, key: str) -> None:
    with spawn("serve", "--once", "--dialect", dialect) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        with connect(first["url"], additional_headers={"api-key": "k"}) as client:
            created: Any = json.loads(client.recv(timeout=10))
        process.wait(timeout=20)

    assert key in created["session"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--dialect", "klingon"], "voice-live"),
        (["serve", "--replay", "x", "--fault", "slow"], "--fault is for the simulator"),
        (["serve", "--replay", "x", "--scenario", "quota"], "--scenario is for the simulator"),
        (["serve", "--replay", "x", "--seed", "3"], "--seed is for the simulator"),
        (["serve", "--replay", "x", "--brain", "http://h/v1"], "--brain is for the simulator"),
        (["serve", "--pace", "full"], "--pace needs --replay"),
        (["serve", "--pace", "slow"], "recorded"),
        (["serve", "--fault", "nope"], "closed-1011"),
        (["serve", "--scenario", "nope"], "bad-day"),
        (["sim", "--headless", "--scenario", "nope"], "bad-day"),
        (["sim", "--headless", "--dialect", "klingon"], "xai"),
    ],
)
def test_unknown_names_are_rejected(inspector: Run, arguments: list[str], words: str) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == 2
    assert words in outcome.err


def test_a_recording_without_a_server_cannot_be_served(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"dir":"client","event":{"type":"response.create"}}\n')

    assert inspector("serve", "--replay", path).status == 4
    assert inspector("serve", "--replay", tmp_path / "none.jsonl").status == 4


def test_the_simulator_speaks_a_dialect_too(inspector: Run) -> None:
    outcome = inspector(
        "sim", "--headless", "--jsonl", "--dialect", "beta", "--until", "session.created"
    )

    lines = [json.loads(line) for line in outcome.out.splitlines()]
    (created,) = [line["event"] for line in lines if line["type"] == "session.created"]
    assert outcome.status == 0
    assert created["session"]["modalities"] == ["audio", "text"]
