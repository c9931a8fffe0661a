from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.analysis.lint.linted_state import LintedState
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine import replay as replay_module
from inspector.engine.replay import EVENT_US, SPEEDS, Replay
from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from tests.support import ManualClock, at, facts, numbered, server

ROWS = 300
STEP_MS = 100


class WholeFile:
    """A recording that is indexed a few rows at a time."""

    def __init__(self, path: Path, rows_per_advance: int = ROWS) -> None:
        self.path = path
        self.notices: list[str] = []
        self._reader = RecordingReader(path)
        self.header = self._reader.header
        self.log: EventLog = self._reader.new_log()
        self._lines = list(self._reader.lines(self._reader.start, self._reader.size))
        self._rows_per_advance = rows_per_advance
        self._position = self._reader.start

    @property
    def progress(self) -> float:
        return len(self.log) / len(self._lines)

    def advance(self) -> bool:
        first = len(self.log)
        chunk = self._lines[first : first + self._rows_per_advance]
        if not chunk:
            return False
        end = chunk[-1][0] + 1
        self._position = self._reader.index_rows(self.log, self._position, end)
        return True

    def close(self) -> None:
        self._reader.close()


def story() -> list[Event]:
    events = [server("session.created", session={"id": "s"})]
    for n in range((ROWS - 1) // 3 + 1):
        item = {"id": f"i{n}", "type": "message", "role": "assistant"}
        events += [
            server("conversation.item.added", item=item),
            server("response.output_text.delta", item_id=f"i{n}", delta="he"),
            server("response.output_text.delta", item_id=f"i{n}", delta="llo"),
        ]
    return numbered([at(n * STEP_MS + 1e-3, event) for n, event in enumerate(events[:ROWS])])


EVENTS = story()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    header = render_header(Header("2026-11-20T23:12:00.000000Z", "sim"))
    path.write_bytes(header + b"".join(render(event) for event in EVENTS))
    return path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def replay(path: Path, clock: ManualClock) -> Iterator[Replay]:
    replay = Replay(WholeFile(path), clock)
    replay.tick()
    yield replay
    replay.close()


def scratch(row: int) -> SessionState:
    state = SessionState()
    for event in EVENTS[: row + 1]:
        state.apply(event, strict=True)
    return state


def test_it_opens_before_the_first_event(replay: Replay) -> None:
    assert (replay.cursor, replay.t_us, replay.is_playing) == (-1, 0, False)
    assert replay.is_settled
    assert replay.duration_us == EVENTS[-1].stamp_ns // 1000


def test_it_plays_in_the_recordings_time(replay: Replay, clock: ManualClock) -> None:
    replay.play()
    clock.advance(1000)
    replay.tick()
    assert replay.cursor == 9

    replay.pause()
    clock.advance(1000)
    replay.tick()
    assert replay.cursor == 9


@pytest.mark.parametrize("speed", SPEEDS[:-1])
def test_speed_scales_time(replay: Replay, clock: ManualClock, speed: float) -> None:
    replay.set_speed(speed)
    replay.play()
    clock.advance(1000)
    replay.tick()

    assert replay.cursor == int(10 * speed) - 1 + (1 if 10 * speed % 1 else 0)


def test_changing_speed_does_not_jump(replay: Replay, clock: ManualClock) -> None:
    replay.play()
    clock.advance(1050)
    replay.set_speed(4.0)
    assert replay.t_us == 1_050_000
    clock.advance(100)
    assert replay.t_us == 1_450_000


def test_as_fast_as_possible_ends_at_once(replay: Replay, clock: ManualClock) -> None:
    replay.set_speed(float("inf"))
    replay.play()
    replay.tick()

    assert replay.cursor == ROWS - 1
    assert not replay.is_playing


def test_it_stops_at_the_end_and_starts_over(replay: Replay, clock: ManualClock) -> None:
    replay.seek_row(ROWS - 3)
    replay.play()
    clock.advance(10_000)
    replay.tick()
    assert (replay.cursor, replay.is_playing) == (ROWS - 1, False)

    replay.play()
    assert (replay.cursor, replay.is_playing) == (-1, True)


def test_steps_pause_and_stay_inside(replay: Replay) -> None:
    replay.play()
    replay.step(3)
    assert (replay.cursor, replay.is_playing) == (2, False)
    replay.step(-10)
    assert replay.cursor == -1
    replay.step(10**6)
    assert replay.cursor == ROWS - 1


def test_a_time_is_the_last_event_before_it(replay: Replay) -> None:
    replay.seek_t_us(1_050_000)
    assert replay.cursor == 10
    replay.seek_t_us(-5)
    assert replay.cursor == -1
    replay.seek_t_us(10**12)
    assert replay.cursor == ROWS - 1


def test_playing_goes_on_from_the_time_that_was_sought(replay: Replay, clock: ManualClock) -> None:
    replay.play()
    replay.seek_t_us(1_050_000)
    assert replay.t_us == 1_050_000
    clock.advance(60)
    replay.tick()
    assert replay.cursor == 11


def test_a_pause_between_two_ticks_takes_in_what_has_come_since_the_last_one(
    replay: Replay, clock: ManualClock
) -> None:
    replay.play()
    replay.tick()
    clock.advance(1050)
    replay.pause()

    assert (replay.t_us, replay.cursor) == (1_050_000, 10)


def test_a_pause_between_events_keeps_the_time_and_playing_goes_on_from_it(
    replay: Replay, clock: ManualClock
) -> None:
    replay.play()
    clock.advance(1050)
    replay.tick()
    replay.pause()
    clock.advance(5000)
    assert (replay.t_us, replay.cursor) == (1_050_000, 10)
    replay.play()
    clock.advance(60)
    replay.tick()
    assert (replay.t_us, replay.cursor) == (1_110_000, 11)


def test_a_time_that_was_sought_is_kept_at_rest_and_a_step_goes_to_its_event(
    replay: Replay,
) -> None:
    replay.seek_t_us(1_050_000)
    assert (replay.t_us, replay.cursor) == (1_050_000, 10)
    replay.step(1)
    assert replay.t_us == replay.log.t_us[11]


def test_the_state_is_that_of_the_cursor_wherever_it_goes(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "MIN_SPACING", 16)
    for row in (250, 40, 251, 39, ROWS - 1, 0, -1, 130):
        replay.seek_row(row)
        replay.tick()

        assert replay.is_settled
        assert facts(replay.state) == facts(scratch(row)), row


def test_going_back_does_not_start_at_the_beginning(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "MIN_SPACING", 16)
    replay.seek_row(ROWS - 1)
    replay.tick()
    folded: list[int] = []
    apply = SessionState.apply

    def counting(state: SessionState, event: Event, *, strict: bool = False) -> object:
        folded.append(event.seq)
        return apply(state, event, strict=strict)

    monkeypatch.setattr(SessionState, "apply", counting)
    replay.seek_row(200)
    replay.tick()

    assert folded[0] > 150
    assert folded[-1] == 201


def test_jumping_ahead_takes_up_a_kept_state(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "MIN_SPACING", 16)
    replay.seek_row(ROWS - 1)
    replay.tick()
    replay.seek_row(5)
    replay.tick()
    monkeypatch.setattr(replay_module, "FOLD_SLICE_NS", 0)
    replay.seek_row(ROWS - 1)
    replay.tick()

    assert replay.state_row > 250
    while replay.tick():
        pass
    assert facts(replay.state) == facts(scratch(ROWS - 1))


def test_nothing_changes_while_nothing_happens(replay: Replay) -> None:
    replay.tick()

    assert not replay.tick()


def test_rows_arrive_while_it_is_open(path: Path, clock: ManualClock) -> None:
    replay = Replay(WholeFile(path, rows_per_advance=50), clock)
    replay.set_speed(float("inf"))
    assert replay.tick()
    replay.play()
    for _ in range(10):
        replay.tick()

    assert (len(replay.log), replay.cursor, replay.is_playing) == (ROWS, ROWS - 1, False)
    assert facts(replay.state) == facts(scratch(ROWS - 1))
    replay.close()


def test_folding_is_cut_into_slices(path: Path) -> None:
    class BusyClock(ManualClock):
        def now_ns(self) -> int:
            self.ns += 5_000_000
            return self.ns

    replay = Replay(WholeFile(path), BusyClock())
    replay.tick()
    replay.seek_row(ROWS - 1)
    replay.tick()
    assert 0 < replay.state_row < ROWS - 1
    while replay.tick():
        pass

    assert replay.is_settled
    replay.close()


@pytest.fixture
def untimed(tmp_path: Path, clock: ManualClock) -> Iterator[Replay]:
    path = tmp_path / "untimed.jsonl"
    path.write_bytes(b'{"dir":"server","event":{"type":"ping"}}\n' * 20)
    replay = Replay(WholeFile(path), clock)
    replay.tick()
    yield replay
    replay.close()


def test_without_times_there_is_no_time(untimed: Replay) -> None:
    untimed.seek_row(4)

    assert not untimed.has_times
    assert (untimed.t_us, untimed.duration_us) == (None, None)


@pytest.mark.parametrize(
    ("start", "seconds", "row"), [(4, -5, 0), (9, -5, 4), (9, 5, 14), (18, 5, 19)]
)
def test_without_times_a_jump_goes_by_events(
    untimed: Replay, start: int, seconds: int, row: int
) -> None:
    untimed.seek_row(start)
    untimed.jump(seconds)

    assert untimed.cursor == row


def test_without_times_it_plays_event_by_event(untimed: Replay, clock: ManualClock) -> None:
    untimed.seek_row(3)
    untimed.play()
    seen = []
    for _ in range(4):
        clock.advance(EVENT_US / 1000)
        untimed.tick()
        seen.append(untimed.cursor)
    untimed.set_speed(4.0)
    clock.advance(EVENT_US / 1000)
    untimed.tick()

    assert seen == [4, 5, 6, 7]
    assert untimed.cursor == 11
    untimed.pause()
    assert (untimed.cursor, untimed.is_playing) == (11, False)


def test_without_times_it_ends_at_the_last_event(untimed: Replay, clock: ManualClock) -> None:
    untimed.play()
    clock.advance(60_000)
    untimed.tick()

    assert (untimed.cursor, untimed.is_playing) == (19, False)
    untimed.play()
    assert untimed.cursor == -1


def test_without_times_there_is_no_time_to_seek(untimed: Replay) -> None:
    untimed.seek_row(4)
    untimed.seek_t_us(10**9)

    assert untimed.cursor == 4


def test_rows_without_a_time_are_played_with_the_one_before(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "mixed.jsonl"
    times: list[float | None] = [None, 1, None, 2, 1.5, 4]
    lines = [
        b'{"dir":"server",%b"event":{"type":"ping"}}\n' % (b"" if t is None else b'"t":%g,' % t)
        for t in times
    ]
    path.write_bytes(b"".join(lines))
    replay = Replay(WholeFile(path), clock)
    replay.tick()
    replay.play()
    seen = []
    for _ in range(4):
        clock.advance(1000)
        replay.tick()
        seen.append(replay.cursor)
    replay.close()

    assert seen == [2, 4, 4, 5]
    assert replay.duration_us == 4_000_000


def test_a_state_from_another_beginning_is_computed_up_to_the_cursor(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "MIN_SPACING", 20)
    replay.seek_row(ROWS - 1)
    while not replay.is_settled:
        replay.tick()
    begun: list[LintedState] = []

    def beginning() -> LintedState:
        begun.append(LintedState())
        return begun[-1]

    replay.restart(beginning)
    assert (replay.cursor, replay.state_row, replay.is_settled) == (ROWS - 1, -1, False)
    while not replay.is_settled:
        replay.tick()

    assert replay.state is begun[0]
    assert facts(replay.state) == facts(scratch(ROWS - 1))
