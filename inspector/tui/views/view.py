"""View: one tab of a workspace. A new tab is a folder with one of these, and a line in ``VIEWS``.

A view owns one widget. It is told when to look (``refresh``, on the tick; ``frame``, 30 times a second) and asks for everything
else by the messages of ``views/messages.py``. It knows the log and the state, never an engine, a source or a screen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.dom import DOMNode
from textual.geometry import Size
from textual.widget import Widget

from inspector.analysis.totals import Losses
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.terminal.direct_renderer import CellUpdate

Commands = Mapping[str, Callable[[str], None]]
"""The commands of the command line: name to what it does with the rest of the line; a ValueError says what is wrong with that."""


@dataclass(frozen=True, slots=True)
class ViewContext:
    """What a view may know of the session around it."""

    log: EventLog
    state: Callable[[], SessionState]
    """Returns the state that is shown: as of now, or as of a replay's cursor. Another object after a jump."""
    now_us: Callable[[], int]
    """Returns where the session or its replay is, in microseconds of session time."""
    selected: Callable[[], int]
    """Returns the row of the selected event; -1 for none."""
    glyphs: Glyphs
    key: Callable[[type[DOMNode]], Key]
    """Returns what names the keys of a widget class."""
    screen_key: Key
    """Names the keys of the workspace."""
    empty_conversation: Callable[[], str]
    """Returns what to do, or to know, while the conversation is empty."""
    losses: Callable[[], Losses]
    """Returns what the inspector itself did not send or play, by name."""
    can_answer: bool = True
    """Whether a function call or an approval can be answered from here."""


class View(ABC):
    """One tab."""

    id: ClassVar[str]
    """Names the view in commands, key ids and style sheets; of its widget too."""
    title: ClassVar[str]
    """As the tab says it."""
    key: ClassVar[str]
    """The key that shows it, in Textual's spelling."""
    is_eager: ClassVar[bool] = True
    """False where the widget is made only when it is first shown."""

    def __init__(self, context: ViewContext) -> None:
        self.context = context

    @property
    @abstractmethod
    def widget(self) -> Widget:
        """Return the view's one widget, which has the view's id; a cached property that imports only what this view needs."""

    def refresh(self) -> None:  # noqa: B027 - a view that only paints frames has nothing to do here
        """Show what has changed; called on the tick while the view is shown."""

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Return what to paint at once, 30 times a second while the view is shown."""
        return ()

    def take_focus(self) -> None:
        """Give the keys to the view."""
        self.widget.focus()

    def commands(self) -> Commands:
        """Return the commands that the view adds to the command line."""
        return {}

    def show_event(self, row: int) -> bool:  # noqa: ARG002 - for those that can
        """Go to what an event is about; return False where nothing here is."""
        return False

    def item_id(self) -> str | None:
        """Return the item that the user points at; None where the selected event decides."""
        return None

    def arrange(self, size: Size) -> None:  # noqa: B027 - most views fill what room they get
        """Lay the view out for a screen of a size."""

    def go_back(self) -> bool:
        """Go one level back within the view; return False where it is at its first."""
        return False
