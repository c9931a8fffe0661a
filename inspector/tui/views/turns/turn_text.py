"""Texts around the waterfall of turns: the legend, the percentiles at the foot, the explanation of a turn, and the empty view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inspector.analysis.definitions import BY_NAME, explained
from inspector.analysis.latency import LatencyPart
from inspector.analysis.percentiles import spread_words
from inspector.analysis.sanitize import sanitized
from inspector.analysis.turn_table import (
    UNKNOWN,
    TurnColumn,
    TurnRow,
    definition_words,
    ms_words,
    total_figure,
    total_words,
    wait_words,
)
from inspector.analysis.waterfall import PHASE_OF, PHASES, Stretch
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.wrapping import wrapped
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.view import LatencyReading, ViewContext

WAITS = (
    "A turn is what one cause brought about: the user spoke or wrote, a tool's result came, the model spoke first.",
    "Each gets a row: what the user waited for, phase by phase, and in total; tools below it, percentiles at the foot.",
)
"""What the empty view says."""
TRANSLATES = "A translation has no turns: both sides speak at the same time."
NO_PERCENTILES = "no percentiles: no wait is known yet"
FOOT_FIGURES = ("voice_to_voice_ms", "first_sound_ms", "first_greeting_ms", "wait_ms")
"""The percentiles at the foot, the most important first."""
LABEL_CELLS = 11
"""Cells before the text of a definition's line, as ``definitions.explained`` has them."""
OWNER_CELLS = 22
"""Cells for the owner of a part: a setting fits."""


def empty_texts(context: ViewContext) -> tuple[str, ...]:
    """Return what there will be to see, and how to get there."""
    if context.state().session.kind == "translation":
        return "", TRANSLATES
    return "", "No turn yet.", *WAITS, "", context.empty_conversation()


def legend_parts(phases: Iterable[str], glyphs: Glyphs, cell_ms: int) -> tuple[HeaderPart, ...]:
    """Return what the letters of the phases mean that are drawn, and how long a cell is."""
    drawn = frozenset(phases)
    parts = [HeaderPart(f"{cell_ms:,} ms per cell")]
    for name, phase in PHASES.items():
        if name in drawn:
            sign = {"answer": glyphs.meter_full, "pending": glyphs.local}.get(name, phase.letter)
            sign = glyphs.rule if name == "transcription" else sign
            parts.append(HeaderPart(f"{sign} {phase.words}", rank=len(parts)))
    if "cut" in drawn:
        parts.append(HeaderPart(f"{glyphs.cut} cut", rank=2))
    return tuple(parts)


def foot_parts(latency: LatencyReading, figure: str) -> tuple[HeaderPart, ...]:
    """Return the percentiles of the figure under the cursor, then the usual ones; those of most turns first."""
    wanted = list(dict.fromkeys((figure, *FOOT_FIGURES)))
    told = list(latency.spreads(frozenset(wanted)))
    told.sort(key=lambda one: (wanted.index(one.definition.name), -one.spread.n))
    kinds = len({one.kind for one in told})
    words = (f"{f'{one.kind}: ' if kinds > 1 else ''}{spread_words(one)}" for one in told)
    parts = [HeaderPart(text, rank=place) for place, text in enumerate(words)]
    is_busy = latency.progress < 1
    listening = HeaderPart(f"listening {latency.progress:.0%}" if is_busy else "")
    return listening, *(parts or [HeaderPart(NO_PERCENTILES)])


def selected_words(row: TurnRow) -> str:
    """Return what the user waited for in the selected turn."""
    words = wait_words(row.measured) or "nothing to wait for is known"
    return sanitized(f"turn {row.turn.number}: {words}")


def explanation(row: TurnRow) -> Iterator[tuple[str, str]]:
    """Yield the lines that explain a turn, each with its tone: its parts with owners and events, and what is unknown."""
    latency = row.measured.latency
    title = BY_NAME[total_figure(row)].title
    known = " to ".join(dict.fromkeys(filter(None, (latency.anchor, latency.ends))))
    total = total_words(latency)
    whole = f"{title} unknown" if total == UNKNOWN else f"{total} {title}"
    head = f"turn {row.turn.number}, {row.turn.kind.value}: {whole}"
    yield f"{head}{f' ({known})' if known else ''}", "head"
    for part in latency.parts:
        yield _part_line(part), "base"
    if latency.wait_ms is None and latency.bounds_ms is not None:
        least_ms, most_ms = latency.bounds_ms
        most = "an unknown time" if most_ms is None else ms_words(most_ms)
        yield f"  between {ms_words(least_ms)} and {most}", "base"
    for missing in latency.unknown:
        yield f"  {missing.key} unknown: {sanitized(missing.reason)}", "warning"


def definition(
    row: TurnRow, column: TurnColumn | None, stretch: Stretch | None
) -> Iterator[tuple[str, str]]:
    """Yield the lines that define what is under the cursor, the most important first, each with its tone.

    Args:
        row: the turn.
        column: the number under the cursor; None if a phase is under it.
        stretch: that phase.
    """
    if column is not None:
        words = definition_words(column, row)
    else:
        figure = PHASES[stretch.phase].definition if stretch is not None else ""
        words = explained(BY_NAME[figure]) if figure else ""
    for place, line in enumerate(words.splitlines()):
        yield line, "base" if place else "head"


def hanging(text: str, tone: str, width: int) -> Iterator[list[tuple[str, str]]]:
    """Yield a line of a definition, wrapped; what does not fit stands below its text, not below its label."""
    first, *rest = wrapped([(text, tone)], width)
    yield first
    if rest:
        words = " ".join("".join(part for part, _ in line) for line in rest)
        for line in wrapped([(words, tone)], max(1, width - LABEL_CELLS)):
            yield [(" " * LABEL_CELLS, tone), *line]


def _part_line(part: LatencyPart) -> str:
    phase = PHASES.get(PHASE_OF.get(part.key, part.key))
    letter = phase.letter if phase is not None else " "
    name = part.key.replace("_", " ")
    proof = " → ".join(f"#{seq}" for seq in part.seq)
    owner = fitted(sanitized(_owner(part.owner)), OWNER_CELLS)
    return f"  {part.ms:>10,.1f} ms  {letter} {name:<16}  {owner}  {part.quality}, {proof}"


def _owner(owner: str) -> str:
    kind, _, detail = owner.partition(":")
    return detail.rpartition(".")[2] if kind == "setting" else detail or kind
