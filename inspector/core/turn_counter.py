"""TurnCounter: which turn an event belongs to. The only definition of a turn; filters, lists, the timeline and the folds use it.

A turn is what one cause brought about: the user spoke or wrote, a tool's result came after the model had already said something,
the app let the model speak first, the idle time ran out, or an answer was asked for outside of the conversation. Silent tool
rounds belong to the turn that waits for them. Only events of ``TURN_TYPES`` can change the turn, so that a large log is
counted by looking at these alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, objects_at, text_at
from inspector.core.session_fold import SessionFold

ITEM_ADDED = ("conversation.item.added", "conversation.item.created")
SPEECH_STARTED = "input_audio_buffer.speech_started"
SPEECH_STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
TIMED_OUT = "input_audio_buffer.timeout_triggered"
SESSION_TYPES = frozenset(
    {
        "inspector.opened",
        "conversation.created",
        "session.created",
        "session.started",
        "session.updated",
        "transcription_session.created",
        "transcription_session.updated",
    }
)
"""Event types that describe a session or start another one in the same log."""
_MCP_ENDED = frozenset({"response.mcp_call.completed", "response.mcp_call.failed"})
TURN_TYPES = SESSION_TYPES | {
    *ITEM_ADDED,
    SPEECH_STARTED,
    SPEECH_STOPPED,
    COMMITTED,
    TIMED_OUT,
    "conversation.item.create",
    "response.created",
    "response.output_item.added",
    "response.done",
    *_MCP_ENDED,
}
"""The event types that can begin a turn, answer it, or end it."""
MAX_ASIDES = 64
"""Active out-of-band responses that are remembered; ``response.done`` of older ones never came."""
MAX_INPUTS = 256
"""Input items whose start is remembered, for later events that name them."""


class TurnKind(StrEnum):
    """What caused a turn."""

    SPEECH = "speech"
    TEXT = "text"
    TOOL = "tool follow-up"
    """A tool result after the model had already said something: the user waits again."""
    OUT_OF_BAND = "out-of-band"
    """A response outside of the default conversation."""
    GREETING = "greeting"
    """The model spoke first."""
    IDLE = "idle"
    """No speech for ``idle_timeout_ms``."""


USERS = frozenset({TurnKind.SPEECH, TurnKind.TEXT})
"""Kinds of turn started by the user."""


class TurnCounter:
    """Count turns in a sequence of events."""

    def __init__(self) -> None:
        self.number = 0
        """The turn of the last event; 0 if it belongs to none."""
        self.kinds: list[TurnKind] = []
        """Kind of each turn; the first turn is at 0."""
        self.sessions = 0
        """Number of sessions started in this log, as far as the events show."""
        self._session = SessionFold()
        self._main = 0
        """Current turn of the default conversation."""
        self._is_answered = True
        self._has_spoken = False
        """True if a response in this turn has said something."""
        self._answer_id = ""
        """Latest response in this turn; an interrupted response ends in the turn that interrupted it."""
        self._is_given = False
        """True if no response has followed the last tool result yet."""
        self._given: frozenset[str] = frozenset()
        """Calls in this turn that have their results."""
        self._inputs: dict[str, None] = {}
        """Input items that were assigned to a turn."""
        self._asides: dict[str, int] = {}
        """Active out-of-band responses and their turns."""

    @property
    def count(self) -> int:
        """Return the number of turns so far."""
        return len(self.kinds)

    def feed(self, event: Event) -> int:
        """Apply the next event; return the turn that it belongs to, 0 if none."""
        kind = event.type
        if kind not in TURN_TYPES:
            return self.number
        if event.direction is Direction.CLIENT:
            if kind == "conversation.item.create":
                self._give(object_at(event.body or {}, "item"))
        elif kind in SESSION_TYPES:
            self._describe(event)
        elif kind in ITEM_ADDED:
            self._add(object_at(event.body or {}, "item"))
        elif kind in (SPEECH_STARTED, SPEECH_STOPPED, COMMITTED, TIMED_OUT):
            self._hear(kind, text_at(event.body or {}, "item_id"))
        else:
            self._answer(kind, event.body or {})
        return self.number

    def copy(self) -> TurnCounter:
        """Return an independent copy."""
        clone = TurnCounter()
        clone.__dict__.update(self.__dict__)
        clone.kinds = list(self.kinds)
        clone._session = self._session.copy()
        clone._inputs, clone._asides = dict(self._inputs), dict(self._asides)
        return clone

    def _begin(self, kind: TurnKind) -> None:
        self.kinds.append(kind)
        self.number = self._main = len(self.kinds)
        self._is_answered = self._has_spoken = self._is_given = False
        self._given, self._answer_id = frozenset(), ""

    def _describe(self, event: Event) -> None:
        """Start another session, without a turn: nothing in it follows from the session before."""
        if self._session.ends_with(event) or not self.sessions:
            anew = TurnCounter()
            anew.kinds, anew.sessions = self.kinds, self.sessions + 1
            self.__dict__.update(anew.__dict__)
        self._session.apply(event)

    def _give(self, item: Body) -> None:
        if item.get("type") == "function_call_output":
            self._take_result(text_at(item, "call_id"))

    def _take_result(self, call: str) -> None:
        if call not in self._given:
            self._given |= {call}
            self._is_given = True

    def _add(self, item: Body) -> None:
        self._give(item)
        # xAI calls the caller of a function a user.
        if item.get("role") != "user" or item.get("type", "message") != "message":
            return
        item_id = text_at(item, "id")
        parts = {text_at(part, "type") for part in objects_at(item, "content")}
        if item_id and item_id in self._inputs:
            return  # spoken input, already assigned to a turn
        if self._is_answered:
            self._begin(TurnKind.SPEECH if "input_audio" in parts else TurnKind.TEXT)

    def _hear(self, kind: str, item_id: str) -> None:
        # Speech, commit and item of one input start one turn, and so do several items before one response.
        is_known = bool(item_id) and item_id in self._inputs
        if kind == SPEECH_STARTED or (self._is_answered and not is_known):
            self._begin(TurnKind.IDLE if kind == TIMED_OUT else TurnKind.SPEECH)
        if item_id and not is_known:
            if len(self._inputs) >= MAX_INPUTS:
                self._inputs.pop(next(iter(self._inputs)))
            self._inputs[item_id] = None

    def _answer(self, kind: str, body: Body) -> None:
        response = object_at(body, "response")
        if kind == "response.created":
            # Only GA and later beta servers have the key at all, and null there means out-of-band.
            if response.get("conversation_id", "absent") is None:
                self._begin_aside(text_at(response, "id"))
            else:
                self._begin_answer(text_at(response, "id"))
        elif kind in _MCP_ENDED:
            self._take_result(text_at(body, "item_id"))
        elif kind == "response.done":
            response_id = text_at(response, "id")
            if response_id in self._asides:
                del self._asides[response_id]
                self.number = next(reversed(self._asides.values()), self._main)
            else:
                self._speak(response_id, objects_at(response, "output"))
        else:
            self._speak(text_at(body, "response_id"), [object_at(body, "item")])

    def _speak(self, response_id: str, items: Iterable[Body]) -> None:
        if self._is_answered and response_id == self._answer_id:
            self._has_spoken |= any(map(_is_message, items))

    def _begin_aside(self, response_id: str) -> None:
        self.kinds.append(TurnKind.OUT_OF_BAND)
        if len(self._asides) >= MAX_ASIDES:
            self._asides.pop(next(iter(self._asides)))
        self.number = self._asides[response_id] = len(self.kinds)

    def _begin_answer(self, response_id: str) -> None:
        self.number = self._main
        if not self._main:
            self._begin(TurnKind.GREETING)
        elif self._has_spoken and self._is_given:
            self._begin(TurnKind.TOOL)
        self._is_answered, self._is_given, self._answer_id = True, False, response_id


def _is_message(item: Body) -> bool:
    return item.get("type") == "message"
