"""Sending from a session's screen: by key, by dialog, from the editor, again, and as an answer to a call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from inspector.errors import UsageError
from inspector.tui.sending.send_editor import SendEditor
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.workspace.command_line import CommandLine
from tests.support import FakeSource
from tests.tui.session_stage import AUDIO, HOSTILE, Stage, on_stage


async def typed(stage: Stage, text: str) -> SendEditor:
    """Open the editor with a text in it; return it."""
    await stage.press("s")
    editor = stage.screen.query_one(SendEditor)
    editor.query_one(TextArea).text = text
    await stage.settle()
    return editor


def test_creating_a_response_sends_only_what_was_filled_in(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("c", "enter")
        assert stage.last_sent().keys() == {"type", "event_id"}
        await stage.press("c", "ctrl+n", "tab", "t", "e", "x", "t", "tab", "h", "i", "enter")
        assert stage.last_sent()["response"] == {
            "conversation": "none",
            "output_modalities": ["text"],
            "instructions": "hi",
        }

    on_stage(scenario, tmp_path)


def test_truncation_is_suggested_for_the_playing_item(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press("t")
        fields = {entry.id: entry.value for entry in stage.pilot.app.screen.query(Input)}
        assert fields["field-item_id"] == "item_2"
        assert 0 <= int(fields["field-audio_end_ms"]) <= 800
        await stage.press("enter")
        sent = stage.last_sent()
        assert (sent["type"], sent["item_id"], sent["content_index"]) == (
            "conversation.item.truncate",
            "item_2",
            0,
        )

    on_stage(scenario, tmp_path)


def test_the_playing_item_is_truncated_at_the_moment_of_sending_wherever_the_cursor_is(
    tmp_path: Path,
) -> None:
    async def scenario(stage: Stage) -> None:
        where = {"response_id": "resp_0", "item_id": "item_1", "content_index": 0}
        stage.source.say("response.output_audio.delta", **where, delta=AUDIO)
        await stage.settle()
        report = {"content_index": 0, "audio_ms": 100}
        stage.engine.note("inspector.playing", {**report, "item_id": "item_1", "audio_ms": 0})
        stage.engine.note("inspector.played", {**report, "item_id": "item_1"})
        await stage.settle()
        row = next(
            row
            for row in range(len(stage.engine.log))
            if stage.engine.log.type_of(row) == "response.output_audio.delta"
        )
        stage.screen.show_row(row)
        stage.speak()
        long = {**where, "response_id": "resp_1", "item_id": "item_2", "delta": AUDIO * 100}
        stage.source.say("response.output_audio.delta", **long)
        await stage.settle()
        stage.engine.note("inspector.playing", {**report, "item_id": "item_2"})
        await stage.settle()
        await stage.press("t")
        dialog = stage.pilot.app.screen
        fields = {entry.id: entry for entry in dialog.query(Input)}
        proposed = int(fields["field-audio_end_ms"].value)
        assert fields["field-item_id"].value == "item_2"
        assert "x also stops it" in stage.shown()
        await stage.press("enter")
        sent = stage.last_sent()
        assert (sent["item_id"], proposed < sent["audio_end_ms"]) == ("item_2", True)

    on_stage(scenario, tmp_path)


def test_edited_milliseconds_do_not_count_on(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press("t")
        stage.pilot.app.screen.query_one("#field-audio_end_ms", Input).value = "7"
        await stage.settle()
        await stage.press("enter")
        assert stage.last_sent()["audio_end_ms"] == 7

    on_stage(scenario, tmp_path)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("x", {"type": "response.cancel"}),
        ("b", {"type": "input_audio_buffer.commit"}),
        ("B", {"type": "input_audio_buffer.clear"}),
    ],
)
def test_a_key_sends_its_event(tmp_path: Path, key: str, expected: dict[str, str]) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press(key)
        assert stage.last_sent().items() >= expected.items()

    on_stage(scenario, tmp_path)


@pytest.mark.parametrize(("key", "kind"), [("D", "delete"), ("V", "retrieve")])
def test_items_are_deleted_and_retrieved_by_choice(tmp_path: Path, key: str, kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press(key, "enter")
        sent = stage.last_sent()
        assert (sent["type"], sent["item_id"]) == (f"conversation.item.{kind}", "item_2")

    on_stage(scenario, tmp_path)


def test_typed_text_is_sent_verbatim_and_its_outcome_is_shown(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        editor = await typed(stage, '{ "type": "nope", "event_id":"mine" }')
        assert "Supported values" in str(editor.query_one("#verdict", Static).content)
        await stage.press("f5")
        assert stage.source.sent[-1] == b'{ "type": "nope", "event_id":"mine" }'
        error = {
            "type": "invalid_request_error",
            "code": "invalid_value",
            "message": "no such type",
            "event_id": "mine",
        }
        stage.source.say("error", error=error)
        await stage.settle()
        assert "no such type" in str(editor.query_one("#outcome", Static).content)
        assert "✗ invalid_value" in stage.shown()

    on_stage(scenario, tmp_path, size=(160, 50))


def test_invalid_json_is_warned_of_and_sent_anyway(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        editor = await typed(stage, "{oops")
        assert "not valid JSON (line 1, column 2)" in str(
            editor.query_one("#verdict", Static).content
        )
        await stage.press("f5")
        assert stage.source.sent[-1] == b"{oops"
        stage.source.say("error", error={"code": "invalid_json", "message": "Not JSON."})
        await stage.settle()
        assert "Not JSON." in str(editor.query_one("#outcome", Static).content)
        await stage.press("escape")
        assert "✗? inv" in stage.shown()
        assert "! 1 error " in stage.line("#header")
        await stage.press("e")
        at = stage.screen.selected
        await stage.press("e")
        assert stage.screen.selected == at
        assert stage.engine.log.type_of(at) == "error"

    on_stage(scenario, tmp_path)


def test_completion_suggests_and_inserts(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        area = stage.screen.query_one(SendEditor).query_one(TextArea)
        area.text = '{"type": "response.can'
        area.move_cursor(area.document.end)
        await stage.press("ctrl+@", "enter")
        assert area.text == '{"type": "response.cancel"'

    on_stage(scenario, tmp_path)


def test_the_history_keeps_the_unsent_text(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        editor = stage.screen.query_one(SendEditor)
        for text in ('{"type":"a"}', '{"type":"b"}'):
            editor.load(text)
            await stage.press("f5")
        editor.load("a draft")
        seen = []
        for key in ("ctrl+up", "ctrl+up", "ctrl+up", "ctrl+down", "ctrl+down", "ctrl+down"):
            await stage.press(key)
            seen.append(editor.text[-4:])
        assert seen == ['"b"}', '"a"}', '"a"}', '"b"}', "raft", "raft"]

    on_stage(scenario, tmp_path)


def test_an_update_of_a_translation_is_checked_as_one(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        editor = stage.screen.query_one(SendEditor)
        editor.load('{"type":"session.update","session":{"audio":{"output":{"language":"es"}}}}')
        await stage.settle()
        verdict = editor.query_one("#verdict", Static)
        assert "session.type" in str(verdict.content)
        stage.source.say("session.updated", session={"type": "translation"})
        await stage.settle()
        assert "valid" in str(verdict.content)

    on_stage(scenario, tmp_path)


def test_a_past_event_is_sent_again_and_edited(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("b")
        first = stage.source.sent[-1]
        stage.screen.query_one("#client", EventPane).focus()
        await stage.press("G", "r")
        assert stage.source.sent[-1] == first
        assert len(stage.source.sent) == 2
        await stage.press("i")
        assert stage.screen.query_one(SendEditor).text.encode() == first

    on_stage(scenario, tmp_path)


def a_call(stage: Stage, name: str) -> None:
    """Let the server call a function."""
    item = {
        "id": f"item_{name}",
        "type": "function_call",
        "status": "completed",
        "name": name,
        "call_id": f"call_{name}",
        "arguments": "{}",
    }
    stage.source.say("conversation.item.added", previous_item_id=None, item=item)


def test_a_function_call_is_answered_by_hand_and_a_response_is_offered(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        a_call(stage, "weather")
        await stage.settle()
        assert "then a" in stage.line("#hint")
        await stage.press("2", "a")
        editor = stage.screen.query_one("#send", SendEditor)
        assert '"call_id": "call_weather"' in editor.text
        await stage.press("f5")
        assert stage.last_sent()["item"]["type"] == "function_call_output"
        assert "Create a response" in stage.shown()
        await stage.press("f5")
        assert stage.last_sent()["type"] == "response.create"

    on_stage(scenario, tmp_path)


def test_no_response_is_offered_while_other_calls_are_pending(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        a_call(stage, "one")
        a_call(stage, "two")
        await stage.settle()
        await stage.press("2", "k", "a", "f5")
        assert stage.last_sent()["item"]["call_id"] == "call_one"
        assert "Create a response" not in stage.shown()
        assert any("1 more call needs output" in n.message for n in stage.pilot.app._notifications)

    on_stage(scenario, tmp_path)


def test_an_mcp_call_is_approved_or_denied_by_hand(tmp_path: Path) -> None:
    request = {
        "id": "item_q",
        "type": "mcp_approval_request",
        "server_label": "docs",
        "name": HOSTILE,
        "arguments": "{}",
    }

    async def scenario(stage: Stage) -> None:
        stage.source.say("conversation.item.added", previous_item_id=None, item=request)
        await stage.settle()
        await stage.press("2", "a")
        assert 'Allow MCP tool "[red]x[/] \\x1b' in stage.shown()
        await stage.press("ctrl+n", "enter")
        assert stage.last_sent()["item"] == {
            "type": "mcp_approval_response",
            "approval_request_id": "item_q",
            "approve": False,
        }

    on_stage(scenario, tmp_path)


def test_the_selected_item_of_the_conversation_is_the_one_to_be_deleted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        a_call(stage, "one")
        a_call(stage, "two")
        await stage.settle()
        await stage.press("2", "k", "D", "enter")
        assert stage.last_sent() == {
            "type": "conversation.item.delete",
            "item_id": "item_one",
            "event_id": stage.last_sent()["event_id"],
        }

    on_stage(scenario, tmp_path)


class FaultySource(FakeSource):
    """A server that records the faults it is asked to inject."""

    faults: Mapping[str, str] = {"slow": "everything takes longer", "dropped": "the socket is gone"}

    def __init__(self) -> None:
        super().__init__()
        self.raised: list[str] = []

    def raise_fault(self, name: str) -> None:
        self.raised.append(name)


def test_a_fault_is_injected_by_key_and_by_command(tmp_path: Path) -> None:
    source = FaultySource()

    async def scenario(stage: Stage) -> None:
        await stage.press("exclamation_mark")
        assert "dropped" in stage.shown()
        await stage.press("ctrl+n", "enter")
        stage.screen.commands()["fault"]("slow")
        with pytest.raises(UsageError, match="no such fault: nope"):
            stage.screen.commands()["fault"]("nope")
        await stage.settle()

        assert source.raised == ["dropped", "slow"]
        names = [stage.engine.log.type_of(row) for row in range(len(stage.engine.log))]
        assert names.count("inspector.fault") == 2

    on_stage(scenario, tmp_path, source=source)


def test_faults_are_not_available_with_a_real_server(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("exclamation_mark")

        (notice,) = stage.pilot.app._notifications
        assert "only available with the simulator" in notice.message

    on_stage(scenario, tmp_path)


def test_a_pending_request_has_priority_over_a_running_response(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        call = {"id": "item_9", "type": "function_call", "call_id": "call_9", "name": "f"}
        stage.speak()
        await stage.press("1")
        answering = stage.screen.hint_text()
        stage.source.say("conversation.item.added", item=call)
        await stage.press("1")

        assert "the model is answering" in answering
        assert "a function call needs" in stage.screen.hint_text()

    on_stage(scenario, tmp_path)


def test_tab_completes_commands_and_never_leaves_the_line(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        before = len(stage.engine.log)
        await stage.press("colon", "t", "tab")
        line = stage.screen.query_one(CommandLine)
        first = line.value
        await stage.press("tab")
        assert first != line.value
        assert {first, line.value} <= {f"{name} " for name in stage.screen.commands()}
        await stage.press("shift+tab")
        assert line.value == first
        await stage.press("tab", *["tab"] * 30, "b")
        assert line.has_focus
        assert len(stage.engine.log) == before
        await stage.press("escape", "colon", *"view conv", "tab", "enter")
        assert stage.screen.current_view == "conversation"
        await stage.press("colon", *"filter type:sess", "tab")
        assert line.value == "filter type:session.update"

    on_stage(scenario, tmp_path)


def test_what_was_entered_comes_back(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for text in ("view session", "view events"):
            await stage.write(":", text)
        line = stage.screen.query_one(CommandLine)
        await stage.press("colon", *"vi", "up")
        assert line.value == "view events"
        await stage.press("up", "up")
        assert line.value == "view session"
        await stage.press("down", "down")
        assert line.value == "vi"
        await stage.press("f1")
        assert "keys" in stage.shown()

    on_stage(scenario, tmp_path)


def test_a_newcomers_first_words_become_the_message(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s", *"Hi", "f5")
        assert stage.last_sent()["item"]["content"][0]["text"] == "Hi"
        await stage.press("ctrl+up")
        editor = stage.screen.query_one(SendEditor)
        assert '"Hi"' in editor.text
        editor.load('{"type":"x"}')
        await stage.press("f5", "ctrl+up")
        assert '"Hi"' in editor.text

    on_stage(scenario, tmp_path)


def test_templates_narrow_as_one_types(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s", "ctrl+t", *"resp ban")
        assert "response.create, out-of-band" in stage.shown()
        assert "session.update, voice" not in stage.shown()
        await stage.press("z", *["backspace"] * 3, *"can", "enter")
        editor = stage.screen.query_one(SendEditor)
        assert '"response.cancel"' in editor.text
        assert isinstance(stage.screen.focused, TextArea)
        await stage.press("ctrl+t", "x", "escape")
        assert '"response.cancel"' in editor.text
        assert isinstance(stage.screen.focused, TextArea)

    on_stage(scenario, tmp_path)


def test_completions_narrow_as_one_types(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        editor = stage.screen.query_one(SendEditor)
        editor.load('{"type": ""}')
        editor.query_one(TextArea).cursor_location = (0, 10)
        await stage.press("ctrl+space")
        offered = editor.query_one("#completions", OptionList)
        before = offered.option_count
        await stage.press(*"resp")
        assert 0 < offered.option_count < before
        await stage.press("enter")
        assert '"response.' in editor.text
        assert not offered.has_class("shown")

    on_stage(scenario, tmp_path)
