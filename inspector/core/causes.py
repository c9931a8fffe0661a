"""CausesFold: which event brought which about; and ProblemsFold: what went wrong, tied to what caused it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.kinds import kind_of
from inspector.core.log import FLAG_ERROR, FLAG_WARNING, flags_of, reports_error
from inspector.core.read import int_at, object_at, text_at
from inspector.core.responses import reason_of

MAX_PENDING = 64
"""Requests of one type that may await their effect; older ones are taken as unanswered."""
MAX_REMEMBERED_IDS = 4096
"""Client event ids that an error may still refer to."""

REQUEST_OF = {
    "session.updated": "session.update",
    "transcription_session.updated": "transcription_session.update",
    "input_audio_buffer.committed": "input_audio_buffer.commit",
    "input_audio_buffer.cleared": "input_audio_buffer.clear",
    "conversation.item.added": "conversation.item.create",
    "conversation.item.created": "conversation.item.create",
    "conversation.item.deleted": "conversation.item.delete",
    "conversation.item.truncated": "conversation.item.truncate",
    "conversation.item.retrieved": "conversation.item.retrieve",
    "response.created": "response.create",
}
"""The client event that a server event answers."""
_REQUESTS = frozenset(REQUEST_OF.values())
_UNREADABLE_CODES = frozenset({"", "invalid_json", "invalid_event", "invalid_request_error"})
"""With one of these, or none, a server refuses what it cannot read, and so cannot say the event's id."""


class CausesFold:
    """Effect to cause and back, by ``seq``."""

    name = "causes"

    def __init__(self) -> None:
        self.cause_of: dict[int, int] = {}
        self.effects_of: dict[int, tuple[int, ...]] = {}
        self.rejected: dict[int, int] = {}
        """Client event to the error that refused it."""
        self._pending: dict[str, deque[tuple[int, str]]] = {}
        self._by_event_id: dict[str, int] = {}
        self._unreadable: deque[int] = deque(maxlen=MAX_PENDING)
        """What the client sent and nobody can read, as long as it is not refused."""

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if event.direction is Direction.CLIENT:
            self._request(event)
        elif event.type == "error":
            self._refuse(event)
        elif event.type in REQUEST_OF:
            self._answer(event)
        elif event.type == "inspector.send_failed":
            self._tie(event.seq, int_at(event.body or {}, "seq"))
        elif event.type == "inspector.opened":
            self._pending.clear()
            self._unreadable.clear()

    def copy(self) -> CausesFold:
        """Return an independent copy."""
        twin = CausesFold()
        twin.cause_of, twin.effects_of = dict(self.cause_of), dict(self.effects_of)
        twin.rejected, twin._by_event_id = dict(self.rejected), dict(self._by_event_id)
        twin._pending = {name: waiting.copy() for name, waiting in self._pending.items()}
        twin._unreadable = self._unreadable.copy()
        return twin

    def _request(self, event: Event) -> None:
        body = event.body
        if body is None:
            self._unreadable.append(event.seq)
            return
        event_id = text_at(body, "event_id")
        if event_id:
            if len(self._by_event_id) >= MAX_REMEMBERED_IDS:
                self._by_event_id.pop(next(iter(self._by_event_id)))
            self._by_event_id[event_id] = event.seq
        if event.type in _REQUESTS:
            waiting = self._pending.setdefault(event.type, deque(maxlen=MAX_PENDING))
            waiting.append((event.seq, _subject(event)))

    def _answer(self, event: Event) -> None:
        waiting = self._pending.get(REQUEST_OF[event.type])
        if not waiting:
            return
        subject = _subject(event)
        named = next((entry for entry in waiting if entry[1] and entry[1] == subject), None)
        # An item that the server made up an id for answers the oldest request that named none; one that belongs to a
        # response answers no request at all.
        entry = named or next(
            (entry for entry in waiting if not entry[1] and _may_be_ours(event)), None
        )
        if entry is not None:
            waiting.remove(entry)
            self._tie(event.seq, entry[0])

    def _refuse(self, event: Event) -> None:
        error = object_at(event.body or {}, "error")
        event_id = text_at(error, "event_id")
        if event_id:
            cause = self._by_event_id.get(event_id)
        else:
            cause = self._refused_unread(text_at(error, "code"))
        if cause is None:
            return
        self._tie(event.seq, cause)
        self.rejected[cause] = event.seq
        for waiting in self._pending.values():
            for entry in tuple(waiting):
                if entry[0] == cause:
                    waiting.remove(entry)

    def _refused_unread(self, code: str) -> int | None:
        """Return the frame that a server could not read and refuses without naming it: they are refused in order."""
        is_meant = bool(self._unreadable) and code in _UNREADABLE_CODES
        return self._unreadable.popleft() if is_meant else None

    def _tie(self, effect: int, cause: int) -> None:
        self.cause_of[effect] = cause
        self.effects_of[cause] = (*self.effects_of.get(cause, ()), effect)


def _subject(event: Event) -> str:
    """Return the item that a request or its answer is about."""
    body = event.body or {}
    return text_at(body, "item_id") or text_at(object_at(body, "item"), "id")


def _may_be_ours(event: Event) -> bool:
    item = object_at(event.body or {}, "item")
    made_by_model = item.get("role") == "assistant" and item.get("status") == "in_progress"
    return not made_by_model and item.get("type") != "function_call"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong."""

    seq: int
    """The event that reports it."""
    is_error: bool
    """False for a warning."""
    code: str
    """The server's code, or the inspector's own."""
    message: str
    """The reporter's words."""
    cause_seq: int = 0
    """The client event that it is about; 0 where that is not known."""


class ProblemsFold:
    """Everything that went wrong so far, in order."""

    name = "problems"

    def __init__(self, causes: CausesFold) -> None:
        self.all: list[Problem] = []
        self._causes = causes

    @property
    def errors(self) -> int:
        """Return how many errors there were."""
        return sum(problem.is_error for problem in self.all)

    def apply(self, event: Event) -> None:
        """Take one event in; must come after the causes."""
        if event.direction is Direction.CLIENT and event.problem is None:
            return
        flags = flags_of(event, kind_of(event.type).flags)
        if event.problem is not None:
            is_error = reports_error(flags, event.direction)
            self._add(event, is_error, event.problem.code, event.problem.message)
        elif flags & (FLAG_ERROR | FLAG_WARNING):
            code, message = _words(event)
            self._add(event, bool(flags & FLAG_ERROR), code, message)

    def copy_with(self, causes: CausesFold) -> ProblemsFold:
        """Return an independent copy that looks at ``causes``."""
        twin = ProblemsFold(causes)
        twin.all = list(self.all)
        return twin

    def _add(self, event: Event, is_error: bool, code: str, message: str) -> None:
        self.all.append(
            Problem(event.seq, is_error, code, message, self._causes.cause_of.get(event.seq, 0))
        )


def _words(event: Event) -> tuple[str, str]:
    body = event.body or {}
    if event.type == "response.done":
        response = object_at(body, "response")
        return f"response_{text_at(response, 'status')}", reason_of(response)
    if event.type == "inspector.closed":
        return str(int_at(body, "code")), text_at(body, "reason") or text_at(body, "meaning")
    error = object_at(body, "error") or object_at(body, "warning") or body
    return text_at(error, "code") or text_at(error, "type") or event.type, text_at(error, "message")
