"""Routing instructions such as ``if it is about sales, output "sales"``, applied to the conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inspector.sim.rules.english import content, cut

_THEN = (
    r"(?:output|say|reply|respond|answer|return|print|write|label)"
    r"(?: (?:with|it|as|only|just|exactly|the word))* [\"']?(?P<what>[\w -]{1,30}?)[\"']?(?=[.,;\n]|$)"
)
_RULE = re.compile(
    rf"\b(?:if|when) (?P<cue>[^,.\n]{{1,100}}),? (?:then )?(?:please )?{_THEN}", re.IGNORECASE
)
_ELSE = re.compile(
    rf"\b(?:otherwise|or else|else|if neither|if none)[^.\n]{{0,30}}?,? {_THEN}", re.IGNORECASE
)
_GENERIC = frozenset(
    content("related relates conversation message question sentiment topic about prior text user")
)


def routing_reply(order: str, texts: Sequence[str]) -> str:
    """Return the output of the best matching of at least two routing rules; ``""`` if the order has fewer."""
    order = cut(order)
    rules = list(_RULE.finditer(order))
    default = _ELSE.search(order)
    if len(rules) + (default is not None) < 2:  # a single rule is a case for ``rule_for``
        return ""
    words = {word for text in texts for word in content(cut(text))}
    scored = [(len((set(content(rule.group("cue"))) - _GENERIC) & words), rule) for rule in rules]
    best = max((score for score, _ in scored), default=0)
    if not best and default is not None:
        return default.group("what")
    return next(rule.group("what") for score, rule in scored if score == best)
