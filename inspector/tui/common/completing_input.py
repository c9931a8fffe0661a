"""CompletingInput: an input line that completes its text, remembers what was entered, and keeps the focus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.widgets import Input

MAX_REMEMBERED = 100
"""Entries of the history."""


class CompletingInput(Input):
    """An input line that Tab does not leave, since the next letter would act as a key of the screen."""

    BINDINGS = [
        Binding("tab", "complete(1)", "complete", show=False, id="line.complete"),
        Binding("shift+tab", "complete(-1)", "previous completion", show=False, id="line.back"),
        Binding("up", "recall(-1)", "earlier entry", show=False, id="line.earlier"),
        Binding("down", "recall(1)", "later entry", show=False, id="line.later"),
    ]

    def __init__(self, candidates: Callable[[str], Sequence[str]], *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        """Create the line.

        Args:
            candidates: returns whole texts that begin like the given one, best first.
            id: the widget's id.
        """
        super().__init__(id=id, compact=True)
        self._candidates = candidates
        self._entered: list[str] = []
        self._at = 0
        """Index of the recalled entry; the length of the history for the text being written."""
        self._written = ""
        """The text being written, while an earlier entry is shown."""
        self._offered: list[str] = []
        """The completions that Tab cycles through, starting with the typed text."""

    def remember(self, text: str) -> None:
        """Add an entry to the history, unless it repeats the last one."""
        if text and text not in self._entered[-1:]:
            self._entered = [*self._entered, text][-MAX_REMEMBERED:]

    def reset(self, text: str = "") -> None:
        """Start a new entry, at the end of the history."""
        self._at, self._written, self._offered = len(self._entered), "", []
        self._show(text)

    def action_complete(self, step: int) -> None:
        """Insert the next completion; after the last one, restore the typed text."""
        if self.value not in self._offered:
            found = [
                one for one in dict.fromkeys(self._candidates(self.value)) if one != self.value
            ]
            self._offered = [self.value, *found]
        if len(self._offered) > 1:
            at = self._offered.index(self.value)
            self._show(self._offered[(at + step) % len(self._offered)])

    def action_recall(self, step: int) -> None:
        """Show an earlier or later entry."""
        at = max(0, min(len(self._entered), self._at + step))
        if self._at == len(self._entered):
            self._written = self.value
        self._at = at
        self._show(self._entered[at] if at < len(self._entered) else self._written)

    def _show(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)
