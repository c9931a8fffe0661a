"""Updates from the session form: preview, sending everything, presets, and outcomes."""

from __future__ import annotations

import os
from pathlib import Path

from textual.widgets import Input, TextArea

from inspector.tui.form.preset_files import Presets
from inspector.tui.workspace.workspace import Workspace
from tests.tui.form_stage import SPEED, Stage, on_stage


def test_a_change_is_previewed_sent_alone_and_confirmed(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(SPEED, "1.2")
        assert stage.state(SPEED)[0] == "edited"
        assert "1 edited" in stage.shown()
        await stage.press("ctrl+s")
        assert '"speed": 1.2' in stage.shown()
        assert "valid" in stage.shown()
        await stage.press("ctrl+s")
        await stage.settle()

        assert stage.sent() == [{"type": "realtime", "audio": {"output": {"speed": 1.2}}}]
        assert stage.state(SPEED)[0] == "confirmed"
        assert "✓ confirmed" in stage.shown()

    on_stage(scenario, tmp_path)


def test_the_preview_can_be_edited_before_it_is_sent(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(SPEED, "1.2")
        await stage.press("ctrl+s")
        area = stage.pilot.app.screen.query_one(TextArea)
        area.text = area.text.replace("1.2", '1.3, "volume": 11')
        await stage.pilot.pause()
        assert "Unknown parameter: 'session.audio.output.volume'" in stage.shown()
        await stage.press("ctrl+s")
        await stage.settle()

        assert stage.sent()[0]["audio"]["output"] == {"speed": 1.3, "volume": 11}
        assert "rejected the whole update: Unknown parameter" in stage.shown()

    on_stage(scenario, tmp_path)


def test_the_whole_session_is_sent_and_confirmed(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("f6")
        await stage.press("ctrl+s")
        await stage.settle()

        assert stage.sent()[0]["audio"]["output"]["voice"] == "alloy"
        assert stage.engine is not None
        assert stage.engine.state.session.updates == 1

    on_stage(scenario, tmp_path)


def test_a_preset_is_saved_and_loaded(tmp_path: Path) -> None:
    file, pipe = tmp_path / "mine.json", tmp_path / "pipe.json"
    os.mkfifo(pipe)  # whoever opened it would wait for ever

    async def save(stage: Stage) -> None:
        await stage.type_into(SPEED, "1.2")
        presets = Presets(stage.form, stage.form.session)
        presets.save(str(file))
        presets.save(__file__)
        await stage.settle()
        assert "is not a preset" in [n.message for n in stage.pilot.app._notifications][-1]
        presets.save(str(pipe))
        await stage.settle()
        assert "not a file" in [n.message for n in stage.pilot.app._notifications][-1]

    async def load(stage: Stage) -> None:
        await stage.press("ctrl+o")
        stage.pilot.app.screen.query_one(Input).value = str(file)
        await stage.press("enter")
        await stage.settle()

        assert stage.row(SPEED).view.value == 1.2
        assert "1 edited" in stage.shown()

    on_stage(save, tmp_path)
    assert file.stat().st_mode & 0o077 == 0
    on_stage(load, tmp_path / "b")


def test_a_preset_of_another_dialect_is_rejected_by_name(tmp_path: Path) -> None:
    file = tmp_path / "beta.json"
    file.write_text('{"modalities": ["text"], "voice": "echo"}')

    async def scenario(stage: Stage) -> None:
        await stage.press("ctrl+o")
        stage.pilot.app.screen.query_one(Input).value = str(file)
        await stage.press("enter")
        await stage.settle()

        assert "beta.json is for a beta session" in stage.shown()
        assert stage.form.session.draft.changed() == []

    on_stage(scenario, tmp_path)


def test_history_and_comparison_link_to_the_events(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(SPEED, "3")
        await stage.send()
        await stage.press("f8")
        assert "✗ audio.output.speed" in stage.shown()
        await stage.press("escape", "f9")
        assert "rejected at" in stage.shown()
        assert "audio.output.speed = 3" in stage.shown()
        await stage.press("down", "down", "enter")
        await stage.pilot.pause()

        screen = stage.pilot.app.screen
        assert isinstance(screen, Workspace)
        assert screen.event_log.type_of(screen.selected) == "session.update"

    on_stage(scenario, tmp_path)


def test_edits_are_kept_when_the_form_is_reopened(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(SPEED, "1.2")
        await stage.press("escape")
        await stage.pilot.pause()
        await stage.press("u")
        await stage.settle()

        assert stage.row(SPEED).view.value == 1.2

    on_stage(scenario, tmp_path)
