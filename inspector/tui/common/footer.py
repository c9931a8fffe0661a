"""Footer: one painted line with the keys that work for the focused widget and its screen.

It replaces the ``Footer`` of Textual 8.2.8, which mounts a new widget per key whenever the bindings change and leaks the old
ones: each is bound to the footer's ``compact`` (``data_bind``), and dead watchers are removed only when ``compact`` changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.common.keycaps import key_words

MAX_ENTRIES = 8  # more keys are not read; the help page lists all


@dataclass(frozen=True, slots=True)
class FooterEntry:
    """One key and its description."""

    key: str
    """The key in Textual's spelling."""
    words: str
    """The key as shown to the user."""
    description: str
    """What the key does."""
    is_enabled: bool

    @property
    def width(self) -> int:
        """Return the width in cells, with padding."""
        return cell_len(f" {self.words} {self.description} ")


class Footer(Widget, can_focus=False):
    """The keys of the screen and of the focused widget."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Footer {
        dock: bottom;
        height: 1;
        color: $footer-foreground;
        background: $footer-background;
    }
    Footer > .footer--key {
        color: $footer-key-foreground;
        background: $footer-key-background;
        text-style: bold;
    }
    Footer > .footer--description {
        color: $footer-description-foreground;
        background: $footer-description-background;
    }
    """
    COMPONENT_CLASSES = {"footer--key", "footer--description"}

    class KeyClicked(Message):
        """A key was clicked and should be pressed."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self.entries: tuple[FooterEntry, ...] = ()

    def on_mount(self) -> None:
        """Subscribe to changes of the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        """Unsubscribe from changes of the bindings."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not screen.app.app_focus:
            return  # a terminal that loses the focus takes it from every widget for a while
        entries = entries_of(screen)
        if entries != self.entries:
            self.entries = entries
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the line, repeated for the height of the crop."""
        base = Style(bgcolor=self.rich_style.bgcolor)
        key, description = (
            self.get_component_rich_style(f"footer--{name}") for name in ("key", "description")
        )
        segments = []
        for entry in self._fitting():
            dim = Style(dim=not entry.is_enabled)
            segments.append(Segment(f" {entry.words} ", key + dim))
            segments.append(Segment(f"{entry.description} ", description + dim))
        line = Strip(segments).adjust_cell_length(self.size.width, base)
        return [line.crop(crop.x, crop.right)] * crop.height

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Post the key under the pointer."""
        at = 0
        for entry in self._fitting():
            at += entry.width
            if event.x < at:
                if entry.is_enabled:
                    self.post_message(self.KeyClicked(entry.key))
                return

    def _fitting(self) -> list[FooterEntry]:
        """Return the entries that fit into the width."""
        left = self.size.width
        fitting = []
        for entry in self.entries:
            if entry.width - 1 <= left:  # the last entry needs no gap behind it
                left -= entry.width
                fitting.append(entry)
        return fitting


def entries_of(screen: Screen[object]) -> tuple[FooterEntry, ...]:
    """Return the first keys that a screen shows, once per action."""
    found: dict[str, FooterEntry] = {}
    focused = screen.focused
    for bound in screen.active_bindings.values():
        binding = bound.binding
        if binding.show and binding.action not in found:
            words = binding.key_display or key_words(binding.key)
            character = words if len(words) == 1 else None
            if focused is not None and focused.check_consume_key(binding.key, character):
                continue  # it is typed; Textual 8.2.8 misses keys like "slash", whose name is not Unicode's
            found[binding.action] = FooterEntry(
                binding.key, words, binding.description, bound.enabled
            )
    return tuple(found.values())[:MAX_ENTRIES]
