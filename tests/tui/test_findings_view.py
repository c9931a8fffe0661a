"""The Findings view: of a whole recording and live, its explanations, its links, its copies; and the verdict that it leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspector.core.event import Event
from inspector.tui.views.findings.findings_page import FindingsPage
from inspector.tui.workspace.verdict_line import VerdictLine
from tests.billed import write_recording
from tests.linted import began, called, later, result
from tests.support import numbered
from tests.tui import session_stage
from tests.tui.pacing import tick
from tests.tui.test_replay_screen import Stage, on_stage

SILENT = [*began(), *called(), result(), later(5000)]


def page_of(stage: Stage | session_stage.Stage) -> FindingsPage:
    return stage.screen.query_one(FindingsPage)


def text_of(stage: Stage | session_stage.Stage) -> str:
    return "\n".join("".join(text for text, _ in line.spans) for line in page_of(stage).lines)


def verdict_of(stage: Stage | session_stage.Stage) -> str:
    return "".join(s.text for s in stage.screen.query_one(VerdictLine)._line())


def replayed(
    tmp_path: Path, scenario: Any, events: list[Event] | None = None, **options: Any
) -> None:
    found = numbered(SILENT if events is None else events)
    on_stage(scenario, write_recording(tmp_path / "silent.jsonl", found), **options)


async def judged(stage: Stage) -> None:
    while stage.screen.model.findings.report is None or not stage.screen.model.verdict:
        tick(stage.screen)
        await stage.pilot.pause()
    tick(stage.screen)


def test_the_cause_is_the_first_line_and_the_view_has_the_fix(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        assert verdict_of(stage).startswith(" ✗ the result of search_film was never spoken")
        await stage.press("6")
        assert "✗ error  a tool's result was never spoken  tool-result-unspoken" in text_of(stage)
        assert 'fix: {"type": "response.create"}' in text_of(stage)
        assert "not judged: the recording does not say how the connection ended" not in text_of(
            stage
        )

    replayed(tmp_path, scenario, size=(160, 40))


def test_enter_goes_to_the_event_that_proves_it(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        await stage.press("6", "enter")
        assert stage.screen.current_view == "events"
        assert stage.screen.selected + 1 == 8

    replayed(tmp_path, scenario)


def test_a_key_explains_the_rule_and_another_copies_the_fix(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        await stage.press("6", "x")
        assert "The server does not answer a tool's result by itself" in text_of(stage)
        await stage.press("escape")
        assert "The server does not answer" not in text_of(stage)
        await stage.press("y")
        assert stage.pilot.app.clipboard == '{"type": "response.create"}'

    replayed(tmp_path, scenario)


def test_a_recording_without_faults_says_so(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for _ in range(5):
            tick(stage.screen)
            await stage.pilot.pause()
        await stage.press("6", "x", "y")
        assert "Nothing found." in text_of(stage)

    replayed(tmp_path, scenario, began())


def test_the_view_goes_to_the_finding_of_the_selected_event(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await judged(stage)
        await stage.press("6")
        view = stage.screen.views["findings"]
        assert view.show_event(7)
        assert not view.show_event(0)

    replayed(tmp_path, scenario)


def test_a_live_session_shows_what_its_server_refuses(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        await stage.press("6")
        error = {
            "type": "invalid_request_error",
            "code": "server_is_full",
            "message": "There is no room.",
        }
        stage.source.say("error", error=error)
        for _ in range(8):
            await stage.settle()
        assert "the server reports an error: There is no room." in text_of(stage)

    session_stage.on_stage(scenario, tmp_path)
