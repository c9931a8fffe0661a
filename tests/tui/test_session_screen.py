"""A live session on the screen, with a server under the test's control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from inspector.clock import SystemClock
from inspector.engine.host import Host
from inspector.engine.session import Engine
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.tui.app import InspectorApp
from inspector.tui.glyphs import UNICODE
from inspector.tui.screens.session import SessionScreen
from inspector.tui.widgets.detail import DetailPane
from inspector.tui.widgets.event_pane import EventPane
from inspector.tui.widgets.send_editor import SendEditor
from inspector.tui.widgets.text_page import TextPage
from tests.support import FakeSource

SESSION = {"id": "sess_1", "type": "realtime", "model": "gpt-realtime"}
AUDIO = "A" * 6400
"""100 ms of PCM16 silence, base64."""
HOSTILE = "[red]x[/] \x1b[31m\x1b]0;t\x07 \u202e 😀"


class Stage:
    """One screen, its engine and its server."""

    def __init__(
        self, pilot: Pilot[int], screen: SessionScreen, engine: Engine, source: FakeSource
    ) -> None:
        self.pilot, self.screen, self.engine, self.source = pilot, screen, engine, source

    async def settle(self) -> None:
        for _ in range(3):
            await self.pilot.pause(0.03)
        self.screen.tick()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    def line(self, selector: str) -> str:
        return str(self.screen.query_one(selector, Static).content)

    def shown(self) -> str:
        """Return the text of the visible screen."""
        width = self.pilot.app.size.width
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width] for strip in strips)

    def last_sent(self) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.source.sent[-1])
        return body

    def speak(self) -> None:
        """Let the server begin to answer, with 800 ms of audio."""
        where = {
            "response_id": "resp_1",
            "item_id": "item_2",
            "output_index": 0,
            "content_index": 0,
        }
        item = {
            "id": "item_2",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self.source.say("response.created", response={"id": "resp_1", "status": "in_progress"})
        self.source.say(
            "response.output_item.added", response_id="resp_1", output_index=0, item=item
        )
        for word in ("It", " is", " foggy"):
            self.source.say("response.output_audio_transcript.delta", **where, delta=word)
        for _ in range(8):
            self.source.say("response.output_audio.delta", **where, delta=AUDIO)


def on_stage(
    scenario: Callable[[Stage], Awaitable[None]],
    tmp_path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    refusal: ConnectError | None = None,
    source: FakeSource | None = None,
) -> None:
    async def run() -> None:
        await act(FakeSource() if source is None else source)

    async def act(source: FakeSource) -> None:
        source.refusal = refusal
        recording = RecordingFile(tmp_path / "a.jsonl", SystemClock())
        engine = Engine(source, recording, SystemClock(), strict=True)
        async with Host() as host:
            screen = SessionScreen(host, engine, UNICODE)
            async with InspectorApp(screen).run_test(size=size) as pilot:
                stage = Stage(pilot, screen, engine, source)
                if refusal is None:
                    source.say("session.created", session=SESSION)
                await stage.settle()
                await scenario(stage)
                if engine.can_send:
                    source.hang_up()
        recording.close()

    asyncio.run(run())


def test_what_is_connected_and_recorded_is_said(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        header = stage.line("#header")
        assert "live" in header
        assert "gpt-realtime" in header
        assert "a.jsonl" in header
        assert "press s to send" in stage.line("#hint")
        assert "session.created" in stage.shown()

    on_stage(scenario, tmp_path)


def test_a_refused_connection_shows_why_and_what_to_do(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert "refused" in stage.line("#header")
        assert "no route — check the address" in stage.line("#hint")
        assert "ctrl+r" in stage.line("#hint")
        await stage.press("c", "enter")
        assert stage.source.sent == []

    on_stage(scenario, tmp_path, refusal=ConnectError("no route", hint="check the address"))


def test_a_lost_connection_is_shown_and_reconnects_into_the_same_recording(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.hang_up(1006, "")
        await stage.settle()
        assert "1006" in stage.line("#hint")
        before = len(stage.engine.log)
        await stage.press("ctrl+r")
        assert stage.source.connections == 2
        assert len(stage.engine.log) > before
        assert "live" in stage.line("#header")

    on_stage(scenario, tmp_path)


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


def test_truncation_is_proposed_for_what_is_being_heard(tmp_path: Path) -> None:
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


def test_hand_typed_text_goes_out_as_it_stands_and_its_fate_is_shown(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        editor = stage.screen.query_one(SendEditor)
        editor.query_one(TextArea).text = '{ "type": "nope", "event_id":"mine" }'
        await stage.settle()
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


def test_text_that_is_not_json_is_warned_of_and_sent_all_the_same(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        editor = stage.screen.query_one(SendEditor)
        editor.query_one(TextArea).text = "{oops"
        await stage.settle()
        assert "not JSON" in str(editor.query_one("#verdict", Static).content)
        await stage.press("f5")
        assert stage.source.sent[-1] == b"{oops"

    on_stage(scenario, tmp_path)


def test_completion_proposes_and_inserts(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("s")
        area = stage.screen.query_one(SendEditor).query_one(TextArea)
        area.text = '{"type": "response.can'
        area.move_cursor(area.document.end)
        await stage.press("ctrl+@", "enter")
        assert area.text == '{"type": "response.cancel"'

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


def test_kin_of_the_selected_event_are_highlighted_in_both_panes(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        item = {"id": "item_9", "type": "message", "role": "user", "content": []}
        stage.engine.submit({"type": "conversation.item.create", "item": item}, "hand")  # type: ignore[arg-type]  # a StrEnum's value
        await stage.settle()
        stage.source.say("conversation.item.added", previous_item_id=None, item=item)
        await stage.settle()
        stage.screen.query_one("#client", EventPane).focus()
        await stage.press("G")
        shown = stage.shown().splitlines()
        marked = [line for line in shown if "›" in line and "item.added" in line]
        assert marked
        links = stage.screen.query_one("#detail", DetailPane)._links
        assert any("caused conversation.item.added" in link.label for link in links)

    on_stage(scenario, tmp_path)


def test_deltas_fold_into_one_row_that_unfolds(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        assert "×3  “It is foggy”" in stage.shown()
        assert "×8  800 ms" in stage.shown()
        pane = stage.screen.query_one("#server", EventPane)
        before = len(pane.rows)
        pane.select(pane.rows.rows[-1])
        await stage.press("space")
        assert len(pane.rows) == before + 7

    on_stage(scenario, tmp_path, size=(160, 40))


def test_a_pane_that_is_painted_as_an_event_comes_in_does_not_say_that_it_is_behind(
    tmp_path: Path,
) -> None:
    async def scenario(stage: Stage) -> None:
        pane = stage.screen.query_one("#client", EventPane)
        stage.engine.note("inspector.note", {"text": "news"})
        assert "…" not in pane._title_strip(40).text

    on_stage(scenario, tmp_path)


@pytest.mark.parametrize("model", ["m" * 500, "\x1b[2J[bold]" * 50])
def test_a_narrow_screen_still_names_the_recording_and_the_errors(
    tmp_path: Path, model: str
) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("session.updated", session={**SESSION, "model": model})
        stage.source.say("error", error={"message": "no"})
        await stage.settle()
        header = stage.line("#header")
        assert "a.jsonl" in header
        assert "! 1 error " in header
        assert len(header) <= 80

    on_stage(scenario, tmp_path, size=(80, 24))


def test_the_reading_position_is_held_while_events_stream(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for number in range(80):
            stage.source.say("ping", number=number)
        await stage.settle()
        await stage.press("k")
        pane = stage.screen.query_one("#server", EventPane)
        cursor, top = pane.cursor, pane._position.top
        for number in range(80):
            stage.source.say("ping", number=number)
        await stage.settle()
        assert (pane.cursor, pane._position.top) == (cursor, top)
        await stage.press("f")
        assert pane.cursor == pane.rows.rows[-1]

    on_stage(scenario, tmp_path)


def test_filter_keeps_the_last_valid_expression_while_it_is_typed(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press("slash", *"type:response.created")
        pane = stage.screen.query_one("#server", EventPane)
        assert len(pane.rows) == 1
        await stage.press("space", "left_parenthesis")
        assert len(pane.rows) == 1
        assert (
            "missing" in stage.line("#hint") or stage.screen.query_one("#filter", Input).has_focus
        )
        await stage.press("backspace", "backspace", "enter")
        assert "1 of" in stage.line("#tabs")
        await stage.press("escape")
        assert len(pane.rows) > 1

    on_stage(scenario, tmp_path)


def test_errors_are_found_and_counted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("error", error={"code": "server_error", "message": "sorry"})
        for _ in range(5):
            stage.source.say("ping")
        await stage.settle()
        assert "1 error" in stage.line("#header")
        await stage.press("g", "e")
        assert stage.engine.log.type_of(stage.screen.selected) == "error"

    on_stage(scenario, tmp_path)


def test_conversation_and_session_views_show_the_state(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press("2")
        assert "It is foggy" in stage.shown()
        await stage.press("3")
        assert "gpt-realtime" in stage.shown()
        await stage.press("escape")
        assert "transcript.delta" in stage.shown()

    on_stage(scenario, tmp_path)


def test_hostile_text_is_inert_everywhere(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("error", error={"code": HOSTILE, "message": HOSTILE, "param": HOSTILE})
        stage.source.say(HOSTILE, **{HOSTILE: HOSTILE})
        stage.source.say(
            "session.updated", session={**SESSION, "model": HOSTILE, "instructions": HOSTILE}
        )
        item = {
            "id": HOSTILE,
            "type": "message",
            "role": HOSTILE,
            "content": [{"type": "text", "text": HOSTILE}],
        }
        stage.source.say("conversation.item.added", item=item)
        stage.source.say_bytes(b'{"type":"\\ud800","x":"\\udfff"}')
        stage.source.say_bytes(b"\xff\xfe\x00", is_text=False)
        await stage.settle()
        for key in ("1", "2", "3", "v"):
            await stage.press(key)
            shown = stage.shown()
            harmful = [
                line for line in shown.splitlines() if set(line) & {"\x1b", "\x07", "\u202e"}
            ]
            assert harmful == []
        assert "[red]x[/]" in stage.shown()

    on_stage(scenario, tmp_path, size=(160, 40))


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (120, 40), (200, 60), (1, 1)])
def test_every_size_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        for key in (
            "enter",
            "escape",
            "tab",
            "2",
            "3",
            "1",
            "v",
            "c",
            "escape",
            "s",
            "escape",
            "question_mark",
            "escape",
        ):
            await stage.press(key)
        assert stage.engine.can_send

    on_stage(scenario, tmp_path, size=size)


def test_help_lists_the_keys_that_work_here(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("question_mark")
        assert stage.pilot.app.screen.query(TextPage)
        assert "truncate" in stage.shown()
        await stage.press("G")
        assert "type:response.*" in stage.shown()
        await stage.press("escape")
        assert stage.pilot.app.screen is stage.screen

    on_stage(scenario, tmp_path, size=(120, 80))


def test_escape_never_quits(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for _ in range(6):
            await stage.press("escape")
        assert stage.pilot.app.screen is stage.screen

    on_stage(scenario, tmp_path)


def test_a_recording_that_fails_is_said_and_the_session_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(stage: Stage) -> None:
        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("inspector.recording.writer.os.write", full)
            stage.source.say("ping", number=1)
            await stage.settle()
            assert "NOT RECORDED: No space left on device" in stage.line("#header")
        await stage.press("x")
        assert stage.last_sent()["type"] == "response.cancel"

    on_stage(scenario, tmp_path)


def a_call(stage: Stage, name: str) -> None:
    """Let the server ask for the output of a function."""
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
        assert "a answers it" in stage.line("#hint")
        await stage.press("2", "a")
        editor = stage.screen.query_one("#send", SendEditor)
        assert '"call_id": "call_weather"' in editor.text
        await stage.press("f5")
        assert stage.last_sent()["item"]["type"] == "function_call_output"
        assert "Create a response" in stage.shown()
        await stage.press("f5")
        assert stage.last_sent()["type"] == "response.create"

    on_stage(scenario, tmp_path)


def test_with_more_calls_waiting_no_response_is_offered_yet(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        a_call(stage, "one")
        a_call(stage, "two")
        await stage.settle()
        await stage.press("2", "k", "a", "f5")
        assert stage.last_sent()["item"]["call_id"] == "call_one"
        assert "Create a response" not in stage.shown()
        assert any("1 more wait" in n.message for n in stage.pilot.app._notifications)

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
        assert "Let docs run [red]x[/] \\x1b" in stage.shown()
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


def test_the_timeline_of_a_session_grows_while_it_is_shown(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("4")
        await stage.settle()
        assert "no audio passed through this connection" in stage.shown()
        stage.speak()
        await stage.settle()
        assert "no audio passed through this connection" not in stage.shown()
        await stage.press("escape")
        assert stage.screen.focused is not None
        assert isinstance(stage.screen.focused, EventPane)

    on_stage(scenario, tmp_path)


class FaultySource(FakeSource):
    """A server that notes what it is told to do wrong."""

    faults: Mapping[str, str] = {"slow": "everything takes longer", "dropped": "the socket is gone"}

    def __init__(self) -> None:
        super().__init__()
        self.raised: list[str] = []

    def raise_fault(self, name: str) -> None:
        self.raised.append(name)


def test_a_fault_is_raised_by_key_and_by_command(tmp_path: Path) -> None:
    source = FaultySource()

    async def scenario(stage: Stage) -> None:
        await stage.press("exclamation_mark")
        assert "dropped" in stage.shown()
        await stage.press("ctrl+n", "enter")
        stage.screen.commands()["fault"]("slow")
        stage.screen.commands()["fault"]("nope")
        await stage.settle()

        assert source.raised == ["dropped", "slow"]
        names = [stage.engine.log.type_of(row) for row in range(len(stage.engine.log))]
        assert names.count("inspector.fault") == 2

    on_stage(scenario, tmp_path, source=source)


def test_a_real_server_does_no_wrong_on_purpose(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("exclamation_mark")

        (notice,) = stage.pilot.app._notifications
        assert "only the simulator" in notice.message

    on_stage(scenario, tmp_path)


def test_what_waits_for_an_answer_comes_before_the_answer_that_is_made(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        call = {"id": "item_9", "type": "function_call", "call_id": "call_9", "name": "f"}
        stage.speak()
        await stage.press("1")
        answering = stage.screen.hint_text()
        stage.source.say("conversation.item.added", item=call)
        await stage.press("1")

        assert "the model is answering" in answering
        assert "a function call waits" in stage.screen.hint_text()

    on_stage(scenario, tmp_path)


def test_what_is_wrong_with_a_filter_stays_until_it_is_mended(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("slash", *"item:x (")
        for _ in range(3):
            stage.screen.tick()
        wrong = str(stage.screen.query_one("#hint", Static).content)
        await stage.press("backspace")
        stage.screen.tick()

        assert "is missing here" in wrong
        assert str(stage.screen.query_one("#hint", Static).content) != wrong

    on_stage(scenario, tmp_path)
