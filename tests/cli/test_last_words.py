"""The report in the shell after a screen: what was recorded, how to replay it, and the exit status."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from inspector.cli.new_recording import pasted
from tests.bench.pty_run import Terminal, python
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
        with started("live", *options, shows=b"3000") as terminal:
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
    [("a b.jsonl", "'a b.jsonl'"), ("-o.jsonl", "./-o.jsonl"), ("$(x).jsonl", "'$(x).jsonl'")],
)
def test_a_path_can_be_pasted(path: str, expected: str) -> None:
    assert pasted(Path(path)) == expected
