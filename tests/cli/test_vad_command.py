"""``inspector vad``: other settings of server_vad over a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.detected import talk as detected_talk
from tests.spoken import write_recording
from tests.support import recording


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "talk.jsonl", detected_talk())


def test_other_settings_are_a_line_per_turn_and_a_sentence(inspector: Run, talk: Path) -> None:
    outcome = inspector("vad", talk, "--vad", "energy", "--silence", "96")

    text = outcome.out.decode()
    assert outcome.status == 0
    assert "in force  threshold 0.5, padding 64 ms, silence 192 ms" in text
    assert "these settings would have saved 96 ms per turn" in text
    assert "model and server agree on 1 of 1 turn" in text


def test_json_has_the_outcome_the_agreement_and_the_sweep(inspector: Run, talk: Path) -> None:
    outcome = inspector("vad", talk, "--vad", "energy", "--silence", "64", "--sweep", "--json")

    told = json.loads(outcome.out)["recordings"][0]
    assert told["agreement"]["agreed"] == 1
    assert told["outcome"]["words"] == "these settings would have cut one sentence in two"
    assert told["outcome"]["turns"][0]["fate"] == "cut"
    assert len(told["sweep"]) == 42
    assert told["best"] is None


def test_a_sweep_is_a_table(inspector: Run, talk: Path) -> None:
    text = inspector("vad", talk, "--vad", "energy", "--sweep").out.decode()

    assert "threshold   silence" in text
    assert text.count("\n") > 42


def test_elided_audio_cannot_be_tried(inspector: Run) -> None:
    outcome = inspector("vad", recording("voice-live-vad-turn"), "--vad", "energy")

    assert outcome.status == 0
    assert b"audio is elided in this file" in outcome.out
    told = inspector("vad", recording("voice-live-vad-turn"), "--vad", "energy", "--json")
    assert json.loads(told.out)["recordings"][0]["agreement"] is None


def test_a_threshold_beyond_1_is_refused(inspector: Run, talk: Path) -> None:
    assert inspector("vad", talk, "--threshold", "2").status == 2
