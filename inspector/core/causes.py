"""CausesFold links each event to the client event that caused it; ProblemsFold lists errors and warnings with their causes.

The API ties an answer to its request only if the client gave the request an ``event_id``, which most do not. CausesFold
therefore keeps the client events without an answer and matches every server event against them: by id, else by subject, else
by order. ``error_attribution`` holds the rules for errors. The link is a best guess that views show with its confidence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from inspector.core.error_attribution import (
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
from inspector.core.kinds import APPENDS, kind_of
from inspector.core.log import FLAG_ERROR, FLAG_WARNING, flags_of, may_flag_by_body, reports_error
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.responses import reason_of
from inspector.spec.events import EVENT_TYPES, Vocabulary

MAX_PENDING = 64
"""Events of one type that may await an answer; older ones count as accepted, since servers answer within a few events."""
MAX_REMEMBERED_IDS = 4096
"""Client event ids that an error may still name: over a minute of microphone appends with ids, at 50 a second."""
MAX_RUNNING = 64
"""Responses kept as in progress; a server that never sends ``response.done`` must not grow the table."""

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
"""Server event to the client event that it answers."""
_REQUESTS = frozenset(REQUEST_OF.values())
_CANCEL = "response.cancel"
CREATED = frozenset({"session.created", "transcription_session.created"})
CAUSE_TYPES = frozenset(
    {
        *REQUEST_OF,
        *CREATED,
        "response.done",
        "error",
        "inspector.opened",
        "inspector.send_failed",
        # GPT-Live's answers name the event that they answer.
        *(
            name
            for name, known in EVENT_TYPES.items()
            if known.dialect is Vocabulary.LIVE
            and known.direction == "server"
            and not known.is_delta
        ),
    }
)
"""Types of the events that tell of causes, beside all that the client sends."""


class CausesFold:
    """Causes and effects by ``seq``, and the client events that errors reject.

    This is the only place that decides which error rejects which client event; every view asks it.
    """

    name = "causes"

    def __init__(self) -> None:
        self.cause_of: dict[int, int] = {}
        """Event to the event that caused it."""
        self.effects_of: dict[int, tuple[int, ...]] = {}
        """Event to those that it caused, in order."""
        self.rejected: dict[int, Refusal] = {}
        """Rejections by the ``seq`` of the client event."""
        self.blamed: dict[int, Refusal] = {}
        """Rejections by the ``seq`` of the error."""
        self.refused_update: Refusal | None = None
        """The last rejected update of this session; None once a later one was accepted."""
        self._waiting: dict[str, deque[Sent]] = {}
        """Client events without an answer, by type; under ``""`` those of types that the server never answers."""
        self._by_event_id: dict[str, tuple[int, ...]] = {}
        """Client event id to the events that carry it: usually one, but nothing stops a client from reusing an id."""
        self._running: dict[str, int] = {}
        """Responses in progress to the ``response.create`` that each is assumed to answer, or 0."""
        self._accepted_seq = 0
        """The last client event that was answered or rejected. Servers handle events in order, so all earlier ones are done."""
        self._session_id: str | None = None
        """None before the server has described the session, ``""`` if it sent no id."""

    @property
    def awaits_update(self) -> bool:
        """Return whether a session update has no answer yet."""
        return any(self._waiting.get(name) for name in UPDATES)

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
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
        """Forget unanswered events: an error on a new connection cannot be about an event of an earlier one."""
        self._waiting.clear()
        self._by_event_id.clear()
        self._running.clear()
        self.refused_update = None
        self._session_id = None

    def _described(self, session_id: str) -> None:
        if self._session_id is not None and (not session_id or session_id != self._session_id):
            # A second session in one log, in a recording without inspector.opened.
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
        self._link(event.seq, seq)
        self._forget(seq)

    def _answer(self, event: Event) -> None:
        body, kind = event.body or {}, event.type
        if kind in CREATED:
            self._described(text_at(object_at(body, "session"), "id"))
        # GPT-Live's answers name their request; in the other dialects only errors do.
        request = self._named_by(text_at(body, "client_event_id")) or self._request_of(event)
        if request is not None:
            self._link(event.seq, request.seq)
            self._settle(request.seq)
            refused = self.refused_update
            if request.type in UPDATES and refused is not None and refused.seq < request.seq:
                self.refused_update = None
        response = object_at(body, "response")
        response_id = text_at(response, "id")
        # Out-of-band responses (conversation_id null) run beside the active one and block no response.create.
        if kind == "response.created" and response.get("conversation_id", "") is not None:
            if len(self._running) >= MAX_RUNNING:
                self._running.pop(next(iter(self._running)))
            self._running[response_id] = request.seq if request is not None else 0
        elif kind == "response.done":
            self._running.pop(response_id, None)

    def _request_of(self, event: Event) -> Sent | None:
        """Return the unanswered request that a server event answers; None if it answers none."""
        request = REQUEST_OF.get(event.type)
        if event.type == "response.done" and _is_cancelled(event):
            request = _CANCEL
        waiting = self._waiting.get(request or "-")
        if not waiting:
            return None
        subject = _subject(event)
        named = next((sent for sent in waiting if sent.subject and sent.subject == subject), None)
        # An item whose id the server generated answers the oldest request without an id; an item that belongs to a response
        # answers no request. A server that does not echo metadata gives nothing to match, so its oldest request counts.
        lacks_metadata = event.type == "response.created" and not _echoes_metadata(event)
        return named or next(
            (s for s in waiting if (lacks_metadata or not s.subject) and _may_answer(event)), None
        )

    def _named_by(self, event_id: str) -> Sent | None:
        """Return the unanswered event with an id; None if no event or more than one has it."""
        seqs = self._by_event_id.get(event_id) if event_id else None
        if not seqs:
            return None
        found = [sent for waiting in self._waiting.values() for sent in waiting if sent.seq in seqs]
        return found[0] if len(found) == 1 else None

    def _refuse(self, event: Event) -> None:
        error = object_at(event.body or {}, "error")
        event_id = named_id(error)
        if event_id:
            # An id that was never sent here belongs to another client, so nothing is guessed from the error's text.
            seq, confidence = self._named(event_id, error)
        elif event.direction is Direction.SERVER and event.origin is Origin.WIRE:
            seq, confidence = self._suspected(error)
        else:  # injected by a rule or by hand: it rejects nothing that the client sent
            return
        if not seq:
            return
        running = self._running_because_of(error)
        refusal = Refusal(seq, event.seq, confidence, error, running)
        self._link(event.seq, seq)
        self.blamed[event.seq] = refusal
        # The first error explains the rejection; servers may follow it with a more general one.
        self.rejected.setdefault(seq, refusal)
        is_update = any(sent.seq == seq for name in UPDATES for sent in self._waiting.get(name, ()))
        if is_update and (self.refused_update is None or self.refused_update.seq < seq):
            self.refused_update = refusal
        self._settle(seq)

    def _named(self, event_id: str, error: Body) -> tuple[int, Confidence]:
        """Return the client event with an id, or 0; of several events with the same id, the one that fits the error best."""
        seqs = self._by_event_id.get(event_id, ())
        if len(seqs) < 2:
            return (seqs[0] if seqs else 0), Confidence.CERTAIN
        waiting = [sent for sent in self._all_waiting() if sent.seq in seqs]
        found = suspects(error, waiting)
        events = found.events or waiting
        return (events[0].seq if events else 0), found.confidence

    def _suspected(self, error: Body) -> tuple[int, Confidence]:
        """Return the client event that an error without an id most likely rejects; 0 if nothing indicates one."""
        waiting = self._all_waiting()
        found = suspects(error, waiting)
        if is_about_active_response(error):
            if not found.events:
                return self._wrongly_answered(error), Confidence.LIKELY
            if len(found.events) > 1 and not self._is_announced(error):
                # The first of several requests made the active response; its response.created arrives after the error.
                found = replace(found, events=found.events[1:])
        silent = [
            sent for sent in found.events if sent.outline is not None and not _is_answered(sent)
        ]
        # Events that are never answered (appends) stay in the queue although the server has long accepted most of them.
        if silent:
            accepted = {sent.seq for sent in silent if sent.seq <= self._accepted_seq}
            found = replace(found, events=[s for s in found.events if s.seq not in accepted])
            if found.is_vague and len(found.events) > FEW:
                return 0, Confidence.POSSIBLE
        return (found.events[0].seq if found.events else 0), found.confidence

    def _is_announced(self, error: Body) -> bool:
        """Return whether ``response.created`` was seen for the response that an error calls active."""
        named = running_id(error)
        return named in self._running if named else bool(self._running)

    def _wrongly_answered(self, error: Body) -> int:
        """Return the ``response.create`` that was wrongly linked to the active response, and undo that link.

        Turn detection started a response just before the client asked for one: the request was matched to that response, but
        the server rejects it with this error. As no other request is unanswered, this is the one.
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

    def _settle(self, seq: int) -> None:
        """Mark a client event as answered or rejected, which implies that all earlier ones were handled."""
        self._accepted_seq = max(self._accepted_seq, seq)
        self._forget(seq)

    def _forget(self, seq: int) -> None:
        for waiting in self._waiting.values():
            for sent in waiting:
                if sent.seq == seq:
                    waiting.remove(sent)
                    return

    def _link(self, effect: int, cause: int) -> None:
        self.cause_of[effect] = cause
        self.effects_of[cause] = (*self.effects_of.get(cause, ()), effect)


def _is_answered(sent: Sent) -> bool:
    """Return whether the server confirms events of this type when it accepts them."""
    return sent.type in _REQUESTS or sent.type == _CANCEL


def _echoes_metadata(event: Event) -> bool:
    """Return whether the server echoes metadata, so that a response without any answers a request without any."""
    return "metadata" in object_at(event.body or {}, "response")


def _is_cancelled(event: Event) -> bool:
    details = object_at(object_at(event.body or {}, "response"), "status_details")
    return text_at(details, "reason") == "client_cancelled"


def _subject(event: Event) -> str:
    """Return what a request or its answer is about: an item id, a response id, or a response's metadata."""
    body = event.body or {}
    return (
        text_at(body, "item_id")
        or text_at(object_at(body, "item"), "id")
        or (_metadata(body) if event.type in ("response.create", "response.created") else "")
        or (text_at(body, "response_id") if event.type == _CANCEL else "")
        or (text_at(object_at(body, "response"), "id") if event.type == "response.done" else "")
    )


def _metadata(body: Body) -> str:
    """Return a response's metadata as a comparable text; servers echo it, so it identifies the request."""
    metadata = object_at(object_at(body, "response"), "metadata")
    return repr(sorted(metadata.items(), key=str)) if metadata else ""


def _may_answer(event: Event) -> bool:
    """Return whether an event may answer a client's request: false for items that the model generated."""
    item = object_at(event.body or {}, "item")
    made_by_model = item.get("role") == "assistant" and item.get("status") == "in_progress"
    return not made_by_model and item.get("type") != "function_call"


@dataclass(frozen=True, slots=True)
class SessionProblem:
    """An error or a warning in the session."""

    seq: int
    """The event that reports it."""
    is_error: bool
    """False for a warning."""
    code: str
    """The server's code, or the inspector's."""
    message: str
    """The message of the server or the inspector."""
    cause_seq: int = 0
    """The client event that caused it; 0 if unknown."""


class ProblemsFold:
    """All errors and warnings so far, in order."""

    name = "problems"

    def __init__(self) -> None:
        self.all: list[SessionProblem] = []
        self._causes = CausesFold()

    def follow(self, causes: CausesFold) -> None:
        """Look up the cause of each problem in a fold that has seen the same events."""
        self._causes = causes

    @property
    def errors(self) -> int:
        """Return the number of errors."""
        return sum(problem.is_error for problem in self.all)

    def apply(self, event: Event) -> None:
        """Update the state with one event; must be called after ``CausesFold.apply``, whose result it reads."""
        if event.direction is Direction.CLIENT and event.problem is None:
            return
        kind_flags = kind_of(event.type).flags
        if event.problem is None and not kind_flags and not may_flag_by_body(event.type):
            return  # most events: deltas
        flags = flags_of(event, kind_flags)
        if event.problem is not None:
            is_error = reports_error(flags, event.direction)
            self._add(event, is_error, event.problem.code, event.problem.message)
        elif flags & (FLAG_ERROR | FLAG_WARNING):
            code, message = _words(event)
            self._add(event, bool(flags & FLAG_ERROR), code, message)

    def copy(self) -> ProblemsFold:
        """Return an independent copy that still refers to the same ``CausesFold``; ``SessionState.copy`` replaces it."""
        clone = ProblemsFold()
        clone.all, clone._causes = list(self.all), self._causes
        return clone

    def _add(self, event: Event, is_error: bool, code: str, message: str) -> None:
        cause_seq = self._causes.cause_of.get(event.seq, 0)
        self.all.append(SessionProblem(event.seq, is_error, code, message, cause_seq))


def _words(event: Event) -> tuple[str, str]:
    """Return the code and the message of an event that reports a problem."""
    body = event.body or {}
    if event.type == "response.done":
        response = object_at(body, "response")
        return f"response_{text_at(response, 'status')}", reason_of(response)
    if event.type == "inspector.closed":
        return str(int_at(body, "code")), text_at(body, "reason") or text_at(body, "meaning")
    error = object_at(body, "error") or object_at(body, "warning") or body
    return text_at(error, "code") or text_at(error, "type") or event.type, text_at(error, "message")
