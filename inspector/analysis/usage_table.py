"""The table of use: a row a turn or a charge, its columns and what each cell says, and which columns there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from inspector.analysis.charges import Money
from inspector.analysis.context_use import ContextUse
from inspector.analysis.cost_rows import kind_of_record
from inspector.analysis.cost_words import BREAK_WORDS, short_money
from inspector.analysis.ledger import CostGroup, CostLedger, LedgerLine, TurnOf
from inspector.core.billed_tokens import BilledTokens
from inspector.core.prompt_prefix import PrefixBreak
from inspector.core.usage import ResponseUsage, UsageRecord

NONE = "–"
"""Shown for an unknown value; never 0."""
COLUMN_GAP = 2
WHY = "why"
"""The last column, as wide as is left."""
BANDS = ("input", "cached", "output")
"""Columns that are the sum of others; the last gives its parts up first."""
MOST_WHY = 40
"""Cells of it for which parts give way to their sum."""
LEAST_WHY = 16
"""Minimum width of the last column."""


class UsageCell(NamedTuple):
    """What stands in a column of a row."""

    text: str
    tone: str = ""
    """``dim``, ``warning`` or ``""``."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Charges that stand in one row."""

    group: CostGroup
    turn: int | None
    """None where that is not known."""
    is_turn: bool
    """True for all charges of a turn, False for one charge."""

    @property
    def lines(self) -> tuple[LedgerLine, ...]:
        """Return the charges, oldest first."""
        return self.group.lines

    @property
    def seq(self) -> int:
        """Return the event that it leads to: the last response's end, or else that of the last charge."""
        seqs = [one.record.seq for one in self.lines]
        ends = [one.record.seq for one in self.lines if isinstance(one.record, ResponseUsage)]
        return (ends or seqs)[-1]

    @property
    def money(self) -> Money | None:
        """Return what it costs; None where nothing of it has a price."""
        return self.group.money

    @property
    def usd(self) -> float:
        """Return what to sort by: what has no price is last."""
        return -1.0 if self.money is None else self.money.middle

    def count(self, pick: Callable[[BilledTokens], int | None]) -> int | None:
        """Return a sum over the responses; None without responses, or if one value is unknown."""
        counts = [pick(tokens) for tokens in self._tokens()]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    def _tokens(self) -> Iterable[BilledTokens]:
        """Yield the tokens of its responses, or of its transcriptions if it has no responses."""
        records = [one.record for one in self.lines]
        responses = [record for record in records if isinstance(record, ResponseUsage)]
        for record in responses or records:
            tokens = getattr(record, "tokens", None)
            if isinstance(tokens, BilledTokens):
                yield tokens

    @property
    def contexts(self) -> list[ContextUse]:
        """Return the prompts, oldest first."""
        return [one.context for one in self.lines if one.context is not None]


@dataclass(frozen=True, slots=True)
class UsageColumn:
    """One column."""

    name: str
    """Unique in the table."""
    head: str
    band: str
    """What stands above columns that belong together; ``""`` for nothing."""
    cell: Callable[[UsageRow], UsageCell]
    definition: str
    """Key of ``cost_words.COST_DEFINITIONS``."""
    rank: int = 0
    """Which gives way: the highest first, 0 never."""
    instead: str = ""
    """The column that replaces it and others if there is not enough room; ``""`` if none does."""
    is_left: bool = False


def usage_rows(ledger: CostLedger, turn_of: TurnOf | None, *, by_turn: bool) -> list[UsageRow]:
    """Return the rows, oldest first; a charge of which no turn is known has a row of its own."""

    def turn(record: UsageRecord) -> int | None:
        return None if turn_of is None else turn_of(record)

    def is_of_turn(record: UsageRecord) -> bool:
        return by_turn and turn(record) is not None

    # Turns count upwards from 1, so that a charge of none has a key that no turn has.
    groups = ledger.grouped(lambda one: turn(one) if is_of_turn(one) else -one.seq)
    firsts = [group.lines[0].record for group in groups]
    return [
        UsageRow(group, turn(first), is_of_turn(first))
        for group, first in zip(groups, firsts, strict=True)
    ]


def shown_columns(rows: Sequence[UsageRow], width: int) -> list[UsageColumn]:
    """Return the columns that say anything and that there is room for; the last takes what is left."""
    told = {column.name for column in COLUMNS if not column.rank}
    told |= {column.name for column in COLUMNS if column.rank and _is_told(column, rows)}
    if len({row.lines[0].record.source.session for row in rows}) < 2:
        told.discard("session")
    shown = [one for one in COLUMNS if one.name in told and one.name not in BANDS]
    for band in BANDS:
        if not _is_split(band, rows):
            shown = _summed(shown, band, told)
    room = max((len(_BY_NAME[WHY].cell(row).text) for row in rows), default=0)
    for band in reversed(BANDS):
        if _width(shown, rows) - LEAST_WHY + min(room, MOST_WHY) > width:
            shown = _summed(shown, band, told)
    for column in sorted(shown, key=lambda one: -one.rank):
        if _width(shown, rows) <= width or not column.rank:
            break
        shown = [one for one in shown if one is not column]
    return shown


def column_width(column: UsageColumn, rows: Sequence[UsageRow]) -> int:
    """Return how many cells a column takes, as many as its widest one; 0 for the last, which takes what is left."""
    if column.name == WHY:
        return 0
    return max(len(column.head), *(len(column.cell(row).text) for row in rows), 4)


def _width(columns: Sequence[UsageColumn], rows: Sequence[UsageRow]) -> int:
    return sum(column_width(column, rows) + COLUMN_GAP for column in columns) + LEAST_WHY


def _is_told(column: UsageColumn, rows: Sequence[UsageRow]) -> bool:
    return any(column.cell(row).text not in (NONE, "") for row in rows)


def _is_split(band: str, rows: Sequence[UsageRow]) -> bool:
    """Return True if the parts say all that their sum does: some servers report no details."""
    parts = [column for column in COLUMNS if column.instead == band]
    whole = _BY_NAME[band]
    known = [row for row in rows if whole.cell(row).text != NONE]
    return all(any(part.cell(row).text != NONE for part in parts) for row in known)


def _summed(shown: list[UsageColumn], band: str, told: Iterable[str]) -> list[UsageColumn]:
    """Return columns with the sum of a band in place of its parts."""
    names = {one.name for one in shown if one.instead != band} | ({band} & set(told))
    return [one for one in COLUMNS if one.name in names]


def row_name(row: UsageRow) -> str:
    """Return what a row is of: ``turn 3``, ``turn 3, transcription``, ``response``, ``text message``."""
    kind = kind_of_record(row.lines[0].record).replace("_", " ")
    if row.is_turn:
        return f"turn {row.turn}"
    return f"turn {row.turn}, {kind}" if row.turn is not None else kind


def _turn(row: UsageRow) -> UsageCell:
    return UsageCell(f"#{row.seq}", "dim") if row.turn is None else UsageCell(str(row.turn))


def _what(row: UsageRow) -> UsageCell:
    kinds: dict[str, int] = {}
    for line in row.lines:
        kind = kind_of_record(line.record).replace("_", " ")
        kinds[kind] = kinds.get(kind, 0) + 1
    if not row.is_turn:
        return UsageCell(next(iter(kinds)), "dim")
    words = [
        f"{count} {kind}s" for kind, count in kinds.items() if kind == "response" and count > 1
    ]
    words += [kind for kind in kinds if kind != "response"]
    return UsageCell(", ".join(words), "dim")


def _session(row: UsageRow) -> UsageCell:
    return UsageCell(str(row.lines[0].record.source.session))


def _seconds(row: UsageRow) -> UsageCell:
    found = [getattr(line.record, "seconds", None) for line in row.lines]
    known = [seconds for seconds in found if seconds is not None]
    return UsageCell(f"{sum(known):,.1f} s" if known else NONE)


def _tokens(
    pick: Callable[[BilledTokens], int | None], *, is_optional: bool = False
) -> Callable[[UsageRow], UsageCell]:
    """Return a cell of tokens; of an optional modality 0 says no more than nothing."""

    def cell(row: UsageRow) -> UsageCell:
        count = row.count(pick)
        if count is None or (is_optional and not count):
            return UsageCell(NONE, "dim")
        return UsageCell(f"{count:,}")

    return cell


def _cached(
    cached: Callable[[BilledTokens], int | None], whole: Callable[[BilledTokens], int | None]
) -> Callable[[UsageRow], UsageCell]:
    def cell(row: UsageRow) -> UsageCell:
        if not any(context for context in row.contexts) and _is_by_time(row):
            return UsageCell(NONE, "dim")
        count, of = row.count(cached), row.count(whole)
        if count is None:
            return UsageCell(NONE, "dim")
        is_lost = any(context.breaks for context in row.contexts)
        if not count:
            return UsageCell("✗ 0", "warning") if is_lost else UsageCell("0", "dim")
        share = f" ({count / of:.0%})" if of else ""
        return UsageCell(f"{'✗ ' * is_lost}{count:,}{share}", "warning" if is_lost else "")

    return cell


def _is_by_time(row: UsageRow) -> bool:
    prices = [line.charge.quote.price for line in row.lines]
    return any(price is not None and not price.is_by_tokens for price in prices)


def _rebilled(row: UsageRow) -> UsageCell:
    counts = [context.rebilled for context in row.contexts if context.rebilled is not None]
    return UsageCell(f"{sum(counts):,}") if counts else UsageCell(NONE, "dim")


def _money(row: UsageRow) -> UsageCell:
    return UsageCell(short_money(row.money) or NONE, "" if row.money is not None else "dim")


def _why(row: UsageRow) -> UsageCell:
    """Return what was unusual: what broke the prefix, why the price is not exact, or how the response ended."""
    for context in row.contexts:
        if context.breaks:
            more = "" if context.lost_money is None else f", {short_money(context.lost_money)} more"
            return UsageCell(f"{break_words(context.breaks[0])}{more}", "warning")
    if row.group.reasons:
        return UsageCell(row.group.reasons[0], "dim")
    statuses = [one.record.status for one in row.lines if isinstance(one.record, ResponseUsage)]
    odd = [status for status in statuses if status not in ("completed", "")]
    return UsageCell(odd[0] if odd else "", "dim")


def break_words(broken: PrefixBreak) -> str:
    """Return what broke a prefix, shortly: ``instructions differ at char 29``."""
    if broken.character is None:
        return BREAK_WORDS.get(broken.kind, broken.kind)
    return f"{broken.kind} differ at char {broken.character}"


def _half(
    name: str, band: str, cell: Callable[[UsageRow], UsageCell], rank: int, definition: str = ""
) -> UsageColumn:
    """Return a column for one modality, that gives way to the sum of its band."""
    head = name.partition(" ")[0]
    return UsageColumn(name, head, band, cell, definition or band, rank, instead=band)


_text_cached = _cached(lambda t: t.cached_by["text"], lambda t: t.input_by["text"])
_audio_cached = _cached(lambda t: t.cached_by["audio"], lambda t: t.input_by["audio"])
_image_in = _tokens(lambda t: t.input_by["image"], is_optional=True)
_thought = _tokens(lambda t: t.reasoning, is_optional=True)
_all_cached = _cached(lambda t: t.cached, lambda t: t.input)

COLUMNS: tuple[UsageColumn, ...] = (
    UsageColumn("session", "session", "", _session, "context", 3),
    UsageColumn("turn", "turn", "", _turn, "cost"),
    UsageColumn("what", "", "", _what, "transcription", 9, is_left=True),
    UsageColumn("time", "time", "", _seconds, "time", 4),
    UsageColumn("input", "input", "", _tokens(lambda t: t.input), "input", 5),
    _half("text in", "input", _tokens(lambda t: t.input_by["text"]), 5),
    _half("audio in", "input", _tokens(lambda t: t.input_by["audio"]), 5),
    _half("image in", "input", _image_in, 5),
    UsageColumn("cached", "cached", "", _all_cached, "cached", 6),
    _half("text cached", "cached", _text_cached, 6),
    _half("audio cached", "cached", _audio_cached, 6),
    UsageColumn("output", "output", "", _tokens(lambda t: t.output), "output", 7),
    _half("text out", "output", _tokens(lambda t: t.output_by["text"]), 7),
    _half("audio out", "output", _tokens(lambda t: t.output_by["audio"]), 7),
    _half("reasoning out", "output", _thought, 8, "reasoning"),
    UsageColumn("again", "again", "", _rebilled, "rebilled", 8),
    UsageColumn("money", "money", "", _money, "cost"),
    UsageColumn(WHY, "", "", _why, "break", is_left=True),
)
"""From left to right; money and why never give way."""
_BY_NAME: Mapping[str, UsageColumn] = {column.name: column for column in COLUMNS}
