"""``inspector import``, and foreign files behind the other commands."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from inspector.cli import importing
from inspector.cli.launch import launcher
from inspector.recording.reader import SNIFFED_BYTES, RecordingReader
from tests.cli.conftest import Run
from tests.importing.shapes import CREATED, EVENTS, SHAPES, har, har_messages

LOG = SHAPES["livekit"][0]
SUMMARY = "3 events, 1 session, times at the head of the lines (time of day)"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text(LOG)
    return path


def left_over() -> list[str]:
    """Return the temporary files of imports."""
    folder = Path(tempfile.gettempdir())
    return [path.name for path in folder.iterdir() if path.name.startswith("inspector-")]


def test_a_log_becomes_a_recording_that_its_owner_alone_can_read(inspector: Run, log: Path) -> None:
    outcome = inspector("import", log, "-o", "new/a.jsonl")

    assert (outcome.status, outcome.out) == (0, b"")
    assert outcome.err == f"{SUMMARY}\n  inspector replay new/a.jsonl\n"
    assert stat.S_IMODE(Path("new/a.jsonl").stat().st_mode) == 0o600
    reader = RecordingReader(Path("new/a.jsonl"))
    assert reader.header.source == "import"
    assert [event.type for event in reader.events()] == [event["type"] for _, event in EVENTS]
    reader.close()


def test_an_import_is_told_as_json(inspector: Run, log: Path) -> None:
    outcome = inspector("import", log, "-o", "a.jsonl", "--json")

    told = json.loads(outcome.out)["imports"][0]
    assert (told["file"], told["recording"]) == (str(log), "a.jsonl")
    assert (told["events"], told["seen"], told["client"], told["inferred"]) == (3, 3, 1, 0)
    assert told["times"]["kind"] == "relative"


def test_several_files_go_to_a_folder_and_bad_ones_are_named(
    inspector: Run, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    (tmp_path / "out").mkdir()
    outcome = inspector("import", log, tmp_path / "x.csv", log, "-o", tmp_path / "out")

    assert outcome.status == 4
    assert (
        "x.csv is not a recording, and contains no session to import: a table (CSV)" in outcome.err
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"app.jsonl", "app-2.jsonl"}


def test_recordings_go_to_the_sessions_folder_by_default(inspector: Run, log: Path) -> None:
    Path("sessions").mkdir()

    assert inspector("import", log).status == 0
    assert Path("sessions/app.jsonl").is_file()


def test_stdin_is_imported_to_stdout(
    inspector: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    outcome = inspector("import", "-", "-o", "-")

    assert outcome.out.count(b"\n") == 4
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nothing")))
    assert "inspector: stdin is not a recording" in inspector("import", "-").err
    assert outcome.err.startswith(SUMMARY)
    assert left_over() == []


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["app.log", "-o", "taken"], 4, "taken already exists"),
        (["r.jsonl"], 4, "is a recording already"),
        (["none.log"], 4, "cannot open none.log"),
        (["."], 4, "is a directory"),
        (["app.log", "app.log", "-o", "-"], 2, "stdout takes one"),
        (["app.log", "app.log", "-o", "file"], 2, "is not a folder"),
        (["app.log", "-o", "taken/a.jsonl"], 74, "cannot create taken"),
    ],
)
def test_what_cannot_be_imported_is_said(
    arguments: list[str], status: int, words: str, inspector: Run, log: Path, recording: Path
) -> None:
    Path("app.log").write_text(LOG)
    Path("r.jsonl").write_bytes(recording.read_bytes())
    Path("taken").write_text("mine")
    outcome = inspector("import", *arguments)

    assert outcome.status == status
    assert words in outcome.err
    assert Path("taken").read_text() == "mine"


def test_a_cancelled_import_leaves_nothing(
    inspector: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object, read: int) -> None:
        if read:
            raise KeyboardInterrupt

    monkeypatch.setattr(importing._Progress, "step", interrupted)
    outcome = inspector("import", log, "-o", "a.jsonl")

    assert outcome.status == 130
    assert "cancelled: nothing was written" in outcome.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["cat"],
        ["cat", "--json"],
        ["turns"],
        ["stats"],
        ["cost"],
        ["lint", "--fail-on", "error"],
        ["export", "--to", "text"],
    ],
)
def test_every_command_opens_a_foreign_file(command: list[str], inspector: Run, log: Path) -> None:
    outcome = inspector(command[0], log, *command[1:])

    assert outcome.status == 0, outcome.err
    assert outcome.out
    assert outcome.err.count("is not a recording; imported for this command (text): 3 events") == 1
    assert left_over() == []


def test_findings_stand_on_the_lines_of_the_users_file(inspector: Run, tmp_path: Path) -> None:
    refused = {
        "type": "error",
        "error": {"type": "invalid_request_error", "code": "invalid_value", "message": "no"},
    }
    failed = {
        "type": "response.done",
        "event_id": "e",
        "response": {
            "id": "r",
            "status": "failed",
            "status_details": {
                "type": "failed",
                "error": {"code": "rate_limit_exceeded", "message": "slow"},
            },
        },
    }
    lines = [
        "starting",
        "",
        f"< {json.dumps(CREATED)}",
        "noise",
        f"< {json.dumps(refused)}",
        "",
        f"< {json.dumps(failed)}",
    ]
    path = tmp_path / "app.log"
    path.write_text("\n".join(lines) + "\n")
    outcome = inspector("lint", path, "--sarif")

    results = json.loads(outcome.out)["runs"][0]["results"]
    places = {one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results}
    assert places <= {3, 5, 7}
    assert 7 in places


def test_a_native_file_is_not_imported_and_read_no_further_than_before(
    inspector: Run, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise AssertionError

    monkeypatch.setattr(importing, "imported", refuse)
    bare = Path("bare.jsonl")
    bare.write_text("".join(f"{json.dumps(event)}\n" for _, event in EVENTS))

    assert inspector("cat", recording).status == inspector("cat", bare).status == 0
    assert "directions; they are inferred" in inspector("cat", bare).err
    sizes: list[int] = []
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        sizes.append(offset + size)
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    RecordingReader(recording).close()
    assert max(sizes) <= SNIFFED_BYTES


def test_the_home_screen_imports_a_file_for_as_long_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "chrome.har"
    path.write_text(har([("wss://api.openai.com/v1/realtime?model=m", har_messages())]))
    replay = launcher({}).import_replay(path)

    assert replay.path.name == "chrome.jsonl"
    assert len(replay.log) == 4
    assert any("HAR file" in notice for notice in replay.notices)
    assert len(left_over()) == 1
    replay.close()
    del replay
    assert left_over() == []


def test_a_recording_served_again_may_be_a_foreign_file(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "client-only.log"
    path.write_text(f"Sending {json.dumps({'type': 'response.create'})}\n")
    outcome = inspector("serve", "--replay", path, "--timeout", "0.01")

    assert outcome.status == 4
    assert "contains no server events" in outcome.err
