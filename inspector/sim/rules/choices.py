"""Choosing one of some answers that the question itself offers: classification, sentiment, routing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inspector.sim.rules.words import Reply, content, cut

_RULE = re.compile(
    r"\b(?:if|when) (?P<cue>[^,.\n]{1,100}),? (?:then )?(?:please )?(?:output|say|reply|respond|answer|return|print|write|label)"
    r"(?: (?:with|it|as|only|just|exactly|the word))* [\"']?(?P<what>[\w -]{1,30}?)[\"']?(?=[.,;\n]|$)",
    re.IGNORECASE,
)
_ELSE = re.compile(
    r"\b(?:otherwise|or else|else|if neither|if none)[^.\n]{0,30}?,? (?:output|say|reply|respond|answer|return|print|write|label)"
    r"(?: (?:with|it|as|only|just|exactly|the word))* [\"']?(?P<what>[\w -]{1,30}?)[\"']?(?=[.,;\n]|$)",
    re.IGNORECASE,
)
_OPTION = r"[\"']?[\w-]+[\"']?"
_OPTIONS = re.compile(
    r"\b(?:classif\w+|categori[sz]e|label|sentiment|rate|decide|choose|pick|determine)\b[^.?!\n]{0,120}?"
    rf"(?:\b(?:as|into|between|from|one of|either|is|whether it is)\b|:) (?P<options>{_OPTION}(?:, {_OPTION}){{0,10}},? (?:or|and) {_OPTION})",
    re.IGNORECASE,
)
_GENERIC = frozenset(
    content("related relates conversation message question sentiment topic about prior text user")
)
_POSITIVE = frozenset(
    content(
        "love loved great wonderful good happy excellent amazing fantastic like enjoy enjoyed best beautiful thanks perfect "
        "awesome nice delighted pleased glad brilliant superb delicious friendly helpful"
    )
)
_NEGATIVE = frozenset(
    content(
        "hate hated bad terrible awful sad angry worst horrible disappointed disappointing broken poor annoyed frustrated "
        "unhappy rude late useless ugly boring upset wrong fail failed problem"
    )
)
_NOT = re.compile(r"\b(?:not|never|no|n't|hardly) (?:\w+ )?(\w+)|n't (?:\w+ )?(\w+)", re.IGNORECASE)


def choice(task: str, material: Sequence[str]) -> Reply | None:
    """Return the one of the offered answers that fits what was said; None where the task offers none.

    Args:
        task: the text that offers them.
        material: what was said, the newest last; where that is the task itself, what it says beside its offer counts.
    """
    task = cut(task)
    ruled = _by_rule(task, material)
    if ruled:
        return Reply(ruled, ruled)
    offered = _OPTIONS.search(task)
    if offered is None:
        return None
    beside = task[: offered.start()] + " " + task[offered.end() :]
    said = " ".join(cut(text) for text in material[-1:] if cut(text) != task)
    options = re.findall(r"[\w-]+", re.sub(r"\b(?:or|and)\b", " ", offered.group("options")))
    chosen = _fitting(options, said or beside)
    return Reply(chosen, chosen)


def _by_rule(task: str, material: Sequence[str]) -> str:
    rules = list(_RULE.finditer(task))
    default = _ELSE.search(task)
    if len(rules) + (default is not None) < 2:
        return ""
    said = {word for text in material for word in content(cut(text))}
    scored = [(len((set(content(rule.group("cue"))) - _GENERIC) & said), rule) for rule in rules]
    best = max((score for score, _ in scored), default=0)
    if not best and default is not None:
        return default.group("what")
    return next(rule.group("what") for score, rule in scored if score == best)


def _fitting(options: Sequence[str], said: str) -> str:
    feeling = _feeling(said)
    wanted = "positive" if feeling > 0 else "negative" if feeling < 0 else "neutral"
    for option in options:
        if option.lower() == wanted:
            return option
    have = set(content(said))
    return max(options, key=lambda option: len(set(content(option)) & have))


def _feeling(text: str) -> int:
    """Return by how many words a text is kind (above 0) or unkind (below 0)."""
    words = content(text)
    total = sum((word in _POSITIVE) - (word in _NEGATIVE) for word in words)
    for found in _NOT.finditer(text):
        (word,) = content(found.group(1) or found.group(2) or "") or ("",)
        total -= 2 * ((word in _POSITIVE) - (word in _NEGATIVE))
    return total
