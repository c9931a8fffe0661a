"""A command under a pseudo-terminal: what it paints, when, and how soon after a key."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CODES = re.compile(
    rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78PX^_]"
)


@dataclass
class Terminal:
    """One program on one pseudo-terminal."""

    command: list[str]
    columns: int = 120
    rows: int = 40
    output: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        size = struct.pack("HHHH", self.rows, self.columns, 0, 0)
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # before the program can ask
            # An installed program has its bytecode; a checkout gets it in the run that is not counted.
            for name in ("PYTHONDONTWRITEBYTECODE", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update(
                PYTHONPATH=str(ROOT), TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8"
            )
            os.execvp(self.command[0], self.command)

    def read(self, timeout_s: float) -> bytes:
        """Return what the program wrote, waiting at most so long for it to begin."""
        ready, _, _ = select.select([self.fd], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 20)
        except OSError:
            return b""
        self.output += data
        return data

    def wait_for(self, words: bytes, timeout_s: float = 60.0) -> float:
        """Return the seconds from the start until some words were painted; infinity where they never were."""
        until = time.perf_counter() + timeout_s
        seen = b""
        while time.perf_counter() < until:
            seen = (seen + visible(self.read(0.05)))[-20_000:]
            if words in seen:
                return time.perf_counter() - self.started
        return float("inf")

    def first_text(self, timeout_s: float = 30.0) -> float:
        """Return the seconds from the start until anything readable was painted."""
        until = time.perf_counter() + timeout_s
        while time.perf_counter() < until:
            if re.search(rb"[A-Za-z]{3}", visible(self.read(0.02))):
                return time.perf_counter() - self.started
        return float("inf")

    def key_lag(self, key: bytes, timeout_s: float = 2.0) -> float:
        """Return the seconds between a key and the next paint."""
        while self.read(0):
            pass
        sent = time.perf_counter()
        os.write(self.fd, key)
        self.read(timeout_s)
        return time.perf_counter() - sent

    def memory_mb(self) -> float:
        """Return the resident memory of the program."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found.group(1)) / 1000 if found else 0.0

    def cpu_s(self) -> float:
        """Return the processor time of the program so far, children left out."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def visible(data: bytes) -> bytes:
    """Return the text in what was painted, without control codes."""
    return _CODES.sub(b"", data)


def python(*arguments: str) -> list[str]:
    """Return the command line of this interpreter."""
    return [sys.executable, *arguments]


EMPTY_APP = python(
    "-c",
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Empty(App):\n    def compose(self):\n        yield Static('empty app')\nEmpty().run()",
)
"""The baseline: the least that a Textual program can be."""
