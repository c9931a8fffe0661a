"""Alignment of the turns of two sessions: which turn of one stands beside which of the other, in order, by what the user said.

Turns in which the user said the same stand beside each other first; between these, those that are alike. Ids and times are
not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from inspector.analysis.session_outline import OutlinedTurn
from inspector.core.turn_counter import TurnKind

LEAST_LIKENESS = 0.3
"""Words are less alike than this by chance: “what is the weather” and “what is the time of the day” share two small ones."""
MOST_PAIRS = 4_000
"""Pairs of turns whose likeness is computed between two equal ones; beyond it their order decides."""
MOST_TURNS = 2_000
"""Turns that differ at all, in both sessions together, up to which equal ones are looked for."""
MOST_WORDS = 100
"""Words of a turn that are compared; a longer text rarely begins alike and goes on as another."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
"""A word; scripts that are written without spaces count by the character."""
_Key = tuple[TurnKind | None, tuple[str, ...]]


class TurnPair(NamedTuple):
    """One turn of each session beside the other, or one alone."""

    a: int | None
    """Index of the turn in A; None if only B has it."""
    b: int | None
    """Index of the turn in B; None if only A has it."""
    likeness: float | None
    """Share of the user's words that are the same, 0..1; None for a turn alone, or if the words of either are unknown."""


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """Return how alike two lists of words are, 0..1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def words_of(said: str) -> tuple[str, ...]:
    """Return the words of a text that are compared: without case and punctuation."""
    return tuple(_WORD.findall(said.casefold())[:MOST_WORDS])


def aligned(a: Sequence[OutlinedTurn], b: Sequence[OutlinedTurn]) -> list[TurnPair]:
    """Return the turns of two sessions side by side, each once, in order."""
    return list(_Alignment(a, b).pairs())


class _Alignment:
    def __init__(self, a: Sequence[OutlinedTurn], b: Sequence[OutlinedTurn]) -> None:
        self._a = [_key(turn) for turn in a]
        self._b = [_key(turn) for turn in b]
        self._kinds = [turn.kind for turn in a], [turn.kind for turn in b]

    def pairs(self) -> Iterator[TurnPair]:
        """Yield all pairs: equal turns at both ends, and what is between them."""
        a, b = self._a, self._b
        shorter = min(len(a), len(b))
        head = next((at for at in range(shorter) if a[at] != b[at]), shorter)
        rest = shorter - head
        tail = next((at for at in range(rest) if a[-1 - at] != b[-1 - at]), rest)
        yield from (self._pair(at, at) for at in range(head))
        yield from self._middle(range(head, len(a) - tail), range(head, len(b) - tail))
        for at in range(tail, 0, -1):
            yield self._pair(len(a) - at, len(b) - at)

    def _middle(self, a: range, b: range) -> Iterator[TurnPair]:
        """Yield pairs around the turns in which the user said the same."""
        blocks = [(len(a), len(b), 0)]
        if len(a) + len(b) <= MOST_TURNS:
            one, other = self._a[a.start : a.stop], self._b[b.start : b.stop]
            found = SequenceMatcher(None, one, other, autojunk=False)
            blocks = [(block.a, block.b, block.size) for block in found.get_matching_blocks()]
        at_a = at_b = 0
        for block_a, block_b, size in blocks:
            yield from self._gap(a[at_a:block_a], b[at_b:block_b])
            for at in range(size):
                yield self._pair(a[block_a + at], b[block_b + at])
            at_a, at_b = block_a + size, block_b + size

    def _gap(self, a: range, b: range) -> Iterator[TurnPair]:
        """Yield pairs of which no two are the same: those that are the most alike altogether."""
        if len(a) * len(b) > MOST_PAIRS:
            pairs = [(one, other) for one, other in zip(a, b, strict=False)]
            pairs = [pair for pair in pairs if self._score(*pair) >= LEAST_LIKENESS]
        else:
            pairs = self._best(a, b)
        at_a, at_b = a.start, b.start
        for one, other in [*pairs, (a.stop, b.stop)]:
            yield from (TurnPair(at, None, None) for at in range(at_a, one))
            yield from (TurnPair(None, at, None) for at in range(at_b, other))
            if one < a.stop:
                yield self._pair(one, other)
            at_a, at_b = one + 1, other + 1

    def _best(self, a: range, b: range) -> list[tuple[int, int]]:
        """Return the pairs, in order, whose likeness has the greatest sum."""
        scores = [[self._score(one, other) for other in b] for one in a]
        sums = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i in reversed(range(len(a))):
            for j in reversed(range(len(b))):
                beside = scores[i][j] + sums[i + 1][j + 1] if scores[i][j] else 0.0
                sums[i][j] = max(sums[i + 1][j], sums[i][j + 1], beside)
        pairs, i, j = [], 0, 0
        while i < len(a) and j < len(b):
            if scores[i][j] and sums[i][j] == scores[i][j] + sums[i + 1][j + 1]:
                pairs.append((a[i], b[j]))
                i, j = i + 1, j + 1
            elif sums[i][j] == sums[i + 1][j]:
                i += 1
            else:
                j += 1
        return pairs

    def _score(self, a: int, b: int) -> float:
        """Return how alike two turns are; 0 if they must not stand beside each other."""
        (_, one), (_, other) = self._a[a], self._b[b]
        if one and other:
            found = likeness(one, other)
            return found if found >= LEAST_LIKENESS else 0.0
        # What was said may be the same; all that is known is what caused the turns.
        return LEAST_LIKENESS if self._kinds[0][a] is self._kinds[1][b] else 0.0

    def _pair(self, a: int, b: int) -> TurnPair:
        (_, one), (_, other) = self._a[a], self._b[b]
        return TurnPair(a, b, likeness(one, other) if one and other else None)


def _key(turn: OutlinedTurn) -> _Key:
    """Return what is equal in equal turns: the words, spoken or written; without words, what caused the turn."""
    words = words_of(turn.said or "")
    return (None, words) if words else (turn.kind, ())
