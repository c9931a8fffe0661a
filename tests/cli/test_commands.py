"""Every command, its exit status and the shape of its output and errors."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.cli.conftest import Run

KEY = "sk-planted-0123456789abcdef"
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
Handler = Callable[[ServerConnection], None]


@contextmanager
def server(handler: Handler) -> Iterator[str]:
    with serve(handler, "127.0.0.1", 0, compression=None) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}"
        finally:
            listening.shutdown()
            thread.join()


def closing(code: int, reason: str, *frames: str) -> Handler:
    def handler(connection: ServerConnection) -> None:
        for frame in frames:
            connection.send(frame)
        connection.close(code, reason)

    return handler


def echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        for frame in connection:
            connection.send(frame)


def objects(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
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


def test_the_version_is_printed(inspector: Run) -> None:
    assert inspector("--version").out.startswith(b"realtime-inspector 0")


@pytest.mark.parametrize(
    "command", ["", "sim", "live", "replay", "serve", "send", "cat", "doctor", "paths"]
)
def test_every_command_has_help_with_examples(command: str, inspector: Run) -> None:
    for option in ("-h", "--help"):
        outcome = inspector(*filter(None, [command, option]))

        assert outcome.status == 0
        assert f"  inspector {command}".rstrip() in outcome.out.decode()
        assert b"\x1b" not in outcome.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nope"], "nope"),
        (["sim", "--nope"], "--nope"),
        (["cat"], "FILE"),
        (["sim", "--headless", "--timeout", "soon"], "--timeout"),
        (["sim", "--jsonl"], "--headless"),
        (["sim", "--headless", "--json", "--jsonl"], "exclude"),
        (["live"], "terminal"),
        (["sim"], "terminal"),
        (["replay", "x"], "terminal"),
        ([], "terminal"),
        (["live", "--headless", "--url", "ftp://x"], "WebSocket"),
        (["live", "--headless", "--profile", "nope"], "profile"),
        (["live", "--headless", "--profile", "azure"], "AZURE_OPENAI_ENDPOINT"),
        (["live", "--headless", "--url", "ws://x", "--header", "novalue"], "--header"),
        (["live", "--headless", "--url", "ws://x", "--header", "a=b\r\nc: d"], "--header"),
        (["live", "--headless", "--url", "ws://x", "--key-env", "NOT_SET"], "NOT_SET"),
        (["sim", "--headless", "--session", "none.json"], "none.json"),
        (["sim", "--headless", "-o", "-"], "--jsonl"),
        (["send", "x", "--sim", "--url", "ws://x"], "exclude"),
        (["cat", "x", "--raw", "--json"], "exclude"),
        (["serve", "--host", "0.0.0.0"], "--allow-remote"),
        (["serve", "--port", "70000"], "65535"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_status_2(
    arguments: list[str], word: str, inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == 2
    assert outcome.out == b""
    assert word in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["sim", "--headless", "--json", "--nope"], 2, "usage"),
        (["live", "--jsonl"], 2, "usage"),
        (["live", "--headless", "--jsonl"], 3, "no_key"),
        (["live", "--headless", "--jsonl", "--url", "ws://127.0.0.1:1"], 3, "refused"),
        (["cat", "--json", "none.jsonl"], 4, "cannot_open"),
        (["sim", "--headless", "--jsonl", "--timeout", "0"], 124, "timeout"),
    ],
)
def test_in_json_mode_an_error_is_an_object_on_stderr(
    arguments: list[str], status: int, code: str, inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == status
    error = json.loads(outcome.err.splitlines()[-1])["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code


def test_a_headless_simulator_streams_events_until_one(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    outcome = inspector("sim", "--headless", "--jsonl", "--until", "session.c*", "-o", path)

    assert outcome.status == 0
    events = objects(outcome.out)
    assert [event["type"] for event in events[:2]] == ["inspector.opened", "session.created"]
    assert all(event["schema"] == 1 for event in events)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_bytes().splitlines()[1:]
    assert [b'{"schema":1,' + line[1:] for line in kept] == outcome.out.splitlines()


def test_headless_without_a_form_prints_rows_and_with_json_a_summary(inspector: Run) -> None:
    rows = inspector("sim", "--headless", "--until", "session.created")
    summary = json.loads(inspector("sim", "--headless", "--json", "--until", "session.created").out)

    assert b"session.created" in rows.out
    assert "recording to" in rows.err
    assert summary["schema"] == 1
    assert summary["ended"] == "found"
    assert Path(summary["recording"]).is_file()


def test_recordings_have_names_of_their_own_in_a_private_folder(inspector: Run, home: Path) -> None:
    paths = {
        json.loads(inspector("sim", "--headless", "--json", "--until", "session.created").out)[
            "recording"
        ]
        for _ in range(3)
    }

    assert len(paths) == 3
    folder = home / ".local/share/realtime-inspector/sessions"
    assert {Path(path).parent for path in paths} == {folder}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_recordings_go_to_the_sessions_folder_here(inspector: Run) -> None:
    Path("sessions").mkdir()
    inspector("sim", "--headless", "--until", "session.created")

    assert len(list(Path("sessions").glob("20*-sim-*.jsonl"))) == 1


def test_a_folder_that_cannot_be_written_does_not_stop_the_session(
    inspector: Run, home: Path
) -> None:
    home.mkdir()
    (home / ".local").write_text("not a folder")
    outcome = inspector("sim", "--headless", "--json", "--until", "session.created")

    assert outcome.status == 0
    assert json.loads(outcome.out)["recording"] is None
    assert "nothing is recorded" in outcome.err


def test_a_recording_is_never_overwritten(inspector: Run, recording: Path) -> None:
    before = recording.read_bytes()
    outcome = inspector("sim", "--headless", "-o", recording)

    assert outcome.status == 4
    assert recording.read_bytes() == before


def test_a_session_file_is_sent_first(inspector: Run, tmp_path: Path) -> None:
    session = tmp_path / "s.json"
    session.write_text('{"type": "realtime",\n "instructions": "x"}')
    with server(echo) as url:
        outcome = inspector(
            "live",
            "--headless",
            "--jsonl",
            "--url",
            url,
            "--session",
            session,
            "--until",
            "session.update",
        )

    sent = next(event for event in objects(outcome.out) if event["dir"] == "client")
    assert outcome.status == 0
    assert sent["type"] == "session.update"
    assert sent["event"]["session"]["instructions"] == "x"


@pytest.mark.parametrize(
    ("code", "reason", "frames", "status"),
    [
        (1000, "", [], 0),
        (1001, "", [], 0),
        (1001, "maximum duration", ['{"type":"error"}'], 5),
        (3000, "invalid_request_error.invalid_api_key", ['{"type":"error"}'], 3),
        (4000, "invalid_request_error.missing_model", ['{"type":"error"}'], 5),
        (1011, "", [], 5),
    ],
)
def test_the_end_of_a_session_is_the_exit_status(
    code: int, reason: str, frames: list[str], status: int, inspector: Run
) -> None:
    with server(closing(code, reason, *frames)) as url:
        outcome = inspector("live", "--headless", "--jsonl", "--url", url)

    assert outcome.status == status
    assert objects(outcome.out)[-1]["event"]["code"] == code


def test_a_session_that_ends_before_what_was_waited_for_is_status_5(inspector: Run) -> None:
    with server(closing(1000, "")) as url:
        outcome = inspector(
            "live", "--headless", "--jsonl", "--url", url, "--until", "response.done"
        )

    assert outcome.status == 5
    assert json.loads(outcome.err.splitlines()[-1])["error"]["code"] == "ended_early"


def test_a_planted_key_is_found_nowhere(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    seen: list[str] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        connection.close(3000, "invalid_request_error.invalid_api_key")

    with server(handler) as url:
        outcome = inspector(
            "live", "--headless", "--jsonl", "--profile", "openai", "--key-env", "MY_KEY",
            "--url", f"{url}?api_key={KEY}", "--header", f"X-Api-Key={KEY}",
        )  # fmt: skip

    assert seen == [f"Bearer {KEY}"]
    assert KEY.encode() not in outcome.out
    assert KEY not in outcome.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files)
    assert all(KEY.encode() not in path.read_bytes() for path in files)


def test_send_is_verbatim_and_prints_the_replies(inspector: Run, tmp_path: Path) -> None:
    lines = ['{"type":"a",  "x":1.0}', "not json", '{"type":"last"}']
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join([lines[0], "", *lines[1:]]))
    with server(echo) as url:
        outcome = inspector(
            "send", file, "--url", url, "--until", "last", "-o", tmp_path / "o.jsonl"
        )

    assert outcome.status == 0
    assert "line 3" in outcome.err
    sent = inspector("cat", tmp_path / "o.jsonl", "--raw").out.decode().splitlines()
    assert [line for line in sent if line in lines][: len(lines)] == lines


def test_send_more_than_the_outbox_holds(inspector: Run, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("".join(f'{{"type":"n","i":{i}}}\n' for i in range(300)) + '{"type":"last"}\n')
    received: list[str | bytes] = []

    def handler(connection: ServerConnection) -> None:
        for frame in connection:
            received.append(frame)
            if "last" in str(frame):
                connection.send(frame)

    with server(handler) as url:
        outcome = inspector("send", file, "--url", url, "--until", "last", "--timeout", 20)

    assert outcome.status == 0
    assert len(received) == 301


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--idle", "0.05"], 0),
        (["--timeout", "0.05"], 124),
        (["--until", "never", "--timeout", "0.05"], 124),
    ],
)
def test_send_leaves_when_told(
    options: list[str], status: int, inspector: Run, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"type":"session.update","session":{"type":"realtime"}}')

    assert inspector("send", file, "--sim", *options).status == status


def test_send_needs_its_file_and_its_server(inspector: Run, recording: Path) -> None:
    assert inspector("send", "none.jsonl", "--sim").status == 4
    assert inspector("send", recording, "--url", "ws://127.0.0.1:1").status == 3


def test_cat_prints_aligned_rows_that_no_terminal_obeys(inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording)
    rows = outcome.out.decode().splitlines()

    assert outcome.status == 0
    assert len(rows) == len(FRAMES)
    assert [row[:10].strip() for row in rows] == ["0.500", "1.500", "2.500", "3.500"]
    assert "→ response.create" in rows[1]
    assert "!← error" in rows[3]
    assert "boom" in rows[3]
    assert "\\x1b" in rows[2]
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for row in rows for character in row
    )


def test_cat_forms_keep_the_frames_verbatim(inspector: Run, recording: Path) -> None:
    raw = inspector("cat", recording, "--raw").out.decode().splitlines()
    stream = inspector("cat", recording, "--jsonl").out.splitlines()
    whole = json.loads(inspector("cat", recording, "--json").out)

    assert raw == [event for _, _, event in FRAMES]
    assert stream == [
        b'{"schema":1,' + line[1:] for line in recording.read_bytes().splitlines()[1:]
    ]
    assert whole["schema"] == 1
    assert [event["type"] for event in whole["events"]] == [name for _, name, _ in FRAMES]


def test_cat_notes_a_torn_line_and_inferred_directions(
    inspector: Run, recording: Path, tmp_path: Path
) -> None:
    with recording.open("a") as file:
        file.write('{"seq":5,"t":')
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"type":"session.update"}\n')

    assert "torn" in inspector("cat", recording).err
    assert "inferred" in inspector("cat", bare).err


def test_cat_refuses_what_is_no_recording(inspector: Run, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    for path in (tmp_path / "x.jsonl", tmp_path, tmp_path / "none"):
        assert inspector("cat", path).status == 4


def test_doctor_names_keys_and_never_shows_them(
    inspector: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words, report = inspector("doctor"), json.loads(inspector("doctor", "--json").out)

    assert words.status == 0
    assert b"OPENAI_API_KEY" in words.out
    assert KEY.encode() not in words.out
    assert report["ok"]
    assert {"python", "terminal", "sound", "sessions", "key", "disk", "locale"} <= {
        check["name"] for check in report["checks"]
    }


@pytest.mark.skipif(sys.platform != "linux", reason="folders of Linux")
def test_doctor_reports_a_problem_by_status_1(inspector: Run, home: Path) -> None:
    config = home / ".config/realtime-inspector"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("nonsense = 1\n")
    outcome = inspector("doctor", "--json")

    assert outcome.status == 1
    assert not json.loads(outcome.out)["ok"]


def test_paths_are_printed(inspector: Run, home: Path) -> None:
    shown = json.loads(inspector("paths", "--json").out)

    assert shown["schema"] == 1
    assert shown["logs"] == str(home / ".local/state/realtime-inspector")
    assert shown["logs"].encode() in inspector("paths").out


def test_a_fault_of_the_program_is_a_line_and_a_file(
    inspector: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def broken(*_: object, **__: object) -> None:
        local = KEY
        raise ZeroDivisionError(local)

    monkeypatch.setattr("inspector.cli.listing.print_recording", broken)
    outcome = inspector("cat", os.devnull, "--jsonl")

    assert outcome.status == 70
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "fault"
    report = next((home / ".local/state/realtime-inspector").glob("crash-*.log"))
    assert str(report) in error["hint"]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert KEY not in report.read_text()


@pytest.mark.parametrize(
    ("options", "types"),
    [
        (["--no-deltas"], ["session.created", "response.create", "error"]),
        (["--filter", "dir:client"], ["response.create"]),
        (["--filter", "err"], ["error"]),
        (["--filter", "type:response.* !type:*.delta"], ["response.create"]),
        (["--filter", "t>2"], ["response.output_text.delta", "error"]),
        (["--filter", "dt>5"], []),
    ],
)
def test_cat_filters(options: list[str], types: list[str], inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording, "--jsonl", *options)

    assert [event["type"] for event in objects(outcome.out)] == types


def test_a_filter_that_does_not_parse_is_status_2(inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording, "--jsonl", "--filter", "type:x t>y")

    assert outcome.status == 2
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "bad_filter"
    assert "at character 8: t> needs a number" in error["message"]


def test_a_refused_connection_is_no_session_that_was_closed(inspector: Run) -> None:
    outcome = inspector("live", "--headless", "--json", "--url", "ws://127.0.0.1:1")

    assert outcome.status == 3
    assert json.loads(outcome.out)["ended"] == "refused"
