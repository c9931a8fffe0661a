"""How long the user waited, over all turns of a session: what a verdict says of it. No sound is listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inspector.analysis.latency import Latency, LatencyPart, latency_of
from inspector.analysis.percentiles import percentile
from inspector.core.turn import Turn
from inspector.core.turn_counter import USERS

FIGURES = (("voice to voice", "voice_to_voice_ms"), ("first sound", "first_sound_ms"))
"""What the median is of: the first of which any turn has a value, and the most."""
SLOW_MS = 2000.0
"""A shorter wait is not worth a word …"""
SLOW_TIMES = 1.5
"""… nor is one that the session's other turns have too."""


@dataclass(frozen=True, slots=True)
class SlowTurn:
    """A turn that took longer than the others."""

    number: int
    """The turn, from 1."""
    wait_ms: float
    """How long it took."""
    is_least: bool
    """True where it took at least that: a part of the wait is not known."""
    words: str
    """Its longest part, like ``get_weather 2.9 s``; ``""`` where no part is known."""
    seq: int
    """The event with which it begins."""


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """How long the user waited."""

    turns: int
    """That the user took."""
    answered: int
    """Of these, those of which an answer reached the user."""
    waiting: int = 0
    """Of these, those that may still be answered."""
    unanswered_seq: int = 0
    """Where the first turn began that got no answer; 0 for none."""
    first_seq: int = 0
    """Where the first turn began; 0 for none."""
    median_ms: float | None = None
    """Of the waits of ``figure``; None where no turn has one."""
    figure: str = ""
    """``voice to voice``, or ``first sound`` if the answers' audio was not analyzed; ``""`` if unknown."""
    quality: str = ""
    """How the beginnings of the waits of which that is the median are known: ``derived``, ``event``, …"""
    median_seq: int = 0
    """Where the turn began that is nearest to the median; 0 for none."""
    slow: SlowTurn | None = None
    """The slowest turn, where it stands out."""


def latency_summary(
    turns: Sequence[Turn], *, is_over: bool, measure: Callable[[Turn], Latency] = latency_of
) -> LatencySummary:
    """Return how long the user waited.

    Args:
        turns: of the session, oldest first.
        is_over: whether the session has ended, so that an unanswered last turn stays unanswered.
        measure: returns the latency of a turn; without it, audio is not analyzed.
    """
    users = [turn for turn in turns if turn.kind in USERS and not turn.is_history]
    unanswered = [turn for turn in users if not _is_answered(turn)]
    waiting = [turn for turn in unanswered if turn is turns[-1] and not is_over]
    missing = [turn for turn in unanswered if turn not in waiting]
    measured = [(turn, measure(turn)) for turn in turns if not turn.is_history]
    figure, quality, median_ms, median_seq = _median(measured)
    return LatencySummary(
        len(users),
        len(users) - len(unanswered),
        len(waiting),
        missing[0].began.seq if missing else 0,
        users[0].began.seq if users else 0,
        median_ms,
        figure,
        quality,
        median_seq,
        _slowest(measured),
    )


def _is_answered(turn: Turn) -> bool:
    """Return True if an answer reached the user; of a file without deltas a completed response that called no tool is taken for one."""
    completed = sum(answer.status == "completed" for answer in turn.answers)
    return turn.reply is not None or completed > bool(turn.tools)


def _median(measured: Sequence[tuple[Turn, Latency]]) -> tuple[str, str, float | None, int]:
    """Return the median of one figure and quality, that of which there are most: a median never mixes them."""
    found: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for turn, latency in measured:
        for figure, name in FIGURES:
            value = latency.figures.get(name)
            if value is not None:
                key = figure, latency.anchor or ""
                found.setdefault(key, []).append((value, turn.began.seq))
    if not found:
        return "", "", None, 0
    # Of two of which there are as many, the first of the table.
    (figure, quality), values = max(found.items(), key=lambda one: len(one[1]))
    median_ms = percentile(sorted(value for value, _ in values), 0.5)
    nearest = min(values, key=lambda one: abs(one[0] - median_ms))
    return figure, quality, median_ms, nearest[1]


def _slowest(measured: Sequence[tuple[Turn, Latency]]) -> SlowTurn | None:
    waits = [(_wait_ms(latency), turn, latency) for turn, latency in measured]
    if not waits:
        return None
    wait_ms, turn, latency = max(waits, key=lambda one: one[0])
    others = sorted(wait for wait, other, _ in waits if other is not turn and wait)
    usual_ms = percentile(others, 0.5) if others else 0.0
    if wait_ms < SLOW_MS or wait_ms < SLOW_TIMES * usual_ms:
        return None
    is_least = latency.wait_ms is None
    return SlowTurn(turn.number, wait_ms, is_least, _longest(latency.parts), turn.began.seq)


def _wait_ms(latency: Latency) -> float:
    """Return how long a turn took at least; 0 where nothing is known."""
    if latency.wait_ms is not None:
        return latency.wait_ms
    return latency.bounds_ms[0] if latency.bounds_ms is not None else 0.0


def _longest(parts: Sequence[LatencyPart]) -> str:
    """Return who took longest, and how long, in words."""
    sums: dict[str, float] = {}
    for name, ms in _named(parts):
        sums[name] = sums.get(name, 0.0) + ms
    if not sums:
        return ""
    name = max(sums, key=lambda one: sums[one])
    return f"{name} {sums[name] / 1000:.1f} s"


def _named(parts: Sequence[LatencyPart]) -> Iterator[tuple[str, float]]:
    for part in parts:
        kind, _, detail = part.owner.partition(":")
        if part.key == "leading_silence":
            yield "silence at the head of the answer", part.ms
        elif kind == "tool":
            yield detail or "a tool", part.ms
        elif kind == "setting":
            yield detail.rpartition(".")[2], part.ms
        elif kind == "app":
            yield "your app", part.ms
        else:
            yield f"the {kind}", part.ms
