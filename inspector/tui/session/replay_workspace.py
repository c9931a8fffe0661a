"""The workspace of a recording: a cursor moves through the events, and the state is the one at the cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.sanitize import sanitized
from inspector.clock import time_is_up
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.earlier_connection import EarlierConnection
from inspector.engine.replay import SPEEDS, Replay
from inspector.engine.session_bench import SessionBench, SessionVadLab
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_findings import SessionFindings
from inspector.engine.session_latency import SessionLatency
from inspector.engine.session_verdict import VERDICT_BUDGET_S, RecordingVerdict
from inspector.muted_rules import MutedRules
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint, hint
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Readings
from inspector.tui.common.numbers import seconds_in
from inspector.tui.common.status_line import StatusLine
from inspector.tui.form.form_control import FormControl
from inspector.tui.session.readings import LogLevels, recorded_readings
from inspector.tui.session.session_header import cost_parts, findings_part, limits_left
from inspector.tui.views.conversation.answer_requested import AnswerRequested
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.view import Commands
from inspector.tui.workspace.command_line import row_in
from inspector.tui.workspace.part import Part, SessionModel
from inspector.tui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from inspector.analysis.lint.lint_run import LintReport
    from inspector.analysis.verdict import VerdictPart
    from inspector.tui.views.timeline.timeline import Timeline

ZOOMED = ("timeline", "turns", "sound")
"""Views that zoom, or change settings, with the keys that elsewhere change the speed."""
INTAKE_HZ = 60
"""How often a recording that is being opened is indexed further; independent of painting."""


def replay_workspace(replay: Replay, glyphs: Glyphs) -> Workspace:
    """Return the screen of a recording."""
    model = ReplayModel(replay, glyphs)
    parts = (ReplayTransport(replay, model.end_verdict), FormControl())
    return Workspace(model, parts, glyphs)


class ReplayModel(SessionModel):
    """A recording at its cursor, as shown by a workspace."""

    title = "Replay"
    can_answer = False
    is_recording = True

    def __init__(self, replay: Replay, glyphs: Glyphs) -> None:
        self._replay = replay
        self._glyphs = glyphs
        self._levels = LogLevels(replay.log)
        self.cost = SessionCost(replay.header)
        self.latency = SessionLatency(replay.log, lambda: replay.state_row + 1)
        muted = MutedRules(replay.path.parent)
        self.findings = SessionFindings(muted)
        self._earlier = EarlierConnection(replay.path)
        self._verdict = RecordingVerdict(replay.log, replay.header, replay.path, muted)
        self.bench = SessionBench(replay.log, lambda: not self.is_busy)
        self.vad_lab = SessionVadLab(replay.log, lambda: not self.is_busy)

    @property
    def log(self) -> EventLog:
        """Return the events that have been indexed so far."""
        return self._replay.log

    @property
    def state(self) -> SessionState:
        """Return the state at the cursor."""
        return self._replay.state

    def now_us(self) -> int:
        """Return the time of the cursor; 0 without times, where the timeline draws nothing."""
        return self._replay.t_us or 0

    def recording_stem(self) -> str:
        """Return the recording's name without its suffix."""
        return self._replay.path.stem

    @property
    def proofs(self) -> Proofs:
        """Return what the events of the whole recording prove, as soon as that is known."""
        return self.findings.proofs if self._verdict.report is None else self._verdict.proofs

    @property
    def whole_report(self) -> LintReport | None:
        """Return what is found in the whole recording; None while that is not known."""
        return self._verdict.report

    @property
    def verdict(self) -> Sequence[VerdictPart]:
        """Return the verdict on the whole recording, wherever the cursor is."""
        return self._verdict.parts

    @property
    def verdict_words(self) -> str:
        """Return how far the recording has been read for it."""
        if self._verdict.is_done:
            return "no verdict: no turns, errors or costs"
        progress = 0 if self.is_busy else self._verdict.progress
        share = "" if progress is None else f" {progress:.0%}"
        return f"reading the whole recording …{share}"

    def end_verdict(self) -> None:
        """Read no further for the verdict."""
        self._earlier.close()
        self._verdict.close()

    def advance(self) -> None:
        """Follow the cursor, and read on for the verdict while nothing more urgent is to be done."""
        super().advance()
        self.findings.update(self._replay.state, is_over=self._is_at_end)
        if self.is_busy or not self._replay.is_settled:
            return
        if not self._earlier.is_done:
            self._look_back()
        else:
            self._verdict.advance(time_is_up(VERDICT_BUDGET_S))

    def _look_back(self) -> None:
        """Look for the connection before; if there is one, the rules judge this recording as the one after it."""
        earlier, replay = self._earlier, self._replay
        if not earlier.advance(time_is_up(VERDICT_BUDGET_S)):
            return
        run = earlier.run
        if run is None or earlier.path is None:
            return
        replay.restart(lambda: LintedState(run=run.copy()))
        self._verdict.continue_after(run.copy())
        self.findings.after = earlier.path.name

    @property
    def is_troubled(self) -> bool:
        """Return False: a recording's errors do not alarm."""
        # Errors of a file are old news: the header counts them, but does not turn red.
        return False

    @property
    def _is_at_end(self) -> bool:
        return not self.is_busy and self.covered_rows == len(self.log)

    @property
    def is_busy(self) -> bool:
        """Return whether the recording is still being indexed."""
        return self._replay.indexing.progress < 1

    @property
    def covered_rows(self) -> int:
        """Return how many events the state includes."""
        return self._replay.state_row + 1

    def empty_conversation(self, key: Key) -> str:
        """Return the text for a conversation without items before the cursor."""
        last = key("pane.last")
        return f"Nothing yet at this point. Press {last} in Events to jump to the last event."

    def readings(self, key: Key) -> Readings:  # noqa: ARG002 - a recording has no keys in its meters
        """Return the levels at the cursor, computed from the recorded audio."""
        replay = self._replay
        t_ns = None if replay.t_us is None else replay.t_us * 1000
        is_known = replay.is_settled and t_ns is not None
        levels = self._levels.read(replay.cursor, t_ns or 0, self.state) if is_known else None
        return recorded_readings(levels, self.state, t_ns, replay.header.url)

    def header(self, ticks: int) -> Sequence[HeaderPart]:  # noqa: ARG002 - nothing turns here
        """Return model, dialect, source, count, file, progress, errors and tokens."""
        replay = self._replay
        model = self.state.session.model or replay.header.model
        errors, verdict = self.faults, self._verdict
        found = self.findings.findings if verdict.report is None else verdict.findings
        progress = replay.indexing.progress
        so_far = " so far" * (replay.cursor < len(replay.log) - 1)
        tokens = self.state.usage.responses.total
        return (
            HeaderPart(f"{self._glyphs.ring} replay"),
            HeaderPart(sanitized(model), rank=2, shortest=10),
            HeaderPart(self.state.dialect.called.short, rank=3),
            HeaderPart(sanitized(replay.header.source), rank=4),
            HeaderPart(f"{len(self.log):,} events"),
            HeaderPart(sanitized(replay.path.name), rank=3, shortest=12),
            HeaderPart(f"opening {progress:.0%}" if progress < 1 else ""),
            HeaderPart(f"! {errors} error{'s' * (errors != 1)}{so_far}" if errors else ""),
            findings_part(found),
            *cost_parts(self.cost),
            HeaderPart(f"{tokens:,} tok" if tokens else "", rank=6),
            HeaderPart(limits_left(self.state), rank=4),
        )

    def hint(self, key: Key, place: str) -> Hint:
        """Return the condition of the replay and the next steps."""
        replay = self._replay
        if not len(self.log):
            return hint(" this recording contains no events")
        if not replay.is_settled:
            # On the way back the state still belongs to a later row until the next tick.
            done = replay.state_row + 1 if replay.state_row < replay.cursor else 0
            share = done / max(1, replay.cursor + 1)
            return hint(f"computing the state at the cursor … {share:.0%}")
        if replay.is_playing:
            speed = f"{key('replay.faster')} and {key('replay.slower')} change speed"
            return hint("playing", f"{key('replay.play')} pause", "" if place in ZOOMED else speed)
        return _idle_hint(key, place, has_times=replay.has_times)

    async def close(self) -> None:
        """Close the recording."""
        self._replay.close()


class ReplayTransport(Part):
    """Moves the cursor: play, step, seek. The views follow it."""

    BINDINGS = [
        Binding("p", "play", "play", id="replay.play"),
        Binding("full_stop", "step(1)", "step", id="replay.step"),
        Binding("comma", "step(-1)", "step back", show=False, id="replay.step_back"),
        Binding("plus,equals_sign", "speed(1)", "faster", id="replay.faster"),
        Binding("minus", "speed(-1)", "slower", show=False, id="replay.slower"),
        Binding("right", "jump(5)", "5 s forward", show=False, id="replay.jump"),
        Binding("left", "jump(-5)", "5 s back", show=False, id="replay.jump_back"),
        Binding("0", "start", "go to the start", show=False, id="replay.start"),
        Binding("s,c,x,t,r,a", "explain", "sending", show=False, id="replay.explain"),
    ]

    def __init__(self, replay: Replay, ended: Callable[[], None]) -> None:
        """Create the controls.

        Args:
            replay: the recording under its cursor.
            ended: called when the screen goes, however it does.
        """
        super().__init__()
        self._replay = replay
        self._ended = ended
        self._is_opening = True
        """Whether the cursor stays on the last event while more are read: until the user moves it, or all are listed."""
        self._end_row = replay.cursor
        """The row that the cursor was put on while opening."""
        self._notices_seen = 0
        self._intake: Timer | None = None

    def compose_below(self) -> ComposeResult:
        """Lay out the transport line."""
        yield StatusLine(id="transport")

    def on_mount(self) -> None:
        """Stop the panes from following the end, and start to index what is still to be opened."""
        for pane in self._panes():
            # The replay's cursor decides what is shown, not the end of the file.
            pane.is_following, pane.is_whole = False, True
        if self.workspace.model.is_busy:
            self._intake = self.set_interval(1 / INTAKE_HZ, self._take_in)

    def on_unmount(self) -> None:
        """Leave nothing running."""
        self._ended()

    def commands(self) -> Commands:
        """Return the commands that move the cursor."""
        return {
            "play": lambda _: self.action_play(),
            "speed": self._set_speed,
            "seek": self._seek_written,
        }

    def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the speeds."""
        return {"speed": [_speed_text(speed) for speed in SPEEDS]}

    def advance(self) -> None:
        """Advance the cursor by the clock; move the views with it."""
        replay, workspace = self._replay, self.workspace
        before = replay.cursor
        if replay.tick():
            workspace.redraw()
        # The rows of the same cursor may have been listed since.
        is_at_end = self._is_opening and len(replay.log) > 0 and self._stay_at_end()
        if is_at_end or (replay.cursor != before and replay.cursor >= 0):
            self._follow_cursor()
        for notice in replay.notices[self._notices_seen :]:
            workspace.say(notice, "warning")
        self._notices_seen = len(replay.notices)
        workspace.put({"#transport": self._transport_text()})

    def _stay_at_end(self) -> bool:
        """Put the cursor on the last event, since a recording is opened to see how the session ended; False if the user has moved it."""
        replay = self._replay
        panes = [pane for pane in self._panes() if pane.display]
        for pane in panes:
            pane.pull(lambda: True)  # only rows that are listed can be selected
        if replay.cursor != self._end_row or replay.is_playing:
            self._is_opening = False
            return False
        replay.seek_row(len(replay.log) - 1)
        self._end_row = replay.cursor
        is_listed = all(pane.rows.is_complete for pane in panes)
        self._is_opening = not (is_listed and replay.indexing.progress >= 1)
        return True

    def event_selected(self, row: int) -> None:
        """Move the cursor to the selected event."""
        if row != self._replay.cursor:
            self._replay.pause()
            self._replay.seek_row(row)
            self._follow_cursor()

    def on_timeline_time_chosen(self, message: Timeline.TimeChosen) -> None:
        """Move the cursor to a time chosen in the timeline."""
        self._replay.pause()
        self._seek(message.t_us)

    @on(AnswerRequested)
    def action_explain(self) -> None:
        """Explain why nothing can be sent."""
        self.workspace.say(
            "a replay has no server to send to; use inspector sim or inspector live", "warning"
        )

    def action_play(self) -> None:
        """Toggle playing."""
        self._replay.pause() if self._replay.is_playing else self._replay.play()

    def action_step(self, rows: int) -> None:
        """Move the cursor by events."""
        self._replay.step(rows)
        self._follow_cursor()

    def action_jump(self, seconds: int) -> None:
        """Move the cursor by seconds, or by events if the recording has no times."""
        self._replay.jump(seconds)
        self._follow_cursor()

    def action_start(self) -> None:
        """Move the cursor to the first event."""
        self._replay.seek_row(0)
        self._follow_cursor()

    def action_speed(self, step: int) -> None:
        """Change to the next speed in the list."""
        at = SPEEDS.index(self._replay.speed) if self._replay.speed in SPEEDS else 2
        self._replay.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, at + step))])

    def _panes(self) -> list[EventPane]:
        return self.workspace.events.panes.all

    def _take_in(self) -> None:
        """Index one more slice; stop when the whole recording is indexed."""
        intake, workspace = self._intake, self.workspace
        if workspace.is_closed and intake is not None:
            intake.stop()
            return
        self._replay.indexing.advance()
        if not workspace.model.is_busy and intake is not None:
            intake.stop()
            workspace.tick()

    def _seek(self, t_us: int) -> None:
        """Move the cursor to a session time; playback continues from there."""
        self._replay.seek_t_us(max(0, t_us))
        self._follow_cursor()

    def _seek_written(self, text: str) -> None:
        """Move the cursor to the written number of seconds, or to the event with that number if there are no times."""
        if self._replay.has_times:
            self._seek(round(seconds_in(text) * 1e6))
            return
        self._replay.seek_row(max(0, row_in(self.workspace, text)))
        self._follow_cursor()

    def _set_speed(self, text: str) -> None:
        try:
            speed = float("inf") if text == "max" else float(text.rstrip("x×"))
        except ValueError:
            speed = 0.0
        if speed not in SPEEDS:
            raise ValueError(f"unknown speed; choose one of {', '.join(map(_speed_text, SPEEDS))}")
        self._replay.set_speed(speed)

    def _follow_cursor(self) -> None:
        row = self._replay.cursor
        self.workspace.selected = row
        self.workspace.redraw()
        for pane in self._panes():
            pane.set_future(row + 1)
            if row < 0 or not len(pane.rows):
                continue
            # A filter may hide the cursor's row; then only its surroundings are shown.
            if self._is_shown_by(pane.rows.rows[pane.rows.index_of(row)], row):
                pane.select(row, notify=False, follow=False)
            else:
                pane.scroll_near(row)

    def _is_shown_by(self, shown: int, row: int) -> bool:
        """Return whether a listed row is the given one, or the folded group that it is in."""
        groups = self._replay.log.group
        return shown == row or (shown < row and groups[shown] == groups[row] >= 0)

    def _transport_text(self) -> str:
        replay, glyphs = self._replay, self.workspace.glyphs
        button = glyphs.pause if replay.is_playing else glyphs.play
        speed = _speed_text(replay.speed)
        times = f"event {replay.cursor + 1:,} of {len(replay.log):,}"
        if replay.t_us is not None and replay.duration_us is not None:
            position, duration = replay.t_us / 1e6, replay.duration_us / 1e6
            times = f"{position:9.3f} / {duration:.3f} s   {times}"
        room = max(4, self.size.width - len(times) - len(speed) - 14)
        share = (replay.cursor + 1) / len(replay.log) if len(replay.log) else 0.0
        full = round(share * room)
        return f" {button} {speed:>5}  {glyphs.bar_full * full}{glyphs.bar_empty * (room - full)}  {times}"


def _idle_hint(key: Key, place: str, *, has_times: bool) -> Hint:
    unit = "SECONDS" if has_times else "EVENT"
    there = f"{key('view.conversation')} conversation up to this point"
    parts = (
        HeaderPart(f"{key('replay.play')} play"),
        HeaderPart(f"{key('replay.step')} and {key('replay.step_back')} step"),
        HeaderPart(f"{key('pane.next_error')} next error" if place == "events" else "", 1),
        HeaderPart(there if place != "conversation" else "", 3),
        HeaderPart(f"{key('view.command')}seek {unit}", 5),
        HeaderPart(f"{key('view.filter')} filter" if place == "events" else "", 4),
        HeaderPart(f"{key('view.help')} all keys", 2),
    )
    return Hint(parts)


def _speed_text(speed: float) -> str:
    return "max" if speed == float("inf") else f"{speed:g}×"
