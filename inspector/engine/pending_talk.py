"""A request to talk that waits until the microphone is open and the server is ready."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from inspector.core.units import NS_PER_S
from inspector.engine.sound_places import SoundEnd, SoundEndKind

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine
    from inspector.engine.microphone import Microphone

SETTLE_TIMEOUT_S = 3
"""How long a request waits for the server to confirm the session's settings."""


class TalkIntent(StrEnum):
    """What the microphone should do."""

    PUSH = "push"
    """Send one turn, which the user ends."""
    OPEN = "open"
    FITTING = "fitting"
    """``OPEN`` if the session has turn detection, else ``PUSH``."""


class PendingTalk:
    """The user's request to talk, until it can be carried out."""

    def __init__(self, engine: Engine) -> None:
        self.intent: TalkIntent | None = None
        """The pending request; None if there is none."""
        self._engine = engine
        self._opened_ns = 0

    def opened(self, t_ns: int) -> None:
        """Record when the connection was made, in session time."""
        self._opened_ns = t_ns

    def toggle(self, intent: TalkIntent, microphone: Microphone | None, end: SoundEnd) -> str:
        """Make a request, or cancel the pending one, or stop talking; return a message for the user, or ``""``."""
        engine = self._engine
        if self.intent is not None:
            self.intent = None
        elif microphone is not None and microphone.is_sending:
            return microphone.release(engine.state, engine.now_ns)
        elif end.kind is SoundEndKind.NONE:
            return "no microphone is selected; select one in the audio devices"
        elif not engine.can_send:
            return "not connected, so you cannot talk"
        elif "call_id=" in engine.source.url:
            return "the call has its own microphone; this session only observes the call"
        else:
            self.intent = intent
        return ""

    def pop_due(self, microphone: Microphone) -> TalkIntent | None:
        """Return and clear the request, as ``PUSH`` or ``OPEN``, if it can be carried out now; else None."""
        engine, session = self._engine, self._engine.state.session
        if self.intent is None or microphone.input is None or not session.is_open:
            return None
        # Whether to push or open depends on the turn detection, so wait for a ``session.updated`` that is under way.
        is_late = engine.now_ns - self._opened_ns > SETTLE_TIMEOUT_S * NS_PER_S
        if not is_late and (not engine.state.is_settled or len(engine.outbox)):
            return None
        intent, self.intent = self.intent, None
        if intent is TalkIntent.FITTING:
            return TalkIntent.OPEN if session.turn_detection else TalkIntent.PUSH
        return intent
