"""Rules about the course of turns: an app that hears itself, slow answers, speech that is cut into pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from inspector.analysis.latency import (
    EAGERNESS,
    ESTIMATED,
    SILENCE,
    Latency,
    LatencyPart,
    latency_of,
    waited_for,
)
from inspector.analysis.latency_summary import SLOW_MS, SLOW_TIMES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import counted, quoted, ref, seconds, session_update, words_of
from inspector.analysis.lint.reference_links import VAD
from inspector.analysis.lint.tool_rules import MAX_KEPT, PATIENCE_MS
from inspector.analysis.lint.truncation_rules import interrupted_item
from inspector.analysis.lint.visibility import Sight
from inspector.analysis.percentiles import percentile
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import int_at, object_at, text_at
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.core.turn_counter import SPEECH_STARTED, SPEECH_STOPPED, USERS
from inspector.core.units import NS_PER_MS

TRANSCRIBED = "conversation.item.input_audio_transcription.completed"

# ── echo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ECHO_MS = 600.0
"""Users do not interrupt so soon twice: this is the time that turn detection needs to hear the loudspeaker."""
SURE_ECHO_MS = 350.0
"""So soon only turn detection itself reacts; later the transcripts must not speak against it."""
LEAST_QUICK = 2
QUICK_SHARE = 0.5
"""Of the spoken answers: somebody who knows a greeting by heart interrupts that one only."""
SURE_QUICK = 3
ECHOED_SHARE = 0.7
"""Share of a sentence's words that the answer has too."""
LEAST_ECHO_WORDS = 3
TAIL_MS = 300.0
"""Sound of the answer is still in the room for so long; who repeats a sentence to learn a language waits for its end."""


class _Interruption(NamedTuple):
    """Speech over an answer."""

    seq: int
    delay_ms: float
    """After the first sound of the answer."""


class EchoLoop(LintRule):
    """An app whose microphone hears its loudspeaker."""

    id = "echo-loop"
    title = "the app hears itself and interrupts itself"
    severity = Severity.ERROR
    why = (
        "Without echo cancellation the microphone hears the answer, turn detection takes it for the user, the answer is cut off "
        "and the next one answers the echo."
    )
    links = (VAD, "https://github.com/openai/openai-realtime-api-beta/issues/48")
    types = frozenset({SPEECH_STARTED, TRANSCRIBED})
    needs = frozenset({Sight.TIMES})

    def __init__(self) -> None:
        self._quick: list[_Interruption] = []
        self._overlaps: dict[str, str] = {}
        """The user's item that began during an answer, or right after it, to the answer's item."""
        self._echoes: list[tuple[int, str]] = []
        """Transcripts of the user that say what the answer said."""
        self._unlike = 0
        """Transcripts of the user, spoken over answers, that say something else."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at speech over answers, and at its words."""
        if event.direction is not Direction.SERVER:
            return
        item_id = text_at(event.body or {}, "item_id")
        if event.type == TRANSCRIBED:
            self._transcribed(event, item_id, state)
            return
        answer = interrupted_item(event, state)
        starts_ns = answer.starts_t_ns if answer is not None else None
        if answer is not None and starts_ns is not None and event.t_ns is not None:
            delay_ms = (event.t_ns - starts_ns) / NS_PER_MS
            if 0 <= delay_ms <= ECHO_MS and len(self._quick) < MAX_KEPT:
                self._quick.append(_Interruption(event.seq, delay_ms))
        elif event.t_ns is not None:
            answer = state.output_audio.current(event.t_ns)
            ends_ns = answer.ends_t_ns if answer is not None else None
            if ends_ns is None or event.t_ns - ends_ns > TAIL_MS * NS_PER_MS:
                answer = None
        if answer is not None and item_id and len(self._overlaps) < MAX_KEPT:
            self._overlaps[item_id] = answer.item_id

    def _transcribed(self, event: Event, item_id: str, state: SessionState) -> None:
        answer = state.conversation.items.get(self._overlaps.get(item_id, ""))
        text = text_at(event.body or {}, "transcript")
        said = Counter(words_of(text))
        if answer is None or said.total() < 2:
            return
        heard = Counter(words_of(answer.text))
        if (said & heard).total() < ECHOED_SHARE * said.total():
            self._unlike += 1
        elif said.total() >= LEAST_ECHO_WORDS and len(self._echoes) < MAX_KEPT:
            self._echoes.append((event.seq, text))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the loop, if it is one."""
        state = moment.state
        spoken = sum(bool(item.deltas) for item in state.output_audio.items.values())
        count, echoes = len(self._quick), len(self._echoes)
        is_loop = count >= LEAST_QUICK and count >= QUICK_SHARE * spoken
        if is_loop and percentile(sorted(one.delay_ms for one in self._quick), 0.5) > SURE_ECHO_MS:
            is_loop = 2 * self._unlike < count
        if not is_loop and not (echoes and count) and echoes < LEAST_QUICK:
            return
        words = []
        if count:
            delays = [one.delay_ms for one in self._quick]
            span = f"{min(delays):.0f}–{max(delays):.0f} ms" if count > 1 else f"{delays[0]:.0f} ms"
            words.append(
                f"{count} of {counted(spoken, 'spoken answer')} {'was' if count == 1 else 'were'} interrupted {span} after "
                f"{'its' if count == 1 else 'their'} first sound"
            )
        if echoes:
            seq, text = self._echoes[0]
            words.append(
                f"what the user says is the answer itself: “{quoted(text)}” ({ref(seq)})"
                + (f" and {echoes - 1} more" if echoes > 1 else "")
            )
        is_sure = count >= SURE_QUICK or echoes > 0
        yield self.found(
            Severity.ERROR if is_sure else Severity.WARNING,
            [*(one.seq for one in self._quick), *(seq for seq, _ in self._echoes)],
            f"the app hears itself: {'; '.join(words)}",
            "use echo cancellation (a browser's echoCancellation, a voice-processing device) or headphones; then "
            + _less_sensitive(state),
            Confidence.LIKELY,
        )


def _less_sensitive(state: SessionState) -> str:
    settings: dict[str, Any] = {"audio.input.noise_reduction": {"type": "far_field"}}
    if state.session.turn_detection == "server_vad":
        settings["audio.input.turn_detection"] = {**state.session.detection, "threshold": 0.7}
    return session_update(state, settings)


# ── slow answers ──────────────────────────────────────────────────────────────────────────────────────────────────────

LONG_TOOL_MS = 5000.0
"""A tool may take seconds; after this long, users give up waiting in silence."""
OPEN_TURNS = 4
"""Turns at the end whose answers may still come or be played."""
LONG_SILENCE_MS = 600.0
"""Longer than the default of 500 ms by more than a person notices."""
SILENCE_SHARE = 0.4
"""Of the usual wait: from here on it is worth changing first."""
LATE_CLOCK = 0.6
"""Audio that is sent slower than this makes every answer late, wherever the time seems to go."""


class SlowTurn(LintRule):
    """Turns that took long, with the part that took longest."""

    id = "slow-turn"
    title = "an answer took long"
    severity = Severity.WARNING
    why = (
        "People wait about a second for an answer before they speak again. The wait has parts, each with an owner: the silence that "
        "turn detection waits for, the model, the app, a tool. Only its largest part is worth changing."
    )
    links = (VAD,)
    types = frozenset({"response.done"})
    needs = frozenset({Sight.TIMES})

    def __init__(self) -> None:
        self._revision = -1
        self._settled = 0
        """Turns that are old enough not to change."""
        self._old: tuple[tuple[Turn, Latency], ...] = ()
        """The answered ones of them."""
        self._known: tuple[tuple[Turn, Latency], ...] = ()

    def apply(self, event: Event, state: SessionState) -> None:
        """Nothing: the turns are a fold's."""

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the slowest turn if it stands out, and a silence setting that is most of the usual wait."""
        state = moment.state
        if _is_audio_late(state):
            return
        turns = [one for one in self._measured(state) if _parts(one[1])]
        if not turns:
            return
        waits = {turn.number: _least_ms(latency) for turn, latency in turns}
        turn, latency = max(turns, key=lambda one: waits[one[0].number])
        wait_ms = waits.pop(turn.number)
        usual_ms = percentile(sorted(waits.values()), 0.5) if waits else 0.0
        if wait_ms >= SLOW_MS and wait_ms >= SLOW_TIMES * usual_ms:
            yield self._slow(state, turn, latency, wait_ms, usual_ms)
        else:
            yield from self._silence(state, turns)

    def _measured(self, state: SessionState) -> Sequence[tuple[Turn, Latency]]:
        """Return the answered turns of this session with their latency; that of old turns does not change any more."""
        if state.turns.revision == self._revision:
            return self._known
        self._revision = state.turns.revision
        settled = max(self._settled, len(state.turns.all) - OPEN_TURNS)
        self._old += _latencies(state, self._settled, settled)
        self._settled = settled
        self._known = (*self._old, *_latencies(state, settled, len(state.turns.all)))
        return self._known

    def _slow(
        self, state: SessionState, turn: Turn, latency: Latency, wait_ms: float, usual_ms: float
    ) -> Finding:
        parts = _parts(latency)
        longest = max(parts, key=lambda part: part.ms)
        usual = f" (the others: {seconds(usual_ms)})" if usual_ms else ""
        over = "" if latency.wait_ms is not None else "at least "
        # Below that a user notices the wait, and does not yet ask whether anybody is there.
        least_ms = LONG_TOOL_MS if longest.owner.startswith("tool") else PATIENCE_MS
        return self.found(
            Severity.WARNING if wait_ms >= least_ms else Severity.NOTE,
            (*longest.seq, turn.began.seq),
            f"turn {turn.number} waited {over}{seconds(wait_ms)} for its answer{usual}: {waited_for(parts)}",
            _part_fix(state, longest.owner),
            Confidence.LIKELY,
        )

    def _silence(
        self, state: SessionState, turns: Sequence[tuple[Turn, Latency]]
    ) -> Iterable[Finding]:
        waited = [
            (part.ms, _least_ms(latency), part.seq[-1])
            for turn, latency in turns
            for part in latency.parts
            if part.owner == SILENCE
        ]
        if not waited:
            return
        silence_ms = percentile(sorted(ms for ms, _, _ in waited), 0.5)
        whole_ms = percentile(sorted(whole for _, whole, _ in waited), 0.5)
        if silence_ms >= LONG_SILENCE_MS and silence_ms >= SILENCE_SHARE * whole_ms:
            yield self.found(
                Severity.NOTE,
                [seq for _, _, seq in waited],
                f"{silence_ms:,.0f} of {whole_ms:,.0f} ms that the user usually waits are silence_duration_ms",
                _part_fix(state, SILENCE),
            )


def _latencies(state: SessionState, begin: int, end: int) -> tuple[tuple[Turn, Latency], ...]:
    session = state.turns.sessions
    return tuple(
        (turn, latency_of(turn))
        for turn in state.turns.all[begin:end]
        if turn.kind in USERS
        and turn.session == session
        and not turn.is_history
        and turn.reply is not None
    )


def _parts(latency: Latency) -> tuple[LatencyPart, ...]:
    """Return the known parts; when an unobserved player started is only a guess."""
    return tuple(
        part for part in latency.parts if part.key != "playout" or part.quality != ESTIMATED
    )


def _least_ms(latency: Latency) -> float:
    return sum(part.ms for part in _parts(latency))


def _is_audio_late(state: SessionState) -> bool:
    """Return whether the user's audio is sent so slowly that no other part of a wait can be trusted."""
    sound = state.input_audio
    if not state.session.turn_detection or sound.is_elided or not sound.wall_ns:
        return False
    return sound.appended_ns < LATE_CLOCK * sound.wall_ns


def _part_fix(state: SessionState, owner: str) -> str:
    """Return what makes a part of the wait shorter."""
    kind, _, detail = owner.partition(":")
    if owner in (SILENCE, EAGERNESS):
        faster: Mapping[str, Any] = (
            {"silence_duration_ms": 300} if owner == SILENCE else {"eagerness": "high"}
        )
        detection = {**state.session.detection, **faster}
        return session_update(state, {"audio.input.turn_detection": detection})
    if kind == "tool":
        return f"let the model say something before {detail or 'the tool'} runs, or make it faster"
    if kind == "app":
        return "send response.create as soon as the input is committed, from a task that waits for nothing else"
    if kind == "model":
        return "lower reasoning.effort, shorten instructions and history, or take a smaller model"
    return "compare rate_limits.updated and the provider's status; connect to a nearer region"


# ── speech in pieces ──────────────────────────────────────────────────────────────────────────────────────────────────

SHORT_MS = 500
"""Such a short turn is not a sentence; the length that turn detection reports includes its own silence."""
GAP_MS = 700
"""A pause within a sentence; between two sentences people pause longer."""
LEAST_PIECES = 3
MOST_EAGER_SILENCE_MS, LEAST_THRESHOLD = 200, 0.2


class _Piece(NamedTuple):
    """One turn as turn detection heard it."""

    seq: int
    length_ms: int
    continues: bool
    """True if it follows the turn before within a pause, and nothing was heard of an answer in between."""


class VadTooEager(LintRule):
    """Turn detection that ends turns within sentences."""

    id = "vad-too-eager"
    title = "one sentence becomes several turns"
    severity = Severity.WARNING
    why = (
        "A short silence setting or a low threshold ends the turn at every pause for breath, or begins one at every noise. Each piece "
        "starts an answer, which the next piece cuts off, and each is billed."
    )
    links = (VAD,)
    types = frozenset({SPEECH_STARTED, SPEECH_STOPPED, "response.done"})

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._ended_ms: int | None = None
        self._start_ms = 0
        self._is_answered = False
        """Whether an answer has ended since the last turn ended."""
        self._ended: tuple[int, int] = (0, 0)
        """The last end of a turn, and how many deltas of sound had come by then."""
        self._continues = False

    def apply(self, event: Event, state: SessionState) -> None:
        """Measure the turns and the gaps between them, on the clock of the audio."""
        if event.type == SPEECH_STARTED:
            self._start_ms = int_at(event.body or {}, "audio_start_ms")
            gap_ms = None if self._ended_ms is None else self._start_ms - self._ended_ms
            is_near = gap_ms is not None and gap_ms < GAP_MS
            self._continues = is_near and not self._is_heard(state)
        elif event.type == SPEECH_STOPPED:
            self._ended_ms = int_at(event.body or {}, "audio_end_ms")
            self._is_answered = False
            self._ended = event.seq, state.output_audio.deltas
            length_ms = self._ended_ms - self._start_ms
            if length_ms > 0 and len(self._pieces) < MAX_KEPT:
                self._pieces.append(_Piece(event.seq, length_ms, self._continues))
        else:
            # Of a recording without sound only the end of an answer shows that there was one.
            status = text_at(object_at(event.body or {}, "response"), "status")
            self._is_answered |= status == "completed"

    def _is_heard(self, state: SessionState) -> bool:
        """Return whether an answer has been heard since the last turn ended."""
        seq, deltas = self._ended
        newest = next(reversed(state.responses.all.values()), None)
        has_begun = newest is not None and newest.first_audio_seq > seq
        return self._is_answered or has_begun or state.output_audio.deltas > deltas

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report sentences in pieces and turns that are too short, as one."""
        state = moment.state
        detection = state.session.detection
        pieces = self._pieces
        in_row = max(_runs(pieces), default=1)
        cut = [one for one in pieces if one.continues]
        short = [one for one in pieces if one.length_ms < SHORT_MS]
        words = []
        if in_row >= LEAST_PIECES or len(cut) >= LEAST_PIECES:
            words.append(
                f"speech was cut into pieces: {counted(len(cut), 'turn')} of {len(pieces)} began less than {GAP_MS} ms after the "
                f"one before, up to {max(in_row, 2)} in a row"
            )
        if len(short) >= LEAST_PIECES:
            words.append(
                f"{len(short)} of {counted(len(pieces), 'turn')} are shorter than {SHORT_MS} ms"
            )
        if not words:
            return
        settings = []
        silence_ms, threshold = detection.get("silence_duration_ms"), detection.get("threshold")
        if isinstance(silence_ms, int) and silence_ms <= MOST_EAGER_SILENCE_MS:
            settings.append(f"silence_duration_ms is {silence_ms}")
        if isinstance(threshold, int | float) and threshold < LEAST_THRESHOLD:
            settings.append(f"threshold is {threshold:g}")
        reason = f" ({' and '.join(settings)})" if settings else ""
        yield self.found(
            Severity.WARNING,
            [one.seq for one in ([*cut, *short] if cut else short)],
            f"{'; '.join(words)}{reason}",
            _calmer(state),
            Confidence.LIKELY if settings else Confidence.POSSIBLE,
        )


def _runs(pieces: Sequence[_Piece]) -> Iterable[int]:
    """Yield for each piece how many turns its sentence has been cut into so far."""
    count = 1
    for one in pieces:
        count = count + 1 if one.continues else 1
        yield count


def _calmer(state: SessionState) -> str:
    if state.session.turn_detection == "semantic_vad":
        calm: dict[str, Any] = {**state.session.detection, "eagerness": "low"}
        return session_update(state, {"audio.input.turn_detection": calm})
    calm = {**state.session.detection, "silence_duration_ms": 500, "threshold": 0.5}
    semantic = {"audio.input.turn_detection": {"type": "semantic_vad"}}
    return f"{session_update(state, {'audio.input.turn_detection': calm})}, or {session_update(state, semantic)}"


RULES: tuple[type[LintRule], ...] = (EchoLoop, SlowTurn, VadTooEager)
"""Rules about the course of turns."""
