"""Percentiles of figures over many turns, with linear interpolation. n is always reported; figures of different quality are kept apart."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.definitions import DEFINITIONS, Definition
from inspector.analysis.latency import ESTIMATED, EVENT, MEASURED, Latency
from inspector.core.turn import Turn

LEAST_FOR_P95 = 20
"""Minimum number of values for a 95th percentile; with fewer it is nearly the maximum."""
_ENDED_BY_PLAYING = frozenset({"voice_to_voice_ms", "wait_ms", "first_greeting_ms"})


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of some values."""

    n: int
    """Number of values."""
    p50: float
    """The median."""
    p90: float
    """The 90th percentile."""
    p95: float | None
    """The 95th percentile; None with fewer than ``LEAST_FOR_P95`` values."""
    least: float
    """The minimum."""
    most: float
    """The maximum."""


@dataclass(frozen=True, slots=True)
class MeasuredTurn:
    """One turn of one recording, with its latency."""

    recording: str
    """Path, or ``-``."""
    day: str
    """Date of the turn, UTC; ``""`` if the recording has no date."""
    turn: Turn
    """The turn."""
    latency: Latency
    """Its latency."""


@dataclass(frozen=True, slots=True)
class FigureSpread:
    """Distribution of one figure over comparable turns."""

    group: str
    """Value of the grouping; ``""`` if unknown."""
    kind: str
    """Kind of the turns."""
    definition: Definition
    """The figure."""
    quality: str
    """How its start is known, and its end where that matters."""
    spread: Spread
    """Distribution of its values."""


GROUPINGS: dict[str, Callable[[MeasuredTurn], str]] = {
    "model": lambda one: one.turn.model,
    "day": lambda one: one.day,
    "kind": lambda one: one.turn.kind.value,
    "recording": lambda one: one.recording,
    "anchor": lambda one: one.latency.anchor or "",
    "status": lambda one: one.turn.answers[-1].status if one.turn.answers else "",
}
"""What turns can be grouped by."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return a percentile of values in ascending order, interpolated linearly; ``share`` is 0..1."""
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Iterable[float]) -> Spread | None:
    """Return the distribution of values; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    p95 = percentile(ordered, 0.95) if len(ordered) >= LEAST_FOR_P95 else None
    return Spread(
        len(ordered),
        percentile(ordered, 0.5),
        percentile(ordered, 0.9),
        p95,
        ordered[0],
        ordered[-1],
    )


def quality_of(definition: Definition, one: MeasuredTurn) -> str:
    """Return how a figure is known: its anchor, and for figures that end with playback, how that is known."""
    turn, latency = one.turn, one.latency
    reply = turn.reply
    if definition.name == "leading_silence_ms":
        return MEASURED
    if definition.name == "playout_ms":
        return MEASURED if reply is not None and reply.is_play_measured else ESTIMATED
    if definition.name == "barge_in_stop_ms":
        return f"{EVENT} to {MEASURED}" if turn.is_silence_measured else EVENT
    begins = latency.anchor or EVENT if definition.is_anchored else EVENT
    if definition.name in _ENDED_BY_PLAYING and latency.ends not in (None, begins):
        return f"{begins} to {latency.ends}"
    return begins


def spreads(
    turns: Iterable[MeasuredTurn], by: str = "kind", figures: Container[str] | None = None
) -> list[FigureSpread]:
    """Return the distribution of each figure, by group, kind of turn and quality.

    Args:
        turns: any number.
        by: what they are grouped by, one of ``GROUPINGS``.
        figures: names of the figures; None for all.
    """
    group_of = GROUPINGS[by]
    wanted = [
        (number, definition)
        for number, definition in enumerate(DEFINITIONS)
        if figures is None or definition.name in figures
    ]
    values: dict[tuple[str, str, int, str], list[float]] = {}
    for one in turns:
        group, kind = group_of(one), one.turn.kind.value
        for number, definition in wanted:
            value = one.latency.figures.get(definition.name)
            # For spoken turns both figures are the same.
            is_told_twice = definition.name == "wait_ms" and one.latency.figures.get(
                "voice_to_voice_ms"
            )
            if value is not None and not is_told_twice:
                key = group, kind, number, quality_of(definition, one)
                values.setdefault(key, []).append(value)
    found = []
    for (group, kind, number, quality), of_one in sorted(values.items()):
        told = spread(of_one)
        if told is not None:
            found.append(FigureSpread(group, kind, DEFINITIONS[number], quality, told))
    return found


def spread_words(one: FigureSpread) -> str:
    """Return a spread in one line, like ``voice to voice p50 754 ms  p90 807 ms  n 8  (measured)``."""
    spread = one.spread
    p95 = "" if spread.p95 is None else f"  p95 {figure_words(spread.p95, one.definition)}"
    p50, p90 = (figure_words(value, one.definition) for value in (spread.p50, spread.p90))
    return f"{one.definition.title} p50 {p50}  p90 {p90}{p95}  n {spread.n}  ({one.quality})"


def figure_words(value: float, definition: Definition) -> str:
    """Return a value with its unit: whole milliseconds, or one decimal."""
    unit = definition.unit
    return f"{value:,.0f} ms" if unit == "ms" else f"{value:,.1f}{unit}"


def spread_json(one: FigureSpread, by: str) -> dict[str, Any]:
    """Return a distribution as JSON."""
    spread = one.spread
    return {
        by: one.group or None,
        "kind": one.kind,
        "figure": one.definition.name,
        "quality": one.quality,
        "unit": one.definition.unit,
        "n": spread.n,
        "p50": round(spread.p50, 3),
        "p90": round(spread.p90, 3),
        "p95": None if spread.p95 is None else round(spread.p95, 3),
        "min": round(spread.least, 3),
        "max": round(spread.most, 3),
    }
