"""CostLedger: what a log cost so far, kept up record by record; the same live, under a replay's cursor and for a whole file."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from inspector.analysis.charges import NOTHING, Charge, Money, charge, total
from inspector.analysis.context_use import (
    ContextUse,
    NextResponse,
    context_use,
    is_prompt,
    next_response,
)
from inspector.analysis.prices import PER_TOKENS, PriceQuote, PriceTable
from inspector.core.cut_sound import CutSound
from inspector.core.usage import (
    ResponseUsage,
    TextItemUsage,
    TimeUsage,
    TranscriptionUsage,
    UsageFold,
    UsageRecord,
    UsageSource,
)

GROWTH = 2.0
"""A turn that costs as many times the first is worth a word …"""
GROWN_TURNS = 4
"""… where there are so many: two answers differ for other reasons."""
TurnOf = Callable[[UsageRecord], int | None]
"""Returns the number of the turn that a record belongs to; None where it is not known."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One record with its price."""

    charge: Charge
    context: ContextUse | None
    """None unless it is a response of the conversation."""
    before: int
    """Position of the prompt before in the same session; -1 for none."""
    sum: Money
    """Of all lines up to this one, as far as they have a price."""
    unpriced: int
    """Lines up to this one that have none."""
    priced: int
    """Lines up to this one that have one."""

    @property
    def record(self) -> UsageRecord:
        """Return what was used."""
        return self.charge.record


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Lines that belong together: a turn's, a response's, a session's."""

    key: Hashable
    """What they have in common; None where that is not known."""
    lines: tuple[LedgerLine, ...]
    money: Money | None
    """None where none of them has a price."""
    rebilled: Money | None
    """What of it had been billed before; None if nothing was, or if unknown."""
    reasons: tuple[str, ...]
    """Why the amount is not exact."""


@dataclass(frozen=True, slots=True)
class UnheardCost:
    """What was paid for response audio that was never played: an estimate, by its share of the response's sound."""

    response_id: str
    seq: int
    """Of its ``response.done``."""
    unheard_ms: int
    tokens: int
    money: Money | None
    """None where the response has no price."""
    basis: str
    """How it is known what was heard: ``measured``, ``event`` or ``estimated``."""


@dataclass(frozen=True, slots=True)
class BreakCost:
    """Changes of one kind that broke the prefix of prompts."""

    kind: str
    """As in ``PrefixBreak``."""
    seqs: tuple[int, ...]
    """The events, in order."""
    character: int | None
    """Where the first word begins that differs, from 1, at the first of them that says."""
    before: str
    after: str
    tokens: int
    """That would have been cached."""
    money: Money | None
    """None where they have no price."""


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What there is to say of the cost of a log, in numbers."""

    total: Money | None
    """None where nothing has a price."""
    price_date: date
    """When the prices were compared with their sources."""
    day: date | None
    """The day whose prices were taken; None for the newest."""
    models: tuple[str, ...]
    by_part: Mapping[str, Money]
    """Of ``total``: ``audio in`` (cached included), ``audio out``, ``text in`` …, ``transcription``, ``time``, ``text messages``."""
    responses: int
    input_tokens: int | None
    """Of all responses; None where one does not say."""
    cached_tokens: int | None
    output_tokens: int | None
    rebilled: Money | None
    breaks: tuple[BreakCost, ...]
    """The dearest first."""
    unheard: tuple[UnheardCost, ...]
    growth: tuple[CostGroup, CostGroup] | None
    """The first turn (or response) and the one that costs most, where that is at least ``GROWTH`` times as much."""
    context: ContextUse | None
    """Of the last prompt."""
    next: NextResponse | None
    reasons: Mapping[str, int]
    """Why ``total`` is not exact: number of records by reason."""
    remarks: tuple[str, ...]
    """What was assumed."""
    last_seq: int = 0
    """The event of the last charge; 0 without charges."""


class CostLedger:
    """The priced records of one log. A view calls ``update`` and redraws if it returns True."""

    def __init__(
        self,
        prices: PriceTable,
        day: date | None,
        *,
        zone: str = "",
        model: str = "",
        priced_as: str = "",
    ) -> None:
        """Begin.

        Args:
            prices: the table.
            day: of the session; None where it is not known.
            zone: Azure's, one of ``prices.ZONES``; ``""`` goes by the table's hosts.
            model: where no event names one, as a recording's header may.
            priced_as: the model to take in place of what events name, like a deployment's name.
        """
        self.prices = prices
        self.day = day
        self._zone, self._model, self._priced_as = zone, model, priced_as
        self._quotes: dict[tuple[UsageSource, bool], PriceQuote] = {}
        self._known: list[LedgerLine] = []
        self._last_prompt: list[int] = []
        """For each line the position of the last prompt up to it."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def lines(self) -> Sequence[LedgerLine]:
        """Return the lines up to where the log is, oldest first."""
        return self._known[: self._count]

    @property
    def last(self) -> LedgerLine | None:
        """Return the newest line."""
        return self._known[self._count - 1] if self._count else None

    @property
    def total(self) -> Money | None:
        """Return what all of it costs; at least that, where something has no price; None where nothing has."""
        last = self.last
        if last is None or not last.priced:
            return None
        return Money(last.sum.low, None) if last.unpriced else last.sum

    @property
    def context(self) -> ContextUse | None:
        """Return the last prompt's; None before the first of the session."""
        at = self._last_prompt[self._count - 1] if self._count else -1
        return self._known[at].context if at >= 0 else None

    def update(self, usage: UsageFold, most: int | None = None) -> bool:
        """Follow the log to where it is, which may be further back; return True if anything changed.

        Args:
            usage: of the log, by now.
            most: records to price at once, for callers with a time budget; they call again until nothing changes.
        """
        records, before = usage.records, self._count
        count = len(records)
        shared = min(count, len(self._known))
        is_changed = False
        if shared and self._known[shared - 1].record != records[shared - 1]:
            self._known.clear()
            self._last_prompt.clear()
            is_changed = True
        if most is not None:
            count = min(count, len(self._known) + most)
        for index in range(len(self._known), count):
            self._append(records[index])
        self._count = count
        return is_changed or count != before

    def grouped(self, key: Callable[[UsageRecord], Hashable]) -> list[CostGroup]:
        """Return the lines by what they have in common, in the order in which each first comes."""
        groups: dict[Hashable, list[LedgerLine]] = {}
        for line in self.lines:
            groups.setdefault(key(line.record), []).append(line)
        return [_group(name, lines) for name, lines in groups.items()]

    def unheard(self, cuts: Mapping[str, CutSound]) -> tuple[UnheardCost, ...]:
        """Return what was paid for audio that was never played; ``cuts`` are those of ``UsageFold.cut_sounds``."""
        found = []
        for line in self.lines if cuts else ():
            record = line.record
            cut = cuts.get(record.response_id) if isinstance(record, ResponseUsage) else None
            if cut is not None and isinstance(record, ResponseUsage):
                found.append(_unheard(line.charge, record, cut))
        return tuple(one for one in found if one.tokens)

    def next(self) -> NextResponse | None:
        """Return what the next response will cost: an estimate."""
        at = self._last_prompt[self._count - 1] if self._count else -1
        charges: list[Charge] = []
        while at >= 0 and len(charges) < 8:
            charges.append(self._known[at].charge)
            at = self._known[at].before
        return next_response(charges[::-1])

    def summary(self, usage: UsageFold, turn_of: TurnOf | None = None) -> CostSummary:
        """Return what there is to say. Caller must have updated the ledger; it takes a pass over the lines."""
        lines = self.lines
        answers = [line.record for line in lines if isinstance(line.record, ResponseUsage)]
        counts = [one.tokens for one in answers]
        rebilled = [one.context.rebilled_money for one in lines if one.context is not None]
        reasons: dict[str, int] = {}
        for line in lines:
            for reason in line.charge.reasons:
                reasons[reason] = reasons.get(reason, 0) + 1
        remarks = dict.fromkeys(said for line in lines for said in line.charge.quote.remarks)
        if self.day is None:
            remarks[f"the recording has no date: prices of {self.prices.as_of}"] = None
        return CostSummary(
            self.total,
            self.prices.as_of,
            self.day,
            tuple(
                dict.fromkeys(
                    line.record.source.model for line in lines if line.record.source.model
                )
            ),
            _by_part(lines),
            len(answers),
            _sum([None if one is None else one.input for one in counts]),
            _sum([None if one is None else one.cached for one in counts]),
            _sum([None if one is None else one.output for one in counts]),
            _total([one for one in rebilled if one is not None]),
            _breaks(lines),
            self.unheard(usage.cut_sounds()),
            self._growth(turn_of),
            self.context,
            self.next(),
            reasons,
            tuple(remarks),
            lines[-1].record.seq if lines else 0,
        )

    def _append(self, record: UsageRecord) -> None:
        last = self._known[-1] if self._known else None
        at = self._last_prompt[-1] if self._last_prompt else -1
        if at >= 0 and self._known[at].record.source.session != record.source.session:
            at = -1
        cost = charge(record, self._quote(record))
        before = self._known[at].record if at >= 0 else None
        use = context_use(cost, before if isinstance(before, ResponseUsage) else None)
        so_far = last.sum if last is not None else NOTHING
        is_priced = cost.money is not None
        self._known.append(
            LedgerLine(
                cost,
                use,
                at,
                so_far if cost.money is None else so_far + cost.money,
                (last.unpriced if last is not None else 0) + (not is_priced),
                (last.priced if last is not None else 0) + is_priced,
            )
        )
        self._last_prompt.append(len(self._known) - 1 if is_prompt(record) else at)

    def _quote(self, record: UsageRecord) -> PriceQuote:
        # What the user or a header says is about the model that answers, and not about the one that transcribes.
        source, is_answer = record.source, not isinstance(record, TranscriptionUsage)
        found = self._quotes.get((source, is_answer))
        if found is None:
            named = (self._priced_as or source.model or self._model) if is_answer else source.model
            zone = self._zone or self.prices.zones.get(source.host, "")
            found = self.prices.quote(named, self.day, source.dialect, zone)
            if not named and not is_answer:
                found = PriceQuote(None, reason="the transcription model is not known")
            self._quotes[source, is_answer] = found
        return found

    def _growth(self, turn_of: TurnOf | None) -> tuple[CostGroup, CostGroup] | None:
        groups = self.grouped(turn_of or (lambda record: record.seq))
        dear = [
            (one.money.middle, one)
            for one in groups
            if one.key is not None and one.money is not None and _is_answered(one)
        ]
        if len(dear) < GROWN_TURNS:
            return None
        most = max(dear, key=lambda one: one[0])
        return (dear[0][1], most[1]) if most[0] >= GROWTH * dear[0][0] else None


def turns_by_id(responses: Mapping[str, int], items: Mapping[str, int] | None = None) -> TurnOf:
    """Return a way to find a record's turn: by its response, or for a transcription by the user's item."""

    def turn_of(record: UsageRecord) -> int | None:
        if isinstance(record, ResponseUsage):
            return responses.get(record.response_id)
        if isinstance(record, TranscriptionUsage) and items is not None:
            return items.get(record.item_id)
        return None

    return turn_of


def _is_answered(group: CostGroup) -> bool:
    """Return True if any response of a turn completed: a cancelled one costs too little to be a measure."""
    records = (line.record for line in group.lines)
    return any(isinstance(one, ResponseUsage) and one.status == "completed" for one in records)


def _total(amounts: Sequence[Money]) -> Money | None:
    return total(amounts) if amounts else None


def _sum(counts: Iterable[int | None]) -> int | None:
    found = list(counts)
    known = [count for count in found if count is not None]
    return sum(known) if found and len(known) == len(found) else None


def _group(key: Hashable, lines: list[LedgerLine]) -> CostGroup:
    amounts = [line.charge.money for line in lines]
    priced = [money for money in amounts if money is not None]
    money = _total(priced)
    if money is not None and len(priced) < len(amounts):
        money = Money(money.low, None)
    rebilled = [
        line.context.rebilled_money
        for line in lines
        if line.context is not None and line.context.rebilled_money is not None
    ]
    reasons = dict.fromkeys(reason for line in lines for reason in line.charge.reasons)
    return CostGroup(key, tuple(lines), money, _total(rebilled), tuple(reasons))


def _unheard(cost: Charge, record: ResponseUsage, cut: CutSound) -> UnheardCost:
    made = record.tokens.output_by["audio"] if record.tokens is not None else None
    unheard_ms = cut.received_ms - cut.heard_ms
    tokens = (made or 0) * unheard_ms / cut.received_ms
    price = cost.quote.price
    rate = price.rate("audio", "out") if price is not None else None
    money = None
    if rate is not None:
        usd = tokens * rate * cost.quote.factor / PER_TOKENS
        money = NOTHING + Money(usd, usd)
    return UnheardCost(record.response_id, record.seq, unheard_ms, round(tokens), money, cut.basis)


def _by_part(lines: Sequence[LedgerLine]) -> Mapping[str, Money]:
    found: dict[str, Money] = {}
    for line in lines:
        for part in line.charge.lines:
            name = _part(line.record, part.name)
            found[name] = found.get(name, NOTHING) + part.money
    return found


def _part(record: UsageRecord, name: str) -> str:
    if isinstance(record, TranscriptionUsage):
        return "transcription"
    if isinstance(record, TimeUsage):
        return "time"
    if isinstance(record, TextItemUsage):
        return "text messages"
    return f"{name.removesuffix(' cached')} in" if name.endswith(" cached") else name


def _breaks(lines: Sequence[LedgerLine]) -> tuple[BreakCost, ...]:
    """Return what broke prefixes, by kind. Where several things changed at once, the first in the prompt is what broke it."""
    found: dict[str, list[LedgerLine]] = {}
    for line in lines:
        if line.context is not None and line.context.breaks:
            found.setdefault(line.context.breaks[0].kind, []).append(line)
    costs = []
    for kind, broken in found.items():
        uses = [line.context for line in broken if line.context is not None]
        firsts = [use.breaks[0] for use in uses]
        told = next((one for one in firsts if one.character is not None), firsts[0])
        amounts = [use.lost_money for use in uses if use.lost_money is not None]
        costs.append(
            BreakCost(
                kind,
                tuple(one.seq for one in firsts),
                told.character,
                told.before,
                told.after,
                sum(use.lost or 0 for use in uses),
                _total(amounts),
            )
        )
    return tuple(sorted(costs, key=lambda one: -(one.money.middle if one.money else 0.0)))
