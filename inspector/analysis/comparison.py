"""Comparison: what differs between two recorded sessions, A and B, as data.

Latency and cost differ in any two sessions, so they are figures and not differences; ``rise_percent`` is for limits on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from inspector.analysis.form.values import ABSENT, MemberPath, is_same
from inspector.analysis.latency import NO_TIMES, Latency
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.percentiles import FigureSpread, spreads
from inspector.analysis.session_outline import OutlinedTurn, SessionOutline, ToolUse, WireStep
from inspector.analysis.turn_alignment import aligned

FIGURES = ("voice_to_voice_ms", "wait_ms", "first_sound_ms")
"""Figures whose percentiles are compared; a limit on latency is about the first of them that both sessions have."""
NOT_DESCRIBED = "no event describes the session"
NO_PRICE = "no price"
NO_USAGE = "no usage reported"
NO_SUCH_PART = "the wait has no such part"
WAIT = "wait"
"""Key of the whole wait among the parts of a latency."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that differs."""

    path: MemberPath
    a: Any
    """Its value in A; ``ABSENT`` if A has no such member."""
    b: Any
    """Its value in B; ``ABSENT`` if B has no such member."""


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A call of a tool that differs, or that only one of the sessions makes."""

    a: ToolUse | None
    b: ToolUse | None


@dataclass(frozen=True, slots=True)
class OrderChange:
    """Where two sequences of events begin to differ."""

    index: int
    """Number of events that are the same, from the first."""
    a: WireStep | None
    """The next event in A; None at its end."""
    b: WireStep | None
    """The next event in B; None at its end."""


@dataclass(frozen=True, slots=True)
class FigurePair:
    """One figure of both sessions."""

    key: str
    a: float | None
    b: float | None
    why_a: str = ""
    """Why it is unknown in A; ``""`` if it is known."""
    why_b: str = ""
    """Why it is unknown in B; ``""`` if it is known."""

    @property
    def difference(self) -> float | None:
        """Return B minus A; None if either is unknown."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True, slots=True)
class SpreadPair:
    """The distribution of one figure over comparable turns of both sessions."""

    a: FigureSpread | None
    """None if no turn of A has the figure in this kind and quality."""
    b: FigureSpread | None
    """None if no turn of B has the figure in this kind and quality."""

    @property
    def known(self) -> FigureSpread:
        """Return either; they have figure, kind of turn and quality in common."""
        found = self.a or self.b
        if found is None:
            raise ValueError("a pair of distributions needs one")
        return found


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A rule with more or fewer findings in B than in A."""

    rule: str
    severity: Severity
    """The worst of its findings in either."""
    a: int
    """Findings in A."""
    b: int
    """Findings in B."""
    unjudged: str
    """``A`` or ``B`` if the rule could not judge that recording, so that nothing follows; ``""`` if it judged both."""


@dataclass(frozen=True, slots=True)
class ComparedTurn:
    """A turn of A and the turn of B beside it."""

    a: OutlinedTurn | None
    """None if only B has it."""
    b: OutlinedTurn | None
    """None if only A has it."""
    likeness: float | None = None
    """See ``TurnPair``."""
    is_said_different: bool = False
    """True if the user said something else; False if the words of either are unknown."""
    is_answer_different: bool = False
    tools: tuple[ToolChange, ...] = ()
    order: OrderChange | None = None
    """None if the same events came in the same order."""
    latency: tuple[FigurePair, ...] = ()
    """The whole wait, then its parts, in milliseconds."""
    usage: tuple[FigurePair, ...] = ()
    """Tokens in and out, and US dollars."""

    @property
    def is_different(self) -> bool:
        """Return True if anything but latency and usage differs."""
        return bool(
            self.a is None
            or self.b is None
            or self.is_said_different
            or self.is_answer_different
            or self.tools
            or self.order
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two sessions."""

    a: SessionOutline
    b: SessionOutline
    settings: tuple[SettingChange, ...]
    no_settings: str
    """Why settings could not be compared; ``""`` if they were."""
    opening: OrderChange | None
    """In the events before the first turn."""
    turns: tuple[ComparedTurn, ...]
    spreads: tuple[SpreadPair, ...]
    no_spreads: str
    """Why no latency could be compared; ``""`` if any was."""
    usage: tuple[FigurePair, ...]
    """Tokens in and out, and US dollars, of all responses."""
    findings: tuple[FindingChange, ...]

    @property
    def shares_nothing(self) -> bool:
        """Return True if both sessions have turns, and none of A stands beside one of B."""
        return bool(self.a.turns and self.b.turns) and not any(
            one.a is not None and one.b is not None for one in self.turns
        )

    @property
    def differences(self) -> Mapping[str, int]:
        """Return the number of differences of each sort; without sorts that have none."""
        both = [one for one in self.turns if one.a is not None and one.b is not None]
        counts = {
            "settings": len(self.settings),
            "turns": len(self.turns) - len(both),
            "texts": sum(one.is_said_different + one.is_answer_different for one in both),
            "tools": sum(len(one.tools) for one in both),
            "order": sum(one.order is not None for one in both) + (self.opening is not None),
            "findings": sum(not one.unjudged for one in self.findings),
        }
        return {name: count for name, count in counts.items() if count}


def compare(a: SessionOutline, b: SessionOutline) -> Comparison:
    """Return what differs between two sessions."""
    settings, no_settings = _settings(a, b)
    pairs = _spreads(a, b)
    return Comparison(
        a,
        b,
        settings,
        no_settings,
        _order(a.opening, b.opening),
        tuple(
            _compared(
                None if pair.a is None else a.turns[pair.a],
                None if pair.b is None else b.turns[pair.b],
                pair.likeness,
            )
            for pair in aligned(a.turns, b.turns)
        ),
        pairs,
        "" if any(one.a and one.b for one in pairs) else _why_no_spreads(a, b, pairs),
        _usage(a, b),
        tuple(_findings(a, b)),
    )


def rise_percent(pair: FigurePair) -> float | None:
    """Return by how many percent B is above A, negative if it is below; None if either is unknown.

    Above 0 everything is infinitely more.
    """
    if pair.a is None or pair.b is None:
        return None
    if not pair.a:
        return float("inf") if pair.b > 0 else 0.0
    return (pair.b - pair.a) / pair.a * 100


def median_pair(comparison: Comparison) -> FigurePair | None:
    """Return the medians that a limit on latency is about; None if no figure is known of both sessions."""
    for name in FIGURES:
        known = [
            (one.a, one.b)
            for one in comparison.spreads
            if one.a is not None and one.b is not None and one.a.definition.name == name
        ]
        if known:
            # The kind of turn of which there are most.
            one, other = max(known, key=lambda pair: min(pair[0].spread.n, pair[1].spread.n))
            return FigurePair(name, one.spread.p50, other.spread.p50)
    return None


def cost_pair(comparison: Comparison) -> FigurePair:
    """Return what both sessions cost."""
    return comparison.usage[-1]


def _settings(a: SessionOutline, b: SessionOutline) -> tuple[tuple[SettingChange, ...], str]:
    one, other = a.settings, b.settings
    if one is None or other is None:
        # Two files without a description are alike in that.
        if one is None and other is None:
            return (), f"{NOT_DESCRIBED} in A and B"
        return (), f"{NOT_DESCRIBED} in {'A' if one is None else 'B'}"
    return tuple(_changes(one, other)), ""


def _changes(a: Any, b: Any, path: MemberPath = ()) -> Iterator[SettingChange]:
    """Yield the members that differ; an object that only one has, or has for null, is one change."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            yield from _changes(a.get(key, ABSENT), b.get(key, ABSENT), (*path, key))
    elif ABSENT in (a, b) or not is_same(a, b):
        yield SettingChange(path, a, b)


def _compared(
    a: OutlinedTurn | None, b: OutlinedTurn | None, likeness: float | None
) -> ComparedTurn:
    if a is None or b is None:
        return ComparedTurn(a, b)
    return ComparedTurn(
        a,
        b,
        likeness,
        None not in (a.said, b.said) and a.said != b.said,
        a.answer != b.answer,
        tuple(_tools(a.tools, b.tools)),
        _order(a.steps, b.steps),
        tuple(_latency(a.latency, b.latency)),
        _usage(a, b),
    )


def _tools(a: Sequence[ToolUse], b: Sequence[ToolUse]) -> Iterator[ToolChange]:
    """Yield the calls that differ: those of the same tool beside each other, in order."""
    if a == b:
        return
    found = SequenceMatcher(None, a, b, autojunk=False)
    for tag, from_a, to_a, from_b, to_b in found.get_opcodes():
        if tag == "equal":
            continue
        left = list(b[from_b:to_b])
        for use in a[from_a:to_a]:
            at = next((i for i, other in enumerate(left) if other.name == use.name), None)
            yield ToolChange(use, None if at is None else left.pop(at))
        for other in left:
            yield ToolChange(None, other)


def _order(a: Sequence[WireStep], b: Sequence[WireStep]) -> OrderChange | None:
    for index, (one, other) in enumerate(zip_longest(a, b)):
        if one != other:
            return OrderChange(index, one, other)
    return None


def _latency(a: Latency, b: Latency) -> Iterator[FigurePair]:
    yield FigurePair(WAIT, a.wait_ms, b.wait_ms, _why_no_wait(a), _why_no_wait(b))
    one, other = _parts(a), _parts(b)
    why_a, why_b = (dict(latency.unknown) for latency in (a, b))
    for key in dict.fromkeys((*one, *other)):
        # A part that is absent, but not unknown, took no time; that was not measured as 0.
        yield FigurePair(
            key,
            one.get(key),
            other.get(key),
            "" if key in one else why_a.get(key, NO_SUCH_PART),
            "" if key in other else why_b.get(key, NO_SUCH_PART),
        )


def _parts(latency: Latency) -> dict[str, float]:
    """Return the known parts; of several tool rounds, their sums."""
    sums: dict[str, float] = {}
    for part in latency.parts:
        sums[part.key] = sums.get(part.key, 0.0) + part.ms
    return sums


def _why_no_wait(latency: Latency) -> str:
    if latency.wait_ms is not None:
        return ""
    return latency.unknown[0].reason if latency.unknown else NO_TIMES


def _usage(
    a: OutlinedTurn | SessionOutline, b: OutlinedTurn | SessionOutline
) -> tuple[FigurePair, ...]:
    """Return tokens in, tokens out, and dollars."""
    usd_a, usd_b = (None if one.money is None else one.money.middle for one in (a, b))
    return (
        _reasoned("input_tokens", a.tokens.input, b.tokens.input, NO_USAGE),
        _reasoned("output_tokens", a.tokens.output, b.tokens.output, NO_USAGE),
        _reasoned("usd", usd_a, usd_b, NO_PRICE),
    )


def _reasoned(key: str, a: float | None, b: float | None, why: str) -> FigurePair:
    return FigurePair(key, a, b, why if a is None else "", why if b is None else "")


def _spreads(a: SessionOutline, b: SessionOutline) -> tuple[SpreadPair, ...]:
    """Return the distributions beside each other; values that are known in different ways are never compared."""
    one, other = (
        {(each.definition.name, each.kind, each.quality): each for each in _spreads_of(outline)}
        for outline in (a, b)
    )
    keys = sorted({*one, *other}, key=lambda key: (FIGURES.index(key[0]), key))
    return tuple(SpreadPair(one.get(key), other.get(key)) for key in keys)


def _spreads_of(outline: SessionOutline) -> list[FigureSpread]:
    return spreads(outline.measured, figures=FIGURES)


def _why_no_spreads(a: SessionOutline, b: SessionOutline, pairs: Sequence[SpreadPair]) -> str:
    if not a.turns or not b.turns:
        return f"no turns in {_names(not a.turns, not b.turns)}"
    if not a.has_times or not b.has_times:
        return f"no times in {_names(not a.has_times, not b.has_times)}"
    has_a, has_b = any(one.a for one in pairs), any(one.b for one in pairs)
    if has_a and has_b:
        return "the turns differ in kind, or in how their wait is known"
    return f"no wait is known in {_names(not has_a, not has_b)}"


def _names(is_a: bool, is_b: bool) -> str:
    return "A and B" if is_a and is_b else "A" if is_a else "B"


def _findings(a: SessionOutline, b: SessionOutline) -> Iterator[FindingChange]:
    """Yield the rules with another number of findings, the worst first."""
    one, other = (Counter(each.rule for each in outline.findings) for outline in (a, b))
    worst: dict[str, Finding] = {}
    for each in (*a.findings, *b.findings):
        if each.rule not in worst or each.severity.rank < worst[each.rule].severity.rank:
            worst[each.rule] = each
    for rule in sorted(worst, key=lambda name: (worst[name].severity.rank, name)):
        if one[rule] != other[rule]:
            blind = [name for name, side in (("A", a), ("B", b)) if rule in side.unjudged]
            yield FindingChange(
                rule, worst[rule].severity, one[rule], other[rule], " and ".join(blind)
            )
