from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inspector.cli.entry import run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: bytes
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own for each test: no key, no configuration, no proxies."""
    for name in tuple(os.environ):
        if name.startswith(("OPENAI", "AZURE", "INSPECTOR", "XDG")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    for name in ("LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where recordings are rescued to
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    before = tuple(logging.getLogger().handlers)
    yield tmp_path / "home"
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
    """Start the program as its users do."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "inspector", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def program() -> Run:
    """Run a command line as a process of its own."""

    def in_subprocess(*arguments: object, stdin: bytes = b"") -> Outcome:
        with spawn(*arguments) as process:
            out, err = process.communicate(stdin, timeout=20)
        return Outcome(process.returncode, out, err.decode())

    return in_subprocess
