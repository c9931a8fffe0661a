"""The verdict on a file: the same however it is read, and kept for lists."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.prices import shipped_prices
from inspector.clock import SystemClock, time_is_up
from inspector.engine import session_verdict
from inspector.engine.session_verdict import RecordingVerdict
from inspector.recording import lean, recorded_verdict, recording_facts
from inspector.recording.opening import open_recording
from inspector.recording.reader import RecordingReader
from inspector.recording.recording_facts import KnownFacts
from tests.analysis.lint.test_proofs import late_cancel
from tests.billed import clock_in_the_instructions, write_recording
from tests.support import recordings

OURS = sorted((Path(__file__).parents[2] / "sessions").glob("example-*.jsonl"))
"""Those that come with the program."""


def read(path: Path) -> list[tuple[str, int]]:
    reader = RecordingReader(path)
    try:
        parts = recorded_verdict.recorded_verdict(reader, shipped_prices())
    finally:
        reader.close()
    return [(part.text, part.seq) for part in parts]


@pytest.mark.parametrize("path", [*OURS, *recordings()], ids=lambda path: path.stem)
def test_every_way_of_reading_a_recording_comes_to_the_same_verdict(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(path)
    monkeypatch.setattr(lean, "WHOLE_BYTES", 0)
    opening = open_recording(path)
    while opening.progress < 1:
        opening.advance()
    by_rows = RecordingVerdict(opening.log, opening.header)
    while not by_rows.is_done:
        by_rows.advance(time_is_up(0, SystemClock()))
    reader = RecordingReader(path)
    state = LintedState()
    for event in reader.events():
        state.apply(event, strict=True)
    by_all = recorded_verdict.verdict_of(state, reader.header, shipped_prices())
    reader.close()
    opening.close()

    assert read(path) == whole
    assert [(part.text, part.seq) for part in by_rows.parts] == whole
    assert [(part.text, part.seq) for part in by_all] == whole


def judged_elsewhere(path: Path) -> RecordingVerdict:
    """Return the verdict on a file that counts as large, once it is there."""
    opening = open_recording(path)
    while opening.progress < 1:
        opening.advance()
    found = RecordingVerdict(opening.log, opening.header, path)
    is_time_up = time_is_up(60, SystemClock())
    while not found.is_done and not is_time_up():
        found.advance(time_is_up(1, SystemClock()))
    found.close()
    opening.close()
    return found


def test_a_large_file_is_judged_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_verdict, "SLICED_BYTES", 0)
    found = judged_elsewhere(OURS[0])

    assert [(part.text, part.seq) for part in found.parts] == read(OURS[0])


def test_where_that_process_fails_the_log_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_verdict, "SLICED_BYTES", 0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    found = judged_elsewhere(OURS[0])

    assert [(part.text, part.seq) for part in found.parts] == read(OURS[0])


def test_where_no_process_can_be_started_the_log_is_read_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_verdict, "SLICED_BYTES", 0)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = judged_elsewhere(OURS[0])

    assert [(part.text, part.seq) for part in found.parts] == read(OURS[0])


def test_the_process_ends_with_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_verdict, "SLICED_BYTES", 0)
    opening = open_recording(OURS[0])
    found = RecordingVerdict(opening.log, opening.header, OURS[0])
    found.advance(time_is_up(1, SystemClock()))
    process = found._process
    found.close()
    found.close()
    opening.close()

    assert process is not None
    assert process.is_finished


def test_the_verdict_of_a_list_comes_after_its_facts_and_is_kept(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.jsonl", clock_in_the_instructions())
    facts = KnownFacts(tmp_path / "cache")
    ((_, first),) = facts.read([path])
    ((_, judged),) = facts.read_verdicts([path])

    assert first.verdict is None
    assert judged.cost == "$1.12"
    assert judged.verdict is not None
    assert judged.verdict[0][0] == "warning"
    assert judged.verdict[0][2] == "cache-broken"
    assert judged.findings is not None
    assert ("warning", "cache-broken", 1) in judged.findings
    assert list(KnownFacts(tmp_path / "cache").read([path])) == [(path, judged)]
    assert list(KnownFacts(tmp_path / "cache").read_verdicts([path])) == []


def test_other_prices_make_another_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "a.jsonl", clock_in_the_instructions())
    facts = KnownFacts(tmp_path / "cache")
    list(facts.read([path]))
    list(facts.read_verdicts([path]))
    monkeypatch.setattr(recording_facts, "price_stamp", lambda: "other")

    assert len(list(facts.read_verdicts([path]))) == 1


def test_a_large_file_is_not_read_for_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(tmp_path / "a.jsonl", clock_in_the_instructions())
    facts = KnownFacts(tmp_path / "cache")
    list(facts.read([path]))
    monkeypatch.setattr(recording_facts, "LATER_BYTES", 100)

    assert list(facts.read_verdicts([path])) == []


def test_a_file_that_changed_or_went_has_no_verdict(tmp_path: Path) -> None:
    paths = [
        write_recording(tmp_path / f"{name}.jsonl", clock_in_the_instructions())
        for name in ("a", "b")
    ]
    facts = KnownFacts(tmp_path / "cache")
    list(facts.read(paths))
    paths[0].unlink()
    with paths[1].open("ab") as file:
        file.write(b"\n")

    assert list(facts.read_verdicts(paths)) == []


def test_a_harmless_error_is_no_error_of_a_judged_file(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.jsonl", late_cancel())
    facts = KnownFacts(tmp_path / "cache")
    ((_, first),) = facts.read([path])
    ((_, judged),) = facts.read_verdicts([path])

    assert (first.errors, judged.errors) == (1, 0)
    assert judged.findings is not None
    assert judged.findings[-1] == ("harmless", "benign-red", 1)
