"""Facts about recordings in a list, and the bounds on what is read for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.core.event import Direction
from inspector.recording import recording_facts
from inspector.recording.format import Header, render, render_header
from inspector.recording.recording_facts import KnownFacts, RecordingFacts, read_facts
from tests.support import at, client, frame_event, local, numbered, server

SESSION = {"type": "realtime", "model": "gpt-realtime-2.1"}
EVENTS = numbered(
    [
        at(10, server("session.created", session=SESSION)),
        at(20, client("conversation.item.create", item={"type": "message", "role": "user"})),
        at(30, server("conversation.item.added", item={"id": "i", "role": "user"})),
        at(40, server("response.created", response={"id": "r"})),
        at(50, server("response.done", response={"id": "r", "status": "failed"})),
        at(60, server("error", error={"message": "no"})),
        at(61_500, server("rate_limits.updated", rate_limits=[])),
    ]
)


def recording(path: Path, *, times: int = 1) -> Path:
    header = Header("2026-11-20T23:12:00.123456Z", "live", "wss://x", "gpt-realtime")
    path.write_bytes(render_header(header) + b"".join(map(render, EVENTS)) * times)
    return path


def facts_of(path: Path, indexes: Path | None = None) -> RecordingFacts:
    return read_facts(path, path.stat(), indexes)


def test_length_turns_model_and_errors_of_a_small_file_are_known(tmp_path: Path) -> None:
    found = facts_of(recording(tmp_path / "a.jsonl"))

    assert (found.model, found.source, found.problem) == ("gpt-realtime-2.1", "live", "")
    assert (found.duration_us, found.events, found.turns, found.errors) == (61_500_000, 7, 1, 2)


def test_an_unreadable_client_frame_is_not_an_error_and_a_lost_connection_is(
    tmp_path: Path,
) -> None:
    events = numbered(
        [
            frame_event(Direction.CLIENT, b"{"),
            server("error", error={"message": "no JSON"}),
            local("inspector.closed", code=1000),
            local("inspector.closed", code=1006),
        ]
    )
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        render_header(Header("2026-11-20T23:12:00.123456Z", "live", "wss://x", "gpt-realtime"))
        + b"".join(map(render, events))
    )

    assert facts_of(path).errors == 2


def test_a_large_file_is_read_at_both_ends_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_facts, "WHOLE_BYTES", 1000)
    found = facts_of(recording(tmp_path / "a.jsonl", times=3))

    assert (found.model, found.duration_us) == ("gpt-realtime-2.1", 61_500_000)
    assert (found.events, found.turns, found.errors) == (None, None, None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"hello\n", "not a recording: text, not JSON lines"),
        (b"\xff\x00" * 99, "not a recording: binary data"),
    ],
)
def test_a_file_that_is_not_a_recording_has_a_problem(
    data: bytes, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)

    assert facts_of(path).problem == problem


def test_a_recording_of_another_version_has_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"format":"realtime-session","version":9}\n')

    assert "version" in facts_of(path).problem


def test_any_beginning_of_a_recording_has_facts(tmp_path: Path) -> None:
    data = recording(tmp_path / "a.jsonl").read_bytes()
    path = tmp_path / "b.jsonl"
    for end in range(1, len(data), 7):
        path.write_bytes(data[:end])

        assert facts_of(path).problem == ""


def test_facts_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    path, cache = recording(tmp_path / "a.jsonl"), tmp_path / "cache"
    first = dict(KnownFacts(cache).read([path]))
    kept = KnownFacts(cache)
    size = path.stat().st_size
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"x" * size)
    os.utime(path, ns=times)
    second = dict(kept.read([path]))
    os.utime(path, ns=(times[0], times[1] + 1))

    assert second == first
    assert dict(kept.read([path]))[path].problem == "not a recording: text, not JSON lines"


def test_missing_facts_of_larger_files_follow_after_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_facts, "WHOLE_BYTES", 1000)
    large, small = recording(tmp_path / "a.jsonl", times=3), tmp_path / "b.jsonl"
    small.write_bytes(b"")
    told = [(path, found.turns) for path, found in KnownFacts(tmp_path / "c").read([large, small])]
    again = [found.turns for _, found in KnownFacts(tmp_path / "c").read([large])]

    assert told == [(large, None), (small, None), (large, 3)]
    assert again == [3]


def test_indexing_for_a_list_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_facts, "WHOLE_BYTES", 1000)
    paths = [recording(tmp_path / f"{n}.jsonl", times=3) for n in range(4)]
    monkeypatch.setattr(recording_facts, "LATER_ALL_BYTES", paths[0].stat().st_size * 2 + 1)

    known = dict(KnownFacts(tmp_path / "c").read(paths))

    assert [known[path].turns for path in paths] == [3, 3, None, None]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"version":1,"facts":{"a":{"x":1}}}', b"\xff"])
def test_a_broken_cache_is_ignored(data: bytes, tmp_path: Path) -> None:
    path = recording(tmp_path / "a.jsonl")
    (tmp_path / "facts.json").write_bytes(data)

    assert dict(KnownFacts(tmp_path).read([path]))[path].turns == 1


def test_a_deleted_file_and_an_unwritable_cache_are_survived(
    tmp_path: Path,
) -> None:
    (tmp_path / "cache").write_text("a file")
    path = recording(tmp_path / "a.jsonl")
    found = dict(KnownFacts(tmp_path / "cache").read([path, tmp_path / "gone.jsonl"]))

    assert found[path].turns == 1
    assert found[tmp_path / "gone.jsonl"].problem == "No such file or directory"
