"""What was asked of a session's microphone, until there is one, and a server that listens."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from inspector.clock import NS_PER_S
from inspector.engine.sound_places import SoundEnd, SoundEndKind

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine
    from inspector.engine.microphone import Microphone

PATIENCE_S = 3
"""How long talking waits for the server to describe the session."""


class TalkIntent(StrEnum):
    """What is wanted of a microphone."""

    PUSH = "push"
    """A turn, which the user ends."""
    OPEN = "open"
    FITTING = "fitting"
    """Whichever of the two fits the session's turn detection."""


class PendingTalk:
    """What the user wants of the microphone and has not got yet."""

    def __init__(self, engine: Engine) -> None:
        self.wish: TalkIntent | None = None
        self._engine = engine
        self._opened_ns = 0

    def opened(self, t_ns: int) -> None:
        """Take note of when the connection was made, in session time."""
        self._opened_ns = t_ns

    def toggle(self, wish: TalkIntent, microphone: Microphone | None, place: SoundEnd) -> str:
        """Ask for something, or give up what was asked for, or end what is said; return what the user should know."""
        engine = self._engine
        if self.wish is not None:
            self.wish = None
        elif microphone is not None and microphone.is_sending:
            return microphone.release(engine.state, engine.now_ns)
        elif place.kind is SoundEndKind.NONE:
            return "no microphone is chosen; the audio devices offer some"
        elif not engine.can_send:
            return "there is no connection to talk to"
        elif "call_id=" in engine.source.url:
            return "the call's own microphone is heard; this session only watches the call"
        else:
            self.wish = wish
        return ""

    def take_due(self, microphone: Microphone) -> TalkIntent | None:
        """Return what to do now, push or open, and forget about it; None where there is nothing to do, or not yet."""
        engine, session = self._engine, self._engine.state.session
        if self.wish is None or microphone.input is None or not session.is_open:
            return None
        is_late = engine.now_ns - self._opened_ns > PATIENCE_S * NS_PER_S
        if not is_late and (not engine.state.is_settled or len(engine.outbox)):
            return None
        wish, self.wish = self.wish, None
        if wish is TalkIntent.FITTING:
            return TalkIntent.OPEN if session.turn_detection else TalkIntent.PUSH
        return wish
