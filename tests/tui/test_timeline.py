"""The timeline: lanes, marks, zoom, selection, and repainting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from inspector.analysis.waterfall import TurnSpan
from inspector.analysis.waveform import Waveform, WaveLane
from inspector.core.event import Event
from inspector.tui.common.glyphs import ASCII, UNICODE, Glyphs
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.messages import RowRequested, SoundRequested, SpanRequested
from inspector.tui.views.timeline import timeline
from inspector.tui.views.timeline.cursor_text import decibels
from inspector.tui.views.timeline.timeline import Timeline
from inspector.tui.views.timeline.timeline_drawing import LABEL, DrawnStretch, drawn
from inspector.tui.views.timeline.wave_cells import wave_cells
from tests.analysis.test_waveform import log_of
from tests.spoken import ANSWER_AT_MS, HEARD_MS, write_recording
from tests.spoken import events as spoken_events
from tests.support import local, numbered, recording, recordings, server
from tests.tui.bare_app import BareApp
from tests.tui.test_replay_screen import Stage, on_stage

HOSTILE = "[red]x[/] \x1b[31m\x1b]0;t\x07 \u202e 😀"


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one frame read everything; how much it reads in time would depend on the machine's load."""
    monkeypatch.setattr(timeline, "FRAME_BUDGET_S", 60.0)


class WaveApp(BareApp):
    """An app with the timeline alone; collects its messages."""

    def __init__(self, events: list[Event], now_us: int, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.log_, self.append = log_of(events)
        self.now_us = now_us
        self.wave = Timeline(Waveform(self.log_), lambda: self.now_us, glyphs)
        self.posted: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.wave

    def on_mount(self) -> None:
        self.wave.focus()

    def on_span_requested(self, message: SpanRequested) -> None:
        self.posted.append((message.from_us, message.to_us))

    def on_row_requested(self, message: RowRequested) -> None:
        self.posted.append(message.row)

    def on_sound_requested(self, message: SoundRequested) -> None:
        self.posted.append((message.span_us, message.as_file))

    def pull(self) -> list[CellUpdate]:
        """Pull a frame, however soon after the last one."""
        self.wave._pulled_ns = 0
        return self.wave.pull()

    def text(self) -> list[str]:
        self.pull()
        strips = self.wave.render_lines(Region(0, 0, *self.wave.size))
        assert {strip.cell_length for strip in strips} == {self.wave.size.width}
        return [strip.text for strip in strips]


def showing(
    scenario: Callable[[Pilot[None], WaveApp], Awaitable[None]],
    events: list[Event],
    *,
    size: tuple[int, int] = (80, 24),
    now_ms: int = 6000,
    glyphs: Glyphs = UNICODE,
) -> None:
    async def run() -> None:
        app = WaveApp(events, now_ms * 1000, glyphs)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(pilot, app)

    asyncio.run(run())


def test_both_lanes_are_drawn_where_they_sounded() -> None:
    async def scenario(_: Pilot[None], app: WaveApp) -> None:
        lines = app.text()
        rows = app.wave._view(0).lane_rows
        user, model = lines[rows // 2], lines[rows + 1 + rows // 2]
        assert user.startswith(" user ")
        assert [n for n, c in enumerate(user[LABEL:]) if c != " "] == [
            *range(10, 30),
            *range(44, 50),
        ]
        assert [n for n, c in enumerate(model[LABEL:]) if c != " "] == list(range(32, 62))

    showing(scenario, spoken_events())


def test_marks_are_drawn_above_the_axis_and_named_at_the_cursor() -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        lines = app.text()
        marks = next(line for line in lines if line.startswith(" marks"))
        assert marks[LABEL:].split() == ["S", "CRA", "D", "✂", "CR", "TD!"]
        await pilot.press("g", "n")
        assert "speech started 1.300" in "\n".join(app.text())
        await pilot.press("n", "n", "N")
        assert "speech stopped 3.010" in "\n".join(app.text())

    showing(scenario, spoken_events())


def test_a_turn_is_a_line_with_its_number_behind_the_marks() -> None:
    waveform = Waveform(log_of(spoken_events())[0])
    waveform.advance()
    turns = (TurnSpan(7, 0, 1_200_000), TurnSpan(8, 1_300_000, 3_800_000), TurnSpan(9, 0, 10**18))

    def marks_with(*shown: TurnSpan) -> str:
        view = DrawnStretch(60, 24, 0, 100_000, None, 9_000_000, turns=shown)
        picture = drawn(waveform, view, UNICODE, ())
        return "".join(text for text, _ in picture.runs(view.lane_rows))[LABEL:]

    assert marks_with(*turns[:2]).startswith("│7───────────S8──────")
    assert marks_with(turns[2])[-1] == "─"
    assert marks_with().startswith(" " * 13 + "S  ")


def test_marks_that_share_a_cell_are_stacked_and_too_many_are_counted() -> None:
    waveform = Waveform(log_of(spoken_events())[0])
    waveform.advance()

    def stack(cell_us: int, rows: int = 24) -> list[str]:
        view = DrawnStretch(40, rows, 0, cell_us, None, 9_000_000)
        picture = drawn(waveform, view, UNICODE, ())
        lines = [
            "".join(text for text, _ in picture.runs(view.lane_rows + row))
            for row in range(view.mark_rows)
        ]
        return [
            "".join(column).rstrip()
            for column in zip(*(line[LABEL:] for line in lines), strict=True)
        ]

    fine = [column for column in stack(100_000) if column]
    assert fine[0] == "S"  # what began is still to be seen
    coarse = [column for column in stack(10_000_000) if column]
    assert len(coarse) == 1
    assert coarse[0][-1].isdigit()
    assert {len(column) for column in stack(10_000_000, rows=12)} <= {0, 1}


def test_truncated_and_future_audio_is_faint() -> None:
    waveform = Waveform(log_of(spoken_events())[0])
    waveform.advance()
    view = DrawnStretch(80, 24, 0, 100_000, None, 4_000_000)
    codes = drawn(waveform, view, UNICODE, ()).codes
    model = codes[view.model_row + 1, LABEL:]
    later = drawn(waveform, DrawnStretch(80, 24, 0, 100_000, None, 9_000_000), UNICODE, ()).codes
    heard = np.flatnonzero(later[view.model_row + 1, LABEL:] != later[0, -1])

    assert model[39] != model[42]
    begin = ANSWER_AT_MS // 100
    assert {begin, begin + HEARD_MS // 100 - 1} <= set(heard.tolist())
    assert begin + HEARD_MS // 100 not in heard


def test_zooming_keeps_the_cursor_and_shows_all_on_demand() -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        await pilot.press("g", "n")
        at = app.wave.window.cursor_us
        for key in ["plus"] * 5 + ["minus"] * 20:
            await pilot.press(key)
            view = app.wave._view(0)
            assert 0 <= view.column_of(app.wave.window.cursor_us) < view.lane_columns
        assert app.wave.window.cursor_us == at
        await pilot.press("0")
        assert app.wave._view(0).to_us >= 6_200_000
        assert "model" in "\n".join(app.text())

    showing(scenario, spoken_events())


def test_a_span_is_selected_by_keys_and_opened_played_and_written() -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        await pilot.press("g", *["right"] * 10, *["shift+right"] * 4)
        assert app.wave.window.selection == (1_000_000, 1_500_000)
        assert "selected 1.000 to 1.500 s" in "\n".join(app.text())
        await pilot.press("enter", "P", "w", "escape", "w")
        await pilot.pause()
        assert app.posted == [
            (1_000_000, 1_500_000),
            ((1_000_000, 1_500_000), False),
            ((1_000_000, 1_500_000), True),
            ((0, 6_200_000), True),
        ]

    showing(scenario, spoken_events())


def test_a_span_is_selected_by_dragging() -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        await pilot.mouse_down(app.wave, offset=(LABEL + 10, 3))
        await pilot.hover(app.wave, offset=(LABEL + 14, 3))
        await pilot.mouse_up(app.wave, offset=(LABEL + 14, 3))
        assert app.wave.window.selection == (1_000_000, 1_500_000)
        await pilot.click(app.wave, offset=(LABEL + 20, 3))
        assert app.wave.window.selection is None
        assert app.wave.window.cursor_us // 100_000 == 20

    showing(scenario, spoken_events())


def test_a_mark_links_to_its_event() -> None:
    events = spoken_events()
    row = next(e.seq - 1 for e in events if e.type == "response.done")

    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        await pilot.press("g", *["n"] * 5, "enter")
        await pilot.pause()
        assert app.posted == [row]

    showing(scenario, events)


def test_the_session_is_followed_until_the_cursor_is_moved() -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        app.now_us = 60_000_000
        app.pull()
        view = app.wave._view(app.now_us)
        assert 0 <= view.column_of(60_000_000) < view.lane_columns
        await pilot.press("left")
        app.now_us = 120_000_000
        app.pull()
        assert app.wave._view(0).column_of(120_000_000) > view.lane_columns
        await pilot.press("f")
        view = app.wave._view(0)
        assert 0 <= view.column_of(120_000_000) < view.lane_columns

    showing(scenario, spoken_events())


def test_only_what_has_changed_is_painted() -> None:
    async def scenario(_: Pilot[None], app: WaveApp) -> None:
        app.pull()
        assert not app.pull()
        app.append(numbered([server("error", error={})], start=len(app.log_) + 1)[0])
        patches = app.pull()
        assert [(patch.y, patch.strip.text) for patch in patches] == [
            (app.wave._view(0).lane_rows, "!")
        ]

    events = [e for e in spoken_events() if e.stamp_ns < 5_000_000_000]
    showing(scenario, events, now_ms=5000)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (20, 6), (7, 2), (3, 1)])
def test_the_timeline_is_complete_at_any_size(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        for key in ("g", "plus", "G", "minus", "shift+left", "pageup", "0", "n"):
            await pilot.press(key)
            assert len(app.text()) == size[1]

    showing(scenario, spoken_events(), size=size)


def test_ascii_terminals_get_ascii() -> None:
    async def scenario(_: Pilot[None], app: WaveApp) -> None:
        text = "\n".join(app.text()).replace("−", "-")
        assert text.isascii()
        assert "|" in text

    showing(scenario, spoken_events(), glyphs=ASCII)


def test_a_session_without_audio_says_so_and_shows_its_marks() -> None:
    async def scenario(_: Pilot[None], app: WaveApp) -> None:
        text = "\n".join(app.text())
        assert "no audio on this connection" in text
        assert "marks!" in text.replace(" ", "")

    showing(scenario, numbered([server("error", error={})]))


def test_hostile_ids_are_sanitized() -> None:
    where = {"response_id": HOSTILE, "item_id": HOSTILE, "content_index": 0}
    deltas = [server("response.output_audio.delta", **where, delta="AAAA" * 4000)]

    async def scenario(pilot: Pilot[None], app: WaveApp) -> None:
        await pilot.press("g", "right")
        text = "\n".join(app.text())
        assert "[red]x[/]" in text
        assert not {"\x1b", "\x07", "\u202e", "😀"} & set(text)

    showing(scenario, numbered([*deltas, local("inspector.note", text=HOSTILE)]))


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8), st.integers(1, 12), st.booleans())
def test_a_lane_is_drawn_between_its_extremes(
    values: list[float], rows: int, is_ascii: bool
) -> None:
    low = np.array([min(0.0, v) for v in values], np.float32)
    high = np.array([max(0.0, v) for v in values], np.float32)
    lane = WaveLane(low, high, np.ones(8, bool), np.ones(8, bool))
    [cells] = wave_cells([lane], rows, (ASCII if is_ascii else UNICODE).wave)

    assert cells.shape == (rows, 8 if is_ascii else 4)
    assert (cells != ord(" ")).any(axis=0).all()


def test_levels_are_relative_to_full_scale() -> None:
    assert decibels(1.0) == "0.0 dBFS"
    assert decibels(0.5) == "−6.0 dBFS"
    assert decibels(0.0) == "silent"


def test_the_screen_shows_the_events_of_a_span(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "4")
        await stage.press("g", *["n"] * 3, *["shift+right"] * 4)
        await stage.press("enter")
        pane = stage.screen.query_one("#merged", EventPane)
        assert pane.rows.query.expression == "t>=3.060000 t<3.360000"
        assert 0 < len(pane.rows) < pane.rows.total
        assert stage.screen.selected == stage.screen.event_log.row_at(3_059_999) + 1

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))


def test_moving_in_time_moves_a_replay(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("4")
        await stage.press("g", *["n"] * 5)
        assert stage.replay.log.type_of(stage.replay.cursor) == "response.done"
        await stage.press("2")
        assert "One two three four." in stage.shown()
        await stage.press("4", "1")
        assert stage.screen.query_one("#merged", EventPane).has_focus

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))


def test_a_span_is_written_and_played_from_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scenario(stage: Stage) -> None:
        await stage.press("G", "4")
        played = await stage.take_sound("g", "n", *["shift+right"] * 4)
        assert played == [(14_400, 24_000)]

    on_stage(scenario, write_recording(tmp_path / "a.jsonl"))
    assert [path.name for path in tmp_path.glob("*.wav")] == ["a-1.260-1.560s.wav"]


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_have_a_timeline(path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("4")
        await stage.press("0", "n", "n", "plus", "shift+right", "enter", "4", "G", "N", "enter")
        assert stage.replay.state.folds == stage.replay.state.every_fold()

    on_stage(scenario, path, (80, 24))


def test_a_recording_without_times_says_so() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("4")
        await stage.pilot.pause()

        assert "these events have no times" in stage.shown()

    on_stage(scenario, recording("openai-text-in-audio-out"))
