"""RowStrips: the drawn rows of one event pane, cached until they change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.strip import Strip

from inspector.analysis.lint.finding import Severity
from inspector.analysis.row_list import RowList
from inspector.core.audio_formats import AudioFormat
from inspector.core.event_keys import EventKeys, keys_of, relation
from inspector.core.log import FLAG_ERROR, EventLog
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.terminal.strips import UncachedStrip
from inspector.tui.views.events.row_text import RowLook, RowStyles, RowText

CACHED_STRIPS = 1500
"""About ten screens of two panes."""


class RowStrips:
    """Draws the rows of a pane, with mark, highlights and dimming."""

    def __init__(
        self, log: EventLog, rows: RowList, glyphs: Glyphs, *, has_both_sides: bool
    ) -> None:
        self.future_from = -1
        """Row from which on all are dimmed, as not yet reached by a replay; -1 for none."""
        self.mark_row = -1
        """Row from which times are measured; -1 for none."""
        self.rejection_of: Callable[[int], str] = lambda _: ""
        """Returns a row's note on a rejection, as ``relations.rejection_of`` does."""
        self.is_ours: Callable[[int], bool] = lambda _: False
        """Returns whether the proxy injected or changed a row's frame."""
        self._log = log
        self._rows = rows
        self._glyphs = glyphs
        self._text = RowText(log, glyphs, has_both_sides=has_both_sides)
        self._related_keys = EventKeys()
        self._related_seqs: frozenset[int] = frozenset()
        self._strips: OrderedDict[tuple[object, ...], Strip] = OrderedDict()

    def set_formats(self, input_format: AudioFormat, output_format: AudioFormat) -> bool:
        """Set the formats for converting audio bytes to milliseconds; return whether they have changed."""
        if (self._text.input_format, self._text.output_format) == (input_format, output_format):
            return False
        self._text.input_format, self._text.output_format = input_format, output_format
        return True

    def set_related(self, keys: EventKeys, seqs: frozenset[int]) -> bool:
        """Set the rows to highlight: those that share an id, or have one of the sequence numbers; return whether they have changed."""
        if (self._related_keys, self._related_seqs) == (keys, seqs):
            return False
        self._related_keys, self._related_seqs = keys, seqs
        return True

    def strip(
        self,
        index: int,
        width: int,
        styles: RowStyles,
        *,
        is_cursor: bool,
        bar: str,
    ) -> Strip:
        """Return the strip of a row.

        Args:
            index: index in the pane's list of rows.
            width: width in cells, including the scroll bar.
            styles: the theme's styles.
            is_cursor: whether the cursor is on the row.
            bar: ``track`` or ``thumb`` for a cell of the scroll bar; ``""`` without one.
        """
        log, row = self._log, self._rows.rows[index]
        group = log.group[row]
        look = RowLook(
            width - bool(bar),
            is_cursor,
            not is_cursor and self._is_related(row),
            0 <= self.future_from <= row,
            group >= 0 and self._rows.is_unfolded(group),
            log.time_us(self._rows.rows[index - 1]) if index else None,
            self.mark_row >= 0,
            log.time_us(self.mark_row) if self.mark_row >= 0 else None,
            row == self.mark_row,
            self.rejection_of(row) if self._may_be_refused(row) else "",
            self._matches(group),
            bool(log.origin[row]) and self.is_ours(row),
            self._severity(row, group),
        )
        key = (row, log.groups.count[group] if group >= 0 else 0, look, bar)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._drawn(row, look, styles, bar)
            self._strips[key] = strip
            if len(self._strips) > CACHED_STRIPS:
                self._strips.popitem(last=False)
        return strip

    def look(self, rows: Sequence[int]) -> tuple[object, ...]:
        """Return what can change in visible rows without a new row: growing groups, and rejections known later."""
        groups, counts, origins = self._log.group, self._log.groups.count, self._log.origin
        grown = tuple(
            (counts[groups[row]], self._rows.matches_in(groups[row]))
            for row in rows
            if groups[row] >= 0
        )
        refused = tuple(self.rejection_of(row) for row in rows if self._may_be_refused(row))
        ours = tuple(row for row in rows if origins[row] and self.is_ours(row))
        return grown, refused, ours

    def forget(self) -> None:
        """Drop all drawn rows, for another width or theme."""
        self._strips.clear()

    def _drawn(self, row: int, look: RowLook, styles: RowStyles, bar: str) -> Strip:
        strip = self._text.strip(row, look, styles)
        if bar == "thumb":
            strip = Strip.join([strip, Strip([Segment(self._glyphs.thumb, styles.thumb)])])
        elif bar:
            strip = Strip.join([strip, Strip([Segment(self._glyphs.track, styles.track)])])
        return UncachedStrip(strip, strip.cell_length)

    def _matches(self, group: int) -> int:
        """Return how many members of a group pass the filter; 0 if all do."""
        found = self._rows.matches_in(group) if group >= 0 else 0
        return found if group >= 0 and found != self._log.groups.count[group] else 0

    def _severity(self, row: int, group: int) -> Severity | None:
        """Return the worst severity that a row, or a member of the group that is folded into it, proves."""
        proofs = self._rows.proofs
        if group < 0 or self._rows.is_unfolded(group) or not proofs:
            return proofs.worst(row + 1)
        groups, column = self._log.groups, self._log.group
        seqs = proofs.within(groups.head[group] + 1, groups.last[group] + 1)
        found = [proofs.worst(seq) for seq in seqs if column[seq - 1] == group]
        worst = min(filter(None, found), key=lambda one: one.rank, default=None)
        # A row that stands for several errors stays an error unless each of them is harmless.
        is_calm = worst is not Severity.HARMLESS or len(found) == groups.count[group]
        return worst if is_calm else None

    def _may_be_refused(self, row: int) -> bool:
        """Return whether a row is a client event, or an error that may reject one."""
        return self._log.direction[row] == 0 or bool(self._log.flags[row] & FLAG_ERROR)

    def _is_related(self, row: int) -> bool:
        if row + 1 in self._related_seqs:
            return True
        # Events without ids would otherwise be related to each other.
        return self._related_keys != EventKeys() and bool(
            relation(self._related_keys, keys_of(self._log.event(row)))
        )
