"""Rules about frames and requests that the server does not accept: malformed audio and JSON, refusals, and what only looks like one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from inspector.analysis.lint.appended_sound import OddAppend, frame_problem
from inspector.analysis.lint.failure_rules import ADVICE
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    as_json,
    at_time,
    beta_field,
    counted,
    error_words,
    ga_hint,
    listed,
    ref,
    seconds,
    shortened,
)
from inspector.analysis.lint.reference_links import CLIENT_EVENTS, CONVERSATIONS, SERVER_EVENTS
from inspector.analysis.lint.settings_rules import MAX_FINDINGS
from inspector.analysis.lint.tool_rules import output_of
from inspector.analysis.lint.visibility import Sight
from inspector.analysis.validate import check
from inspector.core.error_attribution import (
    UPDATES,
    Confidence,
    is_about_active_response,
)
from inspector.core.event import Direction, Event, Origin
from inspector.core.kinds import APPENDS
from inspector.core.read import Body, object_at, text_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS
from inspector.spec.events import EVENT_TYPES

CANCEL_NOT_ACTIVE = "response_cancel_not_active"
NEAR_DONE_MS = 2000
"""A cancel within this time of the end of an answer has crossed it on the way."""
MAX_DESCRIBED = 64
"""Odd frames that a rule describes."""
GOOD_APPEND = {
    "type": "input_audio_buffer.append",
    "audio": "<base64 of raw samples, without a header>",
}
_CLIENT_TYPES = (
    frozenset(name for name, row in EVENT_TYPES.items() if row.direction == "client") - APPENDS
)
_FRAME_CODES = frozenset({"invalid_json", "invalid_event"})
_TYPE_MISSING = "'type' field is missing"
_OTHER_RULES = frozenset({CANCEL_NOT_ACTIVE, "session_expired", "beta_api_shape_disabled"})
"""Codes of errors that other rules report."""
_FIXES: Mapping[str, str] = {
    **ADVICE,
    "input_audio_buffer_commit_empty": "commit only after at least 100 ms of new audio; with turn detection leave input_audio_buffer.commit out",
    "item_delete_invalid_item_id": "delete by the id of conversation.item.added, once",
    "item_retrieve_invalid_item_id": "retrieve by the id of conversation.item.added",
    "item_create_invalid_previous_item_id": 'insert after an item that exists, or leave previous_item_id out; "root" is the beginning',
}
"""Error code to what to change."""


class _Odd(NamedTuple):
    """A frame that the server cannot use."""

    seq: int
    name: str
    """What it is, with its number: ``append 2``."""
    problem: str


def _is_of_server(event: Event) -> bool:
    return event.direction is Direction.SERVER and event.origin is Origin.WIRE


class BadFrame(LintRule):
    """Frames that the server cannot read: audio that is not base64, broken JSON, binary frames."""

    id = "bad-frame"
    title = "frames that the server cannot read"
    severity = Severity.ERROR
    why = (
        "An append carries base64 of raw samples, as a string, in a text frame of JSON. What the server cannot read it refuses or, if it "
        "is a file's header, takes for sound; errors name no event, and must be matched by their order."
    )
    links = (CLIENT_EVENTS, "https://github.com/akdeb/ElatoAI/issues/25")
    types = frozenset({"", "error"})
    reads_appends = True
    needs = frozenset({Sight.APP})
    not_in = frozenset({"translation"})

    def __init__(self) -> None:
        self._odd: list[_Odd] = []
        """Frames without a type."""
        self._by_problem: Counter[str] = Counter()
        self._refused: dict[int, int] = {}
        """Client event to the error about a frame."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at what the app sends."""
        if event.type == "error":
            error = object_at(event.body or {}, "error")
            refusal = state.causes.blamed.get(event.seq)
            is_room = len(self._refused) < MAX_DESCRIBED
            if refusal is not None and is_room and self._may_be_about(error, refusal.seq):
                self._refused[refusal.seq] = event.seq
        elif event.direction is Direction.CLIENT:
            problem = frame_problem(event)
            if problem:
                self._by_problem[problem] += 1
                if len(self._odd) < MAX_DESCRIBED:
                    self._odd.append(_Odd(event.seq, "a frame", problem))

    def _may_be_about(self, error: Body, seq: int) -> bool:
        """Return whether an error is about a frame, and the frame that it is taken to reject can have that fault."""
        if _TYPE_MISSING in text_at(error, "message"):
            # A frame with a type is not the cause, even if the error names its id.
            return any(one.seq == seq for one in self._odd)
        return is_about_frame(error)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all odd frames as one, each kind with its first."""
        state, appended = moment.state, self.appended
        broken = [*self._odd, *map(_named, appended.unreadable)]
        counts = self._by_problem + appended.problems
        known = {one.seq for one in broken}
        others = [
            _Odd(
                seq, "a frame", f"was refused: {error_words(state.causes.blamed[error_seq].error)}"
            )
            for seq, error_seq in self._refused.items()
            if seq not in known
        ]
        odd = [*sorted(broken), *others]
        if not odd:
            return
        if appended.first_wav is not None:
            odd.append(_named(appended.first_wav))
        words = []
        for problem in dict.fromkeys(one.problem for one in odd):
            first = next(one for one in odd if one.problem == problem)
            count = counts.get(problem, 1)
            more = f" and {count - 1:,} more" if count > 1 else ""
            words.append(f"{first.name} ({ref(first.seq)}{more}) {problem}")
        is_refused = bool(self._refused)
        yield self.found(
            Severity.ERROR if is_refused else Severity.WARNING,
            [*(one.seq for one in odd), *self._refused.values()],
            "; ".join(words),
            as_json(GOOD_APPEND) if appended.count else "send JSON objects in text frames",
            Confidence.CERTAIN if broken else Confidence.LIKELY,
        )


def _named(append: OddAppend) -> _Odd:
    return _Odd(append.seq, f"append {append.number}", append.words)


def is_about_frame(error: Body) -> bool:
    """Return whether an error is about a frame that the server could not read, or the audio in it."""
    param, code = text_at(error, "param"), text_at(error, "code")
    return (
        (param == "audio" and code != "unknown_parameter")
        or code in _FRAME_CODES
        or _TYPE_MISSING in text_at(error, "message")
    )


class _Refused(NamedTuple):
    """One kind of refusal, and how often it came."""

    error: Body
    error_seq: int
    t_ns: int | None
    times: int
    seqs: tuple[int, ...]
    """The first refused events."""
    types: tuple[str, ...]
    """Their types."""
    confidence: Confidence


class RequestRefused(LintRule):
    """Errors that no other rule explains, the same ones together."""

    id = "request-refused"
    title = "the server refused a request"
    severity = Severity.ERROR
    why = (
        "An error event refuses one request, with all that it carries. The session goes on as if it had never been sent, and an app that "
        "does not listen for errors repeats it for ever."
    )
    links = (SERVER_EVENTS, CLIENT_EVENTS)
    types = frozenset({*_CLIENT_TYPES, "error"})
    reads_appends = True

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Refused] = {}
        self._last: dict[str, tuple[int, Body]] = {}
        """The last event of each type that the app sent, but for appends."""
        self._samples: dict[str, Body] = {}
        """By type a refused event."""
        self._outputs: set[int] = set()
        """Results of tools, whose refusals another rule reports."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Count the refusals of each kind."""
        if event.type == "error":
            if _is_of_server(event):
                self._refuse(event, state)
        elif event.direction is Direction.CLIENT and event.body is not None:
            self._last[event.type] = event.seq, event.body
            if output_of(event) is not None and len(self._outputs) < MAX_DESCRIBED:
                self._outputs.add(event.seq)

    def _refuse(self, event: Event, state: SessionState) -> None:
        error = object_at(event.body or {}, "error")
        refusal = state.causes.blamed.get(event.seq)
        seq = refusal.seq if refusal is not None else 0
        name, body = self._request(seq)
        if not error or seq in self._outputs or is_told_elsewhere(error, name):
            return
        key = text_at(error, "code") or text_at(error, "type"), text_at(error, "message")
        known = self._kinds.get(key)
        if known is None:
            if len(self._kinds) >= MAX_FINDINGS:
                return
            confidence = refusal.confidence if refusal is not None else Confidence.CERTAIN
            known = _Refused(error, event.seq, event.t_ns, 0, (), (), confidence)
        seqs = (*known.seqs, seq) if seq and len(known.seqs) < MAX_FINDINGS else known.seqs
        types = tuple(dict.fromkeys((*known.types, name))) if name else known.types
        self._kinds[key] = known._replace(times=known.times + 1, seqs=seqs, types=types)
        if name:
            self._samples[name] = body

    def _request(self, seq: int) -> tuple[str, Body]:
        """Return type and body of a request, if it is the last of its type; ``""`` otherwise."""
        append = self.appended.last
        if append is not None and append.seq == seq and append.body is not None:
            return append.type, append.body
        found = ((name, body) for name, (last, body) in self._last.items() if last == seq)
        return next(found, ("", {}))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each kind of refusal, with how often it came."""
        state = moment.state
        for one in self._kinds.values():
            requests = listed(one.types)
            message = f"{error_words(one.error)}{ga_hint(one.error)}"
            if one.times > 1:
                text = f"{one.times:,}× the same refusal, first{at_time(one.t_ns)}{f', in {requests}' if requests else ''}: {message}"
            elif one.seqs:
                text = f"{requests or 'the request'} {ref(one.seqs[0])} was refused: {message}"
            else:
                text = f"the server reports an error: {message}"
            if APPENDS & set(one.types) and not state.input_audio.appends:
                text = f"{text.rstrip('.')}. No audio has reached the server"
            yield self.found(
                Severity.ERROR,
                (one.error_seq, *one.seqs),
                text,
                self._fix(one),
                Confidence.CERTAIN if one.times > 1 else one.confidence,
            )

    def _fix(self, one: _Refused) -> str:
        advice = _FIXES.get(text_at(one.error, "code"), "")
        if text_at(one.error, "code") != "unknown_parameter" or not one.types:
            return advice
        return "\n".join(self._without_unknown(one.types))

    def _without_unknown(self, types: Iterable[str]) -> Iterator[str]:
        """Yield what to leave out of each type of request, and the rest of it."""
        for name in types:
            body = self._samples.get(name)
            if body is None:
                continue
            # All of them at once: the server names one at a time.
            unknown = [p.path for p in check(body) if p.code == "unknown_parameter"]
            rest: dict[str, Any] = {
                key: "<base64>" if key == "audio" else value
                for key, value in body.items()
                if (key,) not in unknown and key != "event_id"
            }
            dropped = listed(str(path[-1]) for path in unknown)
            yield f"without {dropped}: {as_json(shortened(rest))}"


def is_told_elsewhere(error: Body, name: str) -> bool:
    """Return whether another rule reports an error.

    Args:
        error: the server's ``error`` object.
        name: type of the refused event; ``""`` if unknown.
    """
    code = text_at(error, "code")
    return (
        code in _OTHER_RULES
        or is_about_active_response(error)
        or is_about_frame(error)
        or name in UPDATES
        or name == "conversation.item.truncate"
        or (name == "response.create" and bool(beta_field(error)))
    )


class BenignRed(LintRule):
    """Errors that need no attention."""

    id = "benign-red"
    title = "an error that is harmless"
    severity = Severity.HARMLESS
    why = "A response.cancel that crosses the end of its answer finds nothing to cancel. The server reports an error; nothing is lost."
    links = (CONVERSATIONS, "https://github.com/mapluisch/OpenAI-Realtime-API-for-Unity/issues/5")
    types = frozenset({"response.done", "error"})

    def __init__(self) -> None:
        self._done: tuple[int, int | None] = (0, None)
        self._near: list[tuple[int, int, float | None]] = []
        self._idle: list[int] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare refused cancels with the end of the last answer."""
        if event.type == "response.done":
            self._done = event.seq, event.t_ns
            return
        error = object_at(event.body or {}, "error")
        if text_at(error, "code") != CANCEL_NOT_ACTIVE or not _is_of_server(event):
            return
        seq, t_ns = self._done
        apart_ms = None
        if event.t_ns is not None and t_ns is not None:
            apart_ms = (event.t_ns - t_ns) / NS_PER_MS
        is_near = bool(seq) and (apart_ms is None or apart_ms <= NEAR_DONE_MS)
        if len(self._near) + len(self._idle) < MAX_FINDINGS:
            if is_near:
                self._near.append((event.seq, seq, apart_ms))
            else:
                self._idle.append(event.seq)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report cancels that came too late as harmless, and those without any answer as a note."""
        if self._near:
            error_seq, done_seq, apart_ms = self._near[0]
            after = "" if apart_ms is None else f" {seconds(apart_ms)} before"
            times = f"{len(self._near)}× " if len(self._near) > 1 else ""
            yield self.found(
                Severity.HARMLESS,
                [seq for near in self._near for seq in near[:2]],
                f"{times}harmless: response.cancel came when the answer had just ended ({ref(done_seq)}{after} {ref(error_seq)})",
            )
        if self._idle:
            yield self.found(
                Severity.NOTE,
                self._idle,
                f"{counted(len(self._idle), 'response.cancel')} without an answer in progress",
                "send response.cancel only between response.created and response.done",
            )


RULES: tuple[type[LintRule], ...] = (BadFrame, RequestRefused, BenignRed)
"""Rules about frames and refusals."""
