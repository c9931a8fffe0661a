"""RowText: draws one row of an event pane: time columns, direction, bracket, type, summary."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from inspector.analysis.lint.finding import SIGNS, Severity
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import (
    INTERVENTIONS,
    duration_text,
    intervention_name,
    intervention_words,
    is_drop,
    quoted,
    size_text,
    summary,
    untyped_name,
)
from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.event_keys import keys_of
from inspector.core.kinds import REPEATED
from inspector.core.log import (
    DIRECTION_CODE,
    FLAG_UNDECODED,
    FLAG_WARNING,
    EventLog,
    is_made_here,
)
from inspector.core.read import text_at
from inspector.spec.events import EVENT_TYPES
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.terminal.strips import fitted, overlaid

TIME_WIDTH = 8  # "9999.999": enough for two and a half hours
DELTA_WIDTH = 7  # "+99.999"
TYPE_WIDTH = 21
"""Enough for nearly every short name; in a wide pane even the longest fits."""
WIDE_TYPE_WIDTH = 24
ROOMY = 90
"""Width from which types are never shortened."""
NARROW = 56
"""Below this width the time since the previous event is left out for the summary."""
MAX_GROUP_ROWS = 600
"""How many rows are searched for the text of a folded group, which is more than a pane can show."""
MAX_GROUP_CHARS = 160
LATE_MS = 60
"""Delay of audio, beyond its own duration, that leaves audible gaps: most players buffer less."""
SERVER = DIRECTION_CODE[Direction.SERVER]


@dataclass(frozen=True, slots=True)
class RowStyles:
    """The styles of a pane, from the theme."""

    base: Style
    time: Style
    client: Style
    server: Style
    local: Style
    warning: Style
    error: Style
    summary: Style
    bracket: Style
    related: Style
    mark: Style
    cursor: Style
    future: Style
    track: Style
    thumb: Style


@dataclass(frozen=True, slots=True)
class RowLook:
    """Everything that the drawing of a row depends on, besides its event."""

    width: int
    is_cursor: bool = False
    is_related: bool = False
    is_future: bool = False
    """True for rows that a replay has not reached."""
    is_unfolded: bool = False
    previous_t_us: int | None = None
    """Time of the row above; None for the first row, or if it is unknown."""
    has_mark: bool = False
    """Whether times are measured from a marked row."""
    mark_t_us: int | None = None
    """Time of the marked row; None if it is unknown."""
    is_mark: bool = False
    rejection: str = ""
    """Note on a rejection with its mark, as ``relations.rejection_of`` returns it."""
    matches: int = 0
    """How many members of a folded group pass the filter; 0 if all do."""
    is_ours: bool = False
    """True for a frame that the proxy injected or changed."""
    severity: Severity | None = None
    """The worst severity of the findings that it proves; None if it proves none."""


class RowText:
    """Draws the rows of one log."""

    def __init__(self, log: EventLog, glyphs: Glyphs, *, has_both_sides: bool) -> None:
        """Create the drawing of a log's rows.

        Args:
            log: the session's events.
            glyphs: characters for arrows and brackets.
            has_both_sides: whether client and server stand in one pane; then the sign of each side has its own column.
        """
        self._log = log
        self._glyphs = glyphs
        self._has_both_sides = has_both_sides
        self.input_format: AudioFormat = PCM16_24K
        self.output_format: AudioFormat = PCM16_24K

    def strip(self, row: int, look: RowLook, styles: RowStyles) -> Strip:
        """Return the strip of a row, exactly ``look.width`` cells wide."""
        event = self._log.event(row)
        type_width = WIDE_TYPE_WIDTH if look.width >= ROOMY else TYPE_WIDTH
        name_style, letter = self._severity(event, row, look, styles)
        segments = [
            self._gutter(look, styles),
            Segment(self._times(row, look), styles.time),
            self._sign(look, styles),
            Segment(self._in_column(letter, event), name_style),
            Segment(self._bracket(event), styles.bracket),
            Segment(f"{fitted(self._name(event, row, look), type_width)} ", name_style),
        ]
        # A folded row stands for several errors that reject different events; the unfolded rows name them.
        is_error = self._log.is_error(row) and look.severity is not Severity.HARMLESS
        if look.rejection and not (event.type in REPEATED and self._is_folded(row, look)):
            is_harmless = look.rejection.startswith(SIGNS[Severity.HARMLESS])
            style = styles.summary if is_harmless else styles.error
            segments.append(Segment(f"{sanitized(look.rejection)}  ", style))
        used = sum(cell_len(segment.text) for segment in segments)
        words = self._words(event, row, look)
        style = styles.error if is_error else styles.summary
        segments.append(Segment(fitted(words, max(0, look.width - used)), style))
        strip = Strip(segments).adjust_cell_length(look.width, styles.base)
        if look.is_future:
            strip = overlaid(strip, Style(color=styles.future.color))
        return overlaid(strip, Style(bgcolor=styles.cursor.bgcolor)) if look.is_cursor else strip

    def _gutter(self, look: RowLook, styles: RowStyles) -> Segment:
        if look.is_mark:
            return Segment(self._glyphs.mark, styles.mark)
        if look.is_related or look.is_cursor:
            return Segment(self._glyphs.related, styles.related)
        return Segment(" ", styles.base)

    def _times(self, row: int, look: RowLook) -> str:
        is_narrow = look.width < NARROW
        t_us = self._log.time_us(row)
        if t_us is None:
            # Without times only the order is known.
            width = TIME_WIDTH if is_narrow else TIME_WIDTH + 1 + DELTA_WIDTH
            return f"{f'#{row + 1}':>{width}}"
        text = f"{t_us / 1e6:>{TIME_WIDTH}.3f}"
        if is_narrow:
            return text
        since_us = look.mark_t_us if look.has_mark else look.previous_t_us
        delta = "" if since_us is None else signed(t_us - since_us)
        return f"{text} {delta:>{DELTA_WIDTH}}"

    def _sign(self, look: RowLook, styles: RowStyles) -> Segment:
        """Return the sign of what the event proves; it stands in the gap before the direction."""
        if look.severity is None:
            return Segment(" ", styles.time)
        tones = {Severity.ERROR: styles.error, Severity.WARNING: styles.warning}
        return Segment(SIGNS[look.severity], tones.get(look.severity, styles.time))

    def _severity(
        self, event: Event, row: int, look: RowLook, styles: RowStyles
    ) -> tuple[Style, str]:
        if look.is_ours or is_made_here(event.direction, event.origin):
            is_sent = event.direction is Direction.CLIENT
            return styles.local, self._glyphs.to_api if is_sent else self._glyphs.to_app
        if self._log.is_error(row) and look.severity is not Severity.HARMLESS:
            return styles.error, "!"
        if self._log.flags[row] & (FLAG_WARNING | FLAG_UNDECODED):
            return styles.warning, "~"
        if event.direction is Direction.CLIENT:
            return styles.client, self._glyphs.client
        if event.direction is Direction.SERVER:
            return styles.server, self._glyphs.server
        return styles.local, self._local_glyph(event)

    def _in_column(self, letter: str, event: Event) -> str:
        if not self._has_both_sides:
            return letter
        return f" {letter}" if event.direction is Direction.SERVER else f"{letter} "

    def _local_glyph(self, event: Event) -> str:
        if is_drop(event):
            return self._glyphs.dropped
        if event.type != "inspector.injected":
            return self._glyphs.local
        is_to_app = text_at(event.body or {}, "to") == "app"
        return self._glyphs.to_app if is_to_app else self._glyphs.to_api

    def _bracket(self, event: Event) -> str:
        if event.direction is not Direction.SERVER:
            return " "
        if event.type == "response.created":
            return self._glyphs.bracket_open
        if event.type == "response.done":
            return self._glyphs.bracket_close
        return self._glyphs.bracket if keys_of(event).response_id else " "

    def _name(self, event: Event, row: int, look: RowLook) -> str:
        known = EVENT_TYPES.get(event.type)
        if event.type in INTERVENTIONS and event.body is not None:
            return f" {intervention_name(event.body)}"
        name = known.short if known is not None else sanitized(event.type) or untyped_name(event)
        group = self._log.group[row]
        is_alone = group >= 0 and self._log.groups.count[group] < 2
        if group < 0 or (is_alone and event.type in REPEATED):
            return f" {name}"
        return f"{self._glyphs.unfolded if look.is_unfolded else self._glyphs.folded}{name}"

    def _is_folded(self, row: int, look: RowLook) -> bool:
        """Return whether a row stands for several events."""
        group = self._log.group[row]
        return group >= 0 and not look.is_unfolded and self._log.groups.count[group] > 1

    def _words(self, event: Event, row: int, look: RowLook) -> str:
        audio = self.input_format if event.direction is Direction.CLIENT else self.output_format
        group = self._log.group[row]
        if event.type in INTERVENTIONS and event.body is not None:
            return intervention_words(event.body)
        if not self._is_folded(row, look):
            return summary(event, audio)
        groups = self._log.groups
        if look.matches:
            # Sizes and times are counted for whole groups only.
            words = sanitized(self._group_words(group, row))
            part = f"{look.matches} of ×{groups.count[group]}"
            if event.type in REPEATED:
                return f"{part}  {summary(event, audio)}"
            return f"{part}  {quoted(words, MAX_GROUP_CHARS)}" if words else part
        count = f"×{groups.count[group]}"
        if event.type in REPEATED:
            return f"{count}  {summary(event, audio)}"
        size = groups.audio_bytes[group]
        if size:
            took = self._took(group, audio.ms(size))
            return f"{count}  {duration_text(audio.ms(size))}{took}  {size_text(size)}"
        words = sanitized(self._group_words(group, groups.head[group]))
        return f"{count}  {quoted(words, MAX_GROUP_CHARS)}"

    def _took(self, group: int, sound_ms: int) -> str:
        """Return how long a group's audio took to arrive; ``""`` if the recording has no times."""
        log, groups = self._log, self._log.groups
        first_us, last_us = (log.time_us(end[group]) for end in (groups.head, groups.last))
        if first_us is None or last_us is None:
            return ""
        took_ms = (last_us - first_us) / 1000
        is_late = took_ms > sound_ms + LATE_MS and log.direction[groups.head[group]] == SERVER
        slow = ", slower than playback" if is_late else ""
        return f" in {took_ms / 1000:.1f} s{slow}"

    def _group_words(self, group: int, head: int) -> str:
        """Return the joined deltas of a group, starting at a row, as far as a pane can show them; ``""`` for audio."""
        log = self._log
        if log.groups.audio_bytes[group]:
            return ""
        last = log.groups.last[group]
        pieces: list[str] = []
        length = 0
        for row in range(head, min(last, head + MAX_GROUP_ROWS) + 1):
            if log.group[row] == group:
                piece = text_at(log.event(row).body or {}, "delta")
                pieces.append(piece)
                length += len(piece)
                if length > MAX_GROUP_CHARS:
                    break
        return "".join(pieces)


def signed(us: int) -> str:
    """Return a time difference in seconds with its sign."""
    return f"{us / 1e6:+.3f}"
