"""SessionLatency: how long each turn of a session took by now, measured beside it in slices; nothing is loaded before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.core.turn_counter import TurnKind
from inspector.engine.session_cost import REST_STEPS

if TYPE_CHECKING:
    from inspector.analysis.latency import Heard
    from inspector.analysis.percentiles import FigureSpread, MeasuredTurn

RETRY_ROWS = 32
"""An answer that was silent so far is listened to again after so many events."""


class _Audible(NamedTuple):
    """What decides what is heard in a turn."""

    number: int
    input_seq: int
    """The end of the user's input; 0 if there is no audio to analyze."""
    sound_seq: int
    """The first audio of the answer; 0 without any."""
    done_seq: int
    """The end of the answer; 0 while it goes on."""
    is_input_elided: bool
    is_output_elided: bool


class _Listened(NamedTuple):
    """The result of listening to a turn."""

    key: _Audible
    heard: Heard
    rows: int
    """How many events there were."""

    @property
    def is_open(self) -> bool:
        """Return True if nothing of the answer was audible so far, and more of it may come."""
        is_running = bool(self.key.sound_seq) and not self.key.done_seq
        return is_running and self.heard.leading_ns is None

    def is_old(self, rows: int) -> bool:
        """Return True if so much has come since that it is worth listening again."""
        return self.is_open and rows - self.rows >= RETRY_ROWS


class SessionLatency:
    """The measured turns of one session, live or under a cursor."""

    def __init__(self, log: EventLog, covered: Callable[[], int] | None = None) -> None:
        """Begin.

        Args:
            log: the events.
            covered: returns how many of them the state includes; None for all.
        """
        self._log = log
        self._covered = covered
        self._turns: dict[int, MeasuredTurn] = {}
        self._revisions: dict[int, tuple[int, tuple[bool, bool]]] = {}
        self._listened: dict[int, _Listened] = {}
        self._elided = False, False
        """Whether a recorder has removed the user's audio, and that of the answers."""
        self._seen = 0
        """The revision of the turns up to which all have been measured."""
        self._unheard: set[int] = set()
        """Turns that have been measured without their audio so far."""
        self._sorted: list[MeasuredTurn] | None = None
        self._spreads: Sequence[FigureSpread] = ()
        self._spread_of: tuple[int, frozenset[str]] = 0, frozenset()
        self._rest = 0
        self.revision = 0
        """Grows with every change."""

    def step(self, state: SessionState, is_time_up: Callable[[], bool]) -> bool:
        """Measure turns that have changed, the newest first; return True if anything changed.

        All are measured without their audio first, which takes a fraction of the time; then they are listened to.

        Args:
            state: by now, or at the cursor.
            is_time_up: returns whether to go on with the next step; one turn is always measured.
        """
        self._rest = max(0, self._rest - 1)
        before = self.revision
        covered = len(self._log) if self._covered is None else self._covered()
        for turn in self._changed_turns(state):
            self._measure(turn, state, self._known_sound(turn, state, covered))
            if is_time_up():
                return self.revision != before
        self._seen = state.turns.revision
        for number in sorted(self._unheard, reverse=True):
            turn = state.turns.all[number - 1]
            known = self._listened.get(number)
            if known is None or known.key != _audible(turn, state) or known.is_old(covered):
                self._measure(turn, state, self._hear(turn, state, covered))
                if is_time_up():
                    break
        return self.revision != before

    def known_until_us(self, now_us: int) -> int:
        """Return up to when the turns are known: ``now_us``, or the last event so far of a state that lags behind it."""
        row = len(self._log) if self._covered is None else self._covered()
        following_us = self._log.time_us(row) if row < len(self._log) else None
        if following_us is None or following_us >= now_us:
            return now_us
        return (self._log.time_us(row - 1) or 0) if row else 0

    @property
    def progress(self) -> float:
        """Return the share of the turns that have been listened to as far as they have come, 0..1."""
        return 1 - len(self._unheard) / max(1, len(self._turns))

    @property
    def turns(self) -> Sequence[MeasuredTurn]:
        """Return the turns that have been measured, oldest first."""
        if self._sorted is None:
            self._sorted = [self._turns[number] for number in sorted(self._turns)]
        return self._sorted

    def spreads(self, figures: frozenset[str]) -> Sequence[FigureSpread]:
        """Return the percentiles of some figures by kind of turn and quality, as of a moment ago at most."""
        revision, known = self._spread_of
        if figures != known or (self.revision != revision and not self._rest):
            from inspector.analysis.percentiles import spreads

            self._spreads = spreads(self.turns, figures=figures)
            self._spread_of = self.revision, figures
            self._rest = len(self._turns) // REST_STEPS
        return self._spreads

    def _changed_turns(self, state: SessionState) -> list[Turn]:
        """Return the turns to be measured, the newest first, after a step back to an earlier cursor too."""
        turns, revisions = state.turns, self._revisions
        elided = state.input_audio.is_elided, state.output_audio.is_elided
        if elided != self._elided or turns.revision < self._seen:
            self._elided, self._seen = elided, 0
        late = [number for number in self._turns if number > len(turns.all)]
        for number in late:
            del self._turns[number], revisions[number]
            self._unheard.discard(number)
        if late:
            self._change()
        changed = [turn for turn in reversed(turns.all) if turn.revision > self._seen]
        return [turn for turn in changed if revisions.get(turn.number) != (turn.revision, elided)]

    def _change(self) -> None:
        self.revision += 1
        self._sorted = None

    def _measure(self, turn: Turn, state: SessionState, heard: Heard | None) -> None:
        from inspector.analysis.latency import latency_of
        from inspector.analysis.percentiles import MeasuredTurn

        latency = latency_of(turn, heard)
        revision = turn.revision, self._elided
        known = self._turns.get(turn.number)
        # The fold changes its turns in place: the turn may be the same object, and have another revision.
        is_other = self._revisions.get(turn.number) != revision
        if known is None or known.latency != latency or is_other:
            self._turns[turn.number] = MeasuredTurn("", "", turn, latency)
            self._change()
        self._revisions[turn.number] = revision
        listened = self._listened.get(turn.number)
        key = _audible(turn, state)
        is_heard = listened is not None and listened.key == key and not listened.is_open
        if is_heard or not (key.input_seq or key.sound_seq):
            self._unheard.discard(turn.number)
        else:
            self._unheard.add(turn.number)

    def _known_sound(self, turn: Turn, state: SessionState, covered: int) -> Heard | None:
        """Return what was heard in a turn before; None if that has changed."""
        known = self._listened.get(turn.number)
        is_same = known is not None and known.key == _audible(turn, state)
        return known.heard if known is not None and is_same and known.rows <= covered else None

    def _hear(self, turn: Turn, state: SessionState, covered: int) -> Heard:
        """Listen to a turn."""
        from inspector.analysis.turn_sound import Listener, LoggedSound

        key = _audible(turn, state)
        sound = LoggedSound(self._log, state.causes.rejected, covered)
        heard = Listener(sound).listen(
            turn, is_input_elided=key.is_input_elided, is_output_elided=key.is_output_elided
        )
        self._listened[turn.number] = _Listened(key, heard, covered)
        return heard


def _audible(turn: Turn, state: SessionState) -> _Audible:
    reply = turn.reply
    limit = turn.speech_stopped or turn.asked or turn.committed
    has_input = limit is not None and bool(state.input_audio.appends or state.turns.sessions > 1)
    sound = reply.sound if reply is not None else None
    done = reply.done if reply is not None else None
    return _Audible(
        turn.number,
        limit.seq if limit is not None and has_input and turn.kind is TurnKind.SPEECH else 0,
        sound.seq if sound is not None else 0,
        done.seq if done is not None else 0,
        state.input_audio.is_elided,
        state.output_audio.is_elided,
    )
