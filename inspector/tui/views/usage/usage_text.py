"""Texts around the usage table: its total, the estimate of the next response, the formula of a row, and the empty state."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.analysis.cost_words import (
    BREAK_WORDS,
    COST_DEFINITIONS,
    exact_usd,
    line_text,
    money_text,
    short_count,
    usd_text,
)
from inspector.analysis.ledger import CostLedger, CostSummary
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import short_id
from inspector.analysis.usage_table import UsageColumn, UsageRow, row_name
from inspector.core.prompt_prefix import PrefixBreak
from inspector.core.state import SessionState
from inspector.core.usage import ResponseUsage
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart

BAR_CELLS = 16
"""Of the context: a sixteenth each."""
WAITS_FOR = {
    "translation": (
        "A translation is billed by the minute of sound, and its events report no use: see the price of its model.",
        "Nothing comes here unless the server reports use after all.",
    ),
    "transcription": (
        "Each transcript of the user's sound reports its tokens or seconds; it comes here with its price.",
        "",
    ),
}
"""What the empty table says by the kind of the session."""
WAITS = (
    "Each response reports its tokens when it is done (response.done), each transcript too; they come here with their price:",
    "what was cached, what was billed again, what made the cache forget, and what the next response will cost.",
)
"""What it says in any other."""


def empty_lines(state: SessionState) -> tuple[str, str]:
    """Return what there will be to see."""
    return WAITS_FOR.get(state.session.kind, WAITS)


def sum_parts(
    ledger: CostLedger, summary: CostSummary | None, turns: int, glyphs: Glyphs
) -> tuple[HeaderPart, ...]:
    """Return the first line: the money, for what, at which prices, and how full the context is."""
    charges = f"{turns:,} turn{'s' * (turns != 1)}" if turns else _charges(len(ledger))
    models = ", ".join(summary.models) if summary is not None else ""
    day = ledger.day if ledger.day is not None else ledger.prices.as_of
    return (
        HeaderPart(f"{money_text(ledger.total)} in {charges}"),
        HeaderPart(sanitized(models), rank=2, shortest=12),
        HeaderPart(f"prices of {day}", rank=3),
        HeaderPart(_context(ledger, glyphs), rank=1),
    )


def _charges(count: int) -> str:
    return f"{count:,} charge{'s' * (count != 1)}"


def _context(ledger: CostLedger, glyphs: Glyphs) -> str:
    used = ledger.context
    if used is None:
        return ""
    if used.share is None:
        return f"context {short_count(used.tokens)}, of how much is not known"
    full = min(BAR_CELLS, round(used.share * BAR_CELLS))
    bar = glyphs.meter_full * full + glyphs.meter_empty * (BAR_CELLS - full)
    limit = short_count(used.limit or 0)
    return f"context {bar} {short_count(used.tokens)} of {limit} ({used.share:.0%})"


def foot_parts(summary: CostSummary) -> tuple[HeaderPart, ...]:
    """Return the last line: what comes next, what was not heard, and what was assumed."""
    after = summary.next
    parts = []
    if after is not None:
        again = usd_text(after.likely_again)
        parts.append(HeaderPart(f"next response about {usd_text(after.likely)}"))
        parts.append(HeaderPart(f"of it {again} for what was said before", rank=3))
    unheard = [one for one in summary.unheard if one.money is not None]
    if unheard:
        usd = sum(one.money.middle for one in unheard if one.money is not None)
        seconds = sum(one.unheard_ms for one in unheard) / 1000
        parts.append(HeaderPart(f"{usd_text(usd)} for {seconds:.1f} s that nobody heard", rank=1))
    reasons = [
        f"{f'{count} × ' if count > 1 else ''}{reason}" for reason, count in summary.reasons.items()
    ]
    said = sanitized("; ".join([*reasons, *summary.remarks]))
    parts.append(HeaderPart(said, rank=4, shortest=16))
    return tuple(parts)


def _broken(broken: PrefixBreak) -> str:
    """Return what broke the prefix, with the words that differ."""
    words = BREAK_WORDS.get(broken.kind, broken.kind)
    if broken.character is None:
        return words
    changed = f"“{broken.before}” became “{broken.after}”" if broken.before and broken.after else ""
    where = f"{words} at character {broken.character}"
    return sanitized(f"{where}: {changed}" if changed else where)


def explanation(row: UsageRow, column: UsageColumn) -> Iterator[tuple[str, str]]:
    """Yield the lines that explain a row, each with its tone: its formula with its numbers, then what the column means."""
    yield f"{row_name(row)}: {money_text(row.money)}", "head"
    for line in row.lines:
        if len(row.lines) > 1:
            record = line.record
            name = short_id(record.response_id) if isinstance(record, ResponseUsage) else ""
            priced = line.charge.quote.price
            model = priced.model if priced is not None else record.source.model
            yield f"  #{record.seq} {name or type(record).__name__}  {model}", "dim"
        for part in line.charge.lines:
            yield f"    {part.name:<13} {line_text(part)}", "base"
        exact = line.charge.money.exact if line.charge.money is not None else None
        if exact is not None and len(line.charge.lines) > 1:
            yield f"    {'in all':<13} {exact_usd(exact)}", "base"
        for broken in line.context.breaks if line.context is not None else ():
            yield f"    cache lost: {_broken(broken)}, #{broken.seq}", "warning"
        for reason in (*line.charge.reasons, *line.charge.quote.remarks):
            yield f"    {reason}", "dim"
    yield f"{column.band} {column.head}".strip() or column.name, "head"
    yield f"  {COST_DEFINITIONS[column.definition]}", "base"
