"""The verdict under the first line of a session: of the whole recording, live, and each part a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspector.core.event import Event
from inspector.tui.workspace.verdict_line import VerdictLine
from tests.billed import answer, clock_in_the_instructions, session, usage, write_recording
from tests.support import numbered, server
from tests.tui import session_stage
from tests.tui.pacing import tick
from tests.tui.test_replay_screen import Stage, on_stage


def line_of(stage: Stage | session_stage.Stage) -> str:
    line = stage.screen.query_one(VerdictLine)
    return "".join(segment.text for segment in line._line())


def replayed(
    tmp_path: Path, scenario: Any, events: list[Event] | None = None, **options: Any
) -> None:
    found = clock_in_the_instructions() if events is None else numbered(events)
    on_stage(scenario, write_recording(tmp_path / "lesson.jsonl", found), **options)


async def judged(stage: Stage) -> None:
    while not stage.screen.query_one(VerdictLine).parts:
        tick(stage.screen)
        await stage.pilot.pause()


def test_a_recording_is_judged_as_a_whole_before_any_key(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        assert stage.replay.cursor == len(stage.replay.log) - 1
        assert line_of(stage).startswith(" ⚠ 0 of 54,600 input tokens were cached in 14 responses")
        assert "$1.12" in line_of(stage)

    replayed(tmp_path, scenario, size=(600, 40))


def test_a_key_walks_through_what_the_verdict_is_about(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        await stage.press("W")
        assert stage.replay.log.type_of(stage.screen.selected) == "session.update"
        await stage.press("W")
        assert stage.replay.log.type_of(stage.screen.selected) == "response.done"

    replayed(tmp_path, scenario)


def test_a_click_on_a_part_shows_its_event(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        await stage.pilot.click(VerdictLine, offset=(3, 0))
        await stage.pilot.pause()
        assert stage.replay.log.type_of(stage.screen.selected) == "session.update"

    replayed(tmp_path, scenario)


def test_a_recording_of_nothing_has_nothing_to_say(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for _ in range(5):
            tick(stage.screen)
            await stage.pilot.pause()
        assert "no verdict: no turns" in line_of(stage)
        await stage.press("W")

    replayed(tmp_path, scenario, [session()])


def test_a_live_verdict_follows_the_session(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        assert "no verdict yet" in line_of(stage)
        for event in answer("r", usage(1000, 0, 100, 0)):
            stage.source.say(event.type, **(event.body or {}))
        error = {"code": "invalid_value", "message": "speed 9 is above 1.5"}
        stage.source.say("error", error=error)
        for _ in range(8):
            await stage.settle()
        assert line_of(stage).startswith(" ✗ the server reports an error: speed 9 is above 1.5 · ")
        assert "$0.0056" in line_of(stage)

    session_stage.on_stage(scenario, tmp_path)


def test_what_does_not_fit_is_cut_at_the_end(tmp_path: Path) -> None:
    events = [session(), server("error", error={"code": "c", "message": "m" * 70})]

    async def scenario(stage: Stage) -> None:
        await judged(stage)
        assert line_of(stage).startswith(" ✗ the server reports an error: mmm")
        assert len(line_of(stage)) == 60

    replayed(tmp_path, scenario, events, size=(60, 24))
