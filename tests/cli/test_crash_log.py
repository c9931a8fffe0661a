from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from inspector.cli.crash_log import secrets_in, start_logging, write_crash
from inspector.secret import Secret

KEY = "very-private-0123456789"


def test_the_log_contains_no_secret_and_is_private(tmp_path: Path) -> None:
    secret = Secret(KEY)
    start_logging(tmp_path / "state")
    logging.getLogger("x").error("failed with %s and %s", KEY, secret, exc_info=ValueError(KEY))
    path = tmp_path / "state" / "inspector.log"

    assert "ValueError: ***" in path.read_text()
    assert KEY not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_is_omitted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    start_logging(tmp_path / "file" / "state")
    logging.getLogger("x").error("nowhere to go")


def test_secrets_of_the_environment_are_masked_in_crash_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_SERVICE_API_KEY", KEY)
    path = write_crash(RuntimeError(f"at {KEY}"))

    assert path is not None
    assert "RuntimeError: at ***" in path.read_text()
    assert [
        secret.reveal() for secret in secrets_in({"A_TOKEN": "x", "PATH": "y", "B_KEY": ""})
    ] == ["x"]
    assert os.environ["SOME_SERVICE_API_KEY"] == KEY
