"""The conversation view: moving, growing, answering, copying, and hostile text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from inspector.analysis.conversation_entry import EntryId, OpenRequest
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.tui.common.glyphs import ASCII, UNICODE, Glyphs
from inspector.tui.common.wrapping import wrapped
from inspector.tui.sending import event_builders
from inspector.tui.views.conversation.answer_requested import AnswerRequested
from inspector.tui.views.conversation.conversation_pane import ConversationPane
from inspector.tui.views.messages import CopyRequested, RowRequested, SoundRequested
from tests.spoken import events as spoken_events
from tests.spoken import write_recording
from tests.support import folded, local, numbered, recordings, server, silence
from tests.tui.bare_app import BareApp
from tests.tui.test_replay_screen import Stage, on_stage

HOSTILE = "[red]x[/] \x1b[31m\x1b]0;t\x07 \u202e 😀"

SPOKEN = {
    "id": "a",
    "type": "message",
    "role": "assistant",
    "status": "incomplete",
    "phase": "final_answer",
    "content": [{"type": "output_audio"}],
}


class ViewApp(BareApp):
    """An app with the view alone; collects its messages."""

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.view = ConversationPane(glyphs)
        self.posted: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()

    def on_row_requested(self, message: RowRequested) -> None:
        self.posted.append(message.row)

    def on_answer_requested(self, message: AnswerRequested) -> None:
        self.posted.append(message.question)

    def on_copy_requested(self, message: CopyRequested) -> None:
        self.posted.append(message.text)

    def on_sound_requested(self, message: SoundRequested) -> None:
        self.posted.append((message.item_id, message.as_file))

    def text(self) -> str:
        strips = self.view.render_lines(Region(0, 0, *self.view.size))
        return "\n".join(strip.text.rstrip() for strip in strips)


def showing(
    scenario: Callable[[Pilot[None], ViewApp], Awaitable[None]],
    state: SessionState,
    size: tuple[int, int] = (80, 24),
    glyphs: Glyphs = UNICODE,
) -> None:
    async def run() -> None:
        app = ViewApp(glyphs)
        async with app.run_test(size=size) as pilot:
            app.view.show(state)
            await pilot.pause()
            await scenario(pilot, app)

    asyncio.run(run())


def message(item_id: str, role: str, text: str, previous: str | None = None) -> Event:
    item = {
        "id": item_id,
        "type": "message",
        "role": role,
        "status": "completed",
        "content": [{"type": "input_text", "text": text}],
    }
    return server("conversation.item.added", previous_item_id=previous, item=item)


def long_talk(items: int) -> SessionState:
    return folded(
        *(
            message(
                f"i{n}", "user", f"number {n} " + "word " * (n % 40), f"i{n - 1}" if n else None
            )
            for n in range(items)
        )
    )


def test_calls_are_shown_beside_outputs_and_cut_words_after_a_mark() -> None:
    async def scenario(_: Pilot[None], app: ViewApp) -> None:
        text = app.text()
        assert "One two ✂ three four." in text
        assert "truncated at 1,500 of 3,000 ms" in text
        beside = next(line for line in text.splitlines() if '{"city": 1}' in line)
        assert "none yet" in beside

    showing(scenario, folded(*spoken_events()), (110, 30))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (30, 8), (9, 3)])
def test_every_line_is_as_wide_as_the_view(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        for key in ("g", "pagedown", "j", "j", "G"):
            await pilot.press(key)
            strips = app.view.render_lines(Region(0, 0, *app.view.size))
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]

    showing(scenario, folded(*spoken_events(), message("z", "user", "日本語 " * 40)), size)


def test_the_newest_entry_is_followed_until_the_user_moves() -> None:
    state = SessionState()
    events = numbered(message(f"i{n}", "user", f"number {n}") for n in range(40))

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        for event in events[:20]:
            state.apply(event, strict=True)
        app.view.show(state)
        assert "number 19" in app.text()
        await pilot.press("g")
        for event in events[20:]:
            state.apply(event, strict=True)
        app.view.show(state)
        assert "number 0" in app.text()
        assert "number 39" not in app.text()
        await pilot.press("G")
        assert "number 39" in app.text()

    showing(scenario, state)


def test_moving_goes_through_every_entry_and_the_cursor_is_always_shown() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.press("g")
        seen = [app.view.item_id]
        for _ in range(80):
            await pilot.press("j")
            seen.append(app.view.item_id)
            assert f"number {app.view.cursor.index}" in app.text()
        assert list(dict.fromkeys(seen)) == [f"i{n}" for n in range(30)]
        for _ in range(80):
            await pilot.press("k")
            assert f"number {app.view.cursor.index}" in app.text()
        assert app.view.cursor.index == 0

    showing(scenario, long_talk(30), (60, 9))


def test_an_entry_higher_than_the_screen_is_read_through() -> None:
    words = " ".join(f"w{n}" for n in range(600))

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.press("g")
        seen = app.text()
        for _ in range(30):
            await pilot.press("j")
            seen += app.text()
        assert all(f"w{n}" in seen for n in range(600))
        assert app.view.item_id == "b"

    showing(scenario, folded(message("a", "user", words), message("b", "user", "end")), (60, 12))


def test_a_growing_transcript_repaints_its_own_lines() -> None:
    where = {"response_id": "r", "item_id": "b", "content_index": 0}
    name = "response.output_audio_transcript.delta"
    events = numbered(
        [message("a", "user", "Hi"), *(server(name, **where, delta=f"w{n} ") for n in range(9))]
    )
    state = SessionState()

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        for event in events[:3]:
            state.apply(event)
        app.view.show(state)
        await pilot.pause()
        app.view._exchange_repaint_regions()
        state.apply(events[3])
        app.view.show(state)
        regions = app.view._exchange_repaint_regions()
        assert [(region.y, region.height) for region in regions] == [(3, 3)]
        app.view.show(state)
        assert not app.view._exchange_repaint_regions()
        for event in events[4:]:
            state.apply(event)
        app.view.show(state)
        assert "w0 w1 w2 w3 w4 w5 w6 w7 w8 …" in app.text()

    showing(scenario, state)


def test_entries_inserted_above_do_not_move_the_selected_one() -> None:
    events = numbered(
        [
            *(message(f"i{n}", "user", f"number {n}") for n in range(30)),
            message("new", "system", "new", "root"),
        ]
    )
    state = SessionState()

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        for event in events[:-1]:
            state.apply(event)
        app.view.show(state)
        await pilot.press("k", "k", "k")
        before = app.text()
        state.apply(events[-1])
        app.view.show(state)
        assert app.view.item_id == "i26"
        assert app.text().splitlines()[1].strip("│▐ ") == before.splitlines()[1].strip("│▐ ")

    showing(scenario, state)


def test_an_entry_links_to_its_events_and_can_be_copied_and_played() -> None:
    state = folded(*spoken_events())
    item = state.conversation.items["item_a"]

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        assert app.view.select_place(EntryId("item", "item_a"))
        await pilot.press("enter", "L", "y", "P", "w")
        await pilot.pause()
        assert app.posted == [
            item.first_seq - 1,
            item.last_seq - 1,
            "One two three four.",
            ("item_a", False),
            ("item_a", True),
        ]
        assert not app.view.select_place(EntryId("item", "nobody"))

    showing(scenario, state)


def test_a_pending_request_is_answered_from_any_entry() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.press("g", "a")
        await pilot.pause()
        assert app.posted == [OpenRequest("call", "item_f", "call_1", "f")]

    showing(scenario, folded(*spoken_events()))


def test_a_recording_shows_no_key_for_answering() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        app.view._can_answer = False
        app.view.show(folded(*spoken_events()))
        assert "none yet" in app.text()
        assert "by hand" not in app.text()
        await pilot.press("a")
        assert app.posted == []

    showing(scenario, SessionState())


@pytest.mark.parametrize("kind", ["realtime", "translation", "transcription"])
def test_answering_is_offered_only_in_sessions_with_requests(kind: str) -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        assert ("a" in app.active_bindings) == (kind == "realtime")

    showing(scenario, folded(server("session.created", session={"type": kind})))


def test_facts_that_do_not_fit_the_head_line_go_below() -> None:
    state = folded(
        server("response.output_item.added", item=SPOKEN, response_id="r", output_index=0),
        server("response.output_audio.delta", item_id="a", content_index=0, delta=silence(4810)),
        local("inspector.played", item_id="a", content_index=0, audio_ms=2140),
    )

    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        lines = app.text().splitlines()
        assert "incomplete" in lines[0]
        assert "heard 2,140 of 4,810 ms" in lines[1]
        assert "…" not in app.text()

    showing(scenario, state)
    showing(scenario, state, size=(60, 24))


def test_a_click_selects_and_a_second_one_opens() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.press("g")
        await pilot.click(app.view, offset=(5, 4))
        assert app.view.item_id == "i1"
        await pilot.click(app.view, offset=(5, 4), times=2)
        await pilot.pause()
        assert app.posted == [1]
        await pilot.hover(app.view, offset=(5, 4))

    showing(scenario, long_talk(20))


def test_hostile_text_is_sanitized_everywhere() -> None:
    call = {"type": "function_call", "name": HOSTILE, "call_id": HOSTILE, "arguments": HOSTILE}
    item = {"id": HOSTILE, "status": HOSTILE, **call}
    state = folded(
        message("a", HOSTILE, HOSTILE),
        server("conversation.item.added", previous_item_id="a", item=item),
        server("conversation.item.added", previous_item_id="a", item={"id": "x", "type": HOSTILE}),
        server("response.done", response={"id": HOSTILE, "status": HOSTILE}),
    )

    async def scenario(_: Pilot[None], app: ViewApp) -> None:
        text = app.text()
        assert "[red]x[/] \\x1b[31m" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)

    showing(scenario, state, (120, 40))


def test_ascii_terminals_get_ascii() -> None:
    async def scenario(_: Pilot[None], app: ViewApp) -> None:
        assert "One two % three four." in app.text()
        assert not {"✂", "›", "│", "▐"} & set(app.text())

    showing(scenario, folded(*spoken_events()), (80, 10), ASCII)


def test_an_empty_conversation_says_what_to_do() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        assert "The conversation is empty" in app.text()
        await pilot.press(
            "j", "k", "g", "G", "pagedown", "pageup", "enter", "L", "a", "y", "P", "w"
        )
        await pilot.pause()
        assert app.posted == []

    showing(scenario, SessionState())


def test_a_replay_can_go_back_before_the_first_entry_after_a_resize() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        assert "number 0" in app.text()
        await pilot.resize_terminal(60, 20)
        app.view.show(SessionState())
        assert "empty" in app.text()
        app.view.show(long_talk(2))
        assert "number 1" in app.text()

    showing(scenario, long_talk(3))


@given(st.text(max_size=200), st.integers(1, 40))
def test_wrapping_loses_no_word_and_keeps_the_width(text: str, width: int) -> None:
    lines = wrapped([(text[:90], "a"), (text[90:], "b")], width)

    assert all(sum(cell_len(run[0]) for run in line) <= max(width, 2) for line in lines)
    shown = "".join(run[0] for line in lines for run in line)
    assert shown.replace(" ", "") == "".join(
        run[0] for line in wrapped([(text[:90], "a"), (text[90:], "b")], 10_000) for run in line
    ).replace(" ", "")


def test_answers_build_the_events_that_the_server_expects() -> None:
    call = OpenRequest("call", "item_f", "call_1", "f")
    ask = OpenRequest("approval", "item_q", "", "find", "docs")

    assert event_builders.call_output(call)["item"]["call_id"] == "call_1"
    assert (
        event_builders.answered_call('{"item":{"type":"function_call_output","call_id":"c"}}')
        == "c"
    )
    assert event_builders.answered_call("{") == ""
    denied = event_builders.approval(ask, {"approve": "no", "reason": "not now"})
    assert denied["item"] == {
        "type": "mcp_approval_response",
        "approval_request_id": "item_q",
        "approve": False,
        "reason": "not now",
    }


def test_an_event_links_to_its_item_and_back(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("colon", *"row 92", "enter")
        at = stage.screen.selected
        await stage.press("l")
        view = stage.screen.query_one(ConversationPane)
        assert stage.screen.focused is view
        assert view.item_id == "item_f"
        await stage.press("enter")
        assert stage.screen.selected == at - 1
        assert "output_item.added" in stage.shown()

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))


def test_closing_an_input_line_returns_the_focus_to_the_view(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for keys in (("colon", "enter"), ("slash", "escape"), ("colon", "escape")):
            await stage.press("2", *keys)
            assert stage.screen.focused is stage.screen.query_one(ConversationPane)
        assert stage.screen.current_view == "conversation"

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))


def test_an_item_is_written_as_a_wav_from_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scenario(stage: Stage) -> None:
        assert await stage.take_sound("G", "2", "g", "j") == [(3000 * 48, 24_000)]
        stage.screen.play_sound = None
        await stage.press("P")
        assert any("no sound output" in n.message for n in stage.pilot.app._notifications)

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))
    assert [path.name for path in tmp_path.glob("*.wav")] == ["a-item_a.wav"]


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_are_shown(path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press(
            "G", "2", "g", "j", "j", "k", "a", "y", "pagedown", "G", "pageup", "enter"
        )
        assert stage.replay.state.folds == stage.replay.state.every_fold()

    on_stage(scenario, path, (80, 24))


def test_a_short_conversation_has_no_scroll_bar_not_even_in_the_first_frame() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.pause()
        app.view._painted = []

        assert UNICODE.thumb not in app.text()

    item = {"id": "a", "type": "message", "role": "user", "content": []}
    showing(scenario, folded(server("conversation.item.added", item=item)))


def test_a_scrolled_conversation_can_become_empty() -> None:
    async def scenario(pilot: Pilot[None], app: ViewApp) -> None:
        await pilot.press("pageup")
        app.view.show(SessionState())
        assert "The conversation is empty." in app.text()
        app.view.show(long_talk(3))
        assert "number 0" in app.text()

    showing(scenario, long_talk(30), (60, 9))
