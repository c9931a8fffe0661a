"""Which recordings are connections of one app, one soon after the other."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from inspector.recording.reconnects import (
    RecordedConnection,
    connection_before,
    connection_in,
    is_reconnect,
)
from tests.linted import later
from tests.support import local, numbered

URL = "wss://api.openai.com/v1/realtime"
FIRST = Header("2026-11-27T10:00:00.000000Z", "proxy", f"{URL}?model=a", "a")
SECOND = replace(FIRST, started_at="2026-11-27T10:01:00.000000Z")


def recorded(
    folder: Path, name: str, header: Header, seconds: float = 30, agent: str = "node"
) -> Path:
    """Write a recording of some length, and return its path."""
    opened = local("inspector.opened", request_headers={"user-agent": agent} if agent else {})
    path = folder / f"{name}.jsonl"
    lines = map(render, numbered([opened, later(seconds * 1000)]))
    path.write_bytes(render_header(header) + b"".join(lines))
    return path


def before(path: Path) -> Path | None:
    return [None, *connection_before(path)][-1]


@pytest.mark.parametrize(
    ("after", "agent", "expected"),
    [
        (SECOND, "node", True),
        (SECOND, "", True),
        (SECOND, "python", False),
        (replace(SECOND, url=f"{URL}?model=a&key=1"), "node", True),
        (replace(SECOND, url="wss://other/v1/realtime"), "node", False),
        (replace(SECOND, model="b"), "node", False),
        (replace(SECOND, source="live"), "node", False),
        (replace(SECOND, started_at="2026-11-27T10:00:29.000000Z"), "node", False),
        (replace(SECOND, started_at="2026-11-27T10:20:00.000000Z"), "node", False),
        (replace(SECOND, started_at="2026-11-27T10:01:00"), "node", False),
        (replace(SECOND, started_at=""), "node", False),
    ],
)
def test_a_reconnect_is_of_the_same_app_and_soon_after(
    after: Header, agent: str, expected: bool
) -> None:
    one, other = RecordedConnection(FIRST, "node"), RecordedConnection(after, agent)

    assert is_reconnect(one, 30 * 10**9, other) is expected


@pytest.mark.parametrize(("agent", "read"), [("node", "node"), ("", "")])
def test_the_library_of_the_app_is_read_from_the_handshake(
    tmp_path: Path, agent: str, read: str
) -> None:
    with closing(RecordingReader(recorded(tmp_path, "a", FIRST, agent=agent))) as reader:
        assert connection_in(reader) == RecordedConnection(FIRST, read)


def test_the_nearest_connection_that_had_ended_is_found_in_the_folder(tmp_path: Path) -> None:
    path = recorded(tmp_path, "e", SECOND)
    assert before(path) is None
    recorded(tmp_path, "other", replace(SECOND, started_at="2026-11-27T10:02:00.000000Z"))
    far = recorded(tmp_path, "z", FIRST, 10)
    near = replace(FIRST, started_at="2026-11-27T10:00:20.000000Z")
    recorded(tmp_path, "overlaps", near, 3000)
    recorded(tmp_path, "others", near, 10, "python")
    (tmp_path / "broken.jsonl").write_text("hello")
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert before(path) == far
    found = recorded(tmp_path, "b", near, 10)
    assert before(path) == found


def test_a_file_that_is_gone_has_no_connection_before(tmp_path: Path) -> None:
    assert before(tmp_path / "gone.jsonl") is None
    (tmp_path / "plain.jsonl").write_text("hello\n")
    assert before(tmp_path / "plain.jsonl") is None
