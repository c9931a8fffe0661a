"""The Usage view: live and under a replay's cursor, its cursor, sorting and grouping, and what explains a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.core.event import Event
from inspector.tui.views.usage.usage_pane import UsagePane
from tests.billed import (
    answer,
    clock_in_the_instructions,
    session,
    spoken,
    usage,
    write_recording,
)
from tests.support import numbered, server
from tests.tui import session_stage
from tests.tui.test_replay_screen import Stage, on_stage


def pane_of(stage: Stage | session_stage.Stage) -> UsagePane:
    return stage.screen.query_one(UsagePane)


def replayed(
    tmp_path: Path, scenario: Any, events: list[Event] | None = None, **options: Any
) -> None:
    found = clock_in_the_instructions() if events is None else numbered(events)
    on_stage(scenario, write_recording(tmp_path / "lesson.jsonl", found), **options)


def test_the_table_is_as_of_the_cursor(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert "$1.12 in 14 turns" in stage.shown()
        assert "6.0k of 32k (19%)" in stage.shown()
        assert "$1.12" in stage.line("#header")
        assert "6.0k/32k" in stage.line("#header")
        await stage.press(*["comma"] * 7)
        assert "in 13 turns" in stage.shown()
        await stage.press("0")
        assert "Nothing has been billed" in stage.shown()
        assert "$" not in stage.line("#header")

    replayed(tmp_path, scenario)


def test_enter_shows_the_end_of_the_response(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7", "g", "enter")
        assert stage.screen.current_view == "events"
        assert stage.replay.log.type_of(stage.screen.selected) == "response.done"
        assert stage.screen.selected + 1 == 8

    replayed(tmp_path, scenario)


def test_the_dearest_turn_comes_first_when_sorted_by_money(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7", "O", "g")
        assert pane_of(stage)._rows[0].turn == 14
        await stage.press("O")
        assert pane_of(stage)._rows[0].turn == 1
        stage.screen.commands()["sort"]("money")
        assert pane_of(stage)._rows[0].turn == 14
        with pytest.raises(ValueError, match="sort turn or sort money"):
            stage.screen.commands()["sort"]("size")

    replayed(tmp_path, scenario)


def test_the_selected_turn_stays_selected_when_it_is_sorted_elsewhere(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7", "g", "down", "O")
        pane = pane_of(stage)
        assert pane._rows[pane.cursor].turn == 2

    replayed(tmp_path, scenario)


def test_a_row_a_turn_opens_into_a_row_a_charge(tmp_path: Path) -> None:
    item = {"id": "u", "type": "message", "role": "user", "content": []}
    events = [
        session(),
        server("conversation.item.added", item=item),
        *answer("a", usage(100, 0, 5, 0)),
        *answer("b", usage(200, 0, 5, 0)),
    ]

    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        before = len(pane_of(stage)._rows)
        await stage.press("space")
        assert len(pane_of(stage)._rows) == 2
        await stage.press("space")
        assert len(pane_of(stage)._rows) == before

    replayed(tmp_path, scenario, events)


def test_the_number_under_the_cursor_is_explained_with_its_own_numbers(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert "3,400 tokens × $32 / 1M = $0.1088" not in stage.shown()
        await stage.press("d")
        assert "turn 14: $0.14" in stage.shown()
        await stage.press("left", "left", "left")
        assert "input_token_details.cached_tokens" in stage.shown()
        await stage.press("escape")
        assert "turn 14: $0.14" not in stage.shown()
        assert stage.screen.current_view == "usage"
        await stage.press("escape")
        assert stage.screen.current_view == "events"

    replayed(tmp_path, scenario, size=(80, 24))


def test_where_there_is_room_it_is_explained_without_being_asked(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert "3,400 tokens × $32 / 1M = $0.1088" in stage.shown()
        assert "became “10:13:07”" in stage.shown()

    replayed(tmp_path, scenario, size=(120, 60))


def test_at_80_columns_money_and_why_are_left(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert "instructions differ at char 29" in stage.shown()
        assert "$0.14" in stage.shown()
        assert "next response about $0.14" in stage.shown()

    replayed(tmp_path, scenario, size=(80, 24))


def test_a_live_session_counts_up_and_the_last_turn_is_followed(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        await stage.press("7")
        assert "Nothing has been billed" in stage.shown()
        for n in range(3):
            for event in (*spoken(f"u{n}"), *answer(f"r{n}", usage(1000, 0, 100, 0))):
                stage.source.say(event.type, **(event.body or {}))
            await stage.settle()
        for _ in range(8):
            await stage.settle()
        pane = pane_of(stage)
        assert pane.cursor == 2
        assert "$0.017 in 3 turns" in stage.shown()
        assert "$0.017" in stage.line("#header")
        assert "next response about $0.0060" in stage.shown()

    session_stage.on_stage(scenario, tmp_path)


WAITS = [
    pytest.param("realtime", "response.done", id="answers"),
    pytest.param("translation", "by the minute", id="a translation is billed by time"),
    pytest.param("transcription", "tokens or seconds", id="transcripts"),
]


@pytest.mark.parametrize(("kind", "expected"), WAITS)
def test_an_empty_table_says_what_will_come(tmp_path: Path, kind: str, expected: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert expected in stage.shown()

    replayed(tmp_path, scenario, [session(type=kind)])


def test_seconds_are_the_column_where_they_are_billed(tmp_path: Path) -> None:
    made = server("session.created", session={"id": "s", "model": "grok-voice-latest"})
    used = {"input_tokens": 10, "output_tokens": 5, "billable_audio_seconds": 30}
    events = [made, *answer("a", used)]

    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        assert "30.0 s" in stage.shown()

    replayed(tmp_path, scenario, events)


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    events = [session(model="x\x1b[31m[red]"), *answer("a\x1b]0;t\x07", usage(9, 9, 9, 9))]

    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7", "d")
        assert "\x1b" not in stage.shown()
        assert "[red]" in stage.shown()

    replayed(tmp_path, scenario, events)


def test_a_click_selects_a_row_and_a_column(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "7")
        await stage.pilot.click(UsagePane, offset=(5, 4))
        assert pane_of(stage).cursor == 1
        assert pane_of(stage)._column == "turn"
        await stage.pilot.click(UsagePane, offset=(5, 4), times=2)
        await stage.pilot.pause()
        assert stage.screen.current_view == "events"

    replayed(tmp_path, scenario)
