"""A live session on the screen, with a server controlled by the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from inspector.errors import ConnectError
from inspector.tui.common.text_page import TextPage
from inspector.tui.views.events.detail import DetailPane
from inspector.tui.views.events.event_pane import EventPane
from tests.tui.session_stage import HOSTILE, SESSION, Stage, on_stage


def test_connection_and_recording_are_shown(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        header = stage.line("#header")
        assert "live" in header
        assert "gpt-realtime" in header
        assert "a.jsonl" in header
        assert "s write a message" in stage.line("#hint")
        assert "session.created" in stage.shown()

    on_stage(scenario, tmp_path)


def test_a_refused_connection_shows_why_and_what_to_do(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert "refused" in stage.line("#header")
        assert "no route   check the address" in stage.line("#hint")
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


def test_events_related_to_the_selected_one_are_highlighted_in_both_panes(tmp_path: Path) -> None:
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

    on_stage(scenario, tmp_path, size=(160, 40))


def test_the_detail_shows_an_error_whole_in_three_forms_and_over_the_whole_height(
    tmp_path: Path,
) -> None:
    message = "You exceeded your current quota, please check your plan and billing details. " * 3

    async def scenario(stage: Stage) -> None:
        stage.source.say("error", error={"code": "insufficient_quota", "message": message})
        await stage.settle()
        await stage.press("G", "enter")
        assert "billing details." in stage.shown()
        assert "· tree" in stage.shown()
        await stage.press("w")
        assert '"code": "insufficient_quota"' in stage.shown()
        await stage.press("z")
        assert "all events" not in stage.shown()
        assert '"type": "error"' in stage.shown()
        await stage.press("w")
        assert "· raw" in stage.shown()
        await stage.press("escape")
        assert "all events" in stage.shown()

    on_stage(scenario, tmp_path, size=(80, 24))


def test_an_event_is_copied_in_the_form_that_is_named(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("c", "enter")
        await stage.press("G")
        await stage.write(":", "copy python")
        assert stage.pilot.app.clipboard.startswith("await connection.response.create(")
        await stage.write(":", "copy websocat")
        assert "ws://fake/v1/realtime" in stage.pilot.app.clipboard
        await stage.write(":", "copy yaml")
        assert any("unknown form" in one.message for one in stage.pilot.app._notifications)

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


def test_a_pane_painted_while_an_event_arrives_does_not_report_a_backlog(
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


def test_the_reading_position_is_kept_while_events_stream(tmp_path: Path) -> None:
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

    on_stage(scenario, tmp_path, size=(160, 40))


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

    on_stage(scenario, tmp_path, size=(160, 40))


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


def test_hostile_text_is_sanitized_in_every_view(tmp_path: Path) -> None:
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
def test_every_size_of_screen_works(tmp_path: Path, size: tuple[int, int]) -> None:
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


def test_a_failing_recording_is_reported_and_the_session_continues(
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


def test_the_timeline_of_a_session_grows_while_it_is_shown(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("4")
        await stage.settle()
        assert "no audio on this connection" in stage.shown()
        stage.speak()
        await stage.settle()
        assert "no audio on this connection" not in stage.shown()
        await stage.press("escape")
        assert stage.screen.focused is not None
        assert isinstance(stage.screen.focused, EventPane)

    on_stage(scenario, tmp_path)


def test_a_filter_error_is_shown_until_it_is_corrected(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("slash", *"item:x (")
        for _ in range(3):
            stage.screen.tick()
        wrong = stage.line("#hint")
        await stage.press("backspace")
        stage.screen.tick()

        assert "is missing here" in wrong
        assert stage.line("#hint") != wrong

    on_stage(scenario, tmp_path)


def test_a_notice_stands_where_it_hides_nothing_unless_it_is_too_long(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.screen.say("a short notice", "warning")
        await stage.settle()
        assert stage.line("#hint") == " a short notice"
        assert stage.screen.query_one("#hint").has_class("warning")
        assert stage.shown().count("a short notice") == 1
        stage.screen.say("a long notice " * 20)
        await stage.settle()
        assert "notice" not in stage.line("#hint")
        assert stage.screen.has_class("loud")
        stage.pilot.app.clear_notifications()
        await stage.settle()
        assert not stage.screen.query_one("#hint").has_class("warning")
        assert not stage.screen.has_class("loud")

    on_stage(scenario, tmp_path)


def test_a_paused_pane_counts_what_came_since(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for number in range(60):
            stage.source.say("ping", number=number)
        await stage.settle()
        assert "paused" not in stage.shown()
        await stage.press("k")
        assert "paused (f to follow)" in stage.shown()
        for number in range(12):
            stage.source.say("pong", number=number)
        await stage.settle()
        assert "paused ▾ 12 new (f to follow)" in stage.shown()
        await stage.press("f")
        assert "paused" not in stage.shown()

    on_stage(scenario, tmp_path)


def test_closing_a_session_asks_once_while_an_answer_plays(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        await stage.press("q")
        assert any("an answer is playing" in one.message for one in stage.pilot.app._notifications)
        assert not stage.screen.is_closed
        await stage.press("q")
        assert stage.screen.is_closed

    on_stage(scenario, tmp_path)
