"""Finding events on the screen: searches, filters, and rows by number."""

from __future__ import annotations

from pathlib import Path

from inspector.tui.views.events.event_pane import EventPane
from tests.tui.session_stage import Stage, on_stage


def said(stage: Stage) -> list[str]:
    """Return the notifications."""
    return [notice.message for notice in stage.pilot.app._notifications]


def test_a_search_covers_both_panes_and_wraps(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.press("c", "enter")
        stage.source.say("response.done", response={"id": "resp_1", "status": "completed"})
        await stage.settle()
        await stage.write("F", "type:response.create")
        client = stage.screen.query_one("#client", EventPane)
        assert client.has_focus
        assert stage.engine.log.type_of(client.cursor) == "response.create"
        assert "wrapped to the top" in said(stage)
        await stage.write(":", "find foggy")
        server = stage.screen.query_one("#server", EventPane)
        assert server.has_focus
        assert b"foggy" in stage.engine.log.event(server.cursor).data
        found = server.cursor
        await stage.write(":", "find nowhere")
        assert 'no match for "nowhere"' in said(stage)
        assert server.cursor == found

    on_stage(scenario, tmp_path, size=(160, 40))


def test_a_search_or_filter_from_another_view_shows_the_events(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("2", "F", *"session", "enter")
        assert stage.screen.current_view == "events"
        await stage.press("3", "slash", *"err", "enter")
        assert stage.screen.current_view == "events"
        await stage.press("3")
        await stage.write(":", "filter session")
        assert stage.screen.current_view == "events"
        await stage.write(":", "find")
        assert any("Search text is empty" in words for words in said(stage))

    on_stage(scenario, tmp_path)


def test_a_single_pane_reports_matches_in_the_hidden_one(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("v")
        await stage.write("slash", "type:inspector.*")
        assert 'no events match "type:inspector.*"' in stage.shown()
        assert "1 match in the client pane · shift+tab go there" in stage.shown()
        await stage.press("shift+tab")
        assert stage.screen.query_one("#client", EventPane).has_focus
        await stage.press("slash", *["backspace"] * 20, *"session.created", "enter")
        assert "1 match in the server pane · tab go there" in stage.shown()
        await stage.press("tab")
        assert "no events match" not in stage.shown()
        await stage.press("slash", *" nowhere", "enter")
        assert "no events match" in stage.shown()
        assert "go there" not in stage.shown()

    on_stage(scenario, tmp_path, size=(80, 24))


def test_escape_restores_the_previous_filter(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.write("slash", "type:session.*")
        await stage.press("slash", *" nowhere (", "escape")
        pane = stage.screen.query_one("#server", EventPane)
        assert pane.rows.query.expression == "type:session.*"
        await stage.press("escape")
        assert not pane.rows.query

    on_stage(scenario, tmp_path)


def test_a_found_row_inside_folded_deltas_is_unfolded(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        wanted = next(
            row
            for row in range(len(stage.engine.log))
            if b" foggy" in stage.engine.log.event(row).data
        )
        await stage.write(":", f"row {wanted + 1}")
        assert stage.screen.query_one("#server", EventPane).cursor == wanted
        assert f"seq {wanted + 1}" in stage.shown()

    on_stage(scenario, tmp_path, size=(160, 40))


def test_an_invalid_row_is_reported_and_nothing_moves(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for command in ("seek", "seek abc", "seek inf", "seek nan", "seek -1e400"):
            await stage.write(":", command)
            assert "Expected seconds, e.g. 12.5" in said(stage)[-1]
        for command in ("row", "row 0", "row x", "row ²", "row 9999999"):
            await stage.write(":", command)
            assert ":row: expected an event number from 1 to 2" in said(stage)[-1]
        await stage.write(":", "seek 1e300")
        assert stage.screen.current_view == "events"

    on_stage(scenario, tmp_path)
