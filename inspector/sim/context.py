"""The model's context window: which conversation items still fit, given the session's truncation strategy.

A dropped item stays in the conversation but is never shown to the model again, so that the cached prefix stays stable.
Source: https://developers.openai.com/api/docs/guides/realtime-costs#truncation, and the context windows on the models' pages.
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
"""Model prefix to input limit: the context window (128k, 16k, 32k) minus the room reserved for the output."""


def input_limit(model: str) -> int:
    """Return the largest number of input tokens that a model accepts."""
    return next(limit for prefix, limit in _INPUT_LIMITS if model.startswith(prefix))


class Context:
    """The part of the default conversation that the model sees."""

    def __init__(self) -> None:
        self._dropped: set[str] = set()

    def overflow(self, items: Sequence[SimItem], budget: int) -> int:
        """Return by how many tokens the items exceed a budget; 0 if they fit."""
        return max(0, sum(_tokens(item) for item in self._seen(items)) - budget)

    def fit(self, items: Sequence[SimItem], truncation: object, budget: int) -> list[SimItem]:
        """Return the items that the model sees, dropping the oldest permanently if they do not fit.

        Args:
            items: the conversation, in order.
            truncation: the session's strategy; ``disabled`` drops nothing.
            budget: tokens available for items, after instructions and tools.
        """
        seen = self._seen(items)
        if truncation == "disabled" or not self.overflow(seen, budget):
            return seen
        # With a retention ratio, cut below the budget at once: many small cuts would break the cached prefix each time.
        target = budget * _retained(truncation)
        total = sum(_tokens(item) for item in seen)
        while (
            len(seen) > 1 and total > target
        ):  # never drop the newest item, which is to be answered
            oldest = seen.pop(0)
            total -= _tokens(oldest)
            self._dropped.add(oldest.id)
        return seen

    def _seen(self, items: Sequence[SimItem]) -> list[SimItem]:
        return [item for item in items if item.id not in self._dropped]


def budget_of(model: str, truncation: object, fixed_tokens: int) -> int:
    """Return how many tokens are available for items.

    Args:
        model: determines the input limit.
        truncation: the session's strategy; its ``token_limits.post_instructions`` may lower the limit.
        fixed_tokens: tokens of the instructions and tools.
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
