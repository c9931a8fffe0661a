"""DetailPane: one event, as a tree with the meaning of each field, or as its raw bytes.

``event_lines`` builds the lines; this widget scrolls through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.sanitize import sanitized
from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Event
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.common.scrolling import WHEEL_LINES, movement_keys
from inspector.tui.terminal.strips import fitted, overlaid
from inspector.tui.views.events.event_lines import (
    FINDING_KINDS,
    LARGEST_JSON,
    DetailLine,
    columns_of,
    finding_lines,
    json_lines,
    raw_lines,
    raw_pages,
    tree_lines,
    trouble_lines,
)
from inspector.tui.views.messages import (
    CopyRequested,
    FindingRequested,
    RowRequested,
    ZoomRequested,
)

TREE, JSON, RAW = "tree", "JSON", "raw"
"""Forms of an event, by the names in the title."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link from the event to another one."""

    label: str
    row: int


class DetailPane(Widget, can_focus=True):
    """The detail of one event."""

    DEFAULT_CSS = """
    DetailPane { height: 1fr; }
    """
    COMPONENT_CLASSES = {
        f"detail--{name}"
        for name in (
            "title",
            "key",
            "string",
            "number",
            "other",
            "note",
            "link",
            "trouble",
            *FINDING_KINDS,
            "cursor",
            "base",
        )
    }
    BINDINGS = [
        *movement_keys("detail", "move(-100000)", "move(100000)"),
        Binding("w", "form", "tree/JSON/raw", id="detail.raw"),
        Binding("z", "zoom", "zoom", id="detail.zoom"),
        Binding("enter", "jump", "go to cause", id="detail.jump"),
        Binding("Y", "copy", "copy value", id="detail.copy"),
        Binding("right_square_bracket", "turn(1)", "next page", show=False, id="detail.next_page"),
        Binding(
            "left_square_bracket",
            "turn(-1)",
            "previous page",
            show=False,
            id="detail.previous_page",
        ),
    ]

    def __init__(self, glyphs: Glyphs, key: Key, screen_key: Key, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Show nothing yet.

        Args:
            glyphs: characters that the terminal can show.
            key: returns the names of the detail's keys.
            screen_key: returns the names of the workspace's keys.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._key, self._screen_key = key, screen_key
        self.event: Event | None = None
        self._glyphs = glyphs
        self._links: tuple[Link, ...] = ()
        self._findings: tuple[Finding, ...] = ()
        self._lines: list[DetailLine] = []
        self._format = PCM16_24K
        self._intervention = ""
        self._form = TREE
        self._page = 0
        self._cursor = 0
        self._top = 0

    def show(
        self,
        event: Event | None,
        links: Sequence[Link] = (),
        audio: AudioFormat = PCM16_24K,
        intervention: str = "",
        findings: Sequence[Finding] = (),
    ) -> None:
        """Show an event.

        Args:
            event: the event; None for none.
            links: links to other events.
            audio: format of the event's audio.
            intervention: what the proxy did to the event; ``""`` for nothing.
            findings: what the event proves, the worst first.
        """
        is_same = tuple(links) == self._links and tuple(findings) == self._findings
        if event is self.event and is_same:
            return
        if event is None or self.event is None or event.seq != self.event.seq:
            self._cursor = self._top = self._page = 0
        self.event, self._links, self._format = event, tuple(links), audio
        self._intervention, self._findings = intervention, tuple(findings)
        self._lines = self._make_lines()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        width = self.size.width
        lines = []
        for y in range(crop.y, crop.bottom):
            index = self._top + y - 1
            if y == 0:
                lines.append(self._title(width))
            elif index < len(self._lines):
                lines.append(
                    self._line(
                        self._lines[index],
                        width,
                        is_cursor=index == self._cursor and self.has_focus,
                    )
                )
            else:
                lines.append(Strip.blank(width, self._style("base")))
        return [line.crop(crop.x, crop.right) for line in lines]

    def on_resize(self) -> None:
        """Rebuild the lines for the new size."""
        self._lines = self._make_lines()
        self.action_move(0)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; a double click, or a click on a link, follows the link."""
        index = self._top + event.y - 1
        if event.y >= 1 and index < len(self._lines):
            self._cursor = index
            self.refresh()
            if event.chain == 2 or self._lines[index].kind in ("link", *FINDING_KINDS):
                self.action_jump()

    def on_mouse_scroll_down(self) -> None:
        """Scroll down with the wheel."""
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up with the wheel."""
        self.action_move(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        page = max(1, self.size.height - 1)
        self._cursor = max(0, min(len(self._lines) - 1, self._cursor + step))
        self._top = max(self._cursor - page + 1, min(self._top, self._cursor))
        self.refresh()

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self.action_move(step * max(1, self.size.height - 2))

    def action_zoom(self) -> None:
        """Toggle between the whole height and the usual one."""
        self.post_message(ZoomRequested())

    def action_form(self) -> None:
        """Switch between the tree, indented JSON and the raw bytes."""
        forms = self._forms()
        at = forms.index(self._form) if self._form in forms else 0
        self._form = forms[(at + 1) % len(forms)]
        self._cursor = self._top = self._page = 0
        self._lines = self._make_lines()
        self.refresh()

    def action_turn(self, step: int) -> None:
        """Show another page of the raw bytes."""
        if self._shown_form() == RAW and self.event is not None:
            last = raw_pages(self.event) - 1
            self._page = max(0, min(last, self._page + step))
            self._cursor = self._top = 0
            self._lines = self._make_lines()
            self.refresh()

    def action_jump(self) -> None:
        """Go to the event or finding that the line under the cursor links to."""
        if 0 <= self._cursor < len(self._lines):
            line = self._lines[self._cursor]
            if line.kind in FINDING_KINDS and self.event is not None:
                self.post_message(FindingRequested(self.event.seq - 1, line.raw))
            if line.kind == "link" and isinstance(line.raw, int):
                self.post_message(RowRequested(line.raw))

    def action_copy(self) -> None:
        """Copy the value under the cursor."""
        if not 0 <= self._cursor < len(self._lines):
            return
        line = self._lines[self._cursor]
        text = line.raw if isinstance(line.raw, str) else orjson.dumps(line.raw).decode()
        self.post_message(CopyRequested(text, line.key or "line"))

    def _make_lines(self) -> list[DetailLine]:
        event = self.event
        if event is None:
            return []
        found = finding_lines(self._findings, self._screen_key("view.findings"))
        links = [DetailLine(0, "", link.label, "link", "", raw=link.row) for link in self._links]
        width = max(20, self.size.width - 2)
        form = self._shown_form()
        if event.body is None or form == RAW:
            return found + links + raw_lines(event, self._page, width, self._key)
        if form == JSON:
            return found + links + json_lines(event.body, width)
        is_harmless = bool(self._findings) and self._findings[0].severity is Severity.HARMLESS
        trouble = trouble_lines(event, self.size.width, is_harmless=is_harmless)
        above = found + trouble + links
        return above + tree_lines(event, event.body, self._format, *self.size, self._key)

    def _forms(self) -> tuple[str, ...]:
        """Return the forms that the event has."""
        event = self.event
        if event is None or event.body is None:
            return (RAW,)
        return (TREE, JSON, RAW) if len(event.data) <= LARGEST_JSON else (TREE, RAW)

    def _shown_form(self) -> str:
        """Return the form that the user wants, if the event has it."""
        forms = self._forms()
        return self._form if self._form in forms else forms[0]

    def _title(self, width: int) -> Strip:
        event = self.event
        focus = self._glyphs.related if self.has_focus else " "
        if event is None:
            text = f"{focus}select an event to see it in full"
        else:
            how = f" · by {event.origin}" if event.origin != "wire" else ""
            if self._intervention:
                how = f" · {sanitized(self._intervention)}"
            when = "" if event.t_ns is None else f" · {event.t_ns / 1e9:.3f} s"
            text = (
                f"{focus}{sanitized(event.type) or '(no type)'}   seq {event.seq:,}{when} · "
                f"{event.direction}{how} · {len(event.data):,} bytes · {self._shown_form()}"
            )
        rule = self._glyphs.rule * max(0, width - len(text) - 1)
        return Strip([Segment(fitted(f"{text} {rule}", width), self._style("title"))])

    def _line(self, line: DetailLine, width: int, *, is_cursor: bool) -> Strip:
        if line.kind in ("link", "trouble", *FINDING_KINDS):
            strip = Strip([Segment(fitted(f"  {line.value}", width), self._style(line.kind))])
        else:
            key_width, value_width, note_width = columns_of(line, width)
            key = f"{'  ' * line.indent}  {line.key}" if line.key else ""
            gap = "  " if note_width else ""
            strip = Strip(
                [
                    Segment(f"{fitted(key, key_width - 1)} ", self._style("key")),
                    Segment(
                        f"{fitted(line.value, value_width - len(gap))}{gap}", self._style(line.kind)
                    ),
                    Segment(fitted(line.note, note_width), self._style("note")),
                ]
            )
        strip = strip.adjust_cell_length(width, self._style("base"))
        return overlaid(strip, Style(bgcolor=self._style("cursor").bgcolor)) if is_cursor else strip

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"detail--{name}")
