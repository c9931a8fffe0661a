from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inspector.cli.entry_point import run

ROOT = Path(__file__).resolve().parents[2]
FRAMES = [
    ("server", "session.created", '{"type":"session.created","session":{"model":"m"}}'),
    ("client", "response.create", '{"type":"response.create"}'),
    (
        "server",
        "response.output_text.delta",
        '{"type":"response.output_text.delta","delta":"hi\\u001b[31m"}',
    ),
    ("server", "error", '{"type":"error","error":{"code":"boom","message":"\u009b31mbad"}}'),
]
"""Direction, type and frame of the rows of ``recording``."""


@dataclass(frozen=True)
class Outcome:
    status: int
    out: bytes
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a home folder inside ``tmp_path`` for everything that a command line writes; release its log afterwards."""
    folder = tmp_path / home.name
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where recordings are rescued to
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    before = tuple(logging.getLogger().handlers)
    yield folder
    for handler in tuple(logging.getLogger().handlers):
        if handler not in before:
            logging.getLogger().removeHandler(handler)
            handler.close()


@pytest.fixture
def inspector(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command line in this process."""

    def in_process(*arguments: object) -> Outcome:
        capfdbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Outcome(status, captured.out, captured.err.decode())

    return in_process


def spawn(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
    """Start the program as users do."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "inspector", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@contextmanager
def proxied(*options: object) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Start a headless proxy in front of the simulator; yield it and its first line."""
    where = ("--listen", "127.0.0.1:0", "--upstream", "sim")
    with spawn("proxy", "--headless", *where, *options) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture
def program() -> Run:
    """Run a command line in a process of its own."""

    def in_subprocess(*arguments: object, stdin: bytes = b"") -> Outcome:
        with spawn(*arguments) as process:
            out, err = process.communicate(stdin, timeout=20)
        return Outcome(process.returncode, out, err.decode())

    return in_subprocess


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return a recording of a few rows, the last with characters that no terminal may get."""
    header = {
        "format": "realtime-session",
        "version": 1,
        "started_at": "2026-01-01T00:00:00.000000Z",
        "source": "sim",
    }
    lines = [json.dumps(header)]
    for row, (direction, name, event) in enumerate(FRAMES):
        lines.append(
            f'{{"seq":{row + 1},"t":{row}.500000,"dir":"{direction}","origin":"wire",'
            f'"type":"{name}","event":{event}}}'
        )
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path
