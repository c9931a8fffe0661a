"""Rules about cost and context: growing costs, broken caches, unheard audio, and items that left the context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from inspector.analysis.charges import Money, total
from inspector.analysis.context_use import ContextUse
from inspector.analysis.cost_words import LEAST_WORTH_USD, money_text, usd_text
from inspector.analysis.ledger import LedgerLine
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import as_json, counted, quoted, ref, seconds, session_update
from inspector.analysis.lint.reference_links import COSTS
from inspector.analysis.lint.visibility import Sight
from inspector.core.billed_tokens import BilledTokens
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from inspector.core.item import Item
from inspector.core.prompt_prefix import PrefixBreak
from inspector.core.read import int_at, object_at
from inspector.core.state import SessionState
from inspector.core.usage import ResponseUsage


class _CostRule(LintRule):
    """A rule that reads the priced records of a session, and nothing of single events."""

    types = frozenset({"response.done"})
    needs = frozenset({Sight.SERVER})

    def apply(self, event: Event, state: SessionState) -> None:
        """Do nothing: a fold collects the records."""


def _prompts(lines: Sequence[LedgerLine]) -> list[tuple[LedgerLine, ContextUse]]:
    """Return the responses whose prompt is the conversation."""
    return [(line, line.context) for line in lines if line.context is not None]


def _counts(line: LedgerLine) -> BilledTokens | None:
    return line.record.tokens if isinstance(line.record, ResponseUsage) else None


# ── growth ────────────────────────────────────────────────────────────────────────────────────────────────────────────

GROWN_TIMES, MUCH_GROWN_TIMES = 2.0, 3.0
"""A conversation is billed again with each turn, so that every session grows; twice as much is worth a word."""
LEAST_TURNS = 4
"""Two answers differ for other reasons."""
LEAST_USD, MUCH_USD = 0.05, 0.25
"""Cost of a session that is worth a note, and a warning."""


class CostGrowth(_CostRule):
    """Turns that cost several times what the first one did."""

    id = "cost-growth"
    title = "turns cost more and more"
    severity = Severity.WARNING
    why = (
        "Each response bills the whole conversation again. Old audio is most of it: a second of the user's voice is ten tokens, at the "
        "price of audio, in every later turn, unless it is cached or leaves the context."
    )
    links = (COSTS, "https://github.com/openai/openai-realtime-console/issues/50")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Compare the dearest turn with the first."""
        state = moment.state
        turn_of = {
            answer.response_id: turn.number
            for turn in state.turns.all
            for answer in turn.answers
            if turn.session == state.turns.sessions
        }
        lines = moment.ledger.lines(state)
        by_turn: dict[int, list[LedgerLine]] = {}
        for line in lines:
            record = line.record
            # A cancelled answer costs too little to be a measure.
            if isinstance(record, ResponseUsage) and record.status == "completed":
                number = turn_of.get(record.response_id)
                if number is not None and line.charge.money is not None:
                    by_turn.setdefault(number, []).append(line)
        whole = _sum(lines)
        if len(by_turn) < LEAST_TURNS or whole is None or whole.middle < LEAST_USD:
            return
        costs = {number: (_sum(found) or whole).middle for number, found in by_turn.items()}
        first = next(iter(costs))
        most = max(costs, key=lambda number: costs[number])
        times = costs[most] / costs[first] if costs[first] else 0.0
        if times < GROWN_TIMES:
            return
        dearest = by_turn[most][-1]
        is_much = times >= MUCH_GROWN_TIMES and whole.middle >= MUCH_USD
        yield self.found(
            Severity.WARNING if is_much else Severity.NOTE,
            (dearest.record.seq, by_turn[first][-1].record.seq),
            f"turn {most} costs {times:.1f}× turn {first} ({usd_text(costs[most])} against {usd_text(costs[first])})"
            f"{_made_of(dearest)}; {_parts_text(lines)}all {money_text(whole)}",
            session_update(
                state, {"truncation": {"type": "retention_ratio", "retention_ratio": 0.8}}
            )
            + ", or delete old items (conversation.item.delete) and put a summary in as text",
        )


def _sum(lines: Iterable[LedgerLine]) -> Money | None:
    amounts = [line.charge.money for line in lines if line.charge.money is not None]
    return total(amounts) if amounts else None


def _made_of(line: LedgerLine) -> str:
    tokens = _counts(line)
    audio = tokens.input_by["audio"] if tokens is not None else None
    if tokens is None or not tokens.input or audio is None:
        return ""
    cached = "" if tokens.cached is None else f", {tokens.cached:,} cached"
    return f": {tokens.input:,} tokens go in, {audio:,} of them audio{cached}"


def _parts_text(lines: Sequence[LedgerLine]) -> str:
    """Return what audio costs in all: ``audio in $0.77, audio out $0.22, ``."""
    sums: dict[str, float] = {}
    for line in lines:
        if isinstance(line.record, ResponseUsage):
            for part in line.charge.lines:
                name = part.name.replace(" cached", " in")
                sums[name] = sums.get(name, 0.0) + part.money.middle
    return "".join(
        f"{name} {usd_text(sums[name])}, "
        for name in ("audio in", "audio out")
        if sums.get(name, 0.0) >= LEAST_WORTH_USD
    )


# ── cache ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_LOST_TOKENS, MUCH_LOST_TOKENS = 500, 4000
"""Tokens billed in full again because of one kind of change: a fraction of a cent, and some cents."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}|\d{4}-\d{2}-\d{2}|\d{9,}")
_CHANGED: Mapping[str, str] = {
    "instructions": "the instructions changed",
    "tools": "the tools changed",
    "delete": "items in the middle were deleted",
    "truncate": "items were truncated",
}


class _Broken(NamedTuple):
    """One prompt that the cache did not know, and the change that caused it."""

    line: LedgerLine
    change: PrefixBreak
    lost: int
    money: Money | None


class CacheBroken(_CostRule):
    """Changes at the beginning of the prompt, so that the cache knows nothing of the rest."""

    id = "cache-broken"
    title = "a change made the cached part of the prompt useless"
    severity = Severity.WARNING
    why = (
        "A prompt is instructions, tools and the conversation, in this order, and only what is the same from its beginning is billed "
        "as cached, at a fraction of the price. A clock in the instructions makes all that follows new, in every turn."
    )
    links = (COSTS, "https://github.com/openai/openai-realtime-console/issues/50")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each kind of change that cost enough."""
        state = moment.state
        prompts = _prompts(moment.ledger.lines(state))
        by_kind: dict[str, list[_Broken]] = {}
        for line, use in prompts:
            # Of several changes the first one in the prompt is what broke it. What the server trims is context-trimmed.
            if use.breaks and use.lost is not None and use.breaks[0].kind in _CHANGED:
                change = use.breaks[0]
                by_kind.setdefault(change.kind, []).append(
                    _Broken(line, change, use.lost, use.lost_money)
                )
        for kind, broken in by_kind.items():
            lost = sum(one.lost for one in broken)
            if lost < LEAST_LOST_TOKENS:
                continue
            yield self.found(
                Severity.WARNING if lost >= MUCH_LOST_TOKENS else Severity.NOTE,
                [one.change.seq for one in broken],
                f"{_cached_text(prompts)}: {_change_text(broken)}; {lost:,} tokens were billed in full again"
                + _money_of(broken),
                _cache_fix(kind),
            )


def _cached_text(prompts: Sequence[tuple[LedgerLine, ContextUse]]) -> str:
    """Return how much was cached of all prompts but the first, which the cache cannot know."""
    known = [use for _, use in prompts if use.cached is not None]
    cached, all_tokens = sum(use.cached or 0 for use in known), sum(use.tokens for use in known)
    return f"{cached:,} of {all_tokens:,} input tokens were cached in {counted(len(known), 'response')}"


def _change_text(broken: Sequence[_Broken]) -> str:
    first = broken[0].change
    count = len(broken)
    text = _CHANGED[first.kind]
    if count > 1:
        text += f" {count:,} times"
    if first.character is not None:
        text += f", first at character {first.character:,}"
    if first.before or first.after:
        clock = ", a clock" if _CLOCK.search(first.before) and _CLOCK.search(first.after) else ""
        text += f" (“{quoted(first.before)}” → “{quoted(first.after)}”{clock})"
    return text


def _money_of(broken: Sequence[_Broken]) -> str:
    amounts = [one.money for one in broken if one.money is not None]
    money = total(amounts) if amounts else None
    if money is None or money.middle < LEAST_WORTH_USD:
        return ""
    return f", about {money_text(money)}"


def _cache_fix(kind: str) -> str:
    if kind == "instructions":
        item = {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "Time now: …"}],
            },
        }
        return f"keep the instructions as they are; put what changes at their end, or send it as an item: {as_json(item)}"
    if kind == "tools":
        return "send the same tools in the same order for the whole session; restrict them with tool_choice"
    return "delete or truncate the newest items only, or many old ones at once and rarely"


# ── not heard ─────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_UNHEARD_MS = 3000
"""Sound that is worth a word even if its price is not known."""
MUCH_UNHEARD_MS = 20_000
UNHEARD_USD = 0.005


class PaidNotHeard(_CostRule):
    """Sound that was billed, and cut off before it was played."""

    id = "paid-not-heard"
    title = "sound was billed that nobody heard"
    severity = Severity.WARNING
    why = (
        "An answer is generated and billed faster than it plays. What follows an interruption is paid for; and unless the app "
        "truncates the item, it stays in the context and is billed again in every turn."
    )
    links = (COSTS,)
    needs = frozenset({Sight.SERVER, Sight.TIMES, Sight.ANSWER_SOUND})

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all of it as one."""
        state = moment.state
        unheard = moment.ledger.unheard(state)
        ms = sum(one.unheard_ms for one in unheard)
        amounts = [one.money for one in unheard if one.money is not None]
        usd = total(amounts).middle if amounts else 0.0
        if not unheard or (ms < LEAST_UNHEARD_MS and usd < UNHEARD_USD):
            return
        items = state.output_audio.items.values()
        of_them = {one.response_id for one in unheard}
        kept = sum(item.response_id in of_them and item.claimed_ms is None for item in items)
        price = f"{usd_text(usd)} for " if usd >= LEAST_WORTH_USD else ""
        which = "it is" if len(unheard) == 1 else counted(kept, "of them is", "of them are")
        stays = f"; {which} still in the context, not truncated"
        basis = "measured" if all(one.basis == "measured" for one in unheard) else "estimated"
        is_much = usd >= LEAST_USD or ms >= MUCH_UNHEARD_MS
        yield self.found(
            Severity.WARNING if is_much else Severity.NOTE,
            [one.seq for one in unheard],
            f"{price}{seconds(ms)} of sound in {counted(len(unheard), 'interrupted answer')} that nobody heard ({basis})"
            f"{stays if kept else ''}",
            "truncate interrupted items at what was played, and ask for shorter answers in the instructions",
            Confidence.CERTAIN if basis == "measured" else Confidence.LIKELY,
        )


# ── trimmed ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_DROP = 0.05
"""Share of a prompt that must be missing; instructions of a single response may be shorter."""
NEAR_LIMIT = 0.6
"""Of the limit: the server trims only a context that is full, and leaves 80 % or less of it."""
DROP_WITHOUT_LIMIT = 0.2
"""… where the limit is not known, and only much is conclusive."""
_ANSWER_TOKENS = 4096
"""Room for an answer in a context of 32,000: the prompt gets what is left."""


class _Trim(NamedTuple):
    """A prompt that the server shortened."""

    seq: int
    before: int
    after: int
    least: int
    """Tokens that must have gone: the answer before came on top."""
    cached: int | None
    is_sure: bool
    """True if the context is known to have been nearly full."""
    position: int
    """Number of the prompt in the session, from 0."""


class ContextTrimmed(_CostRule):
    """Old items that the server left out of the prompt because the context was full."""

    id = "context-trimmed"
    title = "the oldest items left the context"
    severity = Severity.WARNING
    why = (
        "When the context is full, truncation auto leaves the oldest items out, without an event. The model forgets what was said "
        "first, and the cache knows nothing of the new beginning, so that one response is billed in full."
    )
    links = (COSTS, "https://github.com/pydantic/pydantic-ai/pull/6324")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all of it as one, with the items that must have gone first."""
        state = moment.state
        prompts = _prompts(moment.ledger.lines(state))
        trims = [
            trim
            for at in range(1, len(prompts))
            if (trim := _trim_of(at, prompts[at - 1], prompts[at], state)) is not None
        ]
        if not trims:
            return
        first = trims[0]
        gone = _gone(state, prompts, first)
        again = len(trims) - 1
        more = f", and {'once' if again == 1 else f'{again} times'} more" if again else ""
        cached = "" if first.cached is None else f"; {first.cached:,} tokens of it were cached"
        yield self.found(
            Severity.WARNING,
            [one.seq for one in trims],
            f"input fell from {first.before:,} to {first.after:,} tokens at {ref(first.seq)}{more}, and nothing was deleted: "
            f"{gone} left the context{cached}",
            session_update(
                state, {"truncation": {"type": "retention_ratio", "retention_ratio": 0.8}}
            )
            + ", and keep what must not be forgotten in the instructions or in a summary item",
            Confidence.CERTAIN if first.is_sure else Confidence.LIKELY,
        )


def _trim_of(
    at: int,
    earlier: tuple[LedgerLine, ContextUse],
    here: tuple[LedgerLine, ContextUse],
    state: SessionState,
) -> _Trim | None:
    """Return what the server left out of a prompt; None if it did not."""
    before, after = earlier[1].tokens, here[1].tokens
    if not any(change.kind == "trim" for change in here[1].breaks) or after >= before:
        return None
    share = (before - after) / before
    limit = _limit(here[1], state)
    least_share = DROP_WITHOUT_LIMIT if limit is None else LEAST_DROP
    if share < least_share or (limit is not None and before < NEAR_LIMIT * limit):
        return None
    counts = _counts(earlier[0])
    made = sum(count or 0 for count in counts.output_by.values()) if counts is not None else 0
    reasoning = (counts.reasoning or 0) if counts is not None else 0
    least = before - after + max(0, made - reasoning)
    return _Trim(here[0].record.seq, before, after, least, here[1].cached, limit is not None, at)


def _limit(use: ContextUse, state: SessionState) -> int | None:
    """Return how many tokens a prompt may have: by the session's own limit, else by the model."""
    limits = object_at(object_at(state.session.config, "truncation"), "token_limits")
    own = int_at(limits, "post_instructions")
    if own:
        return own
    return None if use.limit is None else max(0, use.limit - _ANSWER_TOKENS)


def _gone(
    state: SessionState, prompts: Sequence[tuple[LedgerLine, ContextUse]], trim: _Trim
) -> str:
    """Return the items that must have gone, in words."""
    sizes = _sizes([_counts(line) for line, _ in prompts[: trim.position]])
    items = _rounds(state, [line for line, _ in prompts[: trim.position]])
    gone: list[Item] = []
    left = trim.least
    for size, group in zip(sizes, items, strict=False):
        if left <= 0 or size is None:
            break
        gone += group
        left -= size
    if not gone or left > 0:
        return f"the oldest items, at least {trim.least:,} tokens,"
    last = f"–{len(gone)}" if len(gone) > 1 else ""
    said = next((item.text for item in gone if item.role == "user" and item.text), "")
    words = f" (“{quoted(said)}”)" if said else ""
    return f"at least item{'s' * (len(gone) > 1)} 1{last}{words}"


def _sizes(counts: Sequence[BilledTokens | None]) -> list[int | None]:
    """Return the tokens of each group of items, in turn: what went in for a response, and what came out of it.

    None if unknown: of what went in first only the audio is known not to be instructions.
    """
    found: list[int | None] = []
    before: BilledTokens | None = None
    for tokens in counts:
        if tokens is None:
            return [*found, None]
        out = sum(count or 0 for count in tokens.output_by.values()) - (tokens.reasoning or 0)
        if before is None:
            went_in = tokens.input_by["audio"] or None
        else:
            made = sum(count or 0 for count in before.output_by.values()) - (before.reasoning or 0)
            went_in = max(0, (tokens.input or 0) - (before.input or 0) - made)
        found += [went_in, max(0, out)]
        before = tokens
    return found


def _rounds(state: SessionState, lines: Sequence[LedgerLine]) -> list[list[Item]]:
    """Return the items of the conversation in the same groups."""
    names = [line.record.response_id for line in lines if isinstance(line.record, ResponseUsage)]
    groups: list[list[Item]] = []
    waiting: list[Item] = []
    for item_id in state.conversation.order:
        item = state.conversation.items[item_id]
        if item.response_id in names:
            at = names.index(item.response_id)
            while len(groups) < 2 * at + 2:
                groups.append([])
            groups[2 * at] += waiting
            groups[2 * at + 1].append(item)
            waiting = []
        else:
            waiting.append(item)
    return groups


RULES: tuple[type[LintRule], ...] = (ContextTrimmed, CacheBroken, CostGrowth, PaidNotHeard)
"""Rules about cost and context."""
