"""The Findings view: what it lists live and under a replay's cursor, what explains a finding, and where it leads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from inspector.analysis.query import parse
from inspector.core.event import Event
from inspector.muted_rules import MutedRules
from inspector.recording.format import Header, render, render_header
from inspector.tui.views.findings.findings_pane import FindingsPane
from inspector.tui.views.messages import FindingRequested
from tests.billed import write_recording
from tests.linted import began, called, colliding_requests, created, done, said
from tests.support import client, local, numbered
from tests.tui import session_stage
from tests.tui.pacing import tick
from tests.tui.test_replay_screen import Stage, on_stage


def pane_of(stage: Stage | session_stage.Stage) -> FindingsPane:
    return stage.screen.query_one(FindingsPane)


def replayed(
    tmp_path: Path, scenario: Any, events: list[Event] | None = None, **options: Any
) -> None:
    found = colliding_requests() if events is None else numbered(events)
    on_stage(scenario, write_recording(tmp_path / "call.jsonl", found), **options)


async def settled(stage: Stage) -> None:
    for _ in range(8):
        tick(stage.screen)
        await stage.pilot.pause()


def test_findings_are_as_of_the_cursor(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        assert "active-response-collision" in stage.shown()
        assert "send every result of a batch" in stage.shown()
        await stage.press("0")
        await settled(stage)
        assert "no findings at the cursor   later: ✗ 1 error" in stage.shown()
        assert "later: response.create #" in stage.shown()
        assert "found after the replay's cursor; enter goes there" in stage.shown()
        await stage.press("g", "enter")
        assert stage.replay.cursor > 0

    replayed(tmp_path, scenario)


def test_enter_leads_to_the_event_that_proves_it(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        proof = pane_of(stage)._entries[0].finding.seqs[0]
        await stage.press("g", "enter")
        assert stage.screen.current_view == "events"
        assert stage.screen.selected + 1 == proof
        assert stage.replay.log.type_of(proof - 1) == "error"

    replayed(tmp_path, scenario)


def test_a_proving_event_leads_to_its_finding(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        pane = pane_of(stage)
        seq = pane._entries[-1].finding.seqs[-1]
        assert pane.select_seq(seq)
        assert seq in pane._entries[pane.cursor].finding.seqs
        assert not pane.select_seq(1)

    replayed(tmp_path, scenario)


def test_the_explanation_hides_and_the_coverage_takes_its_place(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        assert " why " in stage.shown()
        await stage.press("d")
        assert " why " not in stage.shown()
        await stage.press("C")
        assert "rules that are silent" in stage.shown()
        await stage.press("escape")
        assert "rules that are silent" not in stage.shown()
        assert stage.screen.current_view == "findings"

    replayed(tmp_path, scenario)


def test_the_fix_is_copied(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        await stage.press("g", "y")
        assert stage.pilot.app.clipboard == pane_of(stage)._entries[0].finding.fix

    replayed(tmp_path, scenario)


def test_a_rule_unfolds_to_its_places(tmp_path: Path) -> None:
    closed = local("inspector.closed", code=1000, reason="")
    one = [*began(), *said(), *called("a", "call_1", "resp_1"), closed]
    other = [*began(id="sess_2"), *said(), *called("b", "call_2", "resp_2"), closed]

    async def scenario(stage: Stage) -> None:
        stage.replay.seek_row(len(stage.replay.log) - 1)
        await stage.press("6")
        await settled(stage)
        pane = pane_of(stage)
        several = next(at for at, one in enumerate(pane._entries) if len(one.group.findings) > 1)
        before = len(pane._entries)
        await stage.press("g", *["j"] * several, "space")
        places = len(pane._entries[several].group.findings)
        assert len(pane._entries) == before + places
        await stage.press("j")
        assert not pane._entries[pane.cursor].is_rule
        await stage.press("space")
        assert len(pane._entries) == before

    replayed(tmp_path, scenario, [*one, *other])


def test_a_live_session_is_watched(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        await stage.press("6")
        stage.source.say("error", error={"code": "invalid_value", "message": "speed 9 is above"})
        for _ in range(8):
            await stage.settle()
        assert "speed 9 is above" in stage.shown()
        assert stage.engine.disabled == []

    session_stage.on_stage(scenario, tmp_path)


def test_a_harmless_error_does_not_alarm(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        stage.source.say("response.created", response={"id": "resp_1", "status": "in_progress"})
        stage.source.say("response.done", response={"id": "resp_1", "status": "completed"})
        stage.source.say("error", error={"code": "response_cancel_not_active", "message": "no"})
        for _ in range(8):
            await stage.settle()
        assert stage.engine.state.problems.errors == 1
        assert "error" not in stage.shown().splitlines()[0]
        assert not stage.screen.model.is_troubled
        stage.source.say("error", error={"code": "invalid_value", "message": "speed 9 is above"})
        for _ in range(8):
            await stage.settle()
        assert "! 1 error   ✗ 1" in stage.shown().splitlines()[0]
        assert stage.screen.model.is_troubled

    session_stage.on_stage(scenario, tmp_path)


def test_a_small_screen_keeps_the_list(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        assert "active-response-coll" in stage.shown()
        assert "fix" in stage.shown()

    replayed(tmp_path, scenario, size=(80, 24))


def test_a_rule_is_muted_and_brought_back(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await settled(stage)
        assert "✗ 1" in stage.shown().splitlines()[0]
        await stage.press("G", "6")
        await settled(stage)
        count = len(pane_of(stage)._entries)
        await stage.press("g", "m")
        await settled(stage)
        pane = pane_of(stage)
        assert len(pane._entries) == count
        assert pane._entries[-1].group.rule == "active-response-collision"
        assert "muted: 1 error" in stage.shown()
        header, verdict = stage.shown().splitlines()[:2]
        assert "✗" not in header
        assert verdict.startswith(" ✗ 1 error: Conversation already has")  # the server's own words
        assert [str(note.message) for note in stage.screen.app._notifications] == [
            f"active-response-collision is muted in {tmp_path}; m shows it again"
        ]
        await stage.press("G")
        assert "for recordings in this folder; m shows it again" in stage.shown()
        await stage.press("m")
        await settled(stage)
        assert "muted" not in stage.shown().splitlines()[4]
        assert "✗ 1" in stage.shown().splitlines()[0]
        await stage.press("g", "E")
        await settled(stage)
        assert MutedRules(tmp_path / "other").path.read_text().count("active-response") == 1
        assert "everywhere; m shows it again" in pane_of(stage)._remark(pane_of(stage)._entries[-1])

    replayed(tmp_path, scenario)


def test_an_event_leads_to_its_finding_and_back(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await settled(stage)
        error = next(seq for seq in range(1, 99) if stage.replay.log.is_error(seq - 1))
        stage.screen.show_row(error - 1)
        await settled(stage)
        rows = [line for line in stage.shown().splitlines() if " error " in line]
        assert any("✗ !" in line or "✗!" in line for line in rows)
        assert "✗ an answer was requested while another was in progress   6 why" in stage.shown()
        await stage.press("6")
        await settled(stage)
        assert error in pane_of(stage)._entries[pane_of(stage).cursor].finding.seqs
        stage.screen.post_message(FindingRequested(error - 1, "active-response-collision"))
        await settled(stage)
        assert pane_of(stage)._entries[pane_of(stage).cursor].group.rule.startswith("active")

    replayed(tmp_path, scenario)


def test_a_filter_by_findings_follows_them(tmp_path: Path) -> None:
    async def scenario(stage: session_stage.Stage) -> None:
        stage.screen.events.filter(parse("sev:error"))
        await stage.settle()
        pane = stage.screen.events.panes.focused
        assert not pane.rows.rows
        stage.source.say("error", error={"code": "invalid_value", "message": "speed 9 is above"})
        for _ in range(8):
            await stage.settle()
        assert [stage.engine.log.type_of(row) for row in pane.rows.rows] == ["error"]

    session_stage.on_stage(scenario, tmp_path)


def test_a_recording_is_judged_after_the_connection_before_it(tmp_path: Path) -> None:
    lost = local("inspector.closed", code=1006, by="network")
    update = client("session.update", session={"type": "realtime", "instructions": "x"})
    own = "Your knowledge cutoff is 2023-10. You are helpful."
    first = numbered([*began(), update, *said(), lost])
    second = [*began(id="sess_2", instructions=own), client("response.create"), created(), done()]
    header = Header("2026-11-27T10:00:00.000000Z", "proxy")
    (tmp_path / "before.jsonl").write_bytes(
        render_header(header) + b"".join(render(event) for event in first)
    )
    path = tmp_path / "call.jsonl"
    header = replace(header, started_at="2026-11-27T10:00:09.000000Z")
    path.write_bytes(render_header(header) + b"".join(map(render, numbered(second))))

    async def scenario(stage: Stage) -> None:
        await stage.press("G", "6")
        await settled(stage)
        assert "The connection before had one" in " ".join(stage.shown().split())
        assert "was not put back" in stage.shown()
        assert "judged as the connection after before.jsonl" in stage.shown()

    on_stage(scenario, path)
