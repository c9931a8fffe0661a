"""A terminal that takes nothing, or takes it slowly: the session does not wait for it, and it catches up with one whole frame."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from tests.bench.pty_run import Terminal

PATIENCE_S = 20.0
F5 = b"\x1b[15~"


def test_a_session_goes_on_while_its_terminal_takes_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    terminal = Terminal([sys.executable, "-m", "inspector", "sim", "-o", str(recording)])
    try:
        assert terminal.wait_for(b"press s to send", PATIENCE_S) < float("inf")
        os.write(terminal.fd, b"231" * 8 + b"1s" + F5)
        assert came(recording, b'"conversation.item.done"'), "the session waited for the terminal"
        assert terminal.wait_for(b"press c to have it answered", PATIENCE_S) < float("inf")
    finally:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
        os.close(terminal.fd)


def came(recording: Path, words: bytes) -> bool:
    """Tell whether a recording has some words, soon; nobody reads the terminal meanwhile."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if words in recording.read_bytes():
            return True
        select.select([], [], [], 0.05)
    return False
