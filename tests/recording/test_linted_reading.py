"""A linted reading skips most events; its findings equal those of a full reading."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.analysis.lint.lint_run import LintReport
from inspector.analysis.lint.linted_state import LintedState
from inspector.core.event import Event, Origin
from inspector.recording import lean
from inspector.recording.linted_reading import LintedReading
from inspector.recording.reader import RecordingReader
from tests.billed import write_recording
from tests.linted import SERVER_VAD, began, done, error, later
from tests.linted import created as created_now
from tests.linted_sound import app_began, append, appends, in_order, started, voice
from tests.recording.test_lean import random_recording
from tests.support import at, client, numbered, recordings, server

OURS = sorted((Path(__file__).parents[2] / "sessions").glob("example-*.jsonl"))


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "WHOLE_BYTES", 0)


def told(state: LintedState) -> LintReport:
    report = state.report(is_over=True)
    assert report is not None
    assert report.failures == ()
    return report


def read_leanly(path: Path) -> LintReport:
    reader, state = RecordingReader(path), LintedState()
    LintedReading(reader, state).run()
    reader.close()
    return told(state)


def read_whole(path: Path) -> LintReport:
    reader, state = RecordingReader(path), LintedState()
    for row, event in enumerate(reader.events()):
        state.apply(replace(event, seq=row + 1), strict=True)
    reader.close()
    return told(state)


@pytest.mark.parametrize("path", [*OURS, *recordings()], ids=lambda path: path.stem)
def test_a_real_recording_gets_the_findings_of_every_event(path: Path) -> None:
    assert read_leanly(path) == read_whole(path)


@pytest.mark.parametrize("damaged", [0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_passed_over_changes_no_finding(tmp_path: Path, seed: int, damaged: float) -> None:
    path = tmp_path / "x.jsonl"
    random_recording(path, seed, damaged=damaged)

    assert read_leanly(path) == read_whole(path)


def mp3(n: int) -> Event:
    return append(b"ID3" + bytes(957)) if n == 30 else append(voice(20))


def noise(n: int) -> bytes:
    return random.Random(n).randbytes(960)


def by_hand(events: Sequence[Event]) -> list[Event]:
    return [
        replace(one, origin=Origin.MIC) if one.type == "input_audio_buffer.append" else one
        for one in events
    ]


def answered_on_defaults() -> list[Event]:
    defaults = "Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI."
    before = [*app_began(SERVER_VAD, instructions=defaults), *appends(voice(400))]
    return [*before, at(900, created_now()), at(950, done())]


def refused_append() -> list[Event]:
    odd = client("input_audio_buffer.append", audio=base64.b64encode(bytes(960)).decode(), extra=1)
    refusal = error("unknown_parameter", "Unknown parameter: 'extra'.", param="extra")
    return [*app_began(), *appends(voice(400)), at(450, odd), at(460, refusal)]


def steady(ms: float) -> bytes:
    return b"".join(noise(n)[: 48 * 20] for n in range(int(ms / 20)))


SOUNDS: dict[str, tuple[str, Callable[[], Sequence[Event]]]] = {
    "a file in one of many appends": (
        "input-content",
        lambda: [*app_began(), *(at(n * 20, mp3(n)) for n in range(60))],
    ),
    "another rate": (
        "input-rate",
        lambda: in_order(app_began(SERVER_VAD), appends(voice(3000), size=320, start_ms=100)),
    ),
    "silence": (
        "vad-never",
        lambda: in_order(app_began(SERVER_VAD), appends(bytes(48 * 6000), start_ms=100)),
    ),
    "speech under steady noise": (
        "vad-open-forever",
        lambda: in_order(
            app_began(SERVER_VAD), [started(200)], appends(steady(17_000), start_ms=100)
        ),
    ),
    "appends that an app sends": ("never-configured", answered_on_defaults),
    "an append with another member": ("request-refused", refused_append),
    "audio that nobody commits": (
        "transcription-mode",
        lambda: [
            server("session.created", session={"type": "transcription", "id": "s"}),
            *appends(bytes(960 * 40), start_ms=100),
            later(12_000),
        ],
    ),
}
"""By what the app sends: the rule that finds it, and the session."""


@pytest.mark.parametrize("name", SOUNDS)
def test_a_fault_in_appends_that_are_passed_over_is_found(tmp_path: Path, name: str) -> None:
    rule, made = SOUNDS[name]
    path = write_recording(tmp_path / "x.jsonl", numbered(made()))
    report = read_leanly(path)

    assert rule in [one.rule for one in report.findings]
    assert report == read_whole(path)


def test_appends_of_the_own_microphone_are_nobody_elses_app(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "x.jsonl", by_hand(numbered(answered_on_defaults())))

    assert "never-configured" not in [one.rule for one in read_leanly(path).findings]


def test_appends_are_read_only_where_their_audio_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = [at(n * 20, append(noise(n))) for n in range(3000)]
    path = write_recording(tmp_path / "x.jsonl", numbered([*began(SERVER_VAD), *sound]))
    read: list[int] = []
    decode = RecordingReader.decode

    def counted(reader: RecordingReader, line: bytes, row: int) -> Event:
        read.append(row)
        return decode(reader, line, row)

    monkeypatch.setattr(RecordingReader, "decode", counted)
    read_leanly(path)

    assert len(read) < 500
