"""Rules about the connection: refused, lost, closed early, expired, or attached to a call that is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    at_time,
    counted,
    error_words,
    listed,
    quoted,
    ref,
    seconds,
)
from inspector.analysis.lint.reference_links import (
    CONVERSATIONS,
    SERVER_CONTROLS,
    SERVER_EVENTS,
    WEBSOCKETS,
)
from inspector.core.error_attribution import UPDATES, Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

LOST_CODES: Mapping[int, str] = {
    1006: "without a close frame",
    1011: "by an internal error, or because pings were not answered",
    1012: "because the server restarts",
    1013: "because the server is overloaded",
}
"""Close codes of connections that ended against everybody's will, and what each means."""
REFUSED_FROM = 3000
"""Close codes from here on are the application's own: OpenAI uses 3000 for authorisation and 4000 for invalid requests."""
HASTY_MS = 1000
"""An app that closes within this time of its own update or of the opening has hardly meant to."""
EMPTY_MS = 5000
"""A connection to a running call shows its session at once."""
SESSION_MINUTES = 60
"""Length of a session on OpenAI and Azure."""
WARN_MINUTES = 55
"""From when on an app should have moved to a new connection."""
LIMITED_DIALECTS = frozenset({"openai", "azure", "azure-preview", "beta"})
"""Dialects whose sessions are known to end after ``SESSION_MINUTES``."""
_REPLAY = (
    "reconnect; send session.update and wait for session.updated; then put the conversation back, one conversation.item.create per "
    "item, as text (input_text of the user, output_text of the assistant)"
)


class _Loss(NamedTuple):
    """What a lost connection took with it."""

    seq: int
    t_ns: int | None
    code: int
    responses: tuple[str, ...]
    calls: tuple[str, ...]
    items: int
    pending_ms: float


def is_lost(body: Body) -> bool:
    """Return whether a connection was lost rather than closed by either side."""
    return int_at(body, "code") in LOST_CODES or text_at(body, "by") == "network"


class ConnectionLost(LintRule):
    """A connection that broke, with all that died with it."""

    id = "connection-lost"
    title = "the connection was lost"
    severity = Severity.ERROR
    why = (
        "The API cannot resume a session: a new connection knows nothing of the old one. Settings, conversation, the answer in "
        "progress and the calls of tools are gone unless the app sends them again."
    )
    links = (WEBSOCKETS, "https://github.com/WqyJh/go-openai-realtime/issues/14")
    types = frozenset({"inspector.closed", "conversation.item.create", "response.created"})

    def __init__(self, before: _Loss | None = None) -> None:
        """Begin a connection.

        Args:
            before: what the connection before lost; None if it did not break.
        """
        self._before = before
        self._loss: _Loss | None = None
        self._created = 0
        """Items of the app before the first answer."""
        self._first_seq = 0
        """The first answer."""

    def next_session(self) -> LintRule:
        """Return the rule for the next connection, which looks whether the app puts back what was lost."""
        return type(self)(self._loss)

    def apply(self, event: Event, state: SessionState) -> None:
        """Note what is lost when the connection breaks."""
        body = event.body or {}
        if event.type == "response.created":
            self._first_seq = self._first_seq or event.seq
        elif event.type != "inspector.closed":
            self._created += event.direction is Direction.CLIENT and not self._first_seq
        elif is_lost(body):
            conversation, sound = state.conversation, state.input_audio
            calls = tuple(item.name or "a tool" for item in conversation.pending_calls())
            items = sum(not item.is_deleted for item in conversation.items.values())
            pending_ms = sound.format.ns(sound.buffered_bytes) / NS_PER_MS
            is_known = not sound.is_elided and bool(sound.speech_item_id)
            self._loss = _Loss(
                event.seq,
                event.t_ns,
                int_at(body, "code"),
                state.responses.active,
                calls,
                items,
                pending_ms if is_known else 0,
            )

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the loss, and a reconnect that puts nothing back."""
        if self._loss is not None:
            yield self._lost(self._loss)
        before = self._before
        if before is not None and before.items and self._first_seq:
            # The last item before the answer is what it answers, and new.
            missing = before.items - max(0, self._created - 1)
            if missing > 0:
                yield self.found(
                    Severity.WARNING,
                    (self._first_seq,),
                    f"{counted(missing, 'item')} of the conversation on the connection that was lost {'was' if missing == 1 else 'were'} "
                    "not put back on this one",
                    _REPLAY,
                    Confidence.LIKELY,
                )

    def _lost(self, loss: _Loss) -> Finding:
        died = [f"{listed(map(quoted, loss.responses))} in progress"] if loss.responses else []
        died += [f"the calls of {listed(loss.calls)}"] if loss.calls else []
        died += [f"{seconds(loss.pending_ms)} of speech not committed"] if loss.pending_ms else []
        died += [f"a conversation of {counted(loss.items, 'item')}"] if loss.items else []
        how = LOST_CODES.get(loss.code, "by the network")
        gone = f"; with it went {listed(died)}" if died else ""
        is_bad = bool(loss.responses or loss.calls or loss.pending_ms)
        return self.found(
            Severity.ERROR if is_bad else Severity.WARNING,
            (loss.seq,),
            f"the connection was lost{at_time(loss.t_ns)} {how} ({loss.code}){gone}",
            _REPLAY,
        )


class ClosedByWhom(LintRule):
    """A connection that one side closed early, or by which the server refuses the app."""

    id = "closed-by-whom"
    title = "the connection was closed early"
    severity = Severity.ERROR
    why = (
        "A close with code 1000 looks the same from either side, and is often taken for the server's. Who closed first, and what came "
        "before it, tells where to look."
    )
    links = (WEBSOCKETS, "https://github.com/openai/openai-realtime-api-beta/issues/23")
    types = frozenset(
        {"inspector.opened", "inspector.closed", "error", "response.created", *UPDATES}
    )

    def __init__(self) -> None:
        self._opened_ns: int | None = None
        self._update: tuple[int, int | None] = (0, None)
        self._has_answered = False
        self._error: tuple[int, Body] = (0, {})
        self._closed: Event | None = None
        self._is_waiting = False
        """Whether an update had no answer when the connection was closed."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember what came before the close."""
        if event.type == "inspector.closed":
            self._closed, self._is_waiting = event, state.causes.awaits_update
        elif event.type == "inspector.opened":
            self._opened_ns = event.t_ns
        elif event.type == "error":
            self._error = event.seq, object_at(event.body or {}, "error")
        elif event.type == "response.created":
            self._has_answered = True
        elif event.direction is Direction.CLIENT:
            self._update = event.seq, event.t_ns

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report a refusal by the server, or a close soon after the beginning."""
        closed = self._closed
        if closed is None or closed.body is None or is_lost(closed.body):
            return
        code, side = int_at(closed.body, "code"), text_at(closed.body, "by")
        # Its own rule reports the end of the beta.
        reason = text_at(closed.body, "reason")
        if code >= REFUSED_FROM:
            if "beta_api_shape_disabled" not in reason:
                yield self._refused(closed, code, reason)
            return
        early = self._early(closed, side)
        if early:
            seqs = (closed.seq, self._update[0]) if self._update[0] else (closed.seq,)
            yield self.found(
                Severity.WARNING,
                seqs,
                f"{_who(side)} closed the connection ({code}) {early}",
                _where_to_look(side),
                Confidence.CERTAIN if side in ("client", "inspector") else Confidence.LIKELY,
            )

    def _refused(self, closed: Event, code: int, reason: str) -> Finding:
        error_seq, error = self._error
        body = closed.body or {}
        words = error_words(error) or quoted(reason) or text_at(body, "meaning")
        return self.found(
            Severity.ERROR,
            (closed.seq, error_seq) if error_seq else (closed.seq,),
            f"the server refused the connection and closed it with {code}: {words}",
            quoted(text_at(body, "next_step")) or "check key, model and address",
        )

    def _early(self, closed: Event, side: str) -> str:
        """Return when it was closed, in words, if that was suspiciously soon; else ``""``."""
        update_seq, update_ns = self._update
        if self._is_waiting and update_seq:
            gap_ms = _gap_ms(update_ns, closed.t_ns)
            if gap_ms is None or gap_ms <= HASTY_MS:
                gap = "right" if gap_ms is None else seconds(gap_ms)
                return (
                    f"{gap} after session.update {ref(update_seq)}, before the server answered it"
                )
        if self._has_answered or side == "server":
            return ""
        open_ms = _gap_ms(self._opened_ns, closed.t_ns)
        if open_ms is not None and open_ms <= HASTY_MS and not update_seq:
            return f"{seconds(open_ms)} after it was opened, before anything was sent"
        return ""


def _gap_ms(since_ns: int | None, until_ns: int | None) -> float | None:
    return None if since_ns is None or until_ns is None else (until_ns - since_ns) / NS_PER_MS


def _who(side: str) -> str:
    return {
        "client": "your app",
        "inspector": "the inspector",
        "server": "the server",
    }.get(side, "somebody")


def _where_to_look(side: str) -> str:
    if side == "server":
        return (
            "look for an error event before it; reconnect, and if it happens again ask the provider"
        )
    if side == "inspector":
        return "it was closed from here: by hand, or by --until or --timeout"
    return "look in your own code: a handler that returns or raises, a context manager that ends, a task that is cancelled"


class SessionExpiry(LintRule):
    """A session that reached its greatest length, or soon will."""

    id = "expiry"
    title = "the session reaches its greatest length"
    severity = Severity.ERROR
    why = (
        "A session ends after 60 minutes, whatever it is doing. An app that has not moved to a new connection by then is cut off in the "
        "middle of a sentence."
    )
    links = (
        CONVERSATIONS,
        "https://github.com/pollen-robotics/reachy_mini_conversation_app/issues/134",
    )
    types = frozenset({"session.created", "error", "inspector.closed"})

    def __init__(self) -> None:
        self._began: tuple[int, int | None] = (0, None)
        self._expired: tuple[int, int | None] = (0, None)

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember the beginning and the end."""
        body = event.body or {}
        if event.type == "session.created":
            self._began = event.seq, event.t_ns
        elif event.type == "error":
            if text_at(object_at(body, "error"), "code") == "session_expired":
                self._expired = event.seq, event.t_ns
        elif "maximum duration" in text_at(body, "reason") and not self._expired[0]:
            self._expired = event.seq, event.t_ns

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the end, or that it is near."""
        seq, t_ns = self._expired
        fix = f"open a new connection after {WARN_MINUTES} minutes: {_REPLAY}"
        if seq:
            gap_ms = _gap_ms(self._began[1], t_ns)
            after = "" if gap_ms is None else f" after {gap_ms / 60_000:,.0f} minutes"
            text = (
                f"the session expired{after}: the server ends every session at its greatest length"
            )
            yield self.found(Severity.ERROR, (seq,), text, fix)
            return
        age_ms = moment.waited_ms(self._began[1])
        is_open = moment.state.session.is_open or not moment.is_over
        if age_ms is None or not is_open or moment.state.dialect.dialect not in LIMITED_DIALECTS:
            return
        left = SESSION_MINUTES - age_ms / 60_000
        if left <= SESSION_MINUTES - WARN_MINUTES:
            text = f"the session ends in {max(0.0, left):,.0f} minutes: it is {age_ms / 60_000:,.0f} minutes old"
            yield self.found(Severity.WARNING, (self._began[0],), text, fix)


class CallGone(LintRule):
    """A connection to a WebRTC or SIP call that does not exist, or that shows nothing."""

    id = "call-gone"
    title = "the call to observe does not exist"
    severity = Severity.ERROR
    why = (
        "A connection with call_id observes a WebRTC or SIP call. No such connection exists before the call is accepted, after it ended, for another "
        "project's key, and if the body of accept was not valid, which accept itself does not report."
    )
    links = (SERVER_CONTROLS, SERVER_EVENTS)
    types = frozenset({"inspector.connect_failed", "inspector.opened"})

    def __init__(self) -> None:
        self._failed: tuple[int, str, str] = (0, "", "")
        self._opened: tuple[int, int | None, str] = (0, None, "")

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at the address of the connection."""
        body = event.body or {}
        call_id = call_of(text_at(body, "url"))
        if not call_id:
            return
        if event.type == "inspector.opened":
            self._opened = event.seq, event.t_ns, call_id
        else:
            words = " ".join((text_at(body, "code"), text_at(body, "message")))
            if "404" in words or "call_id_not_found" in words or "not exist" in words:
                self._failed = event.seq, call_id, text_at(body, "message")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report a call that was not found, or a connection to it that stays empty."""
        seq, call_id, message = self._failed
        fix = (
            'accept first, and with a valid body: {"type": "realtime", "model": "gpt-realtime"}; use the call_id of the webhook or of the '
            "Location header, and a key of the same project"
        )
        if seq:
            text = f"no such call: {quoted(call_id)} is not accepted yet, has ended, or belongs to another project or key ({quoted(message)})"
            yield self.found(Severity.ERROR, (seq,), text, fix)
            return
        seq, t_ns, call_id = self._opened
        waited_ms = moment.waited_ms(t_ns)
        is_empty = not moment.state.session.confirmed_seq and not moment.state.conversation.items
        if seq and is_empty and waited_ms is not None and waited_ms >= EMPTY_MS:
            text = f"the connection to the call {quoted(call_id)} has shown nothing in {seconds(waited_ms)}"
            yield self.found(Severity.WARNING, (seq,), text, fix, Confidence.LIKELY)


def call_of(url: str) -> str:
    """Return the id of the call in an address; ``""`` if it names none."""
    try:
        return next(iter(parse_qs(urlsplit(url).query).get("call_id", ())), "")
    except ValueError:  # urlsplit raises on an unbalanced IPv6 bracket
        return ""


RULES: tuple[type[LintRule], ...] = (ConnectionLost, ClosedByWhom, SessionExpiry, CallGone)
"""Rules about the connection."""
