"""The model's window: which items of a conversation still fit, by the session's truncation strategy.

What was dropped stays dropped: the items remain in the conversation, but the model does not see them any more.
Source: the guide on costs, "truncation"; the limits are those of the models' pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.sim.billing import billed_tokens
from inspector.sim.items import SimItem

_INPUT_LIMITS = (
    ("gpt-realtime-2", 96_000),
    ("gpt-4o-mini-realtime", 12_224),
    ("", 28_224),
)
"""Model prefix to the input tokens that fit beside the longest output: 128k - 32k, 16k and 32k less the reserve."""


def input_limit(model: str) -> int:
    """Return how many input tokens a model takes."""
    return next(limit for prefix, limit in _INPUT_LIMITS if model.startswith(prefix))


class Context:
    """What the model sees of the default conversation."""

    def __init__(self) -> None:
        self._dropped: set[str] = set()

    def overflow(self, items: Sequence[SimItem], budget: int) -> int:
        """Return by how many tokens the items exceed a budget; 0 where they fit."""
        return max(0, sum(_tokens(item) for item in self._seen(items)) - budget)

    def fit(self, items: Sequence[SimItem], truncation: object, budget: int) -> list[SimItem]:
        """Return the items that the model sees; where they do not fit, the oldest are dropped for good.

        Args:
            items: the conversation, in order.
            truncation: the session's strategy; ``disabled`` drops nothing.
            budget: tokens that are left for them beside the instructions and tools.
        """
        seen = self._seen(items)
        if truncation == "disabled" or not self.overflow(seen, budget):
            return seen
        wanted = budget * _retained(truncation)
        total = sum(_tokens(item) for item in seen)
        while len(seen) > 1 and total > wanted:
            oldest = seen.pop(0)
            total -= _tokens(oldest)
            self._dropped.add(oldest.id)
        return seen

    def _seen(self, items: Sequence[SimItem]) -> list[SimItem]:
        return [item for item in items if item.id not in self._dropped]


def budget_of(model: str, truncation: object, fixed_tokens: int) -> int:
    """Return how many tokens the items may have.

    Args:
        model: its window is the limit.
        truncation: the session's strategy; may set a lower limit.
        fixed_tokens: what instructions and tools take.
    """
    budget = max(0, input_limit(model) - fixed_tokens)
    limits = truncation.get("token_limits") if isinstance(truncation, dict) else None
    lower = limits.get("post_instructions") if isinstance(limits, dict) else None
    return min(budget, lower) if isinstance(lower, int) else budget


def _retained(truncation: object) -> float:
    ratio = truncation.get("retention_ratio") if isinstance(truncation, dict) else None
    return float(ratio) if isinstance(ratio, int | float) else 1.0


def _tokens(item: SimItem) -> int:
    return billed_tokens(item).total
