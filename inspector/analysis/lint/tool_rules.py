"""Rules about tools: results that were never spoken, have the wrong shape, or answer no call; calls without a result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    ASK,
    as_json,
    counted,
    error_words,
    ga_hint,
    in_ga,
    listed,
    ref,
    refs,
    seconds,
)
from inspector.analysis.lint.reference_links import CLIENT_EVENTS, CONVERSATIONS
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence, Refusal
from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, objects_at, text_at
from inspector.core.state import SessionState

PATIENCE_MS = 3000
"""Silence after which a user would ask whether anybody is there; servers begin an answer within a tenth of it."""
TOOL_PATIENCE_MS = 10_000
"""A tool may well take seconds; a call that waits longer is likely forgotten."""
_ENDS_CALL = re.compile("end|hang|bye|close|finish|stop|quit|leave|transfer", re.IGNORECASE)
"""Names of tools after which an app hangs up."""
MAX_KEPT = 256
"""Results and calls that a rule remembers."""
OUTPUT_KEYS = frozenset({"type", "id", "object", "status", "call_id", "output"})
"""Members of a ``function_call_output``."""
GOOD_OUTPUT = {
    "type": "conversation.item.create",
    "item": {"type": "function_call_output", "call_id": "call_…", "output": "…"},
}


class _Result(NamedTuple):
    """The result of a tool, as the app sent it."""

    seq: int
    call_id: str
    t_ns: int | None
    is_well_formed: bool


class _Asked(NamedTuple):
    """A ``response.create`` of the app."""

    seq: int
    t_ns: int | None
    response: Body
    """Its ``response`` object."""


def output_of(event: Event) -> Body | None:
    """Return the ``function_call_output`` that a client's event creates; None for all other events."""
    if event.direction is not Direction.CLIENT or event.type != "conversation.item.create":
        return None
    item = object_at(event.body or {}, "item")
    return item if item.get("type") == "function_call_output" else None


def name_of_call(state: SessionState, call_id: str) -> str:
    """Return the tool of a call; ``""`` if the call is unknown."""
    item = state.conversation.items.get(state.conversation.answers.calls.get(call_id, ""))
    return item.name if item is not None else ""


def shape_problem(item: Body) -> str:
    """Return what is wrong with the shape of a ``function_call_output``; ``""`` if nothing is."""
    extra = [name for name in item if name not in OUTPUT_KEYS]
    if extra:
        return f"it has {listed(extra)}, which a function_call_output does not have"
    output = item.get("output")
    if "output" not in item:
        return "its output is missing"
    if not isinstance(output, str):
        kind = {dict: "an object", list: "an array", type(None): "null"}.get(
            type(output), f"a {type(output).__name__}"
        )
        return f"its output is {kind}, and must be a string"
    return "" if text_at(item, "call_id") else "its call_id is missing"


class ToolOutputShape(LintRule):
    """A tool's result in a form that the server rejects, or that starts an empty context."""

    id = "tool-output-shape"
    title = "a tool's result has the wrong shape"
    severity = Severity.ERROR
    why = (
        "A function_call_output has three members: type, call_id and output, a string. Anything else is rejected, and the model "
        "never sees the result. In response.input it does not join the conversation: that response sees nothing else."
    )
    links = (CONVERSATIONS, CLIENT_EVENTS)
    types = frozenset({"conversation.item.create", "response.create"})
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._badly_formed: list[tuple[int, str, str]] = []
        self._inputs: list[tuple[int, str]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at the results that the app sends."""
        if len(self._badly_formed) + len(self._inputs) >= MAX_KEPT:
            return
        item = output_of(event)
        if item is not None:
            problem = shape_problem(item)
            if problem:
                inner = item.get("content")
                call_id = text_at(item, "call_id") or text_at(
                    inner if isinstance(inner, dict) else {}, "call_id"
                )
                self._badly_formed.append((event.seq, call_id, problem))
        elif event.type == "response.create" and event.direction is Direction.CLIENT:
            for call_id in calls_in_input(event):
                self._inputs.append((event.seq, call_id))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report results of the wrong shape, refused ones as errors, and results within ``response.input``."""
        state = moment.state
        for seq, call_id, problem in self._badly_formed:
            refusal = state.causes.rejected.get(seq)
            tool = name_of_call(state, call_id) or "a tool"
            if refusal is None:
                yield self.found(
                    Severity.WARNING,
                    (seq,),
                    f"the result of {tool} ({ref(seq)}): {problem}",
                    as_json(GOOD_OUTPUT),
                    Confidence.LIKELY,
                )
            else:
                yield self.found(
                    Severity.ERROR,
                    (seq, refusal.error_seq),
                    f"the result of {tool} ({ref(seq)}) was refused: {problem}. The model never sees it",
                    as_json(GOOD_OUTPUT),
                )
        if self._inputs:
            seqs = tuple(dict.fromkeys(seq for seq, _ in self._inputs))
            tools = listed(name_of_call(state, call_id) or "a tool" for _, call_id in self._inputs)
            yield self.found(
                Severity.WARNING,
                seqs,
                f"the result of {tools} is in response.input ({refs(seqs)}): that response starts from an empty context, "
                "without the question, and the conversation never gets the result",
                f"{as_json(GOOD_OUTPUT)}\n{ASK}",
            )


def calls_in_input(event: Event) -> Iterator[str]:
    """Yield the call ids of the results in the ``input`` of a ``response.create``."""
    for item in objects_at(object_at(event.body or {}, "response"), "input"):
        if item.get("type") == "function_call_output":
            yield text_at(item, "call_id")


class ToolResultUnspoken(LintRule):
    """A tool's result after which no answer came."""

    id = "tool-result-unspoken"
    title = "a tool's result was never spoken"
    severity = Severity.ERROR
    why = (
        "The server does not answer a tool's result by itself: after the last result of a batch the app must send one "
        "response.create, and not before the response.done of the response that called. Until then the user hears nothing."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-agents-python/pull/3405")
    types = frozenset({"conversation.item.create", "response.create", "response.created"})
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._waiting: dict[int, _Result] = {}
        self._sent: set[str] = set()
        """Calls with a result, which the server may not have confirmed yet."""
        self._asked: list[_Asked] = []
        """Requests since the oldest result that waits."""
        self._late: list[tuple[tuple[_Result, ...], int, float]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember results until a response can speak them."""
        if event.type == "response.created":
            self._begun(event, state)
        elif event.direction is not Direction.CLIENT:
            return
        elif event.type == "response.create":
            response = object_at(event.body or {}, "response")
            inside = set(calls_in_input(event))
            self._waiting = {
                seq: one for seq, one in self._waiting.items() if one.call_id not in inside
            }
            if self._waiting and response.get("conversation") != "none":
                self._asked.append(_Asked(event.seq, event.t_ns, response))
        else:
            item = output_of(event)
            if item is not None and len(self._waiting) < MAX_KEPT:
                is_well_formed = not shape_problem(item)
                self._sent.add(text_at(item, "call_id"))
                self._waiting[event.seq] = _Result(
                    event.seq, text_at(item, "call_id"), event.t_ns, is_well_formed
                )

    def _begun(self, event: Event, state: SessionState) -> None:
        response = object_at(event.body or {}, "response")
        if response.get("conversation_id", "absent") is None or not self._waiting:
            return
        rejected = state.causes.rejected
        spoken = tuple(one for seq, one in self._waiting.items() if seq not in rejected)
        times = [one.t_ns for one in spoken if one.t_ns is not None]
        is_unasked = event.seq not in state.causes.cause_of
        if times and event.t_ns is not None and is_unasked:
            waited_ms = (event.t_ns - max(times)) / 1e6
            if waited_ms >= PATIENCE_MS and len(self._late) < MAX_KEPT:
                self._late.append((spoken, event.seq, waited_ms))
        self._waiting = {seq: one for seq, one in self._waiting.items() if seq in rejected}
        self._asked = []

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report results that wait, by their cause; and those that waited until something else brought an answer about."""
        state = moment.state
        for results, created_seq, waited_ms in self._late:
            yield self.found(
                Severity.WARNING,
                (results[-1].seq, created_seq),
                f"{_named(results, state)} waited {seconds(waited_ms)}: no response.create followed, and only the user's next "
                "words triggered an answer",
                ASK,
            )
        rejected = state.causes.rejected
        refused = [one for seq, one in self._waiting.items() if seq in rejected]
        waiting = [one for seq, one in self._waiting.items() if seq not in rejected]
        for one in refused:
            # What is wrong with their shape is the subject of another rule.
            if one.is_well_formed:
                refusal = rejected[one.seq]
                yield self.found(
                    Severity.ERROR,
                    (one.seq, refusal.error_seq),
                    f"{_named([one], state)} was refused, so the model never sees it: {error_words(refusal.error)}",
                    as_json(GOOD_OUTPUT),
                )
        if waiting and not self._awaits_more(waiting, state):
            yield from self._unspoken(waiting, moment)

    def _awaits_more(self, waiting: list[_Result], state: SessionState) -> bool:
        """Return whether further results of the batch are still to come, so that the app rightly waits for them."""
        batch = _responses_of(waiting, state)
        return any(
            item.response_id in batch and item.call_id not in self._sent
            for item in state.conversation.pending_calls()
        )

    def _unspoken(self, waiting: list[_Result], moment: Moment) -> Iterator[Finding]:
        state = moment.state
        seqs = [one.seq for one in waiting]
        subject = f"{_named(waiting, state)} {'was' if len(waiting) == 1 else 'were'} never spoken"
        refusals = [
            (asked, state.causes.rejected[asked.seq])
            for asked in self._asked
            if asked.seq in state.causes.rejected
        ]
        waited_ms = moment.waited_ms(waiting[-1].t_ns)
        if refusals and len(refusals) == len(self._asked):
            asked, refusal = refusals[-1]
            yield self.found(
                Severity.ERROR,
                (asked.seq, refusal.error_seq, *seqs),
                f"{subject}: the response.create after it ({ref(asked.seq)}) was refused as a whole: {error_words(refusal.error)}{ga_hint(refusal.error)}",
                _corrected(asked, refusal),
                refusal.confidence,
            )
        elif waited_ms is None:
            if moment.is_over and not self._asked:
                yield self.found(
                    Severity.WARNING,
                    seqs,
                    f"{subject} in this recording: no response.create follows it",
                    ASK,
                    Confidence.POSSIBLE,
                )
        elif waited_ms >= PATIENCE_MS:
            if self._asked:
                reason = f"the response.create ({ref(self._asked[-1].seq)}) has had no answer"
                confidence = Confidence.LIKELY
            else:
                reason = "no response.create followed"
                # A tool that only takes notes needs no answer, if the model has already spoken.
                confidence = (
                    Confidence.POSSIBLE if _has_spoken(waiting, state) else Confidence.CERTAIN
                )
            severity = Severity.NOTE if confidence is Confidence.POSSIBLE else Severity.ERROR
            yield self.found(
                severity, seqs, f"{subject}: {reason} in {seconds(waited_ms)}", ASK, confidence
            )


def _named(results: Iterable[_Result], state: SessionState) -> str:
    """Return the results in words."""
    known = list(results)
    names = listed(name_of_call(state, one.call_id) or "a tool" for one in known)
    return f"the result{'s' * (len(known) != 1)} of {names}"


def _responses_of(results: Iterable[_Result], state: SessionState) -> set[str]:
    """Return the ids of the responses that made the calls of some results."""
    items, calls = state.conversation.items, state.conversation.answers.calls
    found = (items.get(calls.get(one.call_id, "")) for one in results)
    return {item.response_id for item in found if item is not None}


def _has_spoken(results: Iterable[_Result], state: SessionState) -> bool:
    """Return whether the response that called the tool also said something."""
    items = state.conversation.items
    responses = _responses_of(results, state)
    return any(
        items[item_id].type == "message" and bool(items[item_id].text)
        for response_id in responses
        if response_id in state.responses.all
        for item_id in state.responses.all[response_id].item_ids
        if item_id in items
    )


def _corrected(asked: _Asked, refusal: Refusal) -> str:
    """Return the request without what was refused, the beta's names translated."""
    response = in_ga(asked.response)
    # An empty input means an empty context: without the result that is to be spoken.
    if response.get("input") == []:
        del response["input"]
    _, _, member = text_at(refusal.error, "param").partition("response.")
    response.pop(member, None)
    event: dict[str, Any] = {"type": "response.create"}
    return as_json(event | ({"response": response} if response else {}))


class ToolCallId(LintRule):
    """A result for a call that the model never made, or a second one for the same call."""

    id = "tool-call-id"
    title = "a tool's result answers no call, or a call twice"
    severity = Severity.ERROR
    why = (
        "A result belongs to its call by call_id alone. With an unknown id it is refused or ignored; a second result for one call "
        "is usually a handler on both arguments.done and output_item.done."
    )
    links = (CONVERSATIONS,)
    types = frozenset({"conversation.item.create"})
    needs = frozenset({Sight.APP, Sight.SERVER, Sight.SETTINGS})

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._again: list[tuple[int, int, str]] = []
        self._unknown: dict[int, str] = {}
        self._created: set[str] = set()
        """Calls that the app itself put into the conversation, as history."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare each result with the calls so far."""
        if event.direction is not Direction.CLIENT or len(self._first) >= MAX_KEPT:
            return
        item = object_at(event.body or {}, "item")
        call_id = text_at(item, "call_id")
        if item.get("type") == "function_call":
            self._created.add(call_id)
        if item.get("type") != "function_call_output" or not call_id:
            return
        before = self._first.get(call_id)
        if before is not None and before not in state.causes.rejected:
            self._again.append((event.seq, before, call_id))
        elif call_id not in state.conversation.answers.calls and call_id not in self._created:
            self._unknown[event.seq] = call_id
        self._first[call_id] = event.seq

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report unknown calls and repeated results."""
        state = moment.state
        for seq, call_id in self._unknown.items():
            if call_id in state.conversation.answers.calls:
                continue  # announced after the result: another connection sees events earlier
            refusal = state.causes.rejected.get(seq)
            calls = [name_of_call(state, one) or one for one in state.conversation.answers.calls]
            known = f"; the calls were {listed(calls)}" if calls else "; the model called nothing"
            yield self.found(
                Severity.WARNING if refusal is None else Severity.ERROR,
                (seq, *((refusal.error_seq,) if refusal is not None else ())),
                f"the result {ref(seq)} is for the call {call_id!r}, which the model never made{known}",
                "send the call_id of response.function_call_arguments.done unchanged",
                Confidence.CERTAIN if refusal is not None else Confidence.LIKELY,
            )
        if self._again:
            seq, before, call_id = self._again[0]
            name = name_of_call(state, call_id) or call_id
            yield self.found(
                Severity.WARNING,
                [seq for seq, _, _ in self._again],
                f"{name} was answered twice ({ref(before)} and {ref(seq)})"
                + (
                    f", and {counted(len(self._again) - 1, 'other call')} too"
                    if len(self._again) > 1
                    else ""
                ),
                "act on response.function_call_arguments.done or on response.output_item.done, not on both",
            )


class ToolCallUnanswered(LintRule):
    """A call of a function that got no result."""

    id = "tool-call-unanswered"
    title = "a tool was called and never answered"
    severity = Severity.WARNING
    why = (
        "The model waits for the result of every call. Without it the user's question stays unanswered, and a later answer may make "
        "the result up."
    )
    links = (CONVERSATIONS,)
    types = frozenset({"response.done", "response.create", "conversation.item.create"})
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._sent: set[str] = set()
        """Calls with a result, which the server may not have confirmed yet."""
        self._called: dict[str, tuple[int, int | None]] = {}
        """Item of each call to the ``response.done`` after it and its time."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember when the response of a call had ended, and which calls have a result."""
        if event.type != "response.done":
            item = output_of(event)
            if len(self._sent) < MAX_KEPT:
                self._sent.update(calls_in_input(event))
                self._sent.update({text_at(item, "call_id")} if item is not None else ())
            return
        status = text_at(object_at(event.body or {}, "response"), "status")
        if status != "completed":
            return
        for call in state.conversation.pending_calls():
            if call.id not in self._called and len(self._called) < MAX_KEPT:
                self._called[call.id] = event.seq, event.t_ns

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report calls that wait too long; if the session ended before, as a note."""
        pending = [
            item
            for item in moment.state.conversation.pending_calls()
            if item.id in self._called and item.call_id not in self._sent
        ]
        if not pending:
            return
        waited = [moment.waited_ms(self._called[item.id][1]) for item in pending]
        longest = max((ms for ms in waited if ms is not None), default=None)
        names = listed(item.name or "a tool" for item in pending)
        seqs = [self._called[item.id][0] for item in pending]
        fix = f"{as_json(GOOD_OUTPUT)}\n{ASK}"
        if longest is not None and longest >= TOOL_PATIENCE_MS:
            text = f"{names} was called and has had no result for {seconds(longest)}"
            yield self.found(Severity.WARNING, seqs, text, fix)
        elif moment.is_over:
            after = "" if longest is None else f", {seconds(longest)} after the call"
            text = f"{names} was called, and the session ended without a result{after}"
            # A tool that ends the call needs no result.
            is_end = all(_ENDS_CALL.search(item.name) for item in pending)
            severity = Severity.NOTE if is_end else Severity.WARNING
            yield self.found(severity, seqs, text, fix, Confidence.LIKELY)


RULES: tuple[type[LintRule], ...] = (
    ToolOutputShape,
    ToolResultUnspoken,
    ToolCallId,
    ToolCallUnanswered,
)
"""Rules about tools."""
