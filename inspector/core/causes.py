"""CausesFold: which event brought which about; and ProblemsFold: what went wrong, tied to what caused it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from inspector.core.error_attribution import (
    APPENDS,
    FEW,
    UPDATES,
    Confidence,
    Refusal,
    Sent,
    is_about_active_response,
    named_id,
    running_id,
    suspects,
)
from inspector.core.event import Direction, Event, Origin
from inspector.core.kinds import kind_of
from inspector.core.log import FLAG_ERROR, FLAG_WARNING, flags_of, reports_error
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.responses import reason_of

MAX_PENDING = 64
"""Events of one type that may await their answer; older ones are taken as accepted."""
MAX_REMEMBERED_IDS = 4096
"""Client event ids that an error may still refer to."""
MAX_RUNNING = 64
"""Responses that are remembered as running; older ones were never said to be done."""

REQUEST_OF = {
    "session.started": "session.start",
    "session.updated": "session.update",
    "session.closed": "session.close",
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
_CANCEL = "response.cancel"
_CREATED = frozenset({"session.created", "transcription_session.created"})


class CausesFold:
    """Effect to cause and back, by ``seq``; and the one answer to the question which error refuses which client event."""

    name = "causes"

    def __init__(self) -> None:
        self.cause_of: dict[int, int] = {}
        self.effects_of: dict[int, tuple[int, ...]] = {}
        self.rejected: dict[int, Refusal] = {}
        """What the server refused, by the ``seq`` of the client event; ``seq in rejected`` is cheap."""
        self.blamed: dict[int, Refusal] = {}
        """The same by the ``seq`` of the error."""
        self.refused_update: Refusal | None = None
        """The last update of this session that was refused; None once a later one was accepted."""
        self._waiting: dict[str, deque[Sent]] = {}
        """What has no answer, by type; under ``""`` what is of no type that the server answers."""
        self._by_event_id: dict[str, tuple[int, ...]] = {}
        self._running: dict[str, int] = {}
        """Responses in progress, each with the ``response.create`` that it was taken to answer, or 0."""
        self._accepted_seq = 0
        """The last client event that was answered or refused: servers take events in order, so what came before was taken."""
        self._session_id: str | None = None
        """None before the server has described the session, ``""`` where it gave it no id."""

    @property
    def awaits_update(self) -> bool:
        """Tell whether an update of the session has no answer yet."""
        return any(self._waiting.get(name) for name in UPDATES)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        kind = event.type
        if event.direction is Direction.CLIENT:
            self._request(event)
        elif kind == "error":
            self._refuse(event)
        elif kind == "inspector.opened":
            self._begin()
        elif kind == "inspector.send_failed":
            self._send_failed(event)
        elif event.direction is Direction.SERVER:
            self._answer(event)

    def recall(self, append: Event) -> None:
        """Take in an append that was passed over before: the next error may refuse it."""
        self._request(append)

    def copy(self) -> CausesFold:
        """Return an independent copy."""
        clone = CausesFold()
        clone.__dict__.update(self.__dict__)
        clone.cause_of, clone.effects_of = dict(self.cause_of), dict(self.effects_of)
        clone.rejected, clone.blamed = dict(self.rejected), dict(self.blamed)
        clone._by_event_id, clone._running = dict(self._by_event_id), dict(self._running)
        clone._waiting = {name: waiting.copy() for name, waiting in self._waiting.items()}
        return clone

    def _begin(self) -> None:
        """Forget what waits: no error of another connection is about it."""
        self._waiting.clear()
        self._by_event_id.clear()
        self._running.clear()
        self.refused_update = None
        self._session_id = None

    def _described(self, session_id: str) -> None:
        if self._session_id is not None and (not session_id or session_id != self._session_id):
            # Another session in one log, without a word of how its connection came about.
            self._begin()
        self._session_id = session_id

    def _request(self, event: Event) -> None:
        sent = Sent.of(event, _subject(event))
        if sent.event_id:
            if len(self._by_event_id) >= MAX_REMEMBERED_IDS:
                self._by_event_id.pop(next(iter(self._by_event_id)))
            others = self._by_event_id.get(sent.event_id, ())[-MAX_PENDING:]
            self._by_event_id[sent.event_id] = (*others, sent.seq)
        has_answer = event.type in _REQUESTS or event.type in APPENDS or event.type == _CANCEL
        name = event.type if has_answer and event.body is not None else ""
        self._waiting.setdefault(name, deque(maxlen=MAX_PENDING)).append(sent)

    def _send_failed(self, event: Event) -> None:
        seq = int_at(event.body or {}, "seq")
        self._tie(event.seq, seq)
        self._forget(seq)

    def _answer(self, event: Event) -> None:
        body, kind = event.body or {}, event.type
        if kind in _CREATED:
            self._described(text_at(object_at(body, "session"), "id"))
        entry = self._named_by(text_at(body, "client_event_id")) or self._asked_for(event)
        if entry is not None:
            self._tie(event.seq, entry.seq)
            self._take(entry.seq)
            refused = self.refused_update
            if entry.type in UPDATES and refused is not None and refused.seq < entry.seq:
                self.refused_update = None
        response = object_at(body, "response")
        response_id = text_at(response, "id")
        if kind == "response.created" and response.get("conversation_id", "") is not None:
            if len(self._running) >= MAX_RUNNING:
                self._running.pop(next(iter(self._running)))
            self._running[response_id] = entry.seq if entry is not None else 0
        elif kind == "response.done":
            self._running.pop(response_id, None)

    def _asked_for(self, event: Event) -> Sent | None:
        """Return the request that a server event answers; None where it answers none."""
        request = REQUEST_OF.get(event.type)
        if event.type == "response.done" and _is_cancelled(event):
            request = _CANCEL
        waiting = self._waiting.get(request or "-")
        if not waiting:
            return None
        subject = _subject(event)
        named = next((sent for sent in waiting if sent.subject and sent.subject == subject), None)
        # An item that the server made up an id for answers the oldest request that named none; one that belongs to a
        # response answers no request at all.
        is_mute = event.type == "response.created" and not _tells_metadata(event)
        return named or next(
            (s for s in waiting if (is_mute or not s.subject) and _may_be_ours(event)), None
        )

    def _named_by(self, event_id: str) -> Sent | None:
        """Return what waits and alone has an id."""
        seqs = self._by_event_id.get(event_id, ()) if event_id else ()
        found = [sent for waiting in self._waiting.values() for sent in waiting if sent.seq in seqs]
        return found[0] if len(found) == 1 else None

    def _refuse(self, event: Event) -> None:
        error = object_at(event.body or {}, "error")
        event_id = named_id(error)
        if event_id:
            # An id that nobody here has sent is of something else: there is no second guess.
            seq, confidence = self._named(event_id, error)
        elif event.direction is Direction.SERVER and event.origin is Origin.WIRE:
            seq, confidence = self._suspected(error)
        else:  # put in by a rule or by hand, so it says nothing of what was sent
            return
        if not seq:
            return
        running = self._running_because_of(error)
        refusal = Refusal(seq, event.seq, confidence, error, running)
        self._tie(event.seq, seq)
        self.blamed[event.seq] = refusal
        self.rejected.setdefault(seq, refusal)
        is_update = any(sent.seq == seq for name in UPDATES for sent in self._waiting.get(name, ()))
        if is_update and (self.refused_update is None or self.refused_update.seq < seq):
            self.refused_update = refusal
        self._take(seq)

    def _named(self, event_id: str, error: Body) -> tuple[int, Confidence]:
        """Return the event of an id, 0 where there is none; clients that give several events one id are not unheard of."""
        seqs = self._by_event_id.get(event_id, ())
        if len(seqs) < 2:
            return (seqs[0] if seqs else 0), Confidence.CERTAIN
        waiting = [sent for sent in self._all_waiting() if sent.seq in seqs]
        found = suspects(error, waiting)
        events = found.events or waiting
        return (events[0].seq if events else 0), found.confidence

    def _suspected(self, error: Body) -> tuple[int, Confidence]:
        """Return the event that an error without an id is most likely about; 0 where nothing tells."""
        waiting = self._all_waiting()
        found = suspects(error, waiting)
        if is_about_active_response(error):
            if not found.events:
                return self._wrongly_answered(error), Confidence.LIKELY
            if len(found.events) > 1 and not self._is_announced(error):
                # The response that runs is that of the first request, and is only announced after the error.
                found = replace(found, events=found.events[1:])
        silent = [
            sent for sent in found.events if sent.outline is not None and not _is_answered(sent)
        ]
        if silent:
            taken = {sent.seq for sent in silent if sent.seq <= self._accepted_seq}
            found = replace(found, events=[s for s in found.events if s.seq not in taken])
            if found.is_vague and len(found.events) > FEW:
                return 0, Confidence.POSSIBLE
        return (found.events[0].seq if found.events else 0), found.confidence

    def _is_announced(self, error: Body) -> bool:
        """Tell whether the response that an error says is running has been seen to begin."""
        named = running_id(error)
        return named in self._running if named else bool(self._running)

    def _wrongly_answered(self, error: Body) -> int:
        """Return the ``response.create`` that was taken to have made the running response; no other can be meant.

        The server, whose turn detection made that response, then refused the request. The response is its own.
        """
        named = running_id(error)
        response_id = named if named or len(self._running) != 1 else next(iter(self._running))
        seq = self._running.get(response_id, 0)
        if seq:
            self._running[response_id] = 0
            for effect in self.effects_of.pop(seq, ()):
                self.cause_of.pop(effect, None)
        return seq

    def _running_because_of(self, error: Body) -> str:
        if not is_about_active_response(error):
            return ""
        return running_id(error) or (next(iter(self._running)) if len(self._running) == 1 else "")

    def _all_waiting(self) -> list[Sent]:
        return sorted(
            (sent for waiting in self._waiting.values() for sent in waiting),
            key=lambda sent: sent.seq,
        )

    def _take(self, seq: int) -> None:
        """Wait no longer for an answer to an event; what came before it was taken."""
        self._accepted_seq = max(self._accepted_seq, seq)
        self._forget(seq)

    def _forget(self, seq: int) -> None:
        for waiting in self._waiting.values():
            for sent in waiting:
                if sent.seq == seq:
                    waiting.remove(sent)
                    return

    def _tie(self, effect: int, cause: int) -> None:
        self.cause_of[effect] = cause
        self.effects_of[cause] = (*self.effects_of.get(cause, ()), effect)


def _is_answered(sent: Sent) -> bool:
    """Tell whether the server says something of such an event even where it takes it."""
    return sent.type in _REQUESTS or sent.type == _CANCEL


def _tells_metadata(event: Event) -> bool:
    """Tell whether the server echoes metadata, so that a response without any is of a request without any."""
    return "metadata" in object_at(event.body or {}, "response")


def _is_cancelled(event: Event) -> bool:
    details = object_at(object_at(event.body or {}, "response"), "status_details")
    return text_at(details, "reason") == "client_cancelled"


def _subject(event: Event) -> str:
    """Return what a request or its answer is about: an item, or the response by its metadata."""
    body = event.body or {}
    return (
        text_at(body, "item_id")
        or text_at(object_at(body, "item"), "id")
        or (_metadata(body) if event.type in ("response.create", "response.created") else "")
        or (text_at(body, "response_id") if event.type == _CANCEL else "")
        or (text_at(object_at(body, "response"), "id") if event.type == "response.done" else "")
    )


def _metadata(body: Body) -> str:
    """Return what a response is to be known by: its metadata, which servers echo."""
    metadata = object_at(object_at(body, "response"), "metadata")
    return repr(sorted(metadata.items(), key=str)) if metadata else ""


def _may_be_ours(event: Event) -> bool:
    item = object_at(event.body or {}, "item")
    made_by_model = item.get("role") == "assistant" and item.get("status") == "in_progress"
    return not made_by_model and item.get("type") != "function_call"


@dataclass(frozen=True, slots=True)
class SessionProblem:
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

    def __init__(self) -> None:
        self.all: list[SessionProblem] = []
        self._causes = CausesFold()

    def follow(self, causes: CausesFold) -> None:
        """Take the client event of each problem from a fold that has seen the same events."""
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

    def copy(self) -> ProblemsFold:
        """Return an independent copy; it still looks at the same causes."""
        clone = ProblemsFold()
        clone.all, clone._causes = list(self.all), self._causes
        return clone

    def _add(self, event: Event, is_error: bool, code: str, message: str) -> None:
        cause_seq = self._causes.cause_of.get(event.seq, 0)
        self.all.append(SessionProblem(event.seq, is_error, code, message, cause_seq))


def _words(event: Event) -> tuple[str, str]:
    body = event.body or {}
    if event.type == "response.done":
        response = object_at(body, "response")
        return f"response_{text_at(response, 'status')}", reason_of(response)
    if event.type == "inspector.closed":
        return str(int_at(body, "code")), text_at(body, "reason") or text_at(body, "meaning")
    error = object_at(body, "error") or object_at(body, "warning") or body
    return text_at(error, "code") or text_at(error, "type") or event.type, text_at(error, "message")
