"""Sessions from the command line: headless ones and ``send``, their recordings, and how they end."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection

from tests.cli.conftest import Run
from tests.cli.far_end import closing, echo, objects, server


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


def test_recordings_have_unique_names_in_a_private_folder(inspector: Run, home: Path) -> None:
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
    rescued = Path(json.loads(outcome.out)["recording"])
    assert rescued.name.startswith("rescued-")
    assert b'"session.created"' in rescued.read_bytes()
    assert "not recorded to disk" in outcome.err
    assert f"recorded 3 events, 0 errors: {rescued}" in outcome.err


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


def test_a_session_that_ends_before_until_is_status_5(inspector: Run) -> None:
    with server(closing(1000, "")) as url:
        outcome = inspector(
            "live", "--headless", "--jsonl", "--url", url, "--until", "response.done"
        )

    assert outcome.status == 5
    assert json.loads(outcome.err.splitlines()[-1])["error"]["code"] == "ended_early"


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
def test_send_ends_at_its_bounds(
    options: list[str], status: int, inspector: Run, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"type":"session.update","session":{"type":"realtime"}}')

    assert inspector("send", file, "--sim", *options).status == status


def test_send_needs_its_file_and_its_server(inspector: Run, recording: Path) -> None:
    assert inspector("send", "none.jsonl", "--sim").status == 4
    assert inspector("send", recording, "--url", "ws://127.0.0.1:1").status == 3


def test_a_refused_connection_is_not_a_closed_session(inspector: Run) -> None:
    outcome = inspector("live", "--headless", "--json", "--url", "ws://127.0.0.1:1")

    assert outcome.status == 3
    assert json.loads(outcome.out)["ended"] == "refused"
