"""``inspector diff``: the table, JSON, limits and exit status, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.cli import comparing
from inspector.shipped import shipped_folder
from tests.cli.conftest import Run

TOOL, CUT = (
    shipped_folder("sessions") / f"example-{name}.jsonl"
    for name in ("tool-call", "truncated-answer")
)


def edited(path: Path, *changes: tuple[str, str]) -> Path:
    """Write the recording of a tool call with other texts; return the new file."""
    text = TOOL.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_a_recording_does_not_differ_from_itself(inspector: Run) -> None:
    outcome = inspector("diff", CUT, CUT)

    assert outcome.status == 0
    *_, last = outcome.out.decode().splitlines()
    assert last.startswith("no differences in 3 turns")
    assert "turn 1" not in outcome.out.decode()


def test_what_differs_is_told_within_80_columns(inspector: Run, tmp_path: Path) -> None:
    other = edited(
        tmp_path / "b.jsonl",
        ("foggy", "sunny"),
        ("London", "Rome"),
        ('"threshold":0.5', '"threshold":0.7'),
    )

    outcome = inspector("diff", TOOL, other)

    out = outcome.out.decode()
    assert outcome.status == 1
    assert "settings   audio.input.turn_detection.threshold  0.5 → 0.7" in out
    assert 'A get_weather({"city":"London"})' in out
    assert 'B get_weather({"city":"Rome"})' in out
    assert "≈ 0.83" in out
    assert out.splitlines()[-1] == "differences: 1 setting, 2 texts, 1 tool call"
    assert max(map(len, out.splitlines()[5:])) <= 80


def test_json_says_the_same(inspector: Run) -> None:
    outcome = inspector("diff", TOOL, CUT, "--json")

    told = json.loads(outcome.out)
    assert outcome.status == 1
    assert told["schema"] == 1
    assert told["differences"]["turns"] == 2
    assert (told["a"]["turns"], told["b"]["turns"]) == (1, 3)
    assert told["exceeded"] == []


def test_two_that_share_nothing_are_told_in_one_line(inspector: Run, tmp_path: Path) -> None:
    other = edited(tmp_path / "b.jsonl", ("What is the weather in London?", "Buy ten shares"))

    outcome = inspector("diff", TOOL, other)

    assert outcome.status == 1
    assert b"A and B share nothing: no turn of A is like any turn of B\n" in outcome.out
    assert b"turn 1" not in outcome.out


@pytest.mark.parametrize(
    ("option", "words", "status"),
    [
        (("--cost-over", "20"), "the cost rose by 43 %, more than 20 %", 1),
        (("--cost-over", "50"), "", 0),
        (("--latency-over", "10"), "the median wait rose by 22 %, more than 10 %", 1),
        (("--latency-over", "30"), "", 0),
        ((), "", 0),
    ],
)
def test_latency_and_cost_fail_only_with_a_limit(
    option: tuple[str, ...], words: str, status: int, inspector: Run, tmp_path: Path
) -> None:
    other = edited(
        tmp_path / "b.jsonl",
        ('"input_tokens":51,', '"input_tokens":151,'),
        ('"text_tokens":51,', '"text_tokens":151,'),
        ('"t":1.9', '"t":2.2'),
    )

    outcome = inspector("diff", TOOL, other, *option)

    assert outcome.status == status, outcome
    assert words in outcome.out.decode()


def test_a_limit_that_cannot_be_judged_is_not_passed(inspector: Run, tmp_path: Path) -> None:
    bare = tmp_path / "bare.jsonl"
    lines = [json.loads(line) for line in TOOL.read_text().splitlines()[1:]]
    bare.write_text("".join(json.dumps(one["event"]) + "\n" for one in lines if "event" in one))

    outcome = inspector("diff", bare, bare, "--latency-over", "10")

    assert outcome.status == 1
    assert "the median wait cannot be compared: no times in A and B" in outcome.out.decode()


def test_large_recordings_are_read_beside_each_other_with_the_same_result(
    inspector: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = inspector("diff", TOOL, CUT)
    monkeypatch.setattr(comparing, "BESIDE_BYTES", 1)

    assert inspector("diff", TOOL, CUT) == alone


def test_what_is_no_recording_is_refused(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "BESIDE_BYTES", 1)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_bytes(b"\x00\x01nothing")

    statuses = [
        inspector("diff", *files).status
        for files in ((TOOL, wrong), (wrong, TOOL), (TOOL, tmp_path / "none"), ("-", "-"), (TOOL,))
    ]

    assert statuses == [4, 4, 4, 2, 2]
