"""The table of turns: what stands in each column of a row, what it is sorted by, and what the user said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inspector.analysis.charges import Money
from inspector.analysis.cost_words import COST_DEFINITIONS, short_money
from inspector.analysis.definitions import BY_NAME, explained
from inspector.analysis.latency import Latency
from inspector.analysis.percentiles import MeasuredTurn
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.core.turn_counter import TurnKind

UNKNOWN = "–"
"""Shown for an unknown value; never 0."""
CUT_WORDS: Mapping[str, str] = {
    "caller": "cut by the user",
    "agent": "spoke over the user",
    "app": "cancelled by the app",
}
"""How an answer was interrupted."""
KIND_WORDS: Mapping[TurnKind, str] = {
    TurnKind.SPEECH: "(no transcript)",
    TurnKind.TEXT: "(text)",
    TurnKind.TOOL: "tool follow-up",
    TurnKind.OUT_OF_BAND: "out-of-band",
    TurnKind.GREETING: "greeting",
    TurnKind.IDLE: "idle timeout",
}
"""Shown instead of the user's words if there are none."""
MOST_SAID = 200
"""Characters of the user's words that are looked at: a row shows fewer."""


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn in the table."""

    measured: MeasuredTurn
    money: Money | None
    """What its responses cost; None where nothing has a price."""

    @property
    def turn(self) -> Turn:
        """Return the turn."""
        return self.measured.turn

    @property
    def wait_ms(self) -> float:
        """Return what to sort by: the wait, or how long it was at least; -1 if nothing is known."""
        least_ms = least_wait_ms(self.measured.latency)
        return -1.0 if least_ms is None else least_ms

    @property
    def usd(self) -> float:
        """Return what to sort by: what has no price is last."""
        return -1.0 if self.money is None else self.money.middle


@dataclass(frozen=True, slots=True)
class TurnColumn:
    """One column."""

    name: str
    """Unique in the table."""
    head: str
    width: int
    cell: Callable[[TurnRow], str]
    """Returns what stands in a row."""
    figure: Callable[[TurnRow], str]
    """Returns the name of the figure in ``analysis.definitions``; ``""`` if it is not one of them."""
    text: str = ""
    """Its meaning if it is not a figure."""
    from_width: int = 0
    """Width of the screen in cells from which on it is shown."""


def least_wait_ms(latency: Latency) -> float | None:
    """Return the wait, or how long it was at least; None if nothing is known."""
    if latency.wait_ms is not None:
        return latency.wait_ms
    return latency.bounds_ms[0] if latency.bounds_ms is not None else None


def total_figure(row: TurnRow) -> str:
    """Return what a row's total is: voice to voice where the user spoke and hears the answer, else the wait."""
    reply = row.turn.reply
    is_voiced = row.turn.kind is TurnKind.SPEECH and reply is not None and reply.sound is not None
    return "voice_to_voice_ms" if is_voiced else "wait_ms"


def ms_words(ms: float | None) -> str:
    """Return a duration in whole milliseconds."""
    return UNKNOWN if ms is None else f"{ms:,.0f} ms"


def total_words(latency: Latency) -> str:
    """Return a wait, or how long it was at least."""
    if latency.wait_ms is not None:
        return ms_words(latency.wait_ms)
    least_ms = least_wait_ms(latency)
    return f"≥ {ms_words(least_ms)}" if least_ms else UNKNOWN


def _count(row: TurnRow) -> str:
    return str(len(row.turn.answers) + row.turn.more_answers)


COLUMNS: tuple[TurnColumn, ...] = (
    TurnColumn("total", "total", 10, lambda row: total_words(row.measured.latency), total_figure),
    TurnColumn(
        "first",
        "1st sound",
        9,
        lambda row: ms_words(row.measured.latency.figures.get("first_sound_ms")),
        lambda _: "first_sound_ms",
    ),
    TurnColumn(
        "n",
        "n",
        2,
        _count,
        lambda _: "",
        text="n: how many responses the turn has. More than one means tool calls, or an app that asks again.",
    ),
    TurnColumn(
        "cost",
        "cost",
        8,
        lambda row: short_money(row.money) or UNKNOWN,
        lambda _: "",
        text=f"cost: {COST_DEFINITIONS['cost']}",
        from_width=100,
    ),
    TurnColumn(
        "anchor",
        "start",
        8,
        lambda row: row.measured.latency.anchor or UNKNOWN,
        lambda _: "",
        text="start: how the end of the user's input is known. measured: heard in the appended audio; derived: speech_stopped "
        "minus silence_duration_ms; event: an event stands for it. Percentiles never mix them.",
        from_width=130,
    ),
)
"""The columns at the right, in their order."""
SORTS: Mapping[str, Callable[[TurnRow], float]] = {
    "turn": lambda row: row.turn.number,
    "time": lambda row: -row.wait_ms,
    "cost": lambda row: -row.usd,
}
"""What the rows can be sorted by; the first is the default."""


def definition_words(column: TurnColumn, row: TurnRow) -> str:
    """Return what a number means, over several lines."""
    figure = column.figure(row)
    return explained(BY_NAME[figure]) if figure else column.text


def words_said(turn: Turn, state: SessionState) -> str:
    """Return the user's words in a turn, quoted; without a transcript what caused the turn."""
    items = (state.conversation.items.get(item_id) for item_id in turn.item_ids)
    texts = (part.text for item in items if item is not None for part in item.parts)
    said = " ".join(text.strip()[:MOST_SAID] for text in texts if text.strip())
    if said:
        return f"“{' '.join(said.split())}”"
    if turn.kind is TurnKind.SPEECH and turn.speech_started and not turn.answers:
        is_open = turn.speech_stopped is None and turn.committed is None
        return "speaking …" if is_open else KIND_WORDS[turn.kind]
    if turn.result_of is not None and turn.result_of.name:
        return f"result of {turn.result_of.name}"
    return KIND_WORDS[turn.kind]


def wait_words(measured: MeasuredTurn) -> str:
    """Return what the user waited for in a turn, what is unknown of it and why, and how the answer was interrupted."""
    turn, latency = measured.turn, measured.latency
    unknown = "; ".join(f"{each.key} unknown: {each.reason}" for each in latency.unknown)
    words = [latency.waited_for, unknown, CUT_WORDS.get(turn.interrupted, "")]
    return "; ".join(word for word in words if word)
