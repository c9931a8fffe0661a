"""A comparison as lines of text, for a terminal of 80 columns or more. Each line shows the place where two texts begin to differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from inspector.analysis.comparison import (
    WAIT,
    ComparedTurn,
    Comparison,
    FigurePair,
    FindingChange,
    OrderChange,
    SettingChange,
    SpreadPair,
    rise_percent,
)
from inspector.analysis.cost_words import money_text, usd_text
from inspector.analysis.form.values import ABSENT
from inspector.analysis.lint.finding import SIGNS
from inspector.analysis.sanitize import sanitized
from inspector.analysis.session_outline import OutlinedTurn, SessionOutline, ToolUse, WireStep
from inspector.analysis.turn_table import KIND_WORDS, UNKNOWN
from inspector.cli.printed_row import ARROWS

HEAD_WIDTH = 11
"""Width of the column that names what a line is about."""
LED_BY = 12
"""Characters shown before the place where two long texts begin to differ."""
SORTS: Mapping[str, tuple[str, str]] = {
    "settings": ("setting", "settings"),
    "turns": ("turn that only one has", "turns that only one has"),
    "texts": ("text", "texts"),
    "tools": ("tool call", "tool calls"),
    "order": ("order of events", "orders of events"),
    "findings": ("finding", "findings"),
}
"""The sorts of ``Comparison.differences`` in words, for one and for many."""


def comparison_lines(comparison: Comparison, width: int = 80) -> Iterator[str]:
    """Yield a comparison as lines of text, free of what a terminal obeys.

    Args:
        comparison: of two sessions.
        width: of the terminal in cells; longer texts are cut.
    """
    for line in _Table(comparison, width).lines():
        yield sanitized(line).rstrip()


class _Table:
    def __init__(self, comparison: Comparison, width: int) -> None:
        self._comparison = comparison
        self._room = max(width - HEAD_WIDTH, 40)
        """Cells of a line behind its head."""

    def lines(self) -> Iterator[str]:
        """Yield all lines: what there is to say of the whole, then turn by turn."""
        comparison = self._comparison
        for name, outline in (("A", comparison.a), ("B", comparison.b)):
            yield f"{name}  {outline.name}"
            yield f"   {_about(outline)}"
        yield ""
        yield from self._section("settings", self._settings())
        yield from self._section("latency", self._latency())
        usage = (_usage_words(pair) for pair in comparison.usage if not _is_equal(pair))
        yield from self._section("usage", usage)
        yield from self._section("findings", map(_finding_words, comparison.findings))
        if comparison.opening is not None:
            yield from self._section("opening", self._order(comparison.opening))
        if comparison.shares_nothing:
            yield "turns      A and B share nothing: no turn of A is like any turn of B"
        else:
            for turn in comparison.turns:
                yield from self._turn(turn)
        yield ""
        yield _conclusion(comparison)

    def _section(self, head: str, lines: Iterator[str]) -> Iterator[str]:
        for number, line in enumerate(lines):
            yield f"{'' if number else head:<{HEAD_WIDTH}}{line}"

    def _settings(self) -> Iterator[str]:
        if self._comparison.no_settings:
            yield f"not compared: {self._comparison.no_settings}"
        for change in self._comparison.settings:
            yield from self._setting(change)

    def _setting(self, change: SettingChange) -> Iterator[str]:
        path = ".".join(change.path)
        a, b = _value_words(change.a), _value_words(change.b)
        if change.path[0] == "tools" and ABSENT in (change.a, change.b):
            yield f"tools  {'+' if change.a is ABSENT else '−'}{'.'.join(change.path[1:])}"
            return
        short = f"{path}  {a} → {b}"
        if len(short) <= self._room:
            yield short
            return
        yield path
        yield from self._texts(a, b)

    def _latency(self) -> Iterator[str]:
        if self._comparison.no_spreads:
            yield f"not compared: {self._comparison.no_spreads}"
        for pair in self._comparison.spreads:
            if pair.a is None or pair.b is None or pair.a.spread != pair.b.spread:
                yield from _spread_lines(pair)

    def _texts(self, a: str, b: str) -> Iterator[str]:
        """Yield two texts below each other, both from before the place where they begin to differ."""
        same = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), 0)
        room = self._room - 4
        is_long = max(len(a), len(b)) > room
        begin = max(0, same - LED_BY) if is_long else 0
        for name, text in (("A", a), ("B", b)):
            yield f"  {name} {_cut(('…' if begin else '') + text[begin:], room)}"

    def _order(self, change: OrderChange) -> Iterator[str]:
        yield f"differs after {change.index} events"
        for name, step in (("A", change.a), ("B", change.b)):
            yield f"  {name} {_step_words(step)}"

    def _turn(self, one: ComparedTurn) -> Iterator[str]:
        if one.a is None or one.b is None:
            yield from self._lone_turn(one)
            return
        if not one.is_different and all(map(_is_equal, (*one.latency, *one.usage))):
            return
        a, b = one.a, one.b
        number = f"turn {a.number}" if a.number == b.number else f"turn {a.number} = {b.number}"
        is_like = one.likeness is not None and one.is_said_different
        alike = f"≈ {one.likeness:.2f}" if is_like else ""
        same = "" if one.is_different else "the same: "
        words = b if a.said is None else a
        told = alike or _cut(f"{same}{_said(words)}", self._room)
        yield f"{number:<{HEAD_WIDTH}}{told}"
        if one.is_said_different:
            yield from self._section("  said", self._texts(_said(a), _said(b)))
        elif (a.said is None) is not (b.said is None):
            yield f"{'  said':<{HEAD_WIDTH}}not compared: no transcript in {'A' if a.said is None else 'B'}"
        if one.is_answer_different:
            answers = self._texts(_quoted(a.answer), _quoted(b.answer))
            yield from self._section("  answer", answers)
        for tool in one.tools:
            lines = self._texts(_tool_words(tool.a), _tool_words(tool.b))
            yield from self._section("  tool", lines)
        if one.order is not None:
            yield from self._section("  order", self._order(one.order))
        yield from self._section("  latency", self._waits(one))
        yield from self._section("  usage", self._turn_usage(one))

    def _lone_turn(self, one: ComparedTurn) -> Iterator[str]:
        name, turn = ("A", one.a) if one.a is not None else ("B", one.b)
        if turn is None:
            return
        head = f"turn {turn.number}"
        yield f"{head:<{HEAD_WIDTH}}{_cut(f'only in {name}: {_said(turn)}', self._room)}"
        if turn.answer:
            yield f"{'  answer':<{HEAD_WIDTH}}{_cut(_quoted(turn.answer), self._room)}"
        for use in turn.tools:
            yield f"{'  tool':<{HEAD_WIDTH}}{_cut(_tool_words(use), self._room)}"

    def _waits(self, one: ComparedTurn) -> Iterator[str]:
        """Yield the whole wait and its parts; nothing if all of them are the same."""
        whole, *parts = one.latency
        if all(map(_is_equal, one.latency)):
            return
        reasons = _reasons(whole)
        yield f"{WAIT} {_ms_words(whole)}{': ' * bool(reasons)}{reasons}"
        words = [f"{part.key} {_ms_words(part)}" for part in parts if not _is_equal(part)]
        yield from _wrapped(words, self._room)

    def _turn_usage(self, one: ComparedTurn) -> Iterator[str]:
        words = [_short_usage(pair) for pair in one.usage if not _is_equal(pair)]
        yield from _wrapped(words, self._room)


def _is_equal(pair: FigurePair) -> bool:
    """Return True if a figure is the same in both sessions, or unknown in both."""
    return pair.a == pair.b


def _about(outline: SessionOutline) -> str:
    count = len(outline.turns)
    date = outline.started_at[:16].replace("T", " ")
    words = [
        f"{date} UTC" if date else "no date",
        outline.model or "model unknown",
        f"{count:,} turn{'s' * (count != 1)}",
        money_text(outline.money),
    ]
    return "  ".join(words)


def _conclusion(comparison: Comparison) -> str:
    found = comparison.differences
    if found:
        words = (f"{count:,} {SORTS[name][count != 1]}" for name, count in found.items())
        return f"differences: {', '.join(words)}"
    count = len(comparison.turns)
    turns = f" in {count:,} turn{'s' * (count != 1)}" if count else ""
    return (
        f"no differences{turns}: settings, texts, tools, order of events and findings are the same"
    )


def _value_words(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    if isinstance(value, str):
        return _quoted(value) if " " in value or not value else " ".join(value.split())
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits
        return str(value)


def _quoted(text: str) -> str:
    return f"“{' '.join(text.split())}”" if text else UNKNOWN


def _said(turn: OutlinedTurn) -> str:
    return _quoted(turn.said) if turn.said is not None else KIND_WORDS[turn.kind]


def _tool_words(use: ToolUse | None) -> str:
    return "no such call" if use is None else f"{use.name or '?'}({use.arguments})"


def _step_words(step: WireStep | None) -> str:
    return "no more events" if step is None else f"{ARROWS[step.direction]} {step.type}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _wrapped(words: list[str], room: int) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + 2 + len(word) > room:
            yield line
            line = ""
        line += f"{'  ' * bool(line)}{word}"
    if line:
        yield line


def _percent(pair: FigurePair) -> str:
    percent = rise_percent(pair)
    if percent is None or percent == float("inf"):
        return ""
    return f" ({_signed(percent)} %)"


def _signed(value: float) -> str:
    rounded = round(value)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded):,}"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def _ms_words(pair: FigurePair) -> str:
    change = "" if pair.difference is None else f" ({_signed(pair.difference)})"
    return f"{_number(pair.a)} → {_number(pair.b)} ms{change}"


def _reasons(pair: FigurePair) -> str:
    if pair.why_a == pair.why_b:
        return pair.why_a
    reasons = (("A", pair.why_a), ("B", pair.why_b))
    return "; ".join(f"{why} in {name}" for name, why in reasons if why)


def _spread_lines(pair: SpreadPair) -> Iterator[str]:
    known = pair.known
    title = f"{known.definition.title} of {known.kind} turns ({known.quality})"
    if pair.a is None or pair.b is None:
        name = "A" if pair.b is None else "B"
        yield f"{title}, only in {name}: p50 {_number(known.spread.p50)} ms  n {known.spread.n}"
        return
    one, other = pair.a.spread, pair.b.spread
    p50, p90 = FigurePair("p50", one.p50, other.p50), FigurePair("p90", one.p90, other.p90)
    yield title
    shown = [
        f"{each.key} {_number(each.a)} → {_number(each.b)} ms{_percent(each)}"
        for each in (p50, p90)
    ]
    yield f"  {'  '.join(shown)}  n {one.n} → {other.n}"


_USAGE_NAMES = {"input_tokens": "tokens in", "output_tokens": "tokens out", "usd": "cost"}


def _amount(key: str, value: float | None) -> str:
    if value is None or key != "usd":
        return _number(value)
    return usd_text(value)


def _short_usage(pair: FigurePair) -> str:
    return f"{_USAGE_NAMES[pair.key]} {_amount(pair.key, pair.a)} → {_amount(pair.key, pair.b)}"


def _usage_words(pair: FigurePair) -> str:
    if pair.a is None or pair.b is None:
        return f"{_short_usage(pair)}: {_reasons(pair)}"
    return f"{_short_usage(pair)}{_percent(pair)}"


def _finding_words(change: FindingChange) -> str:
    state = "new in B" if not change.a else "gone in B" if not change.b else "changed"
    count = f"{change.a}× → {change.b}×" if change.a and change.b else f"{change.a or change.b}×"
    unjudged = f", but not judged in {change.unjudged}" if change.unjudged else ""
    return f"{state}: {SIGNS[change.severity]} {change.rule} {count}{unjudged}"
