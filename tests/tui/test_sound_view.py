"""The Sound view: both sides measured, and the VAD lab, whose settings follow the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.core.event import Event, Origin
from inspector.tui.form.form_screen import SessionFormScreen
from inspector.tui.views.sound.bench_pane import BenchPane
from inspector.tui.views.sound.lab_pane import LabPane
from tests.detected import SENTENCE, sound, talk
from tests.spoken import events, write_recording
from tests.support import recording
from tests.tui import session_stage
from tests.tui.test_replay_screen import Stage, on_stage


@pytest.fixture(autouse=True)
def by_loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every machine listen with the same detector."""
    monkeypatch.setattr(
        "inspector.sources.speech.detectors.installed_detectors", lambda: ["energy", "energy"]
    )


def replayed(tmp_path: Path, scenario: Any, made: list[Event], **options: Any) -> None:
    on_stage(scenario, write_recording(tmp_path / "talk.jsonl", made), **options)


async def look(stage: Stage | session_stage.Stage, *keys: str) -> str:
    """Press keys, wait for the thread, and return what is shown then."""
    await stage.press(*keys)
    await stage.press("F12")  # a key that does nothing: another tick
    return stage.shown()


def test_both_sides_are_measured_and_a_figure_leads_to_its_event(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        shown = await look(stage, "8")
        assert "microphone" in shown
        assert "jitter, mean" in shown
        pane = stage.screen.query_one(BenchPane)
        pane._select(next(at for at, row in enumerate(pane._rows) if row.title == "delta, max"))
        assert "longest time from one event to the next" in await look(stage, "right")
        await stage.press("left", "enter")
        assert stage.screen.current_view == "events"
        assert stage.replay.log.type_of(stage.screen.selected) == "input_audio_buffer.append"

    replayed(tmp_path, scenario, events())


def test_settings_follow_the_keys_and_are_copied_from_a_recording(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        copied: list[str] = []
        stage.screen.copy_text = lambda text, what: copied.append(text)  # type: ignore[method-assign] # the clipboard is the terminal's
        assert "these are the settings in force" in await look(stage, "8", "v")
        assert "saved 96 ms per turn" in await look(stage, "minus", "minus")
        assert "silence 92 ms" in stage.shown()
        assert "cut one sentence in two" in await look(stage, "minus")
        await stage.press("enter")
        assert '"silence_duration_ms": 42' in copied[0]
        before = await look(stage, "0")
        assert "these are the settings in force" in before
        assert await look(stage, "z") != before
        assert "speech by loudness alone" in await look(stage, "V", "left", "plus")
        assert "padding 114 ms" in stage.shown()
        pane = stage.screen.query_one(LabPane)
        assert pane.select_seq(24)
        assert not pane.select_seq(2)
        await stage.press("E")
        assert stage.screen.selected == 23
        await stage.press("8", "escape")
        assert isinstance(stage.screen.focused, BenchPane)
        with pytest.raises(ValueError, match="sound bench or sound lab"):
            stage.screen.commands()["sound"]("nope")

    replayed(tmp_path, scenario, talk(sentences=6))


def test_what_cannot_be_measured_is_said_on_a_small_screen() -> None:
    async def scenario(stage: Stage) -> None:
        await look(stage, "8")
        assert "audio is elided in this file" in await look(stage, *["down"] * 8)
        assert "audio is elided in this file" in await look(stage, "v", "plus", "enter", "E", "V")
        await stage.press("escape", "escape")
        assert stage.screen.current_view == "events"

    on_stage(scenario, recording("voice-live-vad-turn"), size=(80, 24))


def test_in_a_live_session_settings_become_edits_of_the_form(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        settings = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 64, "silence_duration_ms": 192}  # fmt: skip
        session = {**session_stage.SESSION, "audio": {"input": {"turn_detection": settings}}}
        stage.source.say("session.updated", session=session)
        for one in sound(SENTENCE):
            assert one.body is not None
            stage.engine.submit(one.data.decode(), Origin.MIC)
        stage.source.say("input_audio_buffer.speech_started", audio_start_ms=64, item_id="item_u")
        stage.source.say("input_audio_buffer.speech_stopped", audio_end_ms=704, item_id="item_u")
        await stage.settle()
        assert "settings in force" in await look(stage, "8", "v")
        await stage.press("minus", "minus", "enter")
        form = stage.pilot.app.screen
        assert isinstance(form, SessionFormScreen)
        assert form.session.count_edited() == 1
        assert form.session.draft.target["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 92  # fmt: skip

    session_stage.on_stage(scenario, tmp_path)
