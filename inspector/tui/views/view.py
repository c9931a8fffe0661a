"""View: one tab of a workspace. A new tab is a folder with a subclass of it, and an entry in ``VIEWS``.

A view owns one widget. The workspace calls ``refresh`` on the tick and ``frame`` 30 times a second; everything else is requested
with the messages in ``views/messages.py``. A view knows the log and the state, but no engine, source or screen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.dom import DOMNode
from textual.geometry import Size
from textual.widget import Widget

from inspector.analysis.totals import Losses
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.muted_rules import MutedRules
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.terminal.direct_renderer import CellUpdate

if TYPE_CHECKING:
    from inspector.analysis.ledger import CostLedger, CostSummary, TurnOf
    from inspector.analysis.lint.lint_run import LintReport
    from inspector.analysis.lint.proofs import Proofs
    from inspector.analysis.percentiles import FigureSpread, MeasuredTurn
    from inspector.analysis.sound_bench import BenchReport
    from inspector.analysis.vad_lab import VadLab

Commands = Mapping[str, Callable[[str], None]]
"""Commands by name; each takes the rest of the line and raises ValueError with a message if that is invalid."""


class CostReading(Protocol):
    """What the session cost by now, or by the cursor."""

    ledger: CostLedger | None
    """None while nothing has been billed."""
    revision: int
    """Grows with every change."""

    def summary(self, state: SessionState) -> CostSummary | None:
        """Return what there is to say, as of a moment ago at most; None while that is not known."""
        ...

    def turn_of(self, state: SessionState) -> TurnOf | None:
        """Return a function that finds a record's turn; None if the turns are unknown."""
        ...


class LatencyReading(Protocol):
    """How long each turn took by now, or by the cursor."""

    revision: int
    """Grows with every change."""

    def step(self, state: SessionState, is_time_up: Callable[[], bool]) -> bool:
        """Measure turns that have changed; return True if anything changed."""
        ...

    @property
    def turns(self) -> Sequence[MeasuredTurn]:
        """Return the measured turns, oldest first."""
        ...

    def known_until_us(self, now_us: int) -> int:
        """Return up to when the turns are known: ``now_us``, or an earlier time if the state lags behind it."""
        ...

    @property
    def progress(self) -> float:
        """Return the share of the turns that have been listened to, 0..1."""
        ...

    def spreads(self, figures: frozenset[str]) -> Sequence[FigureSpread]:
        """Return the percentiles of some figures, as of a moment ago at most."""
        ...


class FindingsReading(Protocol):
    """What the rules find in the session by now, or by the cursor."""

    report: LintReport | None
    """All that was found; None before the first event."""
    muted: MutedRules
    """The rules whose findings are not shown."""
    after: str
    """Name of the recording of the connection before, which the rules remember; ``""`` without one."""
    revision: int
    """Incremented whenever the report or the muted rules have changed."""


class BackgroundReading(Protocol):
    """Something that is worked out in a thread while a view shows it."""

    @property
    def revision(self) -> int:
        """Return a number that changes with everything that is shown."""
        ...

    @property
    def is_due(self) -> bool:
        """Return whether there is anything to work out."""
        ...

    @property
    def progress(self) -> float:
        """Return how much has been worked out, 0..1."""
        ...

    def compute(self, is_cancelled: Callable[[], bool]) -> None:
        """Work out what is due; called in a thread, one at a time."""
        ...

    def close(self) -> None:
        """Release what it holds, once no view shows it any more."""
        ...


class BenchReading(BackgroundReading, Protocol):
    """The sound of the whole session, measured."""

    report: BenchReport | None
    """None before the first measurement."""


class LabReading(BackgroundReading, Protocol):
    """The probability of speech in the microphone's audio."""

    lab: VadLab | None
    """None before the first audio was read; it grows meanwhile."""

    def next_detector(self) -> str:
        """Listen anew with the next detector that is installed; return its name."""
        ...


@dataclass(frozen=True, slots=True)
class ViewContext:
    """What a view can access of its session."""

    log: EventLog
    state: Callable[[], SessionState]
    """Returns the state to show, now or at a replay's cursor; another object after a seek."""
    now_us: Callable[[], int]
    """Returns the current session time, or that of the replay's cursor, in microseconds."""
    selected: Callable[[], int]
    """Returns the row of the selected event; -1 for none."""
    glyphs: Glyphs
    key: Callable[[type[DOMNode]], Key]
    """Returns the function for key names of a widget class."""
    screen_key: Key
    """Returns the names of the workspace's keys."""
    empty_conversation: Callable[[], str]
    """Returns the text for an empty conversation."""
    cost: CostReading
    latency: LatencyReading
    findings: FindingsReading
    whole_report: Callable[[], LintReport | None]
    """Returns what is found in a whole recording, beyond the cursor too; None if that is not known, or there is no cursor."""
    proofs: Callable[[], Proofs]
    """Returns which findings the events of the session prove."""
    bench: BenchReading
    vad_lab: LabReading
    losses: Callable[[], Losses]
    """Returns counts of audio that this program did not send or play, by name."""
    can_answer: bool = True
    """Whether function calls and approvals can be answered from here."""
    is_recording: bool = False
    """Whether the session is over, and all its events are known."""


class View(ABC):
    """One tab."""

    id: ClassVar[str]
    """Name in commands, binding ids and style sheets; also the widget's id."""
    title: ClassVar[str]
    """Title of the tab."""
    short: ClassVar[str] = ""
    """Title of the tab in a narrow terminal; ``""`` for the same."""
    key: ClassVar[str]
    """Key that shows the view, in Textual's spelling."""
    is_eager: ClassVar[bool] = True
    """False if the widget is created only when it is first shown."""

    def __init__(self, context: ViewContext) -> None:
        self.context = context

    @property
    @abstractmethod
    def widget(self) -> Widget:
        """Return the view's widget, with the view's id. Implement it as a cached property that imports only what the view needs."""

    def refresh(self) -> None:  # noqa: B027 - a view that only paints frames has nothing to do here
        """Show what has changed; called on the tick while the view is shown."""

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Return what to paint at once; called 30 times a second while the view is shown."""
        return ()

    def take_focus(self) -> None:
        """Focus the view."""
        self.widget.focus()

    def commands(self) -> Commands:
        """Return the commands that the view adds to the command line."""
        return {}

    def show_event(self, row: int) -> bool:  # noqa: ARG002 - for subclasses
        """Go to what an event belongs to; return False if the view does not show it."""
        return False

    def enter(self, row: int, part: str = "") -> None:  # noqa: B027 - most views stay where they were
        """Prepare to be shown, after another view.

        Args:
            row: of the selected event; -1 for none.
            part: name of what to show of the event; ``""`` to choose.
        """

    def item_id(self) -> str | None:
        """Return the item under the view's cursor; None to use that of the selected event."""
        return None

    def arrange(self, size: Size) -> None:  # noqa: B027 - most views fill what room they get
        """Adapt the layout to the screen's size."""

    def go_back(self) -> bool:
        """Go one level back within the view; return False at the top level."""
        return False
