"""The VAD lab: what server_vad would have done with other settings, beside what the server did.

Only server_vad is modelled. What semantic_vad did is shown, never simulated: it judges words. Turns are compared by their speech,
without padding and silence, so that longer padding alone joins nothing. Time saved counts from where the model itself ends a turn with
the settings in force, so that its errors are not taken for gains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.analysis.audio_clocks import ELISION
from inspector.analysis.server_vad import (
    WINDOW_MS,
    DetectedTurn,
    SettingsFrom,
    VadSettings,
    detected_turns,
)
from inspector.analysis.speech_track import (
    OFF,
    UNKNOWN,
    ServerTurn,
    SpeechTrack,
    TrackSpan,
    track_windows,
)

SEMANTIC = "semantic_vad"
TOUCH_MS = 64
"""Speech that is this near counts as the same: two windows."""
NEAR_MS = 100
"""The model agrees with the server on a turn if start and stop differ by no more."""
CLOSE_SHARE = 0.8
"""Share of the turns on which it must agree to be trusted."""
SWEPT_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SWEPT_SILENCES_MS = (200, 300, 400, 500, 600, 800, 1000)


LOUDNESS = "loudness alone"
"""What the detector ``energy`` goes by, where the extra ``voice`` is not installed."""


class TurnFate(StrEnum):
    """What becomes of a turn of the server."""

    SAME = "same"
    """One turn has its speech, and no other's."""
    CUT = "cut"
    """Several turns share its speech."""
    JOINED = "joined"
    """Its speech is in one turn with that of another."""
    UNENDED = "unended"
    """One turn has its speech, and does not end before the audio does."""
    MISSED = "missed"
    """No turn has its speech."""
    OPEN = "open"
    """The server had not ended it when the recording ended."""


@dataclass(frozen=True, slots=True)
class ComparedTurn:
    """A turn of the server beside what settings make of it."""

    server: ServerTurn
    fate: TurnFate
    found: tuple[DetectedTurn, ...]
    """The turns that have its speech, in order."""
    error_ms: float = 0.0
    """How much earlier than the server the model ends it with the settings in force: the model's own error, which must not count as a gain."""

    @property
    def saved_ms(self) -> float | None:
        """Return how much earlier it would have ended, negative for later; None unless its fate is ``same``."""
        if self.fate is not TurnFate.SAME or self.server.stop_ms is None:
            return None
        stop_ms = self.found[0].stop_ms
        return None if stop_ms is None else self.server.stop_ms - stop_ms - self.error_ms

    @property
    def start_ms(self) -> float | None:
        """Return how much later it would have begun; None unless its fate is ``same``."""
        if self.fate is not TurnFate.SAME:
            return None
        return self.found[0].start_ms - self.server.start_ms


@dataclass(frozen=True, slots=True)
class VadOutcome:
    """What settings would have done to a session."""

    settings: VadSettings | None
    """None for the settings in force, which may have changed."""
    found: tuple[DetectedTurn, ...]
    """The turns that they detect, on the track's axis."""
    turns: tuple[ComparedTurn, ...]
    """The server's turns, in order."""
    extra: tuple[DetectedTurn, ...]
    """Detected turns in which the server detected nothing."""

    def count(self, fate: TurnFate) -> int:
        """Return how many of the server's turns have a fate."""
        return sum(one.fate is fate for one in self.turns)

    @property
    def saved_ms(self) -> float | None:
        """Return the median time saved per turn, negative if lost; None without turns that can be compared."""
        saved = [one.saved_ms for one in self.turns if one.saved_ms is not None]
        return float(median(saved)) if saved else None

    @property
    def is_harmless(self) -> bool:
        """Return whether every turn of the server stays one turn, and nothing else becomes one."""
        return not self.extra and all(
            one.fate in (TurnFate.SAME, TurnFate.OPEN) for one in self.turns
        )

    @property
    def joins(self) -> int:
        """Return how many turns would consist of several of the server's."""
        whole = {one.found[0] for one in self.turns if one.fate is TurnFate.JOINED}
        return len(whole)


@dataclass(frozen=True, slots=True)
class VadAgreement:
    """How well the model, with the settings in force, repeats what the server did under server_vad."""

    turns: int
    """Turns that the server detected by server_vad and ended."""
    agreed: int
    """Of them those that the model begins and ends within ``NEAR_MS``."""
    start_ms: float | None
    """Median distance of the starts, without sign; None if no turn can be compared."""
    stop_ms: float | None
    """Median distance of the stops, without sign."""
    extra: int
    """Turns that only the model detects."""

    @property
    def is_close(self) -> bool | None:
        """Return whether the model can be trusted; None without turns."""
        return self.agreed >= CLOSE_SHARE * self.turns if self.turns else None


class VadLab:
    """Applies settings to a track; cheap enough to follow a key."""

    def __init__(self, track: SpeechTrack) -> None:
        self.track = track
        self._revision = -1
        self._probabilities: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._agreement: VadAgreement | None = None
        self._errors: dict[int, float] = {}
        """By number of a server's turn."""

    def outcome(self, settings: VadSettings | None) -> VadOutcome:
        """Return what settings would have done; None for those in force, with the model's own errors."""
        self._update()
        errors = {} if settings is None else self._errors
        return _compared(self.track.turns, settings, list(self._found(settings)), errors)

    @property
    def agreement(self) -> VadAgreement:
        """Return how well the model repeats the server's turns."""
        self._update()
        if self._agreement is None:
            self._agreement = self._agree()
        return self._agreement

    def sweep(self, padding_ms: int) -> Iterator[VadOutcome]:
        """Yield the outcomes of a grid of thresholds and silences."""
        for threshold in SWEPT_THRESHOLDS:
            for silence_ms in SWEPT_SILENCES_MS:
                yield self.outcome(VadSettings(threshold, padding_ms, silence_ms))

    def _update(self) -> None:
        if self._revision != self.track.revision:
            self._revision = self.track.revision
            self._probabilities = self.track.probabilities
            self._agreement = None
            own = _compared(self.track.turns, None, list(self._found(None)), {})
            self._errors = {
                one.server.number: one.saved_ms for one in own.turns if one.saved_ms is not None
            }

    def _found(self, settings: VadSettings | None) -> Iterator[DetectedTurn]:
        for span, place in track_windows(self.track):
            chosen = span.detection if settings is None else [SettingsFrom(0, settings)]
            if settings is not None and self._is_left_out(span):
                continue
            yield from detected_turns(self._probabilities[place], chosen, span.begin_ms)

    def _is_left_out(self, span: TrackSpan) -> bool:
        """Return whether detection was off in a span, but not throughout: the app decided there, which is not compared."""
        turns = self.track.turns
        end_ms = span.begin_ms + span.windows * WINDOW_MS
        return (
            span.kind == OFF
            and bool(turns)
            and not any(span.begin_ms <= one.start_ms < end_ms for one in turns)
        )

    def _agree(self) -> VadAgreement:
        outcome = self.outcome(None)
        judged = [
            one
            for one in outcome.turns
            if one.server.settings is not None and one.server.stop_ms is not None
        ]
        starts = [abs(one.start_ms) for one in judged if one.start_ms is not None]
        stops = [abs(one.saved_ms) for one in judged if one.saved_ms is not None]
        agreed = sum(
            one.start_ms is not None
            and one.saved_ms is not None
            and max(abs(one.start_ms), abs(one.saved_ms)) <= NEAR_MS
            for one in judged
        )
        return VadAgreement(
            len(judged),
            agreed,
            float(median(starts)) if starts else None,
            float(median(stops)) if stops else None,
            len(outcome.extra),
        )


def _speech(turn: ServerTurn) -> tuple[float, float]:
    """Return where the speech of a server's turn is: without padding and silence, if these are known."""
    stop_ms = float("inf") if turn.stop_ms is None else turn.stop_ms
    if turn.settings is None:
        return turn.start_ms, stop_ms
    begin = turn.start_ms + turn.settings.padding_ms
    end = stop_ms - turn.settings.silence_ms
    # Padding that was cut short by the turn before would leave nothing.
    return (begin, end) if begin < end else (turn.start_ms, stop_ms)


def _compared(
    turns: Sequence[ServerTurn],
    settings: VadSettings | None,
    found: list[DetectedTurn],
    errors: Mapping[int, float],
) -> VadOutcome:
    shares: dict[int, list[DetectedTurn]] = {turn.number: [] for turn in turns}
    owners: dict[DetectedTurn, list[int]] = {one: [] for one in found}
    first = 0
    for turn in turns:
        begin, end = _speech(turn)
        while first < len(found) and found[first].speech_end_ms < begin - TOUCH_MS:
            first += 1
        for one in found[first:]:
            if one.onset_ms > end + TOUCH_MS:
                break
            shares[turn.number].append(one)
            owners[one].append(turn.number)
    compared = tuple(
        ComparedTurn(
            turn,
            _fate(turn, shares[turn.number], owners),
            tuple(shares[turn.number]),
            errors.get(turn.number, 0.0),
        )
        for turn in turns
    )
    extra = tuple(one for one in found if not owners[one])
    return VadOutcome(settings, tuple(found), compared, extra)


def _fate(
    turn: ServerTurn, shares: list[DetectedTurn], owners: dict[DetectedTurn, list[int]]
) -> TurnFate:
    if turn.stop_ms is None:
        return TurnFate.OPEN
    if not shares:
        return TurnFate.MISSED
    if len(shares) > 1:
        return TurnFate.CUT
    if len(owners[shares[0]]) > 1:
        return TurnFate.JOINED
    return TurnFate.UNENDED if shares[0].stop_ms is None else TurnFate.SAME


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome_words(outcome: VadOutcome, in_force: VadSettings | None = None) -> str:
    """Return what settings would have done, as a sentence: "these settings would have saved 412 ms per turn and …"."""
    if outcome.settings is not None and outcome.settings == in_force:
        return "these are the settings in force"
    if not outcome.turns:
        count = len(outcome.found)
        return f"these settings would have detected {_counted(count, 'turn')}; the server detected none"
    parts = [words for words in (_saved_words(outcome), *_fate_words(outcome)) if words]
    if not parts:
        return "these settings would have ended every turn when the server did"
    *most, last = parts
    return f"these settings would have {', '.join(most)}{' and ' if most else ''}{last}"


def _saved_words(outcome: VadOutcome) -> str:
    saved_ms = outcome.saved_ms
    if saved_ms is None or round(saved_ms) == 0:
        return ""
    what = f"saved {saved_ms:,.0f} ms" if saved_ms > 0 else f"taken {-saved_ms:,.0f} ms longer"
    return f"{what} per turn"


def _fate_words(outcome: VadOutcome) -> Iterator[str]:
    cut, missed, extra = (
        outcome.count(TurnFate.CUT),
        outcome.count(TurnFate.MISSED),
        len(outcome.extra),
    )
    if cut:
        pieces = max(len(one.found) for one in outcome.turns if one.fate is TurnFate.CUT)
        into = "in two" if pieces == 2 else f"into {'up to ' * (cut > 1)}{pieces} pieces"
        yield f"cut {'one sentence' if cut == 1 else f'{cut} sentences'} {into}"
    joined = outcome.count(TurnFate.JOINED)
    if joined:
        yield f"joined {joined} turns into {max(1, outcome.joins)}"
    unended = outcome.count(TurnFate.UNENDED)
    if unended:
        yield f"left {_counted(unended, 'turn')} open at the end of the audio"
    if missed:
        yield f"missed the speech of {_counted(missed, 'turn')}"
    if extra:
        yield f"heard speech {'once' if extra == 1 else f'{extra} times'} where the server heard none"


def agreement_words(agreement: VadAgreement, detector: str) -> str:
    """Return how far the model can be trusted."""
    detector = LOUDNESS if detector == "energy" else detector
    if not agreement.turns:
        return f"speech by {detector}; no turn of server_vad to compare the model with"
    of = f"{agreement.agreed} of {_counted(agreement.turns, 'turn')}"
    within = ""
    if agreement.start_ms is not None and agreement.stop_ms is not None:
        within = f", median {agreement.start_ms:,.0f} ms apart at the start, {agreement.stop_ms:,.0f} ms at the stop"
    doubt = "" if agreement.is_close else ": read it as a tendency"
    return f"speech by {detector}; model and server agree on {of}{doubt} (with the settings in force{within})"


def best_of(outcomes: Sequence[VadOutcome]) -> VadOutcome | None:
    """Return the outcome that saves most and harms nothing; None if none saves anything."""
    harmless = [one for one in outcomes if one.is_harmless and (one.saved_ms or 0) > 0]
    return max(harmless, key=lambda one: one.saved_ms or 0, default=None)


def best_words(outcomes: Sequence[VadOutcome]) -> str:
    """Return which of several settings are best for the session."""
    best = best_of(outcomes)
    if best is None or best.saved_ms is None:
        return "none of these saves time without cutting, joining or missing a turn"
    return f"the fastest that cuts, joins and misses nothing: {best.settings}; it saves {best.saved_ms:,.0f} ms per turn"


def no_lab_reason(track: SpeechTrack) -> str:
    """Return why there is nothing to apply settings to; ``""`` if there is something."""
    if track.is_elided:
        return ELISION
    if not track.windows:
        return "the recording has no sound of the microphone"
    return ""


def semantic_words(track: SpeechTrack) -> str:
    """Return a remark on turn detection that the lab does not model; ``""`` if all of it is modelled."""
    others = [kind for kind in track.kinds if kind not in ("server_vad", OFF, UNKNOWN)]
    if not others:
        return ""
    named = " and ".join(others)
    return f"{named} was in force: its turns are shown as they were, since it judges words and cannot be re-run on sound"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome_json(outcome: VadOutcome, in_force: VadSettings | None = None) -> dict[str, Any]:
    """Return an outcome as JSON."""
    return {
        **outcome_row(outcome),
        "words": outcome_words(outcome, in_force),
        "turns": [_turn_json(one) for one in outcome.turns],
        "detected": [_found_json(one) for one in outcome.found],
    }


def outcome_row(outcome: VadOutcome) -> dict[str, Any]:
    """Return the sums of an outcome as JSON."""
    settings = outcome.settings
    return {
        "threshold": None if settings is None else settings.threshold,
        "prefix_padding_ms": None if settings is None else settings.padding_ms,
        "silence_duration_ms": None if settings is None else settings.silence_ms,
        "saved_ms": outcome.saved_ms,
        **{str(fate): outcome.count(fate) for fate in TurnFate},
        "extra": len(outcome.extra),
        "detected_turns": len(outcome.found),
    }


def agreement_json(agreement: VadAgreement) -> dict[str, Any]:
    """Return an agreement as JSON."""
    return {
        "turns": agreement.turns,
        "agreed": agreement.agreed,
        "start_ms": agreement.start_ms,
        "stop_ms": agreement.stop_ms,
        "extra": agreement.extra,
        "is_close": agreement.is_close,
    }


def _turn_json(one: ComparedTurn) -> dict[str, Any]:
    server = one.server
    return {
        "turn": server.number,
        "item_id": server.item_id or None,
        "detection": server.kind,
        "seq": server.seq,
        "start_ms": server.start_ms,
        "stop_ms": server.stop_ms,
        "fate": str(one.fate),
        "saved_ms": one.saved_ms,
        "starts_later_ms": one.start_ms,
        "detected": [_found_json(found) for found in one.found],
    }


def _found_json(one: DetectedTurn) -> dict[str, Any]:
    return {"start_ms": one.start_ms, "stop_ms": one.stop_ms, "speech_end_ms": one.speech_end_ms}
