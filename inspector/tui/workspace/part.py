"""SessionModel, which a workspace shows, and Part, a capability with keys, commands and widgets below the views.

Parts are nested around the views: Textual looks for the binding of a key in the ancestors of the focused widget, so a part's keys
work while a view has the focus, and do not while the user types into a line outside of the parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.totals import Losses
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.session_bench import SessionBench, SessionVadLab
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_findings import SessionFindings
from inspector.engine.session_latency import SessionLatency
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Readings
from inspector.tui.views.view import Commands

if TYPE_CHECKING:
    from inspector.analysis.lint.lint_run import LintReport
    from inspector.analysis.verdict import VerdictPart
    from inspector.tui.workspace.workspace import Workspace


class SessionModel(ABC):
    """What a workspace shows: a live session, a proxied session, or a recording under a cursor."""

    title: str
    """Title of the screen, shown in its help page."""
    can_answer: bool = True
    """Whether function calls and approvals can be answered from here."""
    is_recording: bool = False
    """Whether it is over, and all its events are known."""

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """Return the session's events."""

    @property
    @abstractmethod
    def state(self) -> SessionState:
        """Return the state to show."""

    @abstractmethod
    def now_us(self) -> int:
        """Return the current session time, or that of the replay's cursor, in microseconds."""

    @abstractmethod
    def recording_stem(self) -> str:
        """Return the prefix for names of files written from this session."""

    @abstractmethod
    def header(self, ticks: int) -> Sequence[HeaderPart]:
        """Return the parts of the header; ``ticks`` counts the ticks of the workspace, for a spinner."""

    def in_progress(self) -> str:
        """Return what closing the session now would cut off, in words; ``""`` for nothing."""
        return ""

    cost: SessionCost
    """What it cost by now, or by the cursor."""
    latency: SessionLatency
    """How long its turns took by now, or by the cursor; measured only while a view asks."""
    findings: SessionFindings
    """What the rules find by now, or by the cursor."""
    bench: SessionBench
    """Its sound; measured only while a view asks."""
    vad_lab: SessionVadLab
    """The speech in it; listened to only while a view asks."""

    @property
    def proofs(self) -> Proofs:
        """Return what the events of the session prove; of a recording all of them, wherever the cursor is."""
        return self.findings.proofs

    @property
    def faults(self) -> int:
        """Return the number of errors by now, without those that only look like faults."""
        return self.findings.faults(self.state, self.proofs)

    @property
    def whole_report(self) -> LintReport | None:
        """Return what is found in a whole recording, beyond the cursor too; None if that is not known, or there is no cursor."""
        return None

    @property
    @abstractmethod
    def verdict(self) -> Sequence[VerdictPart]:
        """Return what there is to know of the session or of the whole recording, the worst first."""

    @property
    def verdict_words(self) -> str:
        """Return the text shown while there is no verdict."""
        return "no verdict yet: no turns, errors or costs"

    def advance(self) -> None:
        """Work out what the session cost, and the verdict, for a bounded time; called on each tick."""
        self.cost.step(self.state)

    @property
    @abstractmethod
    def is_troubled(self) -> bool:
        """Return whether the header is shown in the error colour."""

    @abstractmethod
    def hint(self, key: Key, place: str) -> Hint:
        """Return the condition of the session and the next steps.

        Args:
            key: returns the key name of a binding.
            place: what has the focus: the name of a view, or ``detail``.
        """

    @abstractmethod
    def readings(self, key: Key) -> Readings:
        """Return the readings of the level meters."""

    @abstractmethod
    def empty_conversation(self, key: Key) -> str:
        """Return the text for an empty conversation."""

    @property
    def is_busy(self) -> bool:
        """Return whether optional work should wait because a large recording is being opened."""
        return False

    @property
    def covered_rows(self) -> int | None:
        """Return how many events the state includes; None for all."""
        return None

    @property
    def losses(self) -> Losses:
        """Return counts of audio that this program did not send or play, by name."""
        return {}

    async def close(self) -> None:  # noqa: B027 - a proxied session ends without us
        """Release what the model holds, before the screen closes."""


class Part(Container):
    """A capability of a workspace, which sets ``workspace`` before mounting it."""

    DEFAULT_CSS = """
    Part { height: 1fr; width: 1fr; }
    """

    workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._around: Widget | None = None

    def wrap(self, inner: Widget) -> Part:
        """Nest the views, or the part around them, in this part; return this part."""
        self._around = inner
        return self

    def compose(self) -> ComposeResult:
        """Lay out the nested widget, and this part's widgets below it."""
        if self._around is not None:
            yield self._around
        yield from self.compose_below()

    def compose_below(self) -> ComposeResult:
        """Lay out the widgets that the part adds below the views."""
        # The unreachable yield makes this an empty generator, as Textual expects of compose methods.
        return
        yield

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable all keys until the whole screen is mounted."""
        return self.workspace.is_whole and super().check_action(action, parameters)

    def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the values to offer for a command's argument, by the command's name."""
        return {}

    def commands(self) -> Commands:
        """Return the commands that the part adds to the command line."""
        return {}

    def advance(self) -> None:
        """Do the part's periodic work; called on each tick, before anything is drawn."""

    def event_selected(self, row: int) -> None:
        """React to the selection of an event."""

    def event_marked(self, row: int) -> None:
        """React to a new mark on an event."""
