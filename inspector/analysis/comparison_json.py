"""A comparison as plain JSON values: null for what is not known, with its reason."""

from __future__ import annotations

from typing import Any

from inspector.analysis.charges import Money
from inspector.analysis.comparison import (
    ComparedTurn,
    Comparison,
    FigurePair,
    FindingChange,
    OrderChange,
    SettingChange,
    SpreadPair,
    rise_percent,
)
from inspector.analysis.form.values import ABSENT
from inspector.analysis.percentiles import FigureSpread
from inspector.analysis.session_outline import OutlinedTurn, SessionOutline, ToolUse, WireStep


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON."""
    opening = comparison.opening
    return {
        "differences": dict(comparison.differences),
        "shares_nothing": comparison.shares_nothing,
        "a": _session(comparison.a),
        "b": _session(comparison.b),
        "settings": [_setting(one) for one in comparison.settings],
        "settings_unknown": comparison.no_settings or None,
        "opening": None if opening is None else _order(opening),
        "turns": [_turn(one) for one in comparison.turns],
        "latency": [_spreads(one) for one in comparison.spreads],
        "latency_unknown": comparison.no_spreads or None,
        "usage": [_figure(one) for one in comparison.usage],
        "findings": [_finding(one) for one in comparison.findings],
    }


def _session(outline: SessionOutline) -> dict[str, Any]:
    return {
        "recording": outline.name,
        "started_at": outline.started_at or None,
        "model": outline.model or None,
        "turns": len(outline.turns),
        "input_tokens": outline.tokens.input,
        "output_tokens": outline.tokens.output,
        "usd": _usd(outline.money),
    }


def _usd(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"low": money.low, "high": money.high}


def _setting(change: SettingChange) -> dict[str, Any]:
    only = "b" if change.a is ABSENT else "a" if change.b is ABSENT else None
    return {
        "path": ".".join(change.path),
        "only": only,
        "a": None if change.a is ABSENT else change.a,
        "b": None if change.b is ABSENT else change.b,
    }


def _turn(one: ComparedTurn) -> dict[str, Any]:
    return {
        "a": None if one.a is None else _side(one.a),
        "b": None if one.b is None else _side(one.b),
        "likeness": _rounded(one.likeness),
        "differs": [
            name
            for name, is_different in (
                ("turn", one.a is None or one.b is None),
                ("said", one.is_said_different),
                ("answer", one.is_answer_different),
                ("tools", bool(one.tools)),
                ("order", one.order is not None),
            )
            if is_different
        ],
        "tools": [{"a": _tool(each.a), "b": _tool(each.b)} for each in one.tools],
        "order": None if one.order is None else _order(one.order),
        "latency": [_figure(each) for each in one.latency],
        "usage": [_figure(each) for each in one.usage],
    }


def _side(turn: OutlinedTurn) -> dict[str, Any]:
    return {
        "turn": turn.number,
        "kind": turn.kind.value,
        "said": turn.said,
        "answer": turn.answer,
        "tools": [_tool(each) for each in turn.tools],
    }


def _tool(use: ToolUse | None) -> dict[str, Any] | None:
    return None if use is None else {"name": use.name or None, "arguments": use.arguments}


def _order(change: OrderChange) -> dict[str, Any]:
    return {"same": change.index, "a": _step(change.a), "b": _step(change.b)}


def _step(step: WireStep | None) -> dict[str, Any] | None:
    return None if step is None else {"dir": step.direction.value, "type": step.type}


def _figure(pair: FigurePair) -> dict[str, Any]:
    percent = rise_percent(pair)
    return {
        "figure": pair.key,
        "a": _rounded(pair.a),
        "b": _rounded(pair.b),
        "difference": _rounded(pair.difference),
        # JSON has no infinity: above 0 no percentage says anything.
        "percent": None if percent in (None, float("inf")) else _rounded(percent),
        "unknown_a": pair.why_a or None,
        "unknown_b": pair.why_b or None,
    }


def _spreads(pair: SpreadPair) -> dict[str, Any]:
    known = pair.known
    return {
        "figure": known.definition.name,
        "kind": known.kind,
        "quality": known.quality,
        "a": _spread(pair.a),
        "b": _spread(pair.b),
    }


def _spread(one: FigureSpread | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"n": one.spread.n, "p50": _rounded(one.spread.p50), "p90": _rounded(one.spread.p90)}


def _finding(change: FindingChange) -> dict[str, Any]:
    return {
        "rule": change.rule,
        "severity": change.severity.value,
        "a": change.a,
        "b": change.b,
        "unjudged": change.unjudged or None,
    }


def _rounded(value: float | None) -> float | None:
    # Six places: money of one turn is small.
    return None if value is None else round(value, 6)
