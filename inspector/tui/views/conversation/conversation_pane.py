"""ConversationPane: a virtual list of conversation entries of different heights.

The scroll position is an entry and a line in it, so only visible entries are built and wrapped, however long the conversation
is. ``show`` is called on the screen's tick; an entry that changes, such as a growing transcript, repaints only its own lines.
"""

from __future__ import annotations

from functools import partial

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.conversation_entry import EntryId, Tone
from inspector.analysis.dialogue import entry, places, question_for, stamp
from inspector.core.session_fold import ASKS_NOTHING
from inspector.core.state import SessionState
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.common.scrolling import WHEEL_LINES, movement_keys, thumb
from inspector.tui.terminal.strips import UncachedStrip, overlaid
from inspector.tui.views.conversation.answer_requested import AnswerRequested
from inspector.tui.views.conversation.block_scroll import BlockCursor, Placed
from inspector.tui.views.conversation.entry_text import EntryBlocks
from inspector.tui.views.messages import CopyRequested, RowRequested, SoundRequested

EMPTY = "The conversation is empty."


class ConversationPane(Widget, can_focus=True):
    """The conversation of one session."""

    DEFAULT_CSS = """
    ConversationPane { height: 1fr; background: $background; color: $foreground; }
    ConversationPane > .talk--base { background: $background; color: $foreground; }
    ConversationPane > .talk--head { background: $background; color: $foreground; text-style: bold; }
    ConversationPane > .talk--dim { background: $background; color: $dim; }
    ConversationPane > .talk--client { background: $background; color: $client; text-style: bold; }
    ConversationPane > .talk--server { background: $background; color: $server; text-style: bold; }
    ConversationPane > .talk--struck { background: $background; color: $dim; text-style: strike; }
    ConversationPane > .talk--warning { background: $background; color: $warning; }
    ConversationPane > .talk--error { background: $background; color: $error; }
    ConversationPane > .talk--cursor { background: $cursor; }
    ConversationPane > .talk--related { background: $background; color: $kin; text-style: bold; }
    ConversationPane > .talk--track { background: $background; color: $faint; }
    ConversationPane > .talk--thumb { background: $background; color: $dim; }
    """
    COMPONENT_CLASSES = {f"talk--{tone.value}" for tone in Tone} | {
        f"talk--{name}" for name in ("cursor", "related", "track", "thumb")
    }
    BINDINGS = [
        *movement_keys("talk", "go(0)", "go(-1)"),
        Binding("enter", "events(True)", "go to events", id="talk.events"),
        Binding("L", "events(False)", "go to last event", show=False, id="talk.last_event"),
        Binding("a", "answer", "answer", id="talk.answer"),
        Binding("y", "copy", "copy text", show=False, id="talk.copy"),
        Binding("P", "sound(False)", "play", show=False, id="talk.play"),
        Binding("w", "sound(True)", "write WAV", show=False, id="talk.write"),
    ]

    empty: reactive[str] = reactive("")
    """Text for an empty conversation."""

    def __init__(
        self,
        glyphs: Glyphs,
        *,
        empty: str = "",
        key: Key | None = None,
        can_answer: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        """Create an empty pane.

        Args:
            glyphs: characters for marks and the scroll bar.
            empty: text for an empty conversation.
            key: returns key names; defaults to those of the default keymap.
            can_answer: whether requests can be answered; False for a recording.
            id: the widget's id.
        """
        super().__init__(id=id)
        self.set_reactive(ConversationPane.empty, empty)
        self._key = key or partial(default_keycap, (ConversationPane,))
        self._can_answer = can_answer
        self.cursor = BlockCursor(lambda index: len(self._block(index)))
        self._glyphs = glyphs
        self._state = SessionState()
        self._places: list[EntryId] = []
        self._blocks = EntryBlocks(glyphs)
        self._painted: list[tuple[Placed, tuple[object, ...]]] = []
        """Visible entries with their stamps, as last painted."""
        self._painted_cursor = -1
        self._styles: dict[str, Style] = {}

    @property
    def selected(self) -> EntryId | None:
        """Return the entry under the cursor."""
        at = self.cursor.index
        return self._places[at] if at < len(self._places) else None

    @property
    def item_id(self) -> str:
        """Return the id of the item under the cursor; ``""`` for other entries."""
        place = self.selected
        return place.id if place is not None and place.kind == "item" else ""

    def show(self, state: SessionState) -> None:
        """Show a state, and repaint the entries that have changed."""
        here, before = self.selected, self._state.session.kind
        self._state = state
        # Whether answering is offered depends on the kind of session.
        if state.session.kind != before:
            self.refresh_bindings()
        self._places = places(state)
        if here is not None and self.selected != here and here in self._places:
            # Entries were inserted or removed above: keep the cursor on the same entry.
            self.cursor.shift(self._places.index(here) - self.cursor.index)
        self.cursor.settle(*self._extent)
        self._repaint()

    def select_place(self, place: EntryId) -> bool:
        """Put the cursor on an entry; return False if it is not in the conversation."""
        if place not in self._places:
            return False
        self._select(self._places.index(place))
        return True

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        width, height = self.size.width, self.size.height
        blank = Strip.blank(width, self._style("base"))
        lines: list[Strip] = [blank] * height
        painted = [placed for placed, _ in self._painted] or self._layout()
        for placed in painted:
            block = self._block(placed.index)
            for offset, line in enumerate(block):
                if 0 <= placed.y + offset < height:
                    is_body = offset < len(block) - 1
                    lines[placed.y + offset] = self._marked(
                        placed.index, offset, line, is_body=is_body
                    )
        if not self._places:
            for y, words in enumerate((EMPTY, self.empty), 1):
                segment = Segment(f"  {words}"[:width], self._style("dim"))
                lines[min(y, height - 1)] = Strip([segment]).adjust_cell_length(
                    width, self._style("base")
                )
        elif self.cursor.position.is_needed(*self._extent):
            lines = [self._with_bar(line, y, len(painted)) for y, line in enumerate(lines)]
        return [line.crop(crop.x, crop.right) for line in lines[crop.y : crop.bottom]]

    def notify_style_update(self) -> None:
        """Rebuild all entries when the theme changes."""
        super().notify_style_update()
        self._forget()

    def on_resize(self) -> None:
        """Rewrap all entries for the new width."""
        self._forget()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked entry; a double click shows its events."""
        for placed, _ in self._painted:
            if placed.y <= event.y < placed.y + placed.height:
                self._select(placed.index)
                if event.chain == 2:
                    self.action_events(is_first=True)
                return

    def on_mouse_scroll_down(self) -> None:
        """Scroll down with the wheel."""
        self._scroll(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up with the wheel."""
        self._scroll(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Select the next entry; scroll by lines through one that is higher than the screen."""
        if self._places:
            self.cursor.step(step, *self._extent)
            self._repaint()

    def action_page(self, step: int) -> None:
        """Scroll by pages and move the cursor along."""
        self.cursor.page(step, *self._extent)
        self._repaint()

    def action_go(self, index: int) -> None:
        """Select the first or the last entry; on the last one, new entries are followed."""
        self._select(index if index >= 0 else len(self._places) + index)

    def action_events(self, is_first: bool) -> None:
        """Go to the first or the last event of the entry."""
        place = self.selected
        if place is not None:
            found = entry(self._state, place)
            row = found.first_row if is_first else found.last_row
            if row >= 0:
                self.post_message(RowRequested(row))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Disable answering where nothing can be answered."""
        return action != "answer" or (
            self._can_answer and self._state.session.kind not in ASKS_NOTHING
        )

    def action_answer(self) -> None:
        """Answer the request of the entry, else the oldest request in the conversation."""
        question = question_for(self._state, self.selected)
        if question is None:
            self.notify("nothing to answer here", timeout=3)
        else:
            self.post_message(AnswerRequested(question))

    def action_copy(self) -> None:
        """Copy the text of the entry."""
        place = self.selected
        if place is not None:
            found = entry(self._state, place)
            self.post_message(CopyRequested(found.text, f"the text of {found.who}"))

    def action_sound(self, as_file: bool) -> None:
        """Play the item, or write it to a file."""
        if self.item_id:
            self.post_message(SoundRequested(item_id=self.item_id, as_file=as_file))

    @property
    def _extent(self) -> tuple[int, int]:
        """Return the number of entries and the height of the widget."""
        return len(self._places), self.size.height

    def _select(self, index: int) -> None:
        """Put the cursor on an entry and show it."""
        if self._places:
            self.cursor.select(index, *self._extent)
            self._repaint()

    def _scroll(self, lines: int) -> None:
        self.cursor.scroll(lines, *self._extent)
        self._repaint()

    def _layout(self) -> list[Placed]:
        """Return the places of the visible entries."""
        return self.cursor.position.layout(*self._extent)

    def _repaint(self) -> None:
        """Repaint what has changed: only the lines of one entry if all others kept their places."""
        before, places_now = self._painted, self._layout()
        now = [(placed, stamp(self._state, self._places[placed.index])) for placed in places_now]
        self._painted = now
        if [placed for placed, _ in before] == places_now:
            for (placed, new), (_, old) in zip(now, before, strict=True):
                if old != new:
                    self.refresh(Region(0, max(0, placed.y), self.size.width, placed.height))
            if self._painted_cursor == self.cursor.index:
                return
        self._painted_cursor = self.cursor.index
        self.refresh()

    def _block(self, index: int) -> list[UncachedStrip]:
        """Return the lines of an entry, including the empty one below it."""
        if not self._styles:
            self._styles = {tone.value: self._style(tone.value) for tone in Tone}
        width = max(8, self.size.width - 1)
        key = self._key("talk.answer") if self._can_answer else ""
        return self._blocks.lines(self._state, self._places[index], width, self._styles, key)

    def _marked(self, index: int, offset: int, line: Strip, *, is_body: bool) -> Strip:
        """Return a line of a block at the widget's width, with the cursor if it is on it."""
        strip = line.adjust_cell_length(self.size.width, self._style("base"))
        if index != self.cursor.index or not is_body:
            return strip
        if offset == 0:
            gutter = Segment(self._glyphs.related, self._style("related"))
            strip = Strip.join([Strip([gutter]), strip.crop(1)])
        return overlaid(strip, Style(bgcolor=self._style("cursor").bgcolor))

    def _with_bar(self, line: Strip, y: int, shown: int) -> Strip:
        """Return a line with its cell of the scroll bar, which counts entries, not lines."""
        # The heights of all entries are unknown, since only visible ones are built.
        height, total = self.size.height, len(self._places)
        is_thumb = y in thumb(height, shown, max(shown, total), self.cursor.position.top)
        glyph, name = (self._glyphs.thumb, "thumb") if is_thumb else (self._glyphs.track, "track")
        bar = Strip([Segment(glyph, self._style(name))])
        return Strip.join([line.crop(0, self.size.width - 1), bar])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"talk--{name}")

    def _forget(self) -> None:
        self._blocks.clear()
        self._styles.clear()
        self._painted = []
        if self._places:
            self.cursor.reveal(*self._extent)
        self.refresh()
