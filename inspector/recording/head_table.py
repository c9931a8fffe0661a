"""The beginnings of lines that a scanner knows, told apart for all lines of a chunk at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from inspector.core.groups import AUDIO_KEYS
from inspector.core.kinds import REPEATED, Kind, KindTable
from inspector.recording.layouts import Audio, Head, Outcome, Part, salt_of
from inspector.recording.spans import (
    WORD_BYTES,
    Bools,
    Bytes,
    Ints,
    Span,
    Words,
    alike,
    stretches,
    whole_words,
    windows,
)

WINDOW = 64
"""Bytes from ``"dir"`` on by which a head is looked up: the direction, origin and most of the type."""
MAX_HEADS = 4096
LEARNED_AT_ONCE = 256
ROUNDS = 8
"""How often a chunk is looked at for heads that begin as one that was just learned."""


@dataclass(slots=True, eq=False)
class KnownHead:
    """One head, and what has been learned of the events behind it."""

    head: Head
    code: int
    """Of its type."""
    kind: Kind
    salt: int
    """Of the type, in the keys of its parts."""
    parts: list[Part] = field(default_factory=list)
    audio: list[Audio] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def needs_body(self) -> bool:
        """Tell whether columns of its rows depend on more than the type."""
        return self.has_parts or self.has_audio or self.has_outcome or self.is_parsed

    @property
    def has_parts(self) -> bool:
        """Tell whether its events are deltas of content parts."""
        return self.kind.fold == "part" and not self.is_parsed

    @property
    def has_audio(self) -> bool:
        """Tell whether its events carry sound."""
        return self.kind.name in AUDIO_KEYS

    @property
    def has_outcome(self) -> bool:
        """Tell whether its events may report a failure."""
        return self.kind.name == "response.done"

    @property
    def is_parsed(self) -> bool:
        """Tell whether its events, which are few, are for the parser."""
        return self.kind.name == "inspector.closed" or self.kind.name in REPEATED


class HeadTable:
    """Known heads, numbered from 1; 0 stands for none.

    Heads whose first ``WINDOW`` bytes look alike are tried one after the other.
    """

    def __init__(self, kinds: KindTable) -> None:
        self._kinds = kinds
        self._forget()

    def __getitem__(self, number: int) -> KnownHead:
        return self._known[number - 1]

    def _forget(self) -> None:
        self._known: list[KnownHead] = []
        self._of_window: dict[int, list[int]] = {}
        """Numbers of the heads by the hash of their window; none where the parser has to look."""
        self._arrange()

    def numbers(self, text: Bytes, begins: Ints, line_from: Callable[[int], bytes]) -> Ints:
        """Return the number of each line's head, learning those that are new.

        Args:
            text: what the lines stand in.
            begins: where each line's ``"dir"`` should stand.
            line_from: returns a line from there on, by its place in ``begins``.
        """
        if len(self._known) > MAX_HEADS or len(self._of_window) > MAX_HEADS:
            self._forget()
        first, counts = stretches(text, begins, self._width)
        begins = begins[first]
        words = windows(text, begins, self._width)
        hashes = alike(words[: WINDOW // WORD_BYTES])
        numbers = self._look_up(words, hashes)
        left = np.flatnonzero(numbers == 0)
        for _ in range(ROUNDS):
            if not len(left) or not self._learn(hashes[left], first[left], line_from):
                break
            found = self._look_up(windows(text, begins[left], self._width), hashes[left])
            numbers[left] = found
            left = left[found == 0]
        return np.repeat(numbers, counts)

    def _learn(self, hashes: Words, places: Ints, line_from: Callable[[int], bytes]) -> bool:
        """Learn a head of each window that is most frequent among some lines; tell whether any was learned."""
        _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        before = len(self._known)
        for at in first[np.argsort(-counts)[:LEARNED_AT_ONCE]].tolist():
            same = self._of_window.setdefault(int(hashes[at]), [])
            head = Head.learn(line_from(int(places[at]))) if len(same) < ROUNDS else None
            if head is not None and all(self[number].head != head for number in same):
                code = self._kinds.code(head.type)
                self._known.append(KnownHead(head, code, self._kinds[code], salt_of(head.type)))
                same.append(len(self._known))
        if len(self._known) == before:
            return False
        self._arrange()
        return True

    def _arrange(self) -> None:
        """Lay out what is known in columns, each with an entry for number 0 first."""
        longest = max((len(known.head.text) for known in self._known), default=0)
        self._width = max(WINDOW, whole_words(longest))
        count = len(self._known) + 1
        self._pattern = np.zeros((self._width // WORD_BYTES, count), np.uint64)
        self._mask = np.zeros_like(self._pattern)
        self._following = np.zeros(count, np.int64)
        for number, known in enumerate(self._known, 1):
            span = Span.of(
                known.head.text.ljust(self._width, b"\0"), ((len(known.head.text), self._width),)
            )
            self._pattern[:, number], self._mask[:, number] = span.pattern, span.mask
        windows_known = sorted(
            (key, numbers) for key, numbers in self._of_window.items() if numbers
        )
        for _, numbers in windows_known:
            self._following[numbers[:-1]] = numbers[1:]
        self._hashes = np.array([key for key, _ in windows_known], np.uint64)
        self._first = np.array([*(numbers[0] for _, numbers in windows_known), 0], np.int64)
        self.length = self._column(lambda known: len(known.head.text))
        self.direction = self._column(lambda known: known.head.direction)
        self.origin = self._column(lambda known: known.head.origin)
        self.code = self._column(lambda known: known.code)
        self.flags = self._column(lambda known: known.kind.flags)

    def _column(self, of: Callable[[KnownHead], int]) -> Ints:
        return np.array([0, *map(of, self._known)], np.int64)

    def _look_up(self, words: Words, hashes: Words) -> Ints:
        numbers = self._first.take(np.searchsorted(self._hashes, hashes))
        left = np.flatnonzero(~self._fit(words, numbers))
        while len(left):
            numbers[left] = self._following.take(numbers[left])
            left = left[numbers[left] > 0]
            left = left[~self._fit(words[:, left], numbers[left])]
        return numbers

    def _fit(self, words: Words, numbers: Ints) -> Bools:
        differs = (words ^ self._pattern.take(numbers, axis=1)) & self._mask.take(numbers, axis=1)
        result: Bools = np.bitwise_or.reduce(differs, axis=0) == 0
        return result
