"""Behaviour visible only from outside: pipes, signals, the server's first line, imports."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from inspector.recording.reader import RecordingReader
from tests.cli.conftest import ROOT, Run, spawn

HEAVY = {"numpy", "websockets", "openai", "jsonschema_rs", "textual", "rich", "sounddevice", "soxr"}


def test_a_pipe_into_send_and_out_again(program: Run) -> None:
    outcome = program(
        "send", "-", "--sim", "--until", "session.updated",
        stdin=b'{"type":"session.update","session":{"type":"realtime"}}\n',
    )  # fmt: skip

    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out.splitlines()[-1])["type"] == "session.updated"
    assert outcome.err.startswith("recorded 5 events, 0 errors: ") or not outcome.err


def test_a_reader_that_leaves_ends_the_program_quietly(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text('{"type":"session.update"}\n' * 20_000)
    with spawn("cat", path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        status = process.wait(timeout=20)

    assert status == 141
    assert err == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_session_with_its_recording_whole(number: int, tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with spawn("sim", "--headless", "--jsonl", "-o", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert b"Traceback" not in err
    assert json.loads(path.read_bytes().splitlines()[-1])["type"] == "inspector.closed"
    assert json.loads(out.splitlines()[-1])["type"] == "inspector.closed"


@pytest.mark.parametrize("shown", [1, 9, 40])
def test_a_kill_at_any_moment_loses_nothing_that_was_shown(shown: int, tmp_path: Path) -> None:
    path, event = tmp_path / "o.jsonl", tmp_path / "event.jsonl"
    event.write_text('{"type":"response.create"}\n')
    with spawn("send", event, "--sim", "-o", path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(shown)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)

    whole = [line for line in lines if line.endswith(b"\n")]
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    kept = {log.event(row).seq: log.event(row).data for row in range(len(log))}
    reader.close()
    for line in whole:
        told = json.loads(line)
        assert json.loads(kept[told["seq"]]) == told["event"]


def test_serve_prints_its_url_first_and_serves() -> None:
    with spawn("serve") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        with connect(first["url"]) as client:
            greeting = json.loads(client.recv(timeout=10))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert greeting["type"] == "session.created"
    assert first["schema"] == 1
    assert first["url"].startswith(first["base_url"])
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_rows_are_coloured_on_a_terminal_unless_disabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"dir":"server","event":{"type":"\u009b31m"}}\n')
    monkeypatch.setenv("TERM", "xterm-256color")
    shown: list[str] = []
    for no_colour in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_colour)
        shown += [on_terminal("cat", str(path), *form) for form in ([], ["--jsonl"], ["--raw"])]

    assert "\x1b[" in shown[0]
    assert all("\x1b" not in text for text in shown[1:])
    assert all("\u009b" not in text for text in shown)
    assert json.loads(shown[1])["event"]["type"] == "\u009b31m"


def on_terminal(*arguments: str) -> str:
    ours, theirs = pty.openpty()
    status = subprocess.run(
        [sys.executable, "-m", "inspector", *arguments],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=20,
    ).returncode
    os.close(theirs)
    text = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert status == 0
    return text


@pytest.mark.parametrize(
    "arguments", [["--version"], ["-h"], ["paths"], ["cat", os.devnull], ["live", "-h"]]
)
def test_starting_the_program_imports_little(arguments: list[str]) -> None:
    code = (
        "import sys; from inspector.cli.entry_point import run; status = run(sys.argv[1:]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=20,
    )

    assert not set(run.stderr.split()) & HEAVY


def test_cat_reads_a_pipe(program: Run) -> None:
    outcome = program("cat", "-", "--jsonl", stdin=b'{"type":"session.update"}\n')

    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out)["dir"] == "client"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["paths"], ["sim", "--headless", "--jsonl"]])
def test_a_full_disk_behind_stdout_is_reported(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "inspector", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
            timeout=20,
        )

    assert run.returncode == 74
    assert b"cannot write to stdout" in run.stderr
    assert b"Traceback" not in run.stderr


def test_closed_standard_streams_are_handled() -> None:
    command = f"{sys.executable} -m inspector paths <&- >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(["sh", "-c", command], env=environment, check=False, timeout=20)

    assert run.returncode == 0


def test_opening_sessions_and_recordings_imports_little() -> None:
    code = (
        "import sys, inspector.cli.launch, inspector.cli.headless, inspector.cli.listing;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=20,
    )

    assert not set(run.stdout.split()) & HEAVY
