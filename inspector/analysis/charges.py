"""Charges: the cost of one usage record as a formula, line by line, exact or bounded as the record allows.

For each modality: uncached input tokens × input price + cached tokens × cached price + output tokens × output price.
Cached tokens are part of the input, reasoning tokens part of the output text. If an event does not report the modality of
all tokens, the lines hold both bounds: the cheapest and the most expensive reading of the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from inspector.analysis.prices import PER_TOKENS, ModelPrice, PriceQuote
from inspector.core.billed_tokens import INPUT_MODALITIES, OUTPUT_MODALITIES, BilledTokens
from inspector.core.usage import (
    ResponseUsage,
    TextItemUsage,
    TimeUsage,
    TranscriptionUsage,
    UsageRecord,
)

AUDIO_TOKENS_PER_S = 10
"""Input audio: one token per 100 ms of the user's audio."""
_DIGITS = 12
"""Decimal places of a dollar to keep: rounds away float error, and is finer than any price."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in US dollars, exact or as bounds; ``high`` is None if there is no upper bound."""

    low: float
    high: float | None

    @property
    def is_exact(self) -> bool:
        """Return True if both bounds are equal."""
        return self.low == self.high

    @property
    def exact(self) -> float | None:
        """Return the amount; None if only bounds are known."""
        return self.low if self.is_exact else None

    @property
    def middle(self) -> float:
        """Return one amount to compare and sort by."""
        return self.low if self.high is None else (self.low + self.high) / 2

    def __add__(self, other: Money) -> Money:
        high = None if self.high is None or other.high is None else self.high + other.high
        return Money(
            round(self.low + other.low, _DIGITS), None if high is None else round(high, _DIGITS)
        )

    def times(self, factor: float) -> Money:
        """Return a multiple."""
        high = None if self.high is None else round(self.high * factor, _DIGITS)
        return Money(round(self.low * factor, _DIGITS), high)


NOTHING = Money(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Product:
    """A quantity × a price."""

    quantity: float
    """Tokens, seconds or pieces."""
    price: float
    """US dollars per ``CostLine.per`` units."""

    def usd(self, per: float) -> float:
        """Return the product in dollars."""
        return self.quantity * self.price / per


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the formula; ``low`` and ``high`` differ if the record does not determine it."""

    name: str
    """Like ``audio in``, ``text cached``, ``sound``."""
    unit: str
    """``tokens``, ``s`` or ``messages``."""
    per: float
    """Number of units that the price covers."""
    low: Product
    """The lower bound."""
    high: Product | None
    """The upper bound; None if unbounded."""

    @property
    def money(self) -> Money:
        """Return the amount of this line."""
        high = None if self.high is None else round(self.high.usd(self.per), _DIGITS)
        return Money(round(self.low.usd(self.per), _DIGITS), high)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one record costs."""

    record: UsageRecord
    quote: PriceQuote
    lines: tuple[CostLine, ...]
    """The formula; its lines add up to ``money``."""
    money: Money | None
    """None if the cost is unknown; ``reasons`` says why."""
    reasons: tuple[str, ...] = ()
    """Why the amount is unknown or only bounded."""


def charge(record: UsageRecord, quote: PriceQuote) -> Charge:
    """Return the cost of a record at the quoted price."""
    price = quote.price
    if price is None:
        return Charge(record, quote, (), None, (quote.reason,))
    lines, reasons = _lines(record, price)
    lines = tuple(_at_factor(line, quote.factor) for line in lines)
    if not lines and reasons:
        return Charge(record, quote, (), None, reasons)
    return Charge(record, quote, lines, total(line.money for line in lines), reasons)


def total(amounts: Iterable[Money]) -> Money:
    """Return the sum of amounts."""
    return reduce(Money.__add__, amounts, NOTHING)


def _lines(record: UsageRecord, price: ModelPrice) -> tuple[tuple[CostLine, ...], tuple[str, ...]]:
    if isinstance(record, TextItemUsage):
        each = price.per_text_item
        return (() if each is None else (_line("text message", "messages", 1, each, 1),)), ()
    if isinstance(record, TimeUsage):
        return _by_time(record, price)
    if isinstance(record, TranscriptionUsage):
        return _transcribed(record, price)
    return _answered(record, price)


def _answered(
    record: ResponseUsage, price: ModelPrice
) -> tuple[tuple[CostLine, ...], tuple[str, ...]]:
    if not price.is_by_tokens:
        if price.per_minute is None or record.seconds is None:
            return (), (f"{price.model} is billed by time, and the event reports none",)
        return (_line("sound", "s", record.seconds, price.per_minute, 60),), ()
    if record.tokens is None:
        return (), ("the response reports no usage",)
    return by_tokens(record.tokens, price)


def _by_time(record: TimeUsage, price: ModelPrice) -> tuple[tuple[CostLine, ...], tuple[str, ...]]:
    if price.per_minute is None:
        return (), (f"{price.model} is not billed by time",)
    paused = record.paused_seconds if price.per_minute_paused is not None else None
    active = record.seconds - (paused or 0.0)
    lines = [_line("active", "s", max(0.0, active), price.per_minute, 60)]
    if paused and price.per_minute_paused is not None:
        lines.append(_line("paused", "s", paused, price.per_minute_paused, 60))
    return tuple(lines), ()


def _transcribed(
    record: TranscriptionUsage, price: ModelPrice
) -> tuple[tuple[CostLine, ...], tuple[str, ...]]:
    tokens, seconds = record.tokens, record.seconds
    if price.is_by_tokens:
        if tokens is not None:
            return by_tokens(tokens, price)
        if seconds is None:
            return (), ("the transcription reports no usage",)
        heard = Product(seconds * AUDIO_TOKENS_PER_S, price.rate("audio", "in") or 0.0)
        line = CostLine("audio in", "tokens", PER_TOKENS, heard, None)
        return (line,), (f"{price.model} is billed by tokens, and the event reports seconds",)
    if price.per_minute is None:
        return (), (f"{price.model} has no price for audio",)
    if seconds is None:
        audio = None if tokens is None else tokens.input_by["audio"]
        if audio is None and tokens is not None:
            audio = tokens.input
        if audio is None:
            return (), ("the transcription reports no usage",)
        line = _line("sound", "s", audio / AUDIO_TOKENS_PER_S, price.per_minute, 60)
        why = f"{price.model} is billed by time, and the event reports tokens: counted as 10 tokens per second"
        return (line,), (why,)
    return (_line("sound", "s", seconds, price.per_minute, 60),), ()


def by_tokens(
    tokens: BilledTokens, price: ModelPrice
) -> tuple[tuple[CostLine, ...], tuple[str, ...]]:
    """Return the cost lines of a token count, and the reasons why they are not exact."""
    reasons: list[str] = list(tokens.odd)
    lines: list[CostLine] = []
    if tokens.input is None and not any(tokens.input_by.values()):
        reasons.append("the input is not reported")
        lines.append(CostLine("input", "tokens", PER_TOKENS, Product(0, 0), None))
    else:
        lines += _ends(_input_meanings(tokens, price), price, reasons)
    if tokens.output is None and not any(tokens.output_by.values()):
        reasons.append("the output is not reported")
        lines.append(CostLine("output", "tokens", PER_TOKENS, Product(0, 0), None))
    else:
        lines += _ends(_output_meanings(tokens, price), price, reasons)
    if any(line.high is None or line.low != line.high for line in lines) and not tokens.odd:
        missing = [f"{name} is missing" for name in tokens.missing]
        reasons += missing or ([] if reasons else ["the usage is reported only in part"])
    return tuple(lines), tuple(dict.fromkeys(reasons))


Counts = Mapping[tuple[str, str], int]
"""Tokens by modality and part: ``in`` (not cached), ``cached``, ``out``."""


def _input_meanings(tokens: BilledTokens, price: ModelPrice) -> Iterator[Counts]:
    """Yield the possible input counts: both bounds, for each modality that the unreported rest may belong to."""
    for by in _shared_out(tokens.input, tokens.input_by, INPUT_MODALITIES, price, "in"):
        for is_dear in (False, True):
            cached = _cached(tokens, by, price, is_dear=is_dear)
            uncached = {(m, "in"): by[m] - cached[m] for m in INPUT_MODALITIES}
            yield {**uncached, **{(m, "cached"): cached[m] for m in INPUT_MODALITIES}}


def _output_meanings(tokens: BilledTokens, price: ModelPrice) -> Iterator[Counts]:
    for by in _shared_out(tokens.output, tokens.output_by, OUTPUT_MODALITIES, price, "out"):
        yield {(m, "out"): by[m] for m in OUTPUT_MODALITIES}


def _shared_out(
    whole: int | None,
    by: Mapping[str, int | None],
    modalities: tuple[str, ...],
    price: ModelPrice,
    part: str,
) -> Iterator[dict[str, int]]:
    """Yield the counts with the unattributed rest assigned to each possible modality in turn."""
    known = {m: by[m] or 0 for m in modalities}
    rest = 0 if whole is None else max(0, whole - sum(known.values()))
    if not rest:
        yield known
        return
    open_ones = [m for m in modalities if by[m] is None] or modalities
    priced = [m for m in open_ones if price.rate(m, part) is not None] or open_ones
    for modality in priced:
        yield {**known, modality: known[modality] + rest}


def _cached(
    tokens: BilledTokens, by: Mapping[str, int], price: ModelPrice, *, is_dear: bool
) -> dict[str, int]:
    """Return the cached tokens by modality at one bound: unattributed ones go where they save most, or least."""
    cached = {m: min(by[m], tokens.cached_by[m] or 0) for m in INPUT_MODALITIES}
    unknown = [m for m in INPUT_MODALITIES if tokens.cached_by[m] is None]
    if not unknown:
        return cached
    # An unreported cache hit can be anything from nothing to the whole input.
    if tokens.cached is None:
        return cached if is_dear else {**cached, **{m: by[m] for m in unknown}}
    rest = max(0, tokens.cached - sum(cached.values()))
    for modality in sorted(unknown, key=lambda m: _saving(price, m), reverse=not is_dear):
        taken = min(rest, by[modality] - cached[modality])
        cached[modality] += taken
        rest -= taken
    return cached


def _saving(price: ModelPrice, modality: str) -> float:
    return (price.rate(modality, "in") or 0.0) - (price.rate(modality, "cached") or 0.0)


def _ends(meanings: Iterable[Counts], price: ModelPrice, reasons: list[str]) -> Iterator[CostLine]:
    """Yield lines with the cheapest and the most expensive reading; omit those that are 0 in both."""
    counted = list(meanings)
    low = min(counted, key=lambda counts: _usd(counts, price))
    high = max(counted, key=lambda counts: _usd(counts, price))
    for key in low:
        modality, part = key
        rate = price.rate(modality, part)
        if not low[key] and not high[key]:
            continue
        if rate is None:
            reasons.append(f"{price.model} has no price for {modality} {part}")
        yield CostLine(
            f"{modality} {part}",
            "tokens",
            PER_TOKENS,
            Product(low[key], rate or 0.0),
            None if rate is None else Product(high[key], rate),
        )


def _usd(counts: Counts, price: ModelPrice) -> float:
    return sum(count * (price.rate(*key) or 0.0) for key, count in counts.items())


def _line(name: str, unit: str, quantity: float, price: float, per: float) -> CostLine:
    product = Product(quantity, price)
    return CostLine(name, unit, per, product, product)


def _at_factor(line: CostLine, factor: float) -> CostLine:
    if factor == 1.0:
        return line
    low = Product(line.low.quantity, round(line.low.price * factor, _DIGITS))
    high = line.high
    if high is not None:
        high = Product(high.quantity, round(high.price * factor, _DIGITS))
    return CostLine(line.name, line.unit, line.per, low, high)
