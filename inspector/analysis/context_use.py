"""Context use: how full the context is, what was billed again, what broke the cached prefix, and its cost.

Every response bills the whole conversation again, what the cache knows at a lower price. Counts are the server's; what would have
been cached had nothing changed is taken to be what both prompts share, so its price is an estimate and is called one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from inspector.analysis.charges import NOTHING, Charge, Money, Product, total
from inspector.analysis.prices import AZURE, PER_TOKENS, ModelPrice
from inspector.core.billed_tokens import INPUT_MODALITIES, OUTPUT_MODALITIES, BilledTokens
from inspector.core.prompt_prefix import PrefixBreak
from inspector.core.usage import ResponseUsage

CACHE_STEP = 128
"""Tokens that a cache keeps together, at most: a loss of fewer shows nothing."""
LOOKED_BACK = 3
"""Responses from which the next one is estimated."""


@dataclass(frozen=True, slots=True)
class ContextUse:
    """The prompt of one response."""

    tokens: int
    """That went in."""
    limit: int | None
    """That the model can take, with its answer; None where it is not known."""
    cached: int | None
    """Of ``tokens``; None if not reported."""
    rebilled: int | None
    """Of ``tokens``, those that the response before had paid for too; None if unknown, or for the first response."""
    rebilled_money: Money | None
    """What they cost again."""
    breaks: tuple[PrefixBreak, ...]
    """What changed in the part that both prompts share, so that the cache did not know the rest; empty where it did."""
    lost: int | None
    """Tokens that would have been cached without these changes; None if nothing changed, or if unknown."""
    lost_money: Money | None
    """What the changes cost: an estimate."""

    @property
    def share(self) -> float | None:
        """Return how full the context is, 0..1; None where its limit is not known."""
        return self.tokens / self.limit if self.limit else None

    @property
    def cached_share(self) -> float | None:
        """Return how much of it was cached, 0..1; None if not reported."""
        return None if self.cached is None else self.cached / self.tokens


def context_limit(charge: Charge) -> int | None:
    """Return how many tokens the context of a response can have; None where it is not known, as for Azure's 2.x models."""
    price = charge.quote.price
    if price is None:
        return None
    is_unknown = charge.record.source.dialect in AZURE and price.model.startswith("gpt-realtime-2")
    return None if is_unknown and not price.is_users else price.context


def context_use(charge: Charge, before: ResponseUsage | None) -> ContextUse | None:
    """Return how a response used its context.

    Args:
        charge: of the response.
        before: the one before in the same conversation; None where it is the first.

    Returns:
        None where its prompt is not the conversation, or its size is not known; xAI bills no prompts.
    """
    record, price = charge.record, charge.quote.price
    if not isinstance(record, ResponseUsage) or record.is_apart or record.tokens is None:
        return None
    tokens = record.tokens
    if not tokens.input or (price is not None and not price.is_by_tokens):
        return None
    earlier = before.tokens if before is not None else None
    if earlier is None:
        return ContextUse(
            tokens.input, context_limit(charge), tokens.cached, None, None, (), None, None
        )
    shared = _shared(tokens, earlier)
    rebilled = min(tokens.input, earlier.input or 0) if shared is None else sum(shared.values())
    breaks = record.prompt_breaks
    if _is_trimmed(tokens, earlier, breaks):
        breaks = (*breaks, PrefixBreak("trim", record.seq))
    lost = _lost(tokens, shared) if breaks else None
    if lost is not None and sum(lost.values()) < CACHE_STEP:
        breaks, lost = (), None
    factor = charge.quote.factor
    return ContextUse(
        tokens.input,
        context_limit(charge),
        tokens.cached,
        rebilled,
        None if shared is None or price is None else _again(tokens, shared, price).times(factor),
        breaks,
        None if lost is None else sum(lost.values()),
        None if lost is None or price is None else _saving(lost, price).times(factor),
    )


def is_prompt(record: object) -> bool:
    """Return True if the next prompt continues from the response of a record."""
    return (
        isinstance(record, ResponseUsage)
        and not record.is_apart
        and record.tokens is not None
        and bool(record.tokens.input)
    )


@dataclass(frozen=True, slots=True)
class NextResponse:
    """What the next response will cost: an estimate, from the last ones of the conversation."""

    input_tokens: int
    """All that is in the conversation, and as much more as was put in lately."""
    output_tokens: int
    """As many as came out lately."""
    likely: float
    """US dollars, if as much of the prompt is cached as of the last one."""
    likely_again: float
    """Of these, for what had been billed before."""
    money: Money
    """From all that was billed before being cached to nothing being cached."""


def next_response(last: Sequence[Charge]) -> NextResponse | None:
    """Return what the next response will cost; None where too little is known.

    Args:
        last: the last responses of one conversation, oldest first; those that are no prompts left out.
    """
    charges = last[-LOOKED_BACK - 1 :]
    price = charges[-1].quote.price if charges else None
    counts = [record.tokens for one in charges if isinstance(record := one.record, ResponseUsage)]
    known = [one for one in counts if one is not None and _is_whole(one)]
    if price is None or not price.is_by_tokens or len(known) < len(counts):
        return None
    newest = known[-1]
    made = known[-LOOKED_BACK:]
    out = {m: _mean([one.output_by[m] or 0 for one in made]) for m in OUTPUT_MODALITIES}
    fresh = dict.fromkeys(INPUT_MODALITIES, 0.0)
    for m in INPUT_MODALITIES:
        grown = [
            max(0, (two.input_by[m] or 0) - (one.input_by[m] or 0) - _kept(one, m))
            for one, two in pairwise(known)
        ]
        fresh[m] = _mean(grown) if grown else 0.0
    old = {m: newest.input_by[m] or 0 for m in INPUT_MODALITIES}
    new = {m: _kept(newest, m) + fresh[m] for m in INPUT_MODALITIES}
    share = _cached_share(known)
    factor = charges[-1].quote.factor

    def usd(parts: Sequence[tuple[float, float | None]]) -> float:
        return factor * sum(Product(n, p or 0.0).usd(PER_TOKENS) for n, p in parts)

    def again(cached_share: float) -> float:
        uncached = [(old[m] * (1 - cached_share), price.rate(m, "in")) for m in old]
        return usd([*uncached, *((old[m] * cached_share, price.rate(m, "cached")) for m in old)])

    ahead = usd([(new[m], price.rate(m, "in")) for m in new])
    ahead += usd([(out[m], price.rate(m, "out")) for m in out])
    low, high = sorted((again(1.0) + ahead, again(0.0) + ahead))
    return NextResponse(
        round(sum(old.values()) + sum(new.values())),
        round(sum(out.values())),
        round(again(share) + ahead, 12),
        round(again(share), 12),
        Money(round(low, 12), round(high, 12)),
    )


def _is_whole(tokens: BilledTokens) -> bool:
    return None not in (*tokens.input_by.values(), *tokens.output_by.values())


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _kept(tokens: BilledTokens, modality: str) -> int:
    """Return what of an output stays in the conversation: all but the reasoning."""
    count = tokens.output_by.get(modality) or 0
    return max(0, count - (tokens.reasoning or 0)) if modality == "text" else count


def _cached_share(known: Sequence[BilledTokens]) -> float:
    """Return how much of what had been billed before was cached in the last prompt, 0..1."""
    if len(known) < 2:
        return 0.0
    shared = _shared(known[-1], known[-2]) or {}
    whole = sum(shared.values())
    return min(1.0, (known[-1].cached or 0) / whole) if whole else 0.0


def _shared(tokens: BilledTokens, earlier: BilledTokens) -> Mapping[str, int] | None:
    """Return by modality what two prompts can share: as much as the smaller has; None where either does not say."""
    found = {}
    for modality in INPUT_MODALITIES:
        now, then = tokens.input_by[modality], earlier.input_by[modality]
        if now is None or then is None:
            return None
        found[modality] = min(now, then)
    return found


def _again(tokens: BilledTokens, shared: Mapping[str, int], price: ModelPrice) -> Money:
    """Return what the shared part cost in the second prompt; bounds if the cached part is not reported."""
    return total(_one_again(tokens.cached_by[m], count, price, m) for m, count in shared.items())


def _one_again(cached: int | None, count: int, price: ModelPrice, modality: str) -> Money:
    dear, cheap = price.rate(modality, "in") or 0.0, price.rate(modality, "cached") or 0.0
    if cached is None:
        return Money(count * cheap / PER_TOKENS, count * dear / PER_TOKENS)
    known = min(cached, count)
    usd = (known * cheap + (count - known) * dear) / PER_TOKENS
    return Money(usd, usd)


def _lost(tokens: BilledTokens, shared: Mapping[str, int] | None) -> Mapping[str, int] | None:
    """Return what of the shared part was not cached, by modality."""
    if shared is None or None in tokens.cached_by.values():
        return None
    return {m: max(0, count - (tokens.cached_by[m] or 0)) for m, count in shared.items()}


def _saving(lost: Mapping[str, int], price: ModelPrice) -> Money:
    usd = sum(
        count * ((price.rate(m, "in") or 0.0) - (price.rate(m, "cached") or 0.0))
        for m, count in lost.items()
    )
    return NOTHING + Money(usd / PER_TOKENS, usd / PER_TOKENS)


def _is_trimmed(tokens: BilledTokens, earlier: BilledTokens, breaks: Sequence[PrefixBreak]) -> bool:
    """Return True if the server truncated old items: the prompt shrank without a deletion."""
    kinds = {one.kind for one in breaks}
    if kinds & {"delete", "truncate"}:
        return False
    if kinds:  # shorter instructions make a smaller prompt, but have no sound
        now, then = tokens.input_by["audio"], earlier.input_by["audio"]
    else:
        now, then = tokens.input, earlier.input
    return now is not None and then is not None and now < then
