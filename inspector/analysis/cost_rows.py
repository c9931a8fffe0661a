"""Costs as rows for programs: plain JSON values, amounts in US dollars, null for what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inspector.analysis.charges import CostLine, Money
from inspector.analysis.context_use import ContextUse
from inspector.analysis.ledger import CostSummary, LedgerLine, TurnOf
from inspector.core.billed_tokens import BilledTokens
from inspector.core.prompt_prefix import PrefixBreak
from inspector.core.usage import ResponseUsage, TimeUsage, TranscriptionUsage, UsageRecord

KINDS = {
    ResponseUsage: "response",
    TranscriptionUsage: "transcription",
    TimeUsage: "time",
}
"""How a record is called; the rest are text messages."""


def usd(money: Money | None, name: str = "usd") -> dict[str, float | None]:
    """Return an amount as members: the exact one, or null and its two ends."""
    if money is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: money.exact, f"{name}_low": money.low, f"{name}_high": money.high}


def plain(text: str) -> str:
    """Return a text that JSON can hold: lone surrogates, which a server or the name of a file may have, are written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _or_none(text: str | None) -> str | None:
    return plain(text) if text else None


def cost_row(line: LedgerLine, turn_of: TurnOf | None = None) -> dict[str, Any]:
    """Return one record as a flat row with the same keys for every kind of record; only ``formula`` is a list."""
    record, price = line.record, line.charge.quote.price
    tokens = None if isinstance(record, TimeUsage) else getattr(record, "tokens", None)
    return {
        "seq": record.seq,
        "t": None if record.t_ns is None else record.t_ns / 1e9,
        "kind": kind_of_record(record),
        "turn": turn_of(record) if turn_of is not None else None,
        "session": record.source.session,
        "response_id": _or_none(getattr(record, "response_id", None)),
        "item_id": _or_none(getattr(record, "item_id", None)),
        "status": _or_none(getattr(record, "status", None)),
        "model": _or_none(record.source.model),
        "priced_as": None if price is None else price.model,
        **_tokens(tokens),
        "seconds": getattr(record, "seconds", None),
        **usd(line.charge.money),
        **_context(line.context),
        "context_share": record.context_ratio
        if isinstance(record, TimeUsage)
        else None
        if line.context is None
        else line.context.share,
        "reasons": [plain(reason) for reason in line.charge.reasons],
        "formula": [_formula(part) for part in line.charge.lines],
    }


def kind_of_record(record: UsageRecord) -> str:
    """Return what a record is of."""
    return KINDS.get(type(record), "text_message")


def _tokens(tokens: BilledTokens | None) -> dict[str, int | None]:
    if tokens is None:
        return dict.fromkeys(TOKEN_KEYS)
    values = (
        tokens.input,
        *tokens.input_by.values(),
        tokens.cached,
        *tokens.cached_by.values(),
        tokens.output,
        *tokens.output_by.values(),
        tokens.reasoning,
    )
    return dict(zip(TOKEN_KEYS, values, strict=True))


TOKEN_KEYS = (
    "input_tokens",
    "input_text_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "cached_tokens",
    "cached_text_tokens",
    "cached_audio_tokens",
    "cached_image_tokens",
    "output_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "reasoning_tokens",
)


def _context(context: ContextUse | None) -> dict[str, Any]:
    return {
        "context_limit": None if context is None else context.limit,
        "cached_share": None if context is None else context.cached_share,
        "rebilled_tokens": None if context is None else context.rebilled,
        **usd(None if context is None else context.rebilled_money, "rebilled_usd"),
        "breaks": [] if context is None else [_break(one) for one in context.breaks],
        "lost_tokens": None if context is None else context.lost,
        **usd(None if context is None else context.lost_money, "lost_usd"),
    }


def _break(one: PrefixBreak) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "seq": one.seq,
        "character": one.character,
        "first_difference": one.exact,
        "before": _or_none(one.before),
        "after": _or_none(one.after),
    }


def _formula(line: CostLine) -> dict[str, Any]:
    high = line.high
    return {
        "name": line.name,
        "unit": line.unit,
        "per": line.per,
        "quantity_low": line.low.quantity,
        "quantity_high": None if high is None else high.quantity,
        "price_low": line.low.price,
        "price_high": None if high is None else high.price,
        **usd(line.money),
    }


def summary_object(summary: CostSummary, *, unit: str) -> dict[str, Any]:
    """Return a summary as an object."""
    last, after = summary.context, summary.next
    return {
        **usd(summary.total),
        "currency": "USD",
        "price_date": summary.price_date.isoformat(),
        "day": None if summary.day is None else summary.day.isoformat(),
        "models": [plain(model) for model in summary.models],
        "by_part": {name: usd(money) for name, money in summary.by_part.items()},
        "responses": summary.responses,
        "input_tokens": summary.input_tokens,
        "cached_tokens": summary.cached_tokens,
        "output_tokens": summary.output_tokens,
        **usd(summary.rebilled, "rebilled_usd"),
        "context": None
        if last is None
        else {"tokens": last.tokens, "limit": last.limit, "cached_share": last.cached_share},
        "breaks": [
            {
                "kind": one.kind,
                "seqs": list(one.seqs),
                "character": one.character,
                "before": _or_none(one.before),
                "after": _or_none(one.after),
                "tokens": one.tokens,
                **usd(one.money),
            }
            for one in summary.breaks
        ],
        "unheard": [
            {
                "response_id": plain(one.response_id),
                "seq": one.seq,
                "ms": one.unheard_ms,
                "tokens": one.tokens,
                "basis": one.basis,
                **usd(one.money),
            }
            for one in summary.unheard
        ],
        "growth": _growth(summary, unit),
        "next_response": None
        if after is None
        else {
            "basis": "estimated",
            "likely_usd": after.likely,
            "usd_low": after.money.low,
            "usd_high": after.money.high,
            "input_tokens": after.input_tokens,
            "output_tokens": after.output_tokens,
        },
        "reasons": {plain(reason): count for reason, count in summary.reasons.items()},
        "remarks": [plain(remark) for remark in summary.remarks],
    }


def _growth(summary: CostSummary, unit: str) -> dict[str, Any] | None:
    if summary.growth is None:
        return None
    first, most = summary.growth
    if first.money is None or most.money is None:
        return None
    return {
        "unit": unit,
        "first": first.key,
        "most": most.key,
        "times": most.money.middle / first.money.middle,
    }


def csv_columns() -> Sequence[str]:
    """Return the members of ``cost_row`` that a table of cells can hold, in order."""
    empty = _context(None)
    return (
        *("recording", "seq", "t", "kind", "turn", "session", "response_id", "item_id"),
        *("status", "model", "priced_as", *TOKEN_KEYS, "seconds", "usd", "usd_low", "usd_high"),
        "context_share",
        *(name for name in empty if name != "breaks"),
        "reasons",
    )
