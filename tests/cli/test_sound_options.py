"""Microphone and speaker from the command line, and headless runs that play an answer to its end."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import numpy as np
import pytest
import soundfile

from inspector.audio.sound_file import WavReader
from inspector.cli.headless import Bounds, HeadlessRun, Shown
from inspector.cli.sound_options import sound_options
from inspector.clock import SystemClock
from inspector.engine.live_engine import Engine
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import (
    DEFAULT_DEVICE,
    NO_SOUND,
    SoundEnd,
    SoundEndKind,
    SoundOptions,
)
from inspector.errors import SoundFileError
from inspector.recording.writer import RecordingFile
from tests.support import FakeSource

RATE_HZ = 24_000


def asked(mic: str | None, speaker: str | None, *, is_headless: bool = False) -> SoundOptions:
    return sound_options(mic, speaker, 40, truncates=True, is_headless=is_headless)


def test_the_screen_uses_the_sound_card_and_a_headless_run_does_not() -> None:
    assert asked(None, None).microphone == asked(None, None).speaker == DEFAULT_DEVICE
    headless = asked(None, None, is_headless=True)
    assert headless.microphone == headless.speaker == NO_SOUND


def test_options_choose_devices_and_files() -> None:
    options = asked("USB", "none", is_headless=True)

    assert options.microphone == SoundEnd(SoundEndKind.DEVICE, "USB")
    assert options.speaker == NO_SOUND
    assert options.opens_at_once


def test_files_are_checked_before_the_session_starts(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="cannot read"):
        asked(str(tmp_path / "gone.wav"), None)
    with pytest.raises(SoundFileError, match="cannot write"):
        asked(None, str(tmp_path / "no" / "folder.wav"))
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    assert asked(str(tmp_path / "a.wav"), None).microphone.kind is SoundEndKind.FILE


@pytest.mark.parametrize(("timeout_s", "least_ms", "most_ms"), [(5.0, 600, 600), (0.3, 50, 400)])
def test_an_answer_is_played_to_its_end_within_the_timeout(
    tmp_path: Path, timeout_s: float, least_ms: int, most_ms: int
) -> None:
    clock, source = SystemClock(), FakeSource()
    engine = Engine(source, RecordingFile(None, clock), clock, strict=True)
    speaker = SoundEnd(SoundEndKind.FILE, str(tmp_path / "heard.wav"))
    engine.sound = SessionSound(engine, SoundOptions(NO_SOUND, speaker, opens_at_once=True))
    delta = base64.b64encode(np.full(RATE_HZ * 600 // 1000, 999, "<i2").tobytes()).decode()
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    source.say("response.output_audio.delta", **where, delta=delta)
    source.say("response.output_audio.done", **where)
    source.say("response.done", response={"id": "r", "status": "completed"})

    run = HeadlessRun(engine, Bounds("response.done", timeout_s), Shown.SUMMARY)
    assert asyncio.run(run.run()) == 0
    with WavReader(tmp_path / "heard.wav") as reader:
        heard_ms = np.count_nonzero(reader.read(reader.frames)) * 1000 / RATE_HZ
    assert least_ms <= heard_ms <= most_ms


def test_a_sound_file_is_never_overwritten(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept.wav", tmp_path / "link.wav"
    soundfile.write(kept, np.zeros(100), 8000)
    before = kept.read_bytes()
    link.symlink_to(kept)
    for speaker in (kept, link):
        with pytest.raises(SoundFileError, match="already exists"):
            asked(str(kept), str(speaker))

    assert kept.read_bytes() == before


def test_checking_a_file_leaves_nothing_behind(tmp_path: Path) -> None:
    asked(None, str(tmp_path / "heard.wav"))

    assert not (tmp_path / "heard.wav").exists()
