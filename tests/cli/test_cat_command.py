"""``inspector cat``: rows, the forms that keep frames verbatim, filters, and files that are no recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FRAMES, Run
from tests.cli.far_end import objects


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


UNTIMED = '{"dir":"client","event":{"type":"response.create"}}\n{"dir":"server","event":{"type":"ping"}}\n'


def test_cat_shows_no_time_where_there_is_none(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "untimed.jsonl"
    path.write_text(UNTIMED)
    rows = inspector("cat", path).out.decode().splitlines()
    stream = [json.loads(line) for line in inspector("cat", path, "--jsonl").out.splitlines()]
    whole = json.loads(inspector("cat", path, "--json").out)

    assert [row.split()[:3] for row in rows] == [
        ["#1", "→", "response.create"],
        ["#2", "←", "ping"],
    ]
    assert [row.index(arrow) for row, arrow in zip(rows, "→←", strict=True)] == [21, 21]
    assert not any("t" in event for event in (*stream, *whole["events"]))
    assert inspector("cat", path, "--filter", "t>=0").out == b""


def test_cat_says_which_time_cannot_be_read(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text(
        '{"dir":"client","time":1.5,"event":{"type":"a"}}\n'
        '{"dir":"client","time":"noon","event":{"type":"b"}}\n'
        '{"dir":"client","time":2.5,"event":{"type":"c"}}\n'
    )
    outcome = inspector("cat", path)

    assert [row.split()[0] for row in outcome.out.decode().splitlines()] == ["1.500", "#2", "2.500"]
    assert 'line 2: time "noon" is no time that can be read' in outcome.err


def test_what_cat_prints_without_times_reads_the_same(inspector: Run, tmp_path: Path) -> None:
    path, again = tmp_path / "untimed.jsonl", tmp_path / "again.jsonl"
    path.write_text(UNTIMED)
    again.write_bytes(inspector("cat", path, "--jsonl").out)

    assert inspector("cat", again, "--jsonl").out == again.read_bytes()
