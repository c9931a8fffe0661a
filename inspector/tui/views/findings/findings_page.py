"""FindingsPage: findings by rule, worst first; under the cursor their events, their explanation, and their fix to copy."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from inspector.analysis.lint.finding import Finding
from inspector.tui.common.text_page import TextPage
from inspector.tui.views.findings.findings_lines import FindingLine, findings_lines
from inspector.tui.views.messages import CopyRequested
from inspector.tui.views.view import FindingsReading


class FindingsPage(TextPage):
    """A page of findings."""

    BINDINGS = [
        Binding("x", "explain", "explain", id="findings.explain"),
        Binding("y", "copy", "copy the fix", id="findings.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._reading: FindingsReading | None = None
        self._seen: tuple[object, ...] = ()
        self._explained: frozenset[str] = frozenset()
        """Rules whose explanation is open."""
        self._found: list[FindingLine] = []

    def show_report(self, reading: FindingsReading) -> None:
        """Show what has been found by now, if that has changed."""
        self._reading = reading
        seen = reading.revision, round(reading.progress, 2), self.size.width, self._explained
        if seen == self._seen:
            return
        self._seen = seen
        here = self.finding
        self._found = findings_lines(
            reading.report, reading.progress, self.size.width or 80, self._explained
        )
        self.show([one.line for one in self._found])
        if here is not None and here is not self.finding:
            self._select(lambda finding: finding == here)

    @property
    def finding(self) -> Finding | None:
        """Return the finding under the cursor."""
        return self._found[self.cursor].finding if self.cursor < len(self._found) else None

    def select_seq(self, seq: int) -> bool:
        """Go to the first finding that an event proves; return False if there is none."""
        return self._select(lambda finding: seq in finding.seqs)

    def close_explanations(self) -> bool:
        """Close the explanations; return False if none is open."""
        if not self._explained:
            return False
        self._explain(frozenset())
        return True

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        if self._reading is not None:
            self.show_report(self._reading)

    def action_explain(self) -> None:
        """Open or close the explanation of the rule under the cursor."""
        if self.finding is not None:
            self._explain(self._explained ^ {self.finding.rule})

    def action_copy(self) -> None:
        """Copy the fix, or the finding if there is nothing to change."""
        if self.finding is not None:
            what = "the fix" if self.finding.fix else "the finding"
            self.post_message(CopyRequested(self.finding.fix or self.finding.text, what))

    def _explain(self, rules: frozenset[str]) -> None:
        self._explained = rules
        if self._reading is not None:
            self.show_report(self._reading)

    def _select(self, is_wanted: Callable[[Finding], bool]) -> bool:
        for place, one in enumerate(self._found):
            if one.finding is not None and is_wanted(one.finding):
                self.action_move(place - self.cursor)
                return True
        return False
