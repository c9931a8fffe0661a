"""Cost in words: amounts, what a summary says worst first, and the definition of each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inspector.analysis.charges import CostLine, Money, Product
from inspector.analysis.context_use import ContextUse
from inspector.analysis.ledger import BreakCost, CostGroup, CostSummary
from inspector.analysis.prices import PER_TOKENS

BREAK_WORDS: Mapping[str, str] = {
    "instructions": "the instructions changed",
    "tools": "the tools changed",
    "delete": "an item was deleted",
    "truncate": "an item was truncated",
    "trim": "the server left the oldest items out",
}
"""The text for each kind of change that breaks a prefix."""
LEAST_SHOWN_USD = 0.0001
"""A smaller amount is only said to be smaller."""
LEAST_WORTH_USD = 0.001
"""A smaller loss is not worth a word."""


_PER = {PER_TOKENS: " / 1M", 60: " / min", 1: ""}


def usd_text(usd: float) -> str:
    """Return an amount with the digits that matter: cents, or two digits of less than ten cents."""
    if usd >= 0.1 or usd == 0:
        return f"${usd:,.2f}" if usd else "$0"
    if usd >= 0.01:
        return f"${usd:.3f}"
    return f"${usd:.4f}" if usd >= LEAST_SHOWN_USD else f"<${LEAST_SHOWN_USD}"


def _least_text(usd: float) -> str:
    return usd_text(usd if usd >= LEAST_SHOWN_USD else 0.0)


def money_text(money: Money | None) -> str:
    """Return an amount, or between which it is, in words."""
    if money is None:
        return "no price"
    if money.high is None:
        return f"at least {_least_text(money.low)}"
    low, high = usd_text(money.low), usd_text(money.high)
    return low if low == high else f"between {low} and {high}"


def short_money(money: Money | None) -> str:
    """Return an amount for a header or a column; ``""`` if unknown."""
    if money is None:
        return ""
    if money.high is None:
        return f"≥{_least_text(money.low)}"
    low, high = usd_text(money.low), usd_text(money.high)
    return low if low == high else f"{low}–{high.replace('$', '')}"


def exact_usd(usd: float) -> str:
    """Return an amount with all of its digits, as a formula needs it."""
    return f"${usd:.10f}".rstrip("0").rstrip(".")


def short_count(count: int) -> str:
    """Return a number of tokens for a header: ``3.1k``, ``128k``."""
    if count < 1000:
        return str(count)
    thousands = count / 1000
    return f"{thousands:.1f}k" if thousands < 100 and count % 1000 >= 50 else f"{thousands:.0f}k"


def context_text(context: ContextUse | None) -> str:
    """Return how full the context is, for a header: ``3.1k/128k``; ``""`` where nothing is known."""
    if context is None:
        return ""
    limit = "" if context.limit is None else f"/{short_count(context.limit)}"
    return f"{short_count(context.tokens)}{limit}"


def line_text(line: CostLine) -> str:
    """Return a line of the formula: ``44 tokens × $2.4 / 1M = $0.0001056``."""
    low = _product_text(line, line.low)
    if line.high is None:
        return f"at least {low}"
    return low if line.low == line.high else f"{low}, or {_product_text(line, line.high)}"


def _product_text(line: CostLine, product: Product) -> str:
    per = _PER.get(round(line.per), f" / {line.per:g}")
    usd = exact_usd(product.usd(line.per))
    quantity = f"{product.quantity:,.6f}".rstrip("0").rstrip(".")
    return f"{quantity} {line.unit} × ${product.price:g}{per} = {usd}"


def break_text(broken: BreakCost) -> str:
    """Return what broke prefixes: what changed, where, how often, and what that cost."""
    words = BREAK_WORDS.get(broken.kind, broken.kind)
    if broken.character is not None:
        words = f"{broken.kind} differ at character {broken.character}"
        if broken.before and broken.after:
            words += f" ({broken.before} became {broken.after})"
    seqs = broken.seqs
    words += f", #{seqs[0]}" if len(seqs) == 1 else f", {len(seqs)} times from #{seqs[0]} on"
    cost = "" if broken.money is None else f": about {money_text(broken.money)} more"
    return f"{words}{cost}"


def cost_verdict(summary: CostSummary, *, unit: str = "turn") -> Iterator[str]:
    """Yield what there is to say of the cost: the sum, then the worst first.

    Args:
        summary: the numbers.
        unit: what its groups are: turns, or responses where the turns are not known.
    """
    yield money_text(summary.total)
    findings = [(b.money.middle, break_text(b)) for b in summary.breaks if b.money is not None]
    unheard = [one for one in summary.unheard if one.money is not None]
    if unheard:
        usd = sum(one.money.middle for one in unheard if one.money is not None)
        seconds = sum(one.unheard_ms for one in unheard) / 1000
        findings.append((usd, f"about {usd_text(usd)} for {seconds:.1f} s nobody heard"))
    for usd, words in sorted(findings, key=lambda one: -one[0]):
        if usd >= LEAST_WORTH_USD:
            yield words
    if summary.growth is not None:
        yield growth_text(*summary.growth, unit=unit)


def growth_text(first: CostGroup, most: CostGroup, *, unit: str) -> str:
    """Return how many times the first turn the dearest one costs."""
    if first.money is None or most.money is None:
        return ""
    times = most.money.middle / first.money.middle
    names = (
        f"{unit} {one.key}" if unit == "turn" else f"{unit} #{one.key}" for one in (most, first)
    )
    return f"{next(names)} costs {times:.1f}× {next(names)}"


COST_DEFINITIONS: Mapping[str, str] = {
    "cost": "Σ by modality of (tokens − cached) × price in + cached × price cached + tokens out × price out, at the list price of "
    "the recording's day. Cached tokens are inside the input, reasoning tokens inside the output text. Where the server "
    "does not say which tokens were of what, the cheapest and the dearest that it may mean: “between”. “At least”: something "
    "has no price, or nothing bounds it.",
    "input": "Tokens of the prompt: instructions, tools and the whole conversation, at each response again. "
    "usage.input_tokens of response.done.",
    "cached": "The part of the input that the server had at hand, at the lower price: input_token_details.cached_tokens.",
    "output": "Tokens that the response made; its text holds the words spoken and the reasoning. usage.output_tokens.",
    "reasoning": "Part of the output text: output_token_details.reasoning_tokens. It is billed as text and does not stay in the "
    "conversation.",
    "context": "The input of the last response, against the tokens that the model can take. What Azure's 2.x models take is not known.",
    "rebilled": "Of the input, what the response before had paid for too: by modality the smaller of the two inputs. Its money is "
    "what it cost again, the cached part at the cached price.",
    "break": "A change in the part that two prompts share (instructions, tools, a deleted, truncated or left out item), after which "
    "at least 128 tokens of it were not cached. The character is where the first word begins that differs. "
    "Its cost is an estimate: those tokens × (price in − price cached).",
    "unheard": "Audio tokens of the output × the share of its sound that was received and not heard, where it was cut off: by the "
    "player (measured), the client's truncation (event), or the clock (estimated). They stay in the context until truncated.",
    "next": "An estimate: what is in the conversation now, as much new input as came on average before the last responses, and as "
    "much output as they made; likely with the cached share of the last one, between all cached and nothing.",
    "transcription": "The user's sound as text is billed apart, by the tokens or the seconds of its usage. A transcriber that is "
    "billed by time and reports tokens: ten of them are a second.",
    "time": "GPT-Live bills the session by the second, pauses lower; its readings are cumulative. xAI bills billable_audio_seconds "
    "and each text message that the client puts in.",
    "zone": "Azure costs the list price, and a tenth more in a data zone of the US or the EU: --zone, or [zones] by host in "
    "prices.toml, or the deployment's name.",
    "price": "The list price in US dollars that held on the day on which the recording began; the newest where it has no date. Rows of "
    "prices.toml in the configuration folder replace those of the program.",
}
"""What each number means, by the name that --explain takes."""
