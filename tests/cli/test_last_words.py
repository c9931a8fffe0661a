"""The report in the shell after a session: what was recorded, how to replay it, and the exit status."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.sync.client import connect

from inspector.cli.new_recording import pasted
from inspector.errors import RecordingError
from inspector.recording.writer import RecordingFile
from tests.bench.pty_run import Terminal, python
from tests.cli.conftest import Run, proxied, spawn
from tests.sources.loopback import error_event, websocket_server

WAIT_S = 30


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config", "state", "cache", "data"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)


@contextmanager
def started(*arguments: str, shows: bytes) -> Iterator[Terminal]:
    terminal = Terminal(python("-m", "inspector", *arguments))
    assert terminal.wait_for(shows, WAIT_S) < WAIT_S, bytes(terminal.output[-3000:])
    yield terminal


def left(terminal: Terminal, *keys: bytes) -> tuple[int, list[str]]:
    """Press keys; return the exit status and the lines in the shell afterwards."""
    for key in keys:
        os.write(terminal.fd, key)
    deadline = time.monotonic() + WAIT_S
    while terminal.read(WAIT_S):
        assert time.monotonic() < deadline, "the program goes on"
    _, status = os.waitpid(terminal.pid, 0)
    os.close(terminal.fd)
    shell = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    lines = [line for line in shell.splitlines() if "inspector" in line or "record" in line]
    return os.waitstatus_to_exitcode(status), lines


@pytest.mark.parametrize("key", [b"q", b"\x11"], ids=["q", "ctrl+q"])
def test_a_session_reports_where_it_is_recorded(key: bytes, tmp_path: Path) -> None:
    silent = ("--mic", "none", "--speaker", "none")
    file = tmp_path / "it's here.jsonl"
    with started("sim", *silent, "-o", str(file), shows=b"s write a message") as terminal:
        status, lines = left(terminal, key)

    assert status == 0
    assert lines[-2].partition("recorded ")[2] == f"3 events, 0 errors: {shlex.quote(str(file))}"
    assert shlex.split(lines[-1]) == ["inspector", "replay", str(file)]


def test_a_session_rejected_by_the_server_ends_with_its_status(tmp_path: Path) -> None:
    async def refuse(connection: ServerConnection) -> None:
        await connection.send(error_event("invalid_api_key"))
        await connection.close(3000, "invalid_request_error")

    async def scenario() -> tuple[int, list[str]]:
        async with websocket_server(refuse) as url:
            return await asyncio.to_thread(play, url)

    def play(url: str) -> tuple[int, list[str]]:
        options = ("--url", url, "--model", "m", "--mic", "none", "-o", "r.jsonl")
        # The hint names keys only once they work; the code stands on the screen before that.
        with started("live", *options, shows=b"ctrl+r") as terminal:
            return left(terminal, b"q")

    status, lines = asyncio.run(scenario())

    assert status == 3
    assert "recorded 3 events, 2 errors: r.jsonl" in lines[0]
    assert lines[1].strip() == "inspector replay r.jsonl"
    assert "3000" in lines[2]


def test_a_session_without_a_connection_ends_with_its_status() -> None:
    options = ("--url", "ws://127.0.0.1:9/v1/realtime", "--model", "m", "--mic", "none")
    with started("live", *options, "-o", "r.jsonl", shows=b"ctrl+r") as terminal:
        status, lines = left(terminal, b"q")

    assert status == 3
    assert "recorded 1 event, 1 error: r.jsonl" in lines[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a b.jsonl", "'a b.jsonl'"),
        ("-o.jsonl", "./-o.jsonl"),
        ("$(x).jsonl", "'$(x).jsonl'"),
        ("\udcff'.jsonl", r"$'\377\047.jsonl'"),
        ("a\nb", r"$'a\012b'"),
    ],
)
def test_a_path_can_be_pasted(path: str, expected: str) -> None:
    assert pasted(Path(path)) == expected


def said(process: subprocess.Popen[bytes]) -> list[str]:
    _, err = process.communicate(timeout=WAIT_S)
    return err.decode().splitlines()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--until", "session.created", "--jsonl"), 0, "recorded 3 events, 0 errors: r.jsonl"),
        (("--until", "session.created", "--json"), 0, "recorded 3 events, 0 errors: r.jsonl"),
        (("--timeout", "0.3"), 124, "recorded 3 events, 0 errors: r.jsonl"),
        (("--fault", "bad-key"), 3, "recorded 3 events, 2 errors: r.jsonl"),
    ],
)
def test_a_session_without_a_screen_says_where_it_is_kept(
    arguments: tuple[str, ...], status: int, words: str, inspector: Run
) -> None:
    outcome = inspector("sim", "--headless", "-o", "r.jsonl", *arguments)

    lines = outcome.err.splitlines()
    assert lines[:3] == ["recording to r.jsonl", words, "  inspector replay r.jsonl"]
    assert (outcome.status, len(lines) > 3) == (status, status != 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_session_with_its_last_words(number: signal.Signals) -> None:
    process = spawn("sim", "--headless", "--jsonl", "-o", "r.jsonl")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()
    process.send_signal(number)
    lines = said(process)

    assert process.returncode == 130
    assert lines[1:] == ["recorded 3 events, 0 errors: r.jsonl", "  inspector replay r.jsonl"]


def test_what_was_sent_without_a_screen_is_said_to_be_kept(inspector: Run) -> None:
    Path("one.jsonl").write_text('{"type":"nope"}\n')
    outcome = inspector("send", "one.jsonl", "--sim", "--until", "error", "-o", "r.jsonl")

    assert outcome.status == 0
    assert outcome.err.splitlines()[0] == "recorded 5 events, 1 error: r.jsonl"


def test_a_full_disk_is_in_the_last_words(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    outcome = inspector(
        "sim", "--headless", "--json", "--until", "session.created", "-o", "r.jsonl"
    )

    lines = outcome.err.splitlines()
    (rescued,) = tmp_path.glob("rescued-*-r.jsonl")
    assert lines[1] == f"warning: No space left on device; the whole recording is in {rescued}"
    assert lines[2] == f"recorded 4 events, 1 error: {rescued}"
    assert json.loads(outcome.out)["recording"] == str(rescued)


def test_what_no_disk_has_taken_is_not_said_to_be_recorded(
    inspector: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def nowhere(self: RecordingFile, folder: Path) -> Path | None:
        raise RecordingError(f"cannot record to {folder}: No space left on device")

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(RecordingFile, "rescue", nowhere)
    outcome = inspector("sim", "--headless", "--until", "session.created", "-o", "r.jsonl")

    lines = outcome.err.splitlines()
    assert lines[1].startswith("warning: part of the recording is lost")
    assert lines[2].endswith("recorded in part: r.jsonl")


def test_a_proxy_without_a_screen_says_where_its_sessions_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    with proxied("-o", folder) as (process, first):
        for _ in range(2):
            with connect(first["url"], proxy=None) as client:
                client.recv(timeout=WAIT_S)
        process.send_signal(signal.SIGTERM)
        lines = said(process)

    newest = max(folder.iterdir())
    assert process.returncode == 130
    assert lines[-3] == f"recorded 2 sessions, 6 events, 0 errors: {folder}"
    assert "your app closed the connection" in lines[-2]
    assert lines[-1] == f"  inspector replay {newest}"


def test_a_proxy_prints_the_verdict_on_its_newest_session(tmp_path: Path) -> None:
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hello"}],
    }
    ask = [
        {"type": "conversation.item.create", "item": item},
        {"type": "response.create", "response": {"output_modalities": ["text"]}},
    ]
    folder = tmp_path / "r"
    with proxied("-o", folder) as (process, first):
        with connect(first["url"], proxy=None) as client:
            for event in ask:
                client.send(json.dumps(event))
            while json.loads(client.recv(timeout=WAIT_S))["type"] != "response.done":
                pass
        process.send_signal(signal.SIGTERM)
        lines = said(process)

    assert lines[-3].startswith("recorded ")
    assert "runs on the server's default instructions" in lines[-2]
    assert " · 1 turn · answered 1 · " in lines[-2]
    assert lines[-1].startswith("  inspector replay ")
