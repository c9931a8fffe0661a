"""FindingsPane: the list of findings by rule, worst first, and below it the explanation of the selected one with its fix.

The list is rebuilt only when the report has changed; ``show`` is called on the tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from textual.binding import Binding
from textual.strip import Strip

from inspector.analysis.lint.finding import SIGNS, Finding, Severity
from inspector.analysis.lint.findings_groups import (
    RuleFindings,
    counts_text,
)
from inspector.analysis.lint.lint_run import LintReport
from inspector.analysis.sanitize import sanitized
from inspector.muted_rules import MutedRules, MuteScope
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.common.list_pane import ListPane
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.common.wrapping import Run, wrapped
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.findings.findings_text import (
    EMPTY_WORDS,
    FindingEntry,
    ListedFindings,
    Standing,
    columns_of,
    coverage_lines,
    entries,
    entry_runs,
    explanation,
    listed,
    silent_count,
)
from inspector.tui.views.messages import CopyRequested, MuteRequested, RowRequested

LEAST_LIST = 5
"""Lines that the list keeps when the explanation is long."""


class FindingsPane(ListPane):
    """The findings of a session."""

    DEFAULT_CSS = """
    FindingsPane > .list--error { background: $background; color: $error; text-style: bold; }
    FindingsPane > .list--fix { background: $background; color: $kin; }
    """
    COMPONENT_CLASSES = {"list--error", "list--fix"}
    HEAD_LINES = 1
    """The counts."""
    EXPLAINS_FROM = 0
    """A finding without its reason and fix is of little use."""
    BINDINGS = [
        *movement_keys("findings", "go(0)", "go(-1)"),
        Binding("enter", "events", "its event", id="findings.events"),
        Binding("space", "unfold", "places", id="findings.unfold"),
        Binding("d", "explain", "explain", id="findings.explain"),
        Binding("y", "copy_fix", "copy fix", id="findings.copy"),
        Binding("C", "coverage", "coverage", id="findings.coverage"),
        Binding(
            "m",
            "mute('folder')",
            "mute",
            id="findings.mute",
            tooltip="Mute the rule for recordings in this folder, or bring it back",
        ),
        Binding(
            "E",
            "mute('everywhere')",
            "mute everywhere",
            show=False,
            id="findings.mute_everywhere",
            tooltip="Mute the rule everywhere, or bring it back",
        ),
    ]

    def __init__(self, glyphs: Glyphs, *, key: Key | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Show nothing yet; see ``ListPane``."""
        super().__init__(glyphs, key=key, id=id)
        self._report: LintReport | None = None
        self._whole: LintReport | None = None
        self._after = ""
        self._revision = -1
        self._listed = ListedFindings()
        self._muted: MutedRules | None = None
        self._groups: list[tuple[Standing, RuleFindings]] = []
        self._columns = columns_of(())
        self._entries: list[FindingEntry] = []
        self._unfolded: set[str] = set()
        self._covers = False
        """True while the coverage is shown in place of the explanation."""

    # What is shown

    def show(
        self,
        report: LintReport | None,
        revision: int,
        whole: LintReport | None = None,
        muted: MutedRules | None = None,
        after: str = "",
    ) -> None:
        """Show findings if they have changed.

        Args:
            report: what is found by now, or by the cursor.
            revision: of the report and the muted rules.
            whole: what is found in the whole recording; None if that is not known, or there is no cursor.
            muted: the muted rules.
            after: name of the recording of the connection before; ``""`` without one.
        """
        if revision == self._revision and whole is self._whole and after == self._after:
            return
        self._after = after
        self._revision, self._report, self._whole, self._muted = revision, report, whole, muted
        self._listed = listed(report, whole, muted or ())
        self._groups = self._listed.groups
        self._fill()

    def is_at(self, seq: int) -> bool:
        """Return whether an event proves the selected finding."""
        here = self._entries[self.cursor] if self.cursor < len(self._entries) else None
        return here is not None and seq in here.finding.seqs

    def select_seq(self, seq: int, rule: str = "") -> bool:
        """Select the first finding that an event proves, of any rule or a given one; return False if it proves none."""
        for _, group in self._groups:
            if rule not in ("", group.rule):
                continue
            finding = next((one for one in group.findings if seq in one.seqs), None)
            if finding is None:
                continue
            if len(group.findings) > 1:
                self._unfolded.add(group.rule)
            self._fill()
            is_place = len(group.findings) > 1
            places = (
                at
                for at, entry in enumerate(self._entries)
                if entry.finding is finding and entry.is_rule is not is_place
            )
            self._select(next(places, 0))
            return True
        return False

    def close_explanation(self) -> bool:
        """Close the coverage; return False if it is not open."""
        if not self._covers:
            return False
        self._covers = False
        self._reveal()
        self.refresh()
        return True

    def _fill(self) -> None:
        """Rebuild the list, and keep the selection."""
        here = self._entries[self.cursor].name if self.cursor < len(self._entries) else None
        self._columns = columns_of([group for _, group in self._groups])
        self._entries = entries(self._groups, self._unfolded)
        places = (at for at, entry in enumerate(self._entries) if entry.name == here)
        last = max(0, len(self._entries) - 1)
        self.cursor = next(places, min(self.cursor, last))
        self._reveal()
        self.refresh()

    @property
    def _count(self) -> int:
        return len(self._entries)

    @property
    def _page(self) -> int:
        """Return how many entries fit."""
        return max(1, self.size.height - self.HEAD_LINES - len(self._below()))

    def _below(self) -> list[list[Run]]:
        """Return the lines below the list: the explanation of the selected entry, or the coverage."""
        report, width = self._report, self.size.width
        room = max(
            3, self.size.height - self.HEAD_LINES - 1 - min(LEAST_LIST, max(1, len(self._entries)))
        )
        lines: list[list[Run]] = []
        if self._covers and report is not None:
            lines = coverage_lines(report, width)
        elif self._is_explaining and self.cursor < len(self._entries):
            entry = self._entries[self.cursor]
            lines = explanation(entry, width, room, self._remark(entry))
        if not lines:
            return []
        if len(lines) > room:
            lines = [*lines[: room - 1], [("  …", "dim")]]
        return [self._rule(width), *lines]

    def _remark(self, entry: FindingEntry) -> str:
        """Return why a finding is not among those by now, and what to do about it; ``""`` if it is."""
        if entry.standing is Standing.NOW:
            return ""
        if entry.standing is Standing.LATER:
            go = self._key("findings.events")
            return f"found after the replay's cursor; {go} goes there"
        muted, key = self._muted, self._key("findings.mute")
        scope = muted.scope(entry.group.rule) if muted is not None else None
        where = "everywhere" if scope is MuteScope.EVERYWHERE else "for recordings in this folder"
        return f"{where}; {key} shows it again"

    # How it is drawn

    def _all_lines(self) -> list[Strip]:
        if not (self._entries or self._covers):
            return self._empty()
        return [self._head(), *self._row_strips(), *map(self._line, self._below())]

    def _empty(self) -> list[Strip]:
        width = max(8, self.size.width - 4)
        lines = [line for words in EMPTY_WORDS for line in wrapped([(words, "dim")], width)]
        return [
            self._head(),
            self._line([]),
            *(self._line([("  ", "dim"), *line]) for line in lines),
        ]

    def _head(self) -> Strip:
        report = self._report
        if report is None:
            return self._line([(" no events yet", "dim")])
        found = self._listed
        nothing = "no findings at the cursor" if found.later else "no findings"
        counts = counts_text(found.now, with_signs=True) or nothing
        runs: list[Run] = [(f" {counts}", _head_tone(found.now))]
        if found.later:
            later = counts_text(found.later, with_signs=True)
            runs += [("   later: ", "dim"), (later, _head_tone(found.later))]
        if found.muted:
            runs.append((f"   muted: {counts_text(found.muted)}", "dim"))
        if self._muted is not None and self._muted.problem:
            runs.append((f"   {sanitized(self._muted.problem)}", "warning"))
        silent = silent_count(report)
        if silent:
            rules = "1 rule" if silent == 1 else f"{silent} rules"
            words = f"   {rules} could not judge: {self._key('findings.coverage')} coverage"
            runs.append((words, "dim"))
        if self._after:
            words = f"   judged as the connection after {sanitized(self._after)}"
            runs.append((words, "dim"))
        return self._line(runs)

    def _row_strip(self, place: int) -> Strip:
        entry, is_here = self._entries[place], place == self.cursor
        glyphs = self._glyphs
        is_open = entry.group.rule in self._unfolded
        fold = " "
        if len(entry.group.findings) > 1:
            fold = glyphs.unfolded if is_open else glyphs.folded
        mark = glyphs.related if is_here else " "
        runs = [
            (f"{mark} ", "kin"),
            *entry_runs(entry, self._columns, SIGNS[entry.group.severity], fold),
        ]
        strip = self._line([(sanitized(text), tone) for text, tone in runs])
        return self._under_cursor_strip(strip) if is_here else strip

    def _line(self, runs: Sequence[Run]) -> Strip:
        return super()._line(list(self._shortened(runs)))

    def _shortened(self, runs: Sequence[Run]) -> Iterator[Run]:
        """Yield the runs of a line, the last with an ellipsis if the line is too long."""
        room = self.size.width
        for text, tone in runs:
            cells = cell_len(text)
            if cells > room:
                yield fitted(text, room), tone
                return
            room -= cells
            yield text, tone

    # Keys

    def action_events(self) -> None:
        """Show the event that proves the finding."""
        finding = self._entries[self.cursor].finding if self._entries else None
        if finding is not None and finding.seqs:
            self.post_message(RowRequested(finding.seqs[0] - 1))

    def action_unfold(self) -> None:
        """Show or hide the places of the rule."""
        if self._entries:
            self._unfolded ^= {self._entries[self.cursor].group.rule}
            self._fill()

    def action_explain(self) -> None:
        """Show or hide the explanation of the selected finding; it replaces the coverage."""
        if self._covers:
            self._covers, self._explains = False, False
        super().action_explain()

    def action_copy_fix(self) -> None:
        """Copy the fix of the selected finding."""
        fix = self._entries[self.cursor].finding.fix if self._entries else ""
        if fix:
            self.post_message(CopyRequested(fix, "the fix"))

    def action_mute(self, scope: str) -> None:
        """Mute the rule of the selected finding, or bring it back."""
        if self._entries:
            rule = self._entries[self.cursor].group.rule
            key = self._key("findings.mute")
            self.post_message(MuteRequested(rule, MuteScope(scope), key))

    def action_coverage(self) -> None:
        """Show or hide what could not be judged."""
        self._covers = not self._covers
        self._reveal()
        self.refresh()


def _head_tone(findings: Sequence[Finding]) -> str:
    """Return the style of a count: that of the worst finding."""
    worst = findings[0].severity if findings else Severity.HARMLESS
    return {Severity.ERROR: "error", Severity.WARNING: "warning"}.get(worst, "head")
