"""``inspector proxy`` from outside: the first line, the stream, signals, bounds, and rejected options."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.cli.conftest import ROOT, Run, proxied

KEY = "sk-planted-0123456789abcdef"


def app(url: str) -> ClientConnection:
    return connect(url, proxy=None, additional_headers={"Authorization": f"Bearer {KEY}"})


def test_a_session_through_the_proxy_is_recorded_and_reported(tmp_path: Path) -> None:
    with proxied("-o", tmp_path / "r", "--max-sessions", 1, "--jsonl") as (process, first):
        with app(first["url"]) as client:
            greeting = json.loads(client.recv(timeout=10))
        out, err = process.communicate(timeout=20)

    assert greeting["type"] == "session.created"
    assert first["schema"] == 1
    assert first["base_url"].startswith("http://127.0.0.1:")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["type"] for line in lines] == [
        "inspector.opened",
        "session.created",
        "inspector.closed",
    ]
    assert {line["session"] for line in lines} == {1}
    (recording,) = (tmp_path / "r").iterdir()
    recorded = recording.read_bytes().splitlines()
    assert json.loads(recorded[0])["source"] == "proxy"
    assert len(recorded) == 4
    assert recording.stat().st_mode & 0o777 == 0o600
    assert b"session 1 closed by client: 1000" in err
    assert process.returncode == 0
    assert KEY.encode() not in out + err + recording.read_bytes()


def test_the_simulator_answers_plain_http_too(tmp_path: Path) -> None:
    with (
        proxied("-o", tmp_path) as (_, first),
        urllib.request.urlopen(first["base_url"] + "/models", timeout=10) as answer,
    ):
        assert json.load(answer)["data"]


def test_a_signal_closes_the_sessions_and_their_recordings(tmp_path: Path) -> None:
    with proxied("-o", tmp_path / "r") as (process, first), app(first["url"]) as client:
        client.recv(timeout=10)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        client.close()

    assert process.returncode == 130
    assert client.close_code == 1001
    assert b"Traceback" not in err
    (recording,) = (tmp_path / "r").iterdir()
    last = json.loads(recording.read_bytes().splitlines()[-1])
    assert (last["type"], last["event"]["by"]) == ("inspector.closed", "inspector")


def test_a_killed_proxy_leaves_a_whole_recording_and_no_hanging_app(tmp_path: Path) -> None:
    with proxied("-o", tmp_path / "r") as (process, first), app(first["url"]) as client:
        client.recv(timeout=10)
        # A frame is logged right after its bytes have gone on, in the same step of the loop: the answer to a ping comes in a later one.
        assert client.ping().wait(10)
        process.kill()
        process.wait(timeout=20)
        client.close()

    assert client.close_code == 1006
    (recording,) = (tmp_path / "r").iterdir()
    assert json.loads(recording.read_bytes().splitlines()[-1])["type"] == "session.created"


def test_two_proxies_may_record_to_one_folder_in_the_same_second(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for seconds in range(30):
        at = now + timedelta(seconds=seconds)
        (tmp_path / f"{at:%Y-%m-%dT%H-%M-%S}-proxy-gpt-realtime-0001.jsonl").touch()
    with proxied("-o", tmp_path, "--max-sessions", 1) as (process, first):
        with app(first["url"]) as client:
            client.recv(timeout=10)
        _, err = process.communicate(timeout=20)

    (recording,) = tmp_path.glob("*-0001-2.jsonl")
    assert recording.stat().st_size > 0
    assert b"not recorded" not in err


def test_the_time_is_bounded(program: Run, tmp_path: Path) -> None:
    outcome = program(
        "proxy", "--headless", "--listen", "0", "--upstream", "sim", "--timeout", "0.1", "-o", tmp_path
    )  # fmt: skip

    assert outcome.status == 124


def test_rules_apply_and_ids_are_added(tmp_path: Path) -> None:
    rules = tmp_path / "faults.toml"
    rules.write_text('[[rule]]\nmatch="type:session.created"\ndo="drop"\n')
    options = ("-o", tmp_path / "r", "--rules", rules, "--add-event-ids")
    with proxied(*options) as (_, first), app(first["url"]) as client:
        client.send('{"type":"nonsense"}')
        error = json.loads(client.recv(timeout=10))

    assert error["error"]["event_id"] == "evt_inspector_000001"


def test_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    import ssl

    with proxied("-o", tmp_path / "r", "--tls") as (process, first):
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        file = said.partition("apps must trust ")[2].partition(" (")[0]
        trusting = ssl.create_default_context(cafile=file)
        assert first["url"].startswith("wss://")
        with connect(first["url"], ssl=trusting, proxy=None) as client:
            assert json.loads(client.recv(timeout=10))["type"] == "session.created"


@contextmanager
def on_terminal(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a program on a terminal; the second value is the terminal's controlling end."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            if process.poll() is None:
                process.kill()
            os.close(ours)


def read_until(terminal: int, words: bytes) -> bytes:
    """Return the program's output up to a text."""
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 1 << 16)
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_the_sessions_on_the_screen_too(number: int, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        sys.executable, "-m", "inspector", "proxy", "--listen", place, "--upstream", "sim", "-o", str(tmp_path / "r"),
    ]  # fmt: skip
    with on_terminal(command) as (process, terminal):
        read_until(terminal, b"No app has connected")
        with app(f"ws://{place}/v1/realtime?model=gpt-realtime") as client:
            client.recv(timeout=10)
            process.send_signal(number)
            drain = threading.Thread(target=read_to_the_end, args=(terminal,), daemon=True)
            drain.start()
            with pytest.raises(ConnectionClosed) as caught:
                client.recv(timeout=20)
        process.wait(timeout=20)
        drain.join(timeout=20)

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    assert process.returncode == 130
    (recording,) = (tmp_path / "r").iterdir()
    assert b"inspector.closed" in recording.read_bytes().splitlines()[-1]


def read_to_the_end(terminal: int) -> None:
    """Read the program's remaining output, so that it does not block."""
    with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
        while os.read(terminal, 1 << 16):
            pass


def test_a_failing_screen_does_not_end_the_sessions(tmp_path: Path) -> None:
    code = (
        "import sys, inspector.tui.proxy.proxy_screen as p; from inspector.cli import main\n"
        "def broken(self): raise RuntimeError('broken')\n"
        "p.ProxyScreen.tick = broken; main()"
    )
    command = [
        sys.executable, "-c", code, "proxy", "--listen", "127.0.0.1:0", "--upstream", "sim", "-o", str(tmp_path),
    ]  # fmt: skip
    with on_terminal(command) as (process, ours):
        seen = read_until(ours, b"press ctrl+c to end it")
        url = seen.partition(b"without a screen at ")[2].partition(b";")[0].decode()
        with app(f"{url}/v1/realtime?model=gpt-realtime") as client:
            greeting = json.loads(client.recv(timeout=10))
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)

    assert greeting["type"] == "session.created"
    assert process.returncode == 70
    assert b"the screen failed: RuntimeError: broken" in seen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--listen", "0.0.0.0:0"), "--allow-remote"),
        (("--listen", "0.0.0.0:0", "--allow-remote"), "--token-from"),
        (("--listen", "nowhere"), "not a valid address"),
        (("--token-from", "NOT_SET"), "NOT_SET"),
        (("--key-from", "NOT_SET"), "NOT_SET"),
        (("--upstream", "ftp://x"), "not a server address"),
        (("--rules", "missing.toml"), "cannot read missing.toml"),
    ],
)
def test_invalid_options_are_rejected(inspector: Run, options: tuple[str, ...], words: str) -> None:
    outcome = inspector("proxy", "--headless", *options)

    assert outcome.status == 2
    assert words in outcome.err
    assert outcome.out == b""


def test_bounds_need_headless(inspector: Run) -> None:
    assert inspector("proxy", "--max-sessions", "1").status == 2


def test_the_port_of_another_program_is_not_taken(inspector: Run, tmp_path: Path) -> None:
    with proxied("-o", tmp_path / "r") as (_, first):
        place = first["base_url"].removeprefix("http://").removesuffix("/v1")
        outcome = inspector("proxy", "--headless", "--upstream", "sim", "--listen", place)

    assert outcome.status == 3
    assert "cannot listen" in outcome.err
