"""The session form on the screen, by keyboard alone, with the simulator as its server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from textual.widgets import OptionList, TextArea

from inspector.clock import SystemClock
from inspector.engine.replay import Replay
from inspector.recording.opening import open_recording
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.form.session_form import SessionForm
from inspector.tui.session.replay_workspace import replay_workspace
from tests.support import FakeSource, recording, silence
from tests.tui.form_stage import DETECTION, SPEED, VOICE, Stage, on_stage
from tests.tui.pacing import tick

HOSTILE = "[red]x[/] \x1b[31m\x1b]0;t\x07 \u202e"


@pytest.mark.parametrize(
    ("path", "typed", "words"),
    [
        (SPEED, "3", "Expected a value <= 1.5, but got 3"),
        (f"{DETECTION}.threshold", "2", "Expected a value <= 1, but got 2"),
        (f"{DETECTION}.idle_timeout_ms", "100", "Expected a value >= 5000, but got 100"),
    ],
)
def test_a_refusal_is_shown_at_its_field(tmp_path: Path, path: str, typed: str, words: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(path, typed)
        await stage.go_to("include")
        await stage.send()
        mark, message = stage.state(path)

        assert mark == "rejected"
        assert words in message
        assert stage.row(path).editor.has_focus
        assert "✗ rejected" in stage.shown()

    on_stage(scenario, tmp_path)


def test_an_unknown_voice_is_typed_rejected_and_reverted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to(VOICE)
        await stage.press("enter", *"bob", "enter")
        assert stage.row(VOICE).view.value == "bob"
        await stage.send()
        assert stage.state(VOICE)[0] == "rejected"
        assert "Supported values are: 'alloy'" in stage.state(VOICE)[1]
        await stage.go_to(VOICE)
        await stage.press("f3")

        assert stage.state(VOICE) == ("", "")
        assert stage.row(VOICE).view.value == "alloy"

    on_stage(scenario, tmp_path)


def speaking() -> FakeSource:
    source = FakeSource()
    output = {"voice": "alloy", "speed": 1.0}
    session = {"id": "s", "type": "realtime", "model": "m", "audio": {"output": output}}
    source.say("session.created", session=session)
    return source


def test_a_voice_locked_meanwhile_is_rejected_at_its_field(tmp_path: Path) -> None:
    source = speaking()

    async def scenario(stage: Stage) -> None:
        await stage.go_to(VOICE)
        await stage.press("right")
        edited = stage.row(VOICE).view
        source.say(
            "response.output_audio.delta",
            response_id="r",
            item_id="i",
            output_index=0,
            content_index=0,
            delta=silence(100),
        )
        await stage.settle()
        assert "fixed: assistant audio exists" in str(stage.row(VOICE).view.lock)
        await stage.send()
        event_id = orjson.loads(source.sent[-1])["event_id"]
        words = "Cannot update a conversation's voice if assistant audio is present."
        source.say("error", error={"type": "invalid_request_error", "code": "cannot_update_voice", "message": words, "param": None, "event_id": event_id})  # fmt: skip
        await stage.settle()

        assert edited.value == "ash"
        assert stage.state(VOICE) == ("rejected", words)

    on_stage(scenario, tmp_path, source=source)


def test_a_locked_field_says_why_and_cannot_be_changed(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert "fixed when the session was created" in stage.shown()
        row = stage.row("model")
        row.editor.focus()
        await stage.press("right")

        assert row.view.mark == ""

    on_stage(scenario, tmp_path)


def test_fields_come_and_go_with_the_kind_of_turn_detection(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert stage.row(f"{DETECTION}.threshold").display
        await stage.go_to(DETECTION)
        await stage.press("right")
        await stage.settle()
        assert not stage.row(f"{DETECTION}.threshold").display
        await stage.go_to(f"{DETECTION}.eagerness")
        await stage.press("right")
        await stage.send()

        assert stage.sent()[0]["audio"]["input"]["turn_detection"] == {
            "type": "semantic_vad",
            "eagerness": "low",
            "create_response": True,
            "interrupt_response": True,
        }
        assert stage.state(DETECTION)[0] == "confirmed"

    on_stage(scenario, tmp_path)


def test_instructions_are_written_in_a_text_area(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to("instructions")
        await stage.press("f7")  # asks for a file: a text area must not take the key for itself
        await stage.press("escape")
        area = stage.row("instructions").editor
        assert isinstance(area, TextArea)
        area.select_all()
        await stage.press(*"Be", "enter", *"brief.")
        await stage.send()

        assert stage.sent() == [{"type": "realtime", "instructions": "Be\nbrief."}]
        assert stage.state("instructions")[0] == "confirmed"

    on_stage(scenario, tmp_path)


def test_an_invalid_number_is_reported_and_not_sent(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.type_into(SPEED, "fast")
        assert stage.state(SPEED) == ("edited", "speed must be a number")
        await stage.press("ctrl+s")
        await stage.settle()
        assert stage.sent() == []
        await stage.press("ctrl+z")
        await stage.settle()

        assert stage.state(SPEED) == ("", "")
        assert stage.row(SPEED).view.value == 1.0

    on_stage(scenario, tmp_path)


def test_numbers_move_by_their_step(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to(SPEED)
        await stage.press("shift+up", "shift+up")
        assert stage.row(SPEED).view.value == 1.1
        await stage.type_into(SPEED, "1.49")
        await stage.press("shift+up", "shift+up")

        assert stage.row(SPEED).view.value == 1.5

    on_stage(scenario, tmp_path)


def test_an_invalid_tool_schema_is_reported_while_typing(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to("tools")
        await stage.press("enter")
        area = stage.pilot.app.screen.query_one(TextArea)
        area.text = '[{"type":"function","name":"x","parameters":{"type":"text"}}]'
        await stage.pilot.pause()
        assert "must be a JSON Schema" in stage.shown()
        await stage.press("ctrl+s")
        await stage.settle()
        assert stage.row("tools").view.is_wrong
        await stage.go_to("tools")
        await stage.press("enter")
        area = stage.pilot.app.screen.query_one(TextArea)
        area.text = '[{"type":"function","name":"x","parameters":{"type":"object"}}]'
        await stage.pilot.pause()
        assert "valid" in stage.shown()
        await stage.press("ctrl+s")
        await stage.settle()
        assert "1 function" in stage.shown()
        await stage.send()

        assert stage.state("tools")[0] == "confirmed"

    on_stage(scenario, tmp_path)


def test_invalid_json_leaves_the_tools_unchanged(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to("tools")
        await stage.press("enter")
        stage.pilot.app.screen.query_one(TextArea).text = "[{"
        await stage.press("ctrl+s")
        await stage.settle()

        assert stage.state("tools")[0] == "edited"
        assert stage.state("tools")[1].startswith("tools must be valid JSON")
        assert stage.row("tools").view.value == []

    on_stage(scenario, tmp_path)


def test_the_command_line_opens_the_form_with_an_action(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("escape")
        await stage.pilot.pause()
        await stage.press("colon", *"form whole", "enter")
        await stage.settle()

        assert "Send the whole session" in stage.shown()

    on_stage(scenario, tmp_path)


def test_at_eighty_by_twenty_four_everything_is_reached_by_keys(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        form = stage.form.query_one(SessionForm)
        seen = []
        shown = [view.field.path for view in stage.form.session.draft.views({})]
        while form.focused_field is not None and form.focused_field.path not in seen:
            seen.append(form.focused_field.path)
            await stage.press("tab" if seen[-1] == ("instructions",) else "down")
        region = stage.row("include").editor.region

        assert seen == [path for path in shown if path != ("model",)]
        assert 0 < region.y < 23
        assert all(len(line.rstrip()) <= 80 for line in stage.shown().splitlines())

    on_stage(scenario, tmp_path, size=(80, 24))


def test_a_choice_is_taken_from_a_list(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.go_to("tool_choice")
        await stage.press("enter")
        options = stage.pilot.app.screen.query_one(OptionList)
        assert options.highlighted == 1
        await stage.press("down", "enter")
        await stage.settle()

        assert stage.row("tool_choice").view.value == "required"

    on_stage(scenario, tmp_path)


def test_hostile_text_is_shown_sanitized_and_kept(tmp_path: Path) -> None:
    source = FakeSource()
    session = {"id": "s", "type": "realtime", "model": HOSTILE, "instructions": HOSTILE}
    source.say("session.created", session={**session, "tracing": {"workflow_name": HOSTILE}})

    async def scenario(stage: Stage) -> None:
        source.say("error", error={"message": HOSTILE, "param": "session.nope", "event_id": None})
        await stage.settle()
        shown = stage.shown()
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "[red]x[/]" in shown

        assert stage.row("instructions").view.value == HOSTILE

    on_stage(scenario, tmp_path, source=source)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("voice-live-vad-turn", "Azure Voice Live session"),
        ("xai-tool-call-round", "xAI session"),
        ("beta-semantic-kernel", "beta session"),
        ("openai-tool-call-round", "realtime session"),
    ],
)
def test_in_a_replay_the_form_is_read_only_as_of_the_cursor(name: str, title: str) -> None:
    path = recording(name)

    async def run() -> None:
        replay = Replay(open_recording(path), SystemClock())
        async with InspectorApp(replay_workspace(replay, UNICODE)).run_test(size=(80, 24)) as pilot:
            stage = Stage(pilot)
            await pilot.pause()
            replay.seek_row(min(3, len(replay.log) - 1))
            tick(pilot.app.screen)
            await stage.open()
            shown = stage.shown()
            assert title in shown
            assert "(read only)" in shown
            await stage.press("ctrl+s", "right")
            assert stage.form.session.draft.edits == {}
            stage.row("tools").editor.focus()
            await stage.press("enter")
            assert pilot.app.screen.query_one(TextArea).read_only
            await stage.press("ctrl+s", "escape")
            await stage.press("f9")
            assert "session" in stage.shown()
            await stage.press("escape", "escape")
        replay.close()

    asyncio.run(run())
