"""A blocked or slow terminal: the session does not wait for it, and one whole frame follows when it has caught up."""

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


def test_a_session_continues_while_its_terminal_is_blocked(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    terminal = Terminal([sys.executable, "-m", "inspector", "sim", "-o", str(recording)])
    try:
        assert terminal.wait_for(b"s write a message", PATIENCE_S) < float("inf")
        os.write(terminal.fd, b"231" * 8 + b"1s" + F5)
        assert came(recording, b'"conversation.item.done"'), "the session waited for the terminal"
        assert terminal.wait_for(b"c ask for a response", PATIENCE_S) < float("inf")
    finally:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
        os.close(terminal.fd)


def came(recording: Path, words: bytes) -> bool:
    """Return whether a recording contains a text soon, while nobody reads the terminal."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if words in recording.read_bytes():
            return True
        select.select([], [], [], 0.05)
    return False
