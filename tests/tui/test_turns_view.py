"""The Turns view: live and under a replay's cursor, its cursor, zoom and sorting, and what explains a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.core.event import Event
from inspector.tui.common.glyphs import ASCII
from inspector.tui.views.turns.turns_pane import TurnsPane
from tests.billed import session
from tests.support import client, numbered, server
from tests.tui import session_stage
from tests.tui.test_replay_screen import Stage, on_stage
from tests.turned import QUESTIONS, turned, write_turned


def pane_on(stage: Stage | session_stage.Stage) -> TurnsPane:
    return stage.screen.query_one(TurnsPane)


def turns_replayed(
    tmp_path: Path, scenario: Any, events: list[Event] | None = None, **options: Any
) -> None:
    path = write_turned(tmp_path / "turned.jsonl", events)

    async def at_the_end(stage: Stage) -> None:
        await stage.press("G", "end", "5")
        await measured(stage)
        await scenario(stage)

    on_stage(at_the_end, path, **options)


async def measured(stage: Stage) -> None:
    """Measure all turns at once, and show them."""
    stage.screen.model.latency.step(stage.screen.state, lambda: False)
    for _ in range(3):
        await stage.press()
        stage.screen.current.refresh()
        await stage.pilot.pause()


def row_of(stage: Stage, text: str) -> str:
    return next(line for line in stage.shown().splitlines() if text in line)


def test_a_row_a_turn_shows_its_phases_and_numbers(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        row = row_of(stage, "What is the weather")
        assert "eemmmmtttttttttttttttttttrmmmmmp██████████✂b" in row
        assert row.split()[-4:] == ["3,100", "ms", "2", "≥$0.049"]
        assert "3,150 ms" in row
        assert "ttttttttttttttttttt" in row_of(stage, "get_weather  ")
        assert "1,900 ms" in row_of(stage, "get_weather  ")
        assert "─────────" in row_of(stage, "transcription  ")
        assert (
            "voice to voice p50 700 ms  p90 2,660 ms  n 3  (derived to measured)" in stage.shown()
        )
        assert "100 ms per cell" in stage.shown()

    turns_replayed(tmp_path, scenario)


def test_the_turns_are_as_of_the_cursor(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("1", ":")
        await stage.press(*"seek 6.5", "enter")
        await stage.press("5")
        await measured(stage)
        assert QUESTIONS["u1"] in stage.shown()
        assert "speaking …" in stage.shown()
        assert "the user has not finished" in stage.shown()
        assert "get_weather" not in stage.shown().split("\n", 5)[5]

    turns_replayed(tmp_path, scenario)


def test_enter_shows_the_events_of_the_turn(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g", "enter")
        assert stage.screen.current_view == "events"
        assert "turn:1" in stage.line("#tabs")
        assert stage.replay.log.type_of(stage.screen.selected).endswith("speech_started")

    turns_replayed(tmp_path, scenario)


def test_a_phase_leads_to_the_event_that_proves_its_end(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g", *["left"] * 2)
        assert "first_audio_ms" not in stage.shown()
        assert "playout_ms: playout" in stage.shown()
        await stage.press("left")
        assert "first_audio_ms: first audio" in stage.shown()
        assert "first audio p50 410 ms" in stage.shown()
        await stage.press("enter")
        kind = stage.replay.log.type_of(stage.screen.selected)
        assert kind == "response.output_audio.delta"

    turns_replayed(tmp_path, scenario, size=(120, 50))


def test_a_tool_leads_to_its_result(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g", "down", "down", "down")
        assert "tool_ms: tools" in stage.shown()
        await stage.press("enter")
        assert stage.replay.log.type_of(stage.screen.selected) == "conversation.item.create"

    turns_replayed(tmp_path, scenario, size=(120, 50))


def test_the_number_under_the_cursor_is_explained_with_the_parts_of_the_wait(
    tmp_path: Path,
) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g")
        assert "voice_to_voice_ms" not in stage.shown()
        await stage.press("d")
        assert "turn 1, speech: 700 ms voice to voice (derived to measured)" in stage.shown()
        assert "200.0 ms  e endpointing       silence_duration_ms" in stage.shown()
        await stage.press("right", "right")
        assert "n: how many responses the turn has" in stage.shown()
        await stage.press("escape")
        assert "200.0 ms  e endpointing" not in stage.shown()
        assert stage.screen.current_view == "turns"
        await stage.press("escape")
        assert stage.screen.current_view == "events"

    turns_replayed(tmp_path, scenario, size=(110, 28))


def test_the_slowest_turn_comes_first_when_sorted_by_time(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        pane = pane_on(stage)
        await stage.press("O")
        assert [line.row.turn.number for line in pane._lines if line.tool == -1] == [2, 1, 3]
        stage.screen.commands()["sort"]("cost")
        assert pane._sort == "cost"
        with pytest.raises(ValueError, match="sort turn, time, cost"):
            stage.screen.commands()["sort"]("size")
        await stage.press("O")
        assert pane._sort == "turn"

    turns_replayed(tmp_path, scenario)


def test_the_command_of_the_view_that_is_shown_is_meant(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("7")
        stage.screen.commands()["sort"]("money")
        assert stage.screen.current_view == "usage"
        await stage.press("5")
        stage.screen.commands()["sort"]("time")
        assert stage.screen.current_view == "turns"

    turns_replayed(tmp_path, scenario)


def test_the_selected_line_stays_selected_when_it_moves(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g", "down", "down", "down")
        pane = pane_on(stage)
        before = pane._lines[pane.cursor].name
        await stage.press("O")
        assert pane._lines[pane.cursor].name == before == (2, 0)

    turns_replayed(tmp_path, scenario)


def test_zooming_changes_the_cells_and_0_fits_the_longest_wait_again(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("plus")
        assert "50 ms per cell" in stage.shown()
        assert "▸" in row_of(stage, "What is the weather")
        await stage.press("minus", "minus", "minus")
        assert "500 ms per cell" in stage.shown()
        await stage.press("0")
        assert "100 ms per cell" in stage.shown()
        assert stage.replay.cursor > 0  # as elsewhere 0 goes to the start

    turns_replayed(tmp_path, scenario)


def test_a_phase_beyond_the_edge_is_brought_into_view(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("g", "down", "down", *["plus"] * 3, *["left"] * 3)
        pane = pane_on(stage)
        column, stretch = pane._under_cursor()
        assert column is None
        assert stretch is not None
        assert pane._from_cell > 0
        assert pane._from_cell * pane.cell_ms <= stretch.begin_ms

    turns_replayed(tmp_path, scenario)


def test_space_hides_and_shows_tools_and_transcriptions(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        pane = pane_on(stage)
        assert len(pane._lines) == 7
        await stage.press("space")
        assert len(pane._lines) == 3
        await stage.press("space")
        assert len(pane._lines) == 7

    turns_replayed(tmp_path, scenario)


def test_transcriptions_give_way_where_not_all_lines_fit(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert [line.tool for line in pane_on(stage)._lines] == [-1, -1, 0, -1]

    turns_replayed(tmp_path, scenario, size=(80, 16))


def test_a_click_selects_a_line_and_a_phase_or_a_column(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        pane = pane_on(stage)
        await stage.pilot.click(TurnsPane, offset=(pane._first_cell + 4, 1))
        assert pane.cursor == 0
        assert pane._stop == "model 1"
        await stage.pilot.click(TurnsPane, offset=(pane.size.width - 4, 3))
        assert pane.cursor == 2
        assert pane._stop == "cost"
        await stage.pilot.click(TurnsPane, offset=(4, 1), times=2)
        await stage.pilot.pause()
        assert stage.screen.current_view == "events"

    turns_replayed(tmp_path, scenario)


def test_show_event_goes_to_the_turn_of_an_event(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        view = stage.screen.views["turns"]
        assert view.show_event(20)
        pane = pane_on(stage)
        assert pane._lines[pane.cursor].row.turn.number == 2
        assert not view.show_event(0)

    turns_replayed(tmp_path, scenario)


async def _says_what_will_come(stage: Stage) -> None:
    assert "No turn yet." in stage.shown()
    assert "percentiles at the foot" in stage.shown()
    assert "Press end in Events" in stage.shown()


def test_an_empty_view_says_what_will_come(tmp_path: Path) -> None:
    turns_replayed(tmp_path, _says_what_will_come, numbered([session()]))


def test_a_translation_has_no_turns(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert "A translation has no turns" in stage.shown()

    turns_replayed(tmp_path, scenario, numbered([session(type="translation")]))


def test_a_live_turn_grows_while_it_is_waited_for(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        await stage.press("5")
        assert "write a message" in stage.shown()
        item = {"id": "u", "type": "message", "role": "user", "content": []}
        stage.source.say("conversation.item.added", item=item)
        for _ in range(6):
            await stage.settle()
        assert "(text)" in stage.shown()
        assert "pending" in stage.shown()
        before = pane_on(stage)._seen[-1]
        for _ in range(6):
            await stage.pilot.pause(0.03)
            await stage.settle()
        assert pane_on(stage)._seen[-1] != before

    session_stage.on_stage(scenario, tmp_path)


def test_hostile_words_and_names_are_harmless(tmp_path: Path) -> None:
    hostile = "x\x1b[31m[red]\x1b]0;t\x07"
    item = {
        "id": "u",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": hostile}],
    }
    call = {"response_id": "r", "item_id": "f", "call_id": "c", "name": hostile, "arguments": "{}"}
    events = [
        session(),
        server("conversation.item.added", item=item),
        server("response.created", response={"id": "r"}),
        server("response.function_call_arguments.done", **call),
        client("response.cancel"),
    ]

    async def scenario(stage: Stage) -> None:
        await stage.press("d", "d")
        assert "\x1b" not in stage.shown()
        assert "[red]" in stage.shown()

    turns_replayed(tmp_path, scenario, numbered(events))


def test_everything_can_be_drawn_in_ascii(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        row = row_of(stage, "What is the weather")
        assert "eemmmmtttttttttttttttttttrmmmmmp##########%b" in row

    turns_replayed(tmp_path, scenario, glyphs=ASCII)


def test_a_long_session_scrolls_and_shows_only_what_is_visible(tmp_path: Path) -> None:
    events = [session()]
    for n in range(60):
        item = {"id": f"u{n}", "type": "message", "role": "user", "content": []}
        events += [
            server("conversation.item.added", item=item),
            server("response.created", response={"id": f"r{n}"}),
            server("response.output_text.delta", response_id=f"r{n}", item_id="a", delta="Hi"),
            server("response.done", response={"id": f"r{n}", "status": "completed"}),
        ]
    made = numbered(events)

    async def scenario(stage: Stage) -> None:
        pane = pane_on(stage)
        assert len(pane._lines) == 60
        assert pane.cursor == 59
        assert "n 60" in stage.shown()
        assert "p95" in stage.shown()
        await stage.press("g")
        assert pane.cursor == 0
        assert pane._scroll.top == 0
        await stage.press("pagedown")
        assert pane.cursor == pane._page

    turns_replayed(tmp_path, scenario, made)


def test_turned_is_in_order() -> None:
    times = [event.t_ns for event in turned()]

    assert times == sorted(times, key=lambda t_ns: t_ns or 0)
