"""``inspector sound``: its table, streams and explanations."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.spoken import write_recording
from tests.support import recording


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "spoken.jsonl")


def test_sound_is_a_table_with_a_column_per_side(inspector: Run, spoken: Path) -> None:
    outcome = inspector("sound", spoken)

    text = outcome.out.decode()
    assert outcome.status == 0
    assert "jitter, mean" in text
    assert "answer 1: leading silence" in text
    assert "? answers: answers arrive as fast as they are generated" in text


def test_sound_as_json_stream_and_csv_say_the_same(inspector: Run, spoken: Path) -> None:
    whole = json.loads(inspector("sound", spoken, "--json").out)["recordings"][0]
    stream = [json.loads(line) for line in inspector("sound", spoken, "--jsonl").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(inspector("sound", spoken, "--csv").out.decode())))

    assert whole["echo"]["found"] is False
    assert [one["figure"] for one in stream] == [row["figure"] for row in rows]
    for one in stream:
        value = whole[one["side"]][one["figure"]]
        assert value == (None if one["value"] is None else pytest.approx(one["value"], abs=0.001))


def test_elided_audio_is_said_once_per_side(inspector: Run) -> None:
    outcome = inspector("sound", recording("voice-live-vad-turn"))

    assert outcome.status == 0
    assert outcome.out.decode().count("audio is elided") == 2


def test_a_figure_of_sound_is_explained(inspector: Run) -> None:
    outcome = inspector("sound", "--explain", "jitter_max")

    assert b"highest value of the running jitter" in outcome.out
