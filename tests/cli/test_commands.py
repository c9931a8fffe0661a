"""Every command, its exit status and the shape of its output and errors."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection

from inspector.cli import commands
from inspector.cli.command_tree import COMMANDS, command_name
from tests.cli.conftest import ROOT, Run
from tests.cli.far_end import server

KEY = "sk-planted-0123456789abcdef"


def test_the_version_is_printed(inspector: Run) -> None:
    assert inspector("--version").out.startswith(b"realtime-inspector 0")


@pytest.mark.parametrize("command", ["", *(command_name(command) for command, _ in COMMANDS)])
def test_every_command_has_help_with_examples(command: str, inspector: Run) -> None:
    for option in ("-h", "--help"):
        outcome = inspector(*filter(None, [command, option]))

        assert outcome.status == 0
        assert f"  inspector {command}".rstrip() in outcome.out.decode()
        assert b"\x1b" not in outcome.out


def test_every_command_stands_in_the_list_with_examples_of_itself() -> None:
    modules = {path.stem for path in Path(commands.__path__[0]).glob("*.py")} - {"__init__"}

    assert modules == {command.__module__.rpartition(".")[2] for command, _ in COMMANDS}
    for command, examples in COMMANDS:
        assert any(f"inspector {command_name(command)}" in example for example in examples)


def test_the_recordings_that_help_names_are_shipped(inspector: Run) -> None:
    named = re.findall(rb"sessions/[\w./-]+", inspector("replay", "--help").out)

    assert named
    assert all((ROOT / path.decode()).is_file() for path in named)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nope"], "nope"),
        (["sim", "--nope"], "--nope"),
        (["cat"], "FILE"),
        (["sim", "--headless", "--timeout", "soon"], "--timeout"),
        (["sim", "--jsonl"], "--headless"),
        (["sim", "--headless", "--json", "--jsonl"], "combined"),
        (["live"], "terminal"),
        (["sim"], "terminal"),
        (["replay", "x"], "terminal"),
        ([], "terminal"),
        (["live", "--headless", "--url", "ftp://x"], "WebSocket"),
        (["live", "--headless", "--profile", "nope"], "profile"),
        (["live", "--headless", "--profile", "azure"], "AZURE_OPENAI_ENDPOINT"),
        (["live", "--headless", "--url", "ws://x", "--header", "novalue"], "--header"),
        (["live", "--headless", "--url", "ws://x", "--header", "a=b\r\nc: d"], "--header"),
        (["live", "--headless", "--url", "ws://x", "--key-env", "NOT_SET"], "NOT_SET"),
        (["sim", "--headless", "--session", "none.json"], "none.json"),
        (["sim", "--headless", "-o", "-"], "--jsonl"),
        (["send", "x", "--sim", "--url", "ws://x"], "combined"),
        (["cat", "x", "--raw", "--json"], "combined"),
        (["serve", "--host", "0.0.0.0"], "--allow-remote"),
        (["serve", "--port", "70000"], "65535"),
    ],
)
def test_an_invalid_command_line_is_status_2(
    arguments: list[str], word: str, inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == 2
    assert outcome.out == b""
    assert word in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["sim", "--headless", "--json", "--nope"], 2, "usage"),
        (["live", "--jsonl"], 2, "usage"),
        (["live", "--headless", "--jsonl"], 3, "no_key"),
        (["live", "--headless", "--jsonl", "--url", "ws://127.0.0.1:1"], 3, "refused"),
        (["cat", "--json", "none.jsonl"], 4, "cannot_open"),
        (["sim", "--headless", "--jsonl", "--timeout", "0"], 124, "timeout"),
    ],
)
def test_in_json_mode_an_error_is_an_object_on_stderr(
    arguments: list[str], status: int, code: str, inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == status
    error = json.loads(outcome.err.splitlines()[-1])["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code


def test_a_planted_key_is_found_nowhere(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    seen: list[str] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        connection.close(3000, "invalid_request_error.invalid_api_key")

    with server(handler) as url:
        outcome = inspector(
            "live", "--headless", "--jsonl", "--profile", "openai", "--key-env", "MY_KEY",
            "--url", f"{url}?api_key={KEY}", "--header", f"X-Api-Key={KEY}",
        )  # fmt: skip

    assert seen == [f"Bearer {KEY}"]
    assert KEY.encode() not in outcome.out
    assert KEY not in outcome.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files)
    assert all(KEY.encode() not in path.read_bytes() for path in files)


def test_doctor_names_keys_and_never_shows_them(
    inspector: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words, report = inspector("doctor"), json.loads(inspector("doctor", "--json").out)

    assert words.status == 0
    assert b"OPENAI_API_KEY" in words.out
    assert KEY.encode() not in words.out
    assert report["ok"]
    assert {"python", "terminal", "sound", "sessions", "key", "disk", "locale"} <= {
        check["name"] for check in report["checks"]
    }


@pytest.mark.skipif(sys.platform != "linux", reason="folders of Linux")
def test_doctor_reports_a_problem_by_status_1(inspector: Run, home: Path) -> None:
    config = home / ".config/realtime-inspector"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("nonsense = 1\n")
    outcome = inspector("doctor", "--json")

    assert outcome.status == 1
    assert not json.loads(outcome.out)["ok"]


def test_paths_are_printed(inspector: Run, home: Path) -> None:
    shown = json.loads(inspector("paths", "--json").out)

    assert shown["schema"] == 1
    assert shown["logs"] == str(home / ".local/state/realtime-inspector")
    assert shown["logs"].encode() in inspector("paths").out


def test_a_bug_in_the_program_is_reported_with_a_file(
    inspector: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def broken(*_: object, **__: object) -> None:
        local = KEY
        raise ZeroDivisionError(local)

    monkeypatch.setattr("inspector.cli.listing.print_recording", broken)
    outcome = inspector("cat", os.devnull, "--jsonl")

    assert outcome.status == 70
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "fault"
    report = next((home / ".local/state/realtime-inspector").glob("crash-*.log"))
    assert str(report) in error["hint"]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert KEY not in report.read_text()
