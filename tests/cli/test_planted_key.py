"""A key planted in every place that a key can come from, and searched for in everything that is stored or printed."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection

from tests.bench.pty_run import Terminal, python, visible
from tests.cli.conftest import ROOT, Outcome, Run, proxied
from tests.cli.far_end import server

KEY = "planted/0123456789+abcdef"
"""Does not look like a key: only code that knows it can mask it."""
SHAPED = "sk-planted-0123456789abcdef"
"""Looks like a key, so that it is masked even where it is not known."""

SOUND = json.dumps(
    {
        "type": "response.output_audio.delta",
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
        "delta": "AAAA" * 1000,
    }
)
PIECES = (b"planted", b"6789+abc", b"6789abc")
"""Parts of the keys above, short enough not to be broken at the end of a line."""
WAYS = ("environment", "file", "config", "subprotocol", "header", "query", "shaped header")


def refusing(connection: ServerConnection) -> None:
    seen.append(connection)
    connection.send('{"type":"session.created","session":{"model":"m"}}')
    connection.send(SOUND)
    connection.send('{"type":"error","error":{"code":"invalid_api_key","message":"no"}}')
    connection.close(3000, "invalid_request_error.invalid_api_key")


seen: list[ServerConnection] = []


def kept_in(folder: Path, *, but: Iterable[Path] = ()) -> dict[Path, bytes]:
    """Return every file below a folder, except the one in which the user keeps the key."""
    left_out = set(but)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path not in left_out}


def assert_nowhere(key: str, outcomes: Iterable[Outcome], files: dict[Path, bytes]) -> None:
    for outcome in outcomes:
        assert key not in outcome.out.decode() + outcome.err
    assert [path for path, data in files.items() if key.encode() in data] == []


def planted(
    way: str, home: Path, holder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str, list[str]]:
    """Plant a key; return it, its form in the query, and the options that name it."""
    key = SHAPED if way in ("subprotocol", "shaped header") else KEY
    query, options = "", ["--profile", "openai"]
    match way:
        case "environment" | "subprotocol":
            monkeypatch.setenv("OPENAI_API_KEY", key)
            options += ["--browser-auth"] if way == "subprotocol" else []
        case "file":
            holder.write_text(key)
            options += ["--key-file", str(holder)]
        case "config":
            monkeypatch.setenv("MINE", key)
            config = home / ".config/realtime-inspector/config.toml"
            config.parent.mkdir(parents=True)
            config.write_text('key_env = "MINE"\n[keys]\n"session.create" = "C"\n')
        case "header":
            options += ["--header", f"X-My-Token={key}"]
        case "query":
            query = f"&api_key={key}"
        case "shaped header":
            options += ["--header", f"X-Anything={key}"]
    return key, query, options


@pytest.mark.parametrize("way", WAYS)
def test_a_key_given_in_any_way_is_stored_nowhere(
    way: str, inspector: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = tmp_path / "holder"
    key, query, options = planted(way, home, holder, monkeypatch)
    seen.clear()
    recording = tmp_path / "r.jsonl"
    event = tmp_path / "event.json"
    event.write_text('{"type":"response.create"}')
    with server(refusing) as url:
        where = ("--url", f"{url}/v1/realtime?model=m{query}", *options)
        outcomes = [
            inspector("live", "--headless", "--jsonl", "-o", recording, *where),
            inspector("live", "--headless", "--json", *where),
            inspector("live", "--headless", *where),
        ]
        if way != "subprotocol":  # that is for watching what browsers do
            outcomes.append(inspector("send", event, *where, "--timeout", "5"))
    outcomes.append(inspector("live", "--headless", "--connect-timeout", "1", *where))
    outcomes += [inspector("cat", recording, *form) for form in ((), ("--jsonl",), ("--raw",))]
    outcomes += [inspector("doctor"), inspector("doctor", "--json"), inspector("paths", "--json")]
    outcomes.append(inspector("export", recording, "--to", "text", "-o", tmp_path / "t.txt"))
    outcomes.append(inspector("export", recording, "--to", "wav", "-o", tmp_path / "t.wav"))

    request = seen[0].request
    assert request is not None
    sent = f"{request.path} {list(request.headers.raw_items())}"
    assert key in sent
    assert [outcome.status for outcome in outcomes[:3]] == [3, 3, 3]
    files = kept_in(tmp_path, but=[holder])
    assert {recording, tmp_path / "t.txt", tmp_path / "t.wav"} <= files.keys()
    assert_nowhere(key, outcomes, files)


@pytest.mark.parametrize("way", ["environment", "subprotocol", "shaped header", "query"])
def test_a_key_is_never_painted_or_copied(
    way: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, recording = tmp_path / "holder", tmp_path / "r.jsonl"
    _, query, options = planted(way, home, holder, monkeypatch)
    with server(refusing) as url:
        where = ("--url", f"{url}/v1/realtime?model=m{query}", *options)
        terminal = Terminal(python("-m", "inspector", "live", *where, "-o", str(recording)))
        assert terminal.wait_for(b"3000", 20) < 20
        for keys, words in SCREENS:
            os.write(terminal.fd, keys)
            assert terminal.wait_for(words, 20) < 20
        os.write(terminal.fd, b"\x11")
        while terminal.read(20):
            pass
        os.waitpid(terminal.pid, 0)
        os.close(terminal.fd)

    copied = [b64decode(found) for found in COPIED.findall(terminal.output)]
    assert any(b"***" in text for text in copied)
    painted = visible(bytes(terminal.output)) + b"".join(copied)
    assert [piece for piece in PIECES if piece in painted] == []
    files = kept_in(tmp_path, but=[holder])
    assert [path for path, data in files.items() for piece in PIECES if piece in data] == []


SCREENS = (
    (b"g\r", b"inspector.opened"),
    (b"w", b"JSON"),
    (b"w", b"raw"),
    (b"y", b"copied "),
    (b"2", b"[2 Conversation]"),
    (b"3", b"[3 Session]"),
    (b"4", b"[4 Timeline]"),
    (b"5", b"[5 Turns]"),
    (b"6", b"[6 Findings]"),
    (b"7", b"[7 Usage]"),
    (b"8", b"[8 Sound]"),
    (b"1", b"[1 Events]"),
    (b"?", b"close this page"),
    (b"\x1b", b"Conversation"),
    (b"u", b"instructions"),
    (b"\x1b", b"Conversation"),
)
"""Keys: the first event, with the handshake, in detail, raw and copied; then every view."""
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)")


def test_a_secret_in_a_frame_is_stored_only_in_that_frame(inspector: Run, tmp_path: Path) -> None:
    secret = "ek_planted0123456789"
    created = {"type": "session.created", "session": {"client_secret": {"value": secret}}}

    def minting(connection: ServerConnection) -> None:
        connection.send(json.dumps(created))
        connection.close()

    recording = tmp_path / "r.jsonl"
    with server(minting) as url:
        live = inspector("live", "--headless", "--url", url, "--model", "m", "-o", recording)
    export = inspector("export", recording, "--to", "text", "-o", tmp_path / "t.txt")

    holding = [line for line in recording.read_bytes().splitlines() if secret.encode() in line]
    assert [json.loads(line)["event"] for line in holding] == [created]
    assert_nowhere(secret, [live, export], kept_in(tmp_path, but=[recording]))


def test_a_secret_sent_by_hand_is_stored_only_in_its_frame(inspector: Run, tmp_path: Path) -> None:
    tool = {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "https://example.com/mcp",
        "authorization": KEY,
    }
    session = tmp_path / "holder.json"
    session.write_text(json.dumps({"type": "realtime", "tools": [tool]}))
    recording = tmp_path / "r.jsonl"
    outcomes = [
        inspector(
            "sim", "--headless", "-o", recording, "--session", session, "--until", "session.updated"
        ),
        inspector("doctor", "--json"),
        inspector("export", recording, "--to", "text", "-o", tmp_path / "t.txt"),
    ]

    lines = recording.read_bytes().splitlines()
    holding = [json.loads(line) for line in lines if KEY.encode() in line]
    assert {(line["dir"], line["type"]) for line in holding} == {("client", "session.update")}
    assert_nowhere(KEY, outcomes, kept_in(tmp_path, but=[session, recording]))


def test_a_client_secret_minted_through_the_proxy_is_stored_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with proxied(
        "--max-sessions", 1, "-o", tmp_path / "r", "--key-from", "OPENAI_API_KEY", "--jsonl"
    ) as (
        process,
        first,
    ):
        body = json.dumps({"session": {"type": "realtime"}}).encode()
        request = Request(f"{first['base_url']}/realtime/client_secrets", body)
        minted = json.loads(urlopen(request, timeout=10).read())["value"]
        bearer = {"Authorization": f"Bearer {minted}"}
        with connect(first["url"], proxy=None, additional_headers=bearer) as client:
            client.recv(timeout=10)
        out, err = process.communicate(timeout=20)

    assert minted.startswith("ek_")
    files = kept_in(tmp_path)
    assert any(path.suffix == ".jsonl" for path in files)
    for key in (KEY, minted):
        assert_nowhere(key, [Outcome(0, out, err.decode())], files)


def test_a_screen_that_fails_shows_no_key_and_no_local_variables(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    code = (
        "import os, sys; sys.argv[0] = 'inspector';"
        "from inspector.cli import main; import inspector.tui.workspace.workspace as s\n"
        "def broken(self):\n"
        " key = os.environ['OPENAI_API_KEY']\n"
        " raise RuntimeError('broken at ' + key + ' \\x1b[31m')\n"
        "s.Workspace.tick = broken; main()"
    )
    recording = tmp_path / "r.jsonl"
    with server(refusing) as url:
        seen_there = on_screen(
            code, "live", "--url", url, "--profile", "openai", "-o", str(recording)
        )

    assert b"the screen failed: RuntimeError: broken at *** \\x1b[31m" in seen_there
    assert KEY.encode() not in seen_there
    assert b"Traceback" not in seen_there
    files = kept_in(tmp_path)
    assert recording in files
    assert any(b"RuntimeError" in data for data in files.values())
    assert_nowhere(KEY, [], files)


def on_screen(code: str, *arguments: str) -> bytes:
    """Run a program on a terminal until it ends, and return its output."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    command = [sys.executable, "-c", code, *arguments]
    written = b""
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        try:
            while chunk := os.read(ours, 1 << 16):
                written += chunk
        except OSError:  # the terminal's other side has gone
            pass
        process.wait(timeout=20)
    os.close(ours)
    assert process.returncode == 70
    return written
