"""The verdict: a session in one line, the worst problem first, each part linked to an event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from inspector.analysis.cost_words import (
    BREAK_WORDS,
    LEAST_WORTH_USD,
    growth_text,
    short_money,
    usd_text,
)
from inspector.analysis.latency_summary import LatencySummary
from inspector.analysis.ledger import BreakCost, CostGroup, CostSummary
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.sanitize import sanitized
from inspector.core.causes import SessionProblem
from inspector.core.session_fold import ASKS_NOTHING
from inspector.core.state import SessionState

MAX_MESSAGE_CHARS = 72
"""Of a server's own words; the event has them all."""
MAX_FINDING_CHARS = 96
"""Length of a finding's text; the Findings view has all of it."""
MAX_PROBLEMS = 3
"""Kinds of errors, and rules, listed separately; the rest are only counted."""
BAR = " · "
"""Between two parts of the line."""


class VerdictTone(StrEnum):
    """How much a part matters, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    """What costs time or money."""
    FACT = "fact"
    """What is as it should be."""


_TONES = {Severity.ERROR: VerdictTone.ERROR, Severity.WARNING: VerdictTone.WARNING}
"""The severities of findings that are part of a verdict."""
SIGNS = {VerdictTone.ERROR: "✗ ", VerdictTone.WARNING: "⚠ "}
"""Prefix of a part, so that severity does not depend on colour."""


@dataclass(frozen=True, slots=True)
class VerdictPart:
    """One part of the verdict."""

    words: str
    """Sanitised for the terminal; without its sign."""
    tone: VerdictTone
    seq: int = 0
    """The event that it leads to; 0 for none."""
    is_total: bool = False
    """True for the total cost."""
    rule: str = ""
    """The rule whose findings it is about; ``""`` for none."""

    @property
    def text(self) -> str:
        """Return the words with their sign."""
        return f"{SIGNS.get(self.tone, '')}{self.words}"


def verdict(
    state: SessionState,
    cost: CostSummary | None = None,
    latency: LatencySummary | None = None,
    findings: Sequence[Finding] = (),
    *,
    unit: str = "turn",
) -> list[VerdictPart]:
    """Return the verdict on a session, the worst first.

    Args:
        state: by now.
        cost: what it cost; None while that is not known.
        latency: how long the user waited; None while that is not known.
        findings: what the rules find, worst first; errors that they name, or whose cause they name, are not repeated.
        unit: what the groups of ``cost`` are: ``turn`` or ``response``.
    """
    shown = [finding for finding in findings if finding.severity in _TONES]
    rules = {finding.rule for finding in shown}
    explained = {seq for finding in findings for seq in finding.seqs}
    named = {seq for finding in shown for seq in finding.seqs}
    problems = [
        problem
        for problem in state.problems.all
        if problem.seq not in explained and problem.cause_seq not in named
    ]
    parts = [*_findings(shown), *_problems(problems)]
    if latency is not None:
        parts += _turns(latency, rules, are_answered=state.session.kind not in ASKS_NOTHING)
    if cost is not None:
        parts += _costs(cost, unit, rules)
    order = list(VerdictTone)
    return sorted(parts, key=lambda part: order.index(part.tone))


def verdict_line(parts: Sequence[VerdictPart]) -> str:
    """Return the verdict as one line of text."""
    return BAR.join(part.text for part in parts)


def _findings(findings: Sequence[Finding]) -> Iterator[VerdictPart]:
    """Yield the findings that are errors or warnings: those of one rule together."""
    for severity, tone in _TONES.items():
        by_rule: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.severity is severity:
                by_rule.setdefault(finding.rule, []).append(finding)
        groups = list(by_rule.values())
        for group in groups[:MAX_PROBLEMS]:
            more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
            words = _short(group[0].text, MAX_FINDING_CHARS)
            seq = group[0].seqs[0] if group[0].seqs else 0
            yield VerdictPart(f"{words}{more}", tone, seq, rule=group[0].rule)
        rest = [group[0] for group in groups[MAX_PROBLEMS:]]
        if rest:
            words = f"{len(rest):,} other kind{'s' * (len(rest) != 1)} of {severity.value}"
            yield VerdictPart(words, tone, rest[0].seqs[0] if rest[0].seqs else 0)


def _problems(problems: Sequence[SessionProblem]) -> Iterator[VerdictPart]:
    """Yield the errors, then the warnings: those of one code together, the most frequent first."""
    for is_error, tone in ((True, VerdictTone.ERROR), (False, VerdictTone.WARNING)):
        found = [one for one in problems if one.is_error is is_error]
        ordered = sorted(found, key=_kind)
        groups = [list(group) for _, group in groupby(ordered, _kind)]
        groups.sort(key=lambda group: (-len(group), group[0].seq))
        for group in groups[:MAX_PROBLEMS]:
            yield VerdictPart(_problem_words(group), tone, group[0].seq)
        rest = [one for group in groups[MAX_PROBLEMS:] for one in group]
        if rest:
            what = "errors" if is_error else "warnings"
            yield VerdictPart(f"{len(rest):,} other {what}", tone, rest[0].seq)


def _kind(problem: SessionProblem) -> str:
    """Return the key by which problems are grouped."""
    if problem.code.startswith("response_"):
        return f"{problem.code} {problem.message}"
    return problem.code


def _problem_words(group: Sequence[SessionProblem]) -> str:
    first, count = group[0], len(group)
    message = _short(first.message)
    if first.code.startswith("response_"):
        status = first.code.removeprefix("response_")
        what = f"{count:,} answers {status}" if count > 1 else f"an answer {status}"
    elif first.code.isdecimal():
        what = f"closed {first.code}" + (f", {count:,} times" if count > 1 else "")
    else:
        noun = "error" if first.is_error else "warning"
        what = f"{count:,} {noun}{'s' * (count != 1)}"
        message = message or _short(first.code)
    return f"{what}: {message}" if message else what


def _short(message: str, room: int = MAX_MESSAGE_CHARS) -> str:
    text = sanitized(" ".join(message.split())).rstrip(".")
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _turns(
    latency: LatencySummary, rules: Collection[str], *, are_answered: bool
) -> Iterator[VerdictPart]:
    """Yield the slowest turn, unless a rule of ``rules`` has named it, and what is known of all turns."""
    slow = latency.slow
    if slow is not None and "slow-turn" not in rules:
        why = f": {sanitized(slow.words)}" if slow.words else ""
        words = f"turn {slow.number} took {'over ' * slow.is_least}{slow.wait_ms / 1000:.1f} s{why}"
        yield VerdictPart(words, VerdictTone.NOTE, slow.seq)
    count, missing = latency.turns, latency.turns - latency.answered - latency.waiting
    if not count:
        return
    yield VerdictPart(f"{count:,} turn{'s' * (count != 1)}", VerdictTone.FACT, latency.first_seq)
    if are_answered:
        tone = VerdictTone.WARNING if missing > 0 else VerdictTone.FACT
        words = f"answered {latency.answered:,}" + (f" of {count:,}" if missing > 0 else "")
        yield VerdictPart(words, tone, latency.unanswered_seq)
    if latency.median_ms is not None:
        words = f"median {latency.figure} {latency.median_ms:,.0f} ms"
        yield VerdictPart(words, VerdictTone.FACT, latency.median_seq)


def _costs(cost: CostSummary, unit: str, rules: Collection[str]) -> Iterator[VerdictPart]:
    """Yield what made the session expensive, unless a rule of ``rules`` has named it, and the total."""
    breaks = () if "cache-broken" in rules else cost.breaks
    notes = [(b.money.middle, _break_part(b)) for b in breaks if b.money is not None]
    unheard = [one for one in cost.unheard if one.unheard_ms]
    if unheard and "paid-not-heard" not in rules:
        usd = sum(one.money.middle for one in unheard if one.money is not None)
        seconds = sum(one.unheard_ms for one in unheard) / 1000
        count = len(unheard)
        what = f"{count:,} answers cut off" if count > 1 else "an answer cut off"
        price = f", about {usd_text(usd)}" if usd >= LEAST_WORTH_USD else ""
        part = VerdictPart(
            f"{what}: {seconds:.1f} s not heard{price}", VerdictTone.NOTE, unheard[0].seq
        )
        notes.append((max(usd, LEAST_WORTH_USD), part))
    yield from (
        part for usd, part in sorted(notes, key=lambda one: -one[0]) if usd >= LEAST_WORTH_USD
    )
    if cost.growth is not None and "cost-growth" not in rules:
        first, most = cost.growth
        words = growth_text(first, most, unit=unit)
        if words:
            yield VerdictPart(words, VerdictTone.NOTE, _last_seq(most))
    if cost.total is not None:
        words = short_money(cost.total)
        yield VerdictPart(words, VerdictTone.FACT, cost.last_seq, is_total=True)


def _break_part(broken: BreakCost) -> VerdictPart:
    """Return what broke the prefix, how often, and what that cost: in fewer words than ``inspector cost`` has for it."""
    words = BREAK_WORDS.get(broken.kind, broken.kind)
    if broken.character is not None:
        words = f"{broken.kind} changed at character {broken.character}"
    count = len(broken.seqs)
    times = f" {count:,} times" if count > 1 else ""
    price = "" if broken.money is None else f", about {short_money(broken.money)} more"
    return VerdictPart(
        sanitized(f"cache lost{times}: {words}{price}"), VerdictTone.NOTE, broken.seqs[0]
    )


def _last_seq(group: CostGroup) -> int:
    return group.lines[-1].record.seq if group.lines else 0
