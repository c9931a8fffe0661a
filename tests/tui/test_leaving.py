"""Ends and interruptions of the program at bad moments, or from outside."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from inspector.recording.opening import open_recording
from tests.bench.pty_run import Terminal, python, visible
from tests.tui.session_stage import Stage, on_stage

WAIT_S = 60
"""Far longer than anything takes on a machine that is not busy."""
LEFT = b"\x1b[?1049l"
"""The terminal is back on its normal screen."""

WORDS = (b"Conversation", b"session.created", b"s write a message")
"""From the start of the alternate screen to its end."""


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Yield a session with the simulator on a terminal, recorded to ``r.jsonl``; no process outlives its test."""
    for name in ("config", "state", "cache", "data"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    recording = str(tmp_path / "r.jsonl")
    silent = ("--mic", "none", "--speaker", "none")
    started = Terminal(python("-m", "inspector", "sim", *silent, "-o", recording))
    try:
        assert started.wait_for(b"s write a message", WAIT_S) < WAIT_S
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.kill(started.pid, signal.SIGKILL)


def test_the_program_can_end_before_its_first_frame(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.pilot.app.exit(0)
        stage.screen.after_first_frame()
        stage.screen.tick()

    on_stage(scenario, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_session_and_gives_the_terminal_back(
    number: int, terminal: Terminal, tmp_path: Path
) -> None:
    os.kill(terminal.pid, number)
    while terminal.read(WAIT_S):
        pass
    _, status = os.waitpid(terminal.pid, 0)
    os.close(terminal.fd)

    assert os.waitstatus_to_exitcode(status) == 130
    assert LEFT in terminal.output
    opening = open_recording(tmp_path / "r.jsonl")
    assert opening.log.type_of(len(opening.log) - 1) == "inspector.closed"
    opening.close()


def test_a_suspended_program_is_repainted(terminal: Terminal) -> None:
    os.write(terminal.fd, b"\x1a")
    until, pid, status = time.monotonic() + WAIT_S, 0, 0
    while not pid and time.monotonic() < until:
        terminal.read(0.05)  # it stops once what it wrote has been taken
        pid, status = os.waitpid(terminal.pid, os.WUNTRACED | os.WNOHANG)
    assert os.WIFSTOPPED(status)
    assert LEFT in terminal.output
    terminal.output.clear()

    os.kill(terminal.pid, signal.SIGCONT)
    until, painted = time.monotonic() + WAIT_S, b""
    while not all(words in painted for words in WORDS) and time.monotonic() < until:
        terminal.read(0.05)
        painted = visible(bytes(terminal.output))
    terminal.close()

    assert [words for words in WORDS if words not in painted] == []
