"""Part: a capability of a workspace, with its keys, its commands and what it adds below the views.

Parts are nested around the views, so that their bindings work while a view has the focus, and not while a line is typed into:
that is how Textual looks for the owner of a key. ``SessionModel`` is what a workspace shows; parts are what one can do with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from inspector.analysis.totals import Losses
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Readings
from inspector.tui.views.view import Commands

if TYPE_CHECKING:
    from inspector.tui.workspace.workspace import Workspace


class SessionModel(ABC):
    """What a workspace shows: a live session, a session of an app, a recording under a cursor."""

    title: str
    """Of the screen, in its help page."""
    can_answer: bool = True
    """Whether a function call or an approval can be answered."""

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """Return the events."""

    @property
    @abstractmethod
    def state(self) -> SessionState:
        """Return the state that the views show."""

    @abstractmethod
    def now_us(self) -> int:
        """Return where the session, or its replay, is, in microseconds of session time."""

    @abstractmethod
    def recording_stem(self) -> str:
        """Return the name that files made from this session begin with."""

    @abstractmethod
    def header(self, ticks: int) -> Sequence[HeaderPart]:
        """Return the first line; ``ticks`` counts the looks of the screen, for a spinner."""

    @property
    @abstractmethod
    def is_troubled(self) -> bool:
        """Tell whether the first line is to stand out."""

    @abstractmethod
    def hint(self, key: Key, place: str) -> Hint:
        """Return what is true and what to do next.

        Args:
            key: names keys.
            place: where the keys go: the name of a view, or ``detail``.
        """

    @abstractmethod
    def readings(self, key: Key) -> Readings:
        """Return what the level meters show."""

    @abstractmethod
    def empty_conversation(self, key: Key) -> str:
        """Return what to do, or to know, while the conversation is empty."""

    @property
    def is_busy(self) -> bool:
        """Tell whether what can wait is to wait: a large recording is being opened."""
        return False

    @property
    def covered_rows(self) -> int | None:
        """Return how many events the state covers; None for all."""
        return None

    @property
    def losses(self) -> Losses:
        """Return what the inspector itself did not send or play, by name; nothing where it neither sends nor plays."""
        return {}

    async def close(self) -> None:  # noqa: B027 - a session of an app ends without us
        """End what the workspace began, before its screen goes."""


class Part(Container):
    """A capability. ``workspace`` is set before the part is mounted."""

    DEFAULT_CSS = """
    Part { height: 1fr; width: 1fr; }
    """

    workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._around: Widget | None = None

    def wrap(self, inner: Widget) -> Part:
        """Stand around the views, or around a part that does; return this part."""
        self._around = inner
        return self

    def compose(self) -> ComposeResult:
        """Lay out the views, and below them what the part adds."""
        if self._around is not None:
            yield self._around
        yield from self.compose_below()

    def compose_below(self) -> ComposeResult:
        """Lay out what the part adds below the views."""
        return
        yield

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key before everything that it may concern is there."""
        return self.workspace.is_whole and super().check_action(action, parameters)

    def commands(self) -> Commands:
        """Return the commands that the part adds to the command line."""
        return {}

    def advance(self) -> None:
        """Take a step; called on each tick, before anything is drawn."""

    def event_selected(self, row: int) -> None:
        """Follow a selection."""

    def event_marked(self, row: int) -> None:
        """Follow a mark."""
