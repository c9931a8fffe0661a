"""``inspector turns`` and ``inspector stats``: tables, JSON, streams, CSV, explanations, and files that are none."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from inspector.shipped import shipped_folder
from tests.cli.conftest import Run
from tests.recording.test_lean import random_recording


@pytest.fixture
def example() -> Path:
    return shipped_folder("sessions") / "example-truncated-answer.jsonl"


def test_turns_are_a_table(inspector: Run, example: Path) -> None:
    outcome = inspector("turns", example)

    assert outcome.status == 0
    assert "waited for" in outcome.out.decode()
    assert "\x1b" not in outcome.out.decode()


def test_turns_as_json_stream_and_csv_say_the_same(inspector: Run, example: Path) -> None:
    whole = json.loads(inspector("turns", example, "--json").out)
    stream = [json.loads(line) for line in inspector("turns", example, "--jsonl").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(inspector("turns", example, "--csv").out.decode())))

    turns = whole["recordings"][0]["turns"]
    assert whole["schema"] == 1
    assert turns
    assert [one["turn"] for one in turns] == [one["turn"] for one in stream]
    assert [str(one["turn"]) for one in turns] == [row["turn"] for row in rows]
    assert all(one["schema"] == 1 for one in stream)
    for one in turns:
        total = sum(part["ms"] for part in one["parts"])
        assert one["wait_ms"] is None or abs(one["wait_ms"] - total) <= 0.1


def test_without_sound_the_silence_at_the_head_is_not_known(inspector: Run, example: Path) -> None:
    whole = json.loads(inspector("turns", example, "--json", "--no-sound").out)

    voiced = [one for one in whole["recordings"][0]["turns"] if "A" in one["marks"]]
    assert voiced
    assert all(one["wait_ms"] is None and one["bounds_ms"] for one in voiced)


@pytest.mark.parametrize("vad", ["energy", "webrtc", "silero"])
def test_the_end_of_speech_is_found_by_what_is_asked_for(
    inspector: Run, example: Path, vad: str
) -> None:
    outcome = inspector("turns", example, "--vad", vad)

    assert outcome.status in (0, 2)
    assert outcome.status == 0 or "pip install" in outcome.err


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",), ("--csv",)])
def test_stats_group_the_turns_of_many(
    inspector: Run, example: Path, form: tuple[str, ...]
) -> None:
    outcome = inspector("stats", example, example, "--by", "model", *form)

    assert outcome.status == 0
    assert b"gpt-realtime" in outcome.out


def test_a_figure_is_explained(inspector: Run) -> None:
    outcome = inspector("turns", "--explain", "e2e_latency")

    assert outcome.status == 0
    assert outcome.out.decode().startswith("voice_to_voice_ms")
    assert inspector("stats", "--explain", "nonsense").status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("turns",),
        ("stats",),
        ("turns", "x", "--json", "--csv"),
        ("stats", "x", "--by", "moon"),
        ("turns", "x", "--vad", "ear"),
    ],
)
def test_what_cannot_be_meant_is_refused(inspector: Run, arguments: tuple[str, ...]) -> None:
    assert inspector(*arguments).status == 2


def test_a_file_that_is_none_is_told_and_the_others_are_measured(
    inspector: Run, example: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")

    for command in ("turns", "stats"):
        outcome = inspector(command, tmp_path / "x.jsonl", example, tmp_path / "none")
        assert outcome.status == 4
        assert outcome.out
        assert "x.jsonl" in outcome.err
        assert "none" in outcome.err


def test_torn_empty_and_foreign_files_say_what_can_be_said(inspector: Run, tmp_path: Path) -> None:
    random_recording(tmp_path / "torn.jsonl", 3)
    with (tmp_path / "torn.jsonl").open("a") as file:
        file.write('{"seq":5,"t":')
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "bare.jsonl").write_text(
        '{"type":"input_audio_buffer.speech_started","item_id":"u"}\n'
        '{"type":"response.created","response":{"id":"r"}}\n'
    )

    torn = inspector("turns", tmp_path / "torn.jsonl")
    empty = inspector("turns", tmp_path / "empty.jsonl")
    bare = inspector("turns", tmp_path / "bare.jsonl", "--json")

    assert (torn.status, empty.status, bare.status) == (0, 0, 0)
    assert "torn" in torn.err
    assert "sessions" in torn.err
    assert "no turns" in empty.out.decode()
    (turn,) = json.loads(bare.out)["recordings"][0]["turns"]
    assert turn["wait_ms"] is None
    assert turn["unknown"]
    assert "no times" in bare.err
