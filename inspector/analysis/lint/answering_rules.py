"""Rules about answers: asked for twice, not at all or too early, failed, stalled, or given twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    ASK,
    as_json,
    quoted,
    ref,
    refs,
    seconds,
    session_update,
    words_of,
)
from inspector.analysis.lint.reference_links import CONVERSATIONS, VAD
from inspector.analysis.lint.tool_rules import MAX_KEPT, PATIENCE_MS, output_of
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence, is_about_active_response
from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, objects_at, text_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

LEAST_PENDING_MS = 100
"""Uncommitted audio that is likely to be speech: the least that the API accepts in a commit."""
SAME_WORDS = 0.6
"""Share of an answer's words that were in the answer before, from which on both say the same."""
NEAR_SPEECH_MS = 1000
"""A cancel within this time of the user's words is about the answer that they interrupt."""
LEAST_WORDS = 4
"""Answers of fewer words ("Sure, done.") resemble each other by chance."""


class _Clash(NamedTuple):
    """A refused request for an answer."""

    error_seq: int
    seq: int
    """The request; 0 if unknown."""
    running_id: str
    """The answer in progress; ``""`` if unknown."""


class ActiveResponseCollision(LintRule):
    """A ``response.create`` while an answer is in progress."""

    id = "active-response-collision"
    title = "an answer was requested while another was in progress"
    severity = Severity.ERROR
    why = (
        "A conversation has one answer at a time. A response.create before the response.done of the previous answer is refused as a "
        "whole, and with it the instructions that it carried. Turn detection and tool handlers are the usual rivals."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-agents-python/issues/1466")
    types = frozenset({"error", "conversation.item.create"})

    def __init__(self) -> None:
        self._clashes: list[_Clash] = []
        self._results: list[int] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember refusals, and the results of tools that the refused answer was to speak."""
        if event.type != "error":
            if output_of(event) is not None and len(self._results) < MAX_KEPT:
                self._results.append(event.seq)
            return
        error = object_at(event.body or {}, "error")
        if is_about_active_response(error) and len(self._clashes) < MAX_KEPT:
            refusal = state.causes.blamed.get(event.seq)
            seq, running = (refusal.seq, refusal.running_id) if refusal is not None else (0, "")
            self._clashes.append(_Clash(event.seq, seq, running))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all refused requests as one, with the owner of the answer that was in progress."""
        if not self._clashes:
            return
        state, first = moment.state, self._clashes[0]
        count = len(self._clashes)
        requests = [one.seq for one in self._clashes if one.seq]
        owner = _owner(state, first.running_id, first.seq or first.error_seq)
        lost = f"response.create {refs(requests)}" if requests else "a response.create"
        text = f"{lost} {'was' if count == 1 else 'were'} refused: {owner.words}"
        # The result of a tool is sent just before the request for its answer.
        begin = min(filter(None, (first.error_seq, owner.asked_seq, *requests))) - 1
        results = [seq for seq in self._results if begin <= seq <= self._clashes[-1].error_seq]
        if len(results) > 1:
            text += (
                f"; {len(results)} tool results were sent, each with a response.create of its own"
            )
        elif results:
            text += "; the result of a tool waits for its answer"
        yield self.found(
            Severity.ERROR,
            (*(one.error_seq for one in self._clashes), *requests),
            text,
            _collision_fix(state, has_results=bool(results), is_vad=owner.is_vad),
        )


class _Owner(NamedTuple):
    """The answer that was in progress, and who asked for it."""

    words: str
    asked_seq: int = 0
    """The app's request for it; 0 if unknown."""
    is_vad: bool = False
    """True if turn detection began it."""


def _owner(state: SessionState, response_id: str, before: int) -> _Owner:
    response = state.responses.all.get(response_id)
    if response is None or not response.created_seq:
        return _Owner(f"{quoted(response_id) or 'another answer'} was in progress")
    words = f"{quoted(response_id)} was in progress"
    cause = state.causes.cause_of.get(response.created_seq, 0)
    if cause:
        return _Owner(f"{words}, asked for by response.create {ref(cause)}", cause)
    is_vad = bool(state.session.turn_detection) and response.created_seq < before
    return _Owner(f"{words}, begun by turn detection" * is_vad or words, is_vad=is_vad)


def _collision_fix(state: SessionState, *, has_results: bool, is_vad: bool) -> str:
    if has_results:
        return f"send every result of a batch, wait for response.done, then once: {ASK}"
    if is_vad:
        off = session_update(
            state,
            {
                "audio.input.turn_detection": {
                    "type": state.session.turn_detection,
                    "create_response": False,
                }
            },
        )
        return f"leave the answer to turn detection, or ask for all of them yourself: {off}"
    return f"wait for response.done, then: {ASK}"


class _Waiting(NamedTuple):
    """Input of the user that waits for an answer."""

    seq: int
    t_ns: int | None
    is_text: bool


class NobodyAsked(LintRule):
    """Input of the user for which no answer was requested."""

    id = "nobody-asked"
    title = "the user's input waits, and nobody asked for an answer"
    severity = Severity.ERROR
    why = (
        "Only turn detection with create_response starts an answer by itself. After conversation.item.create, after a commit "
        "without turn detection, and with create_response false, the app must send response.create."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-realtime-solar-system/issues/2")
    types = frozenset(
        {
            "conversation.item.create",
            "input_audio_buffer.committed",
            "response.create",
            "response.created",
        }
    )
    needs = frozenset({Sight.APP, Sight.TIMES})

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._has_asked = False
        """Whether the app has asked since the oldest input that waits."""
        self._answered_late: list[tuple[_Waiting, int, float]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember input until an answer is asked for."""
        if event.type == "response.created":
            self._waiting, self._has_asked = [], False
        elif event.type == "response.create":
            self._has_asked |= event.direction is Direction.CLIENT
        elif event.type == "input_audio_buffer.committed":
            self._commit(event, state)
        elif event.direction is Direction.CLIENT:
            self._create(object_at(event.body or {}, "item"), event)

    def _commit(self, event: Event, state: SessionState) -> None:
        session = state.session
        answers_by_itself = session.turn_detection and session.creates_response
        # xAI and Voice Live answer a commit without being asked.
        if answers_by_itself or state.dialect.dialect in ("xai", "voice-live"):
            return
        if session.config and session.kind == "realtime":
            self._wait(event, is_text=False)

    def _create(self, item: Body, event: Event) -> None:
        if item.get("type", "message") != "message":
            return
        if item.get("role") == "assistant":
            # A history that is put back: what the user says in it was answered long ago.
            self._waiting = []
        elif item.get("role") == "user":
            self._wait(event, is_text=True)

    def _wait(self, event: Event, *, is_text: bool) -> None:
        if len(self._waiting) < MAX_KEPT:
            self._waiting.append(_Waiting(event.seq, event.t_ns, is_text))
            self._has_asked = False

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the input that has waited too long."""
        state = moment.state
        waiting = [one for one in self._waiting if one.seq not in state.causes.rejected]
        waited_ms = moment.waited_ms(waiting[-1].t_ns) if waiting else None
        if self._has_asked or waited_ms is None or waited_ms < PATIENCE_MS:
            return
        if state.session.kind != "realtime":
            return
        first = waiting[0]
        what = (
            "the user's text waits"
            if first.is_text
            else "what the user said was committed and waits"
        )
        reason = (
            "conversation.item.create never starts an answer"
            if first.is_text
            else "without turn detection, or with create_response false, a commit starts none"
        )
        # A voice app may add texts for the next spoken turn to take up.
        is_voice = first.is_text and state.input_audio.appends > 0
        yield self.found(
            Severity.NOTE if is_voice else Severity.ERROR,
            [one.seq for one in waiting],
            f"{what} ({ref(first.seq)}), and nobody asked for an answer in {seconds(waited_ms)}: {reason}",
            ASK,
            Confidence.POSSIBLE if is_voice else Confidence.CERTAIN,
        )


class AnsweredTwice(LintRule):
    """An answer that repeats what the response with the tool call had said already."""

    id = "answered-twice"
    title = "the answer after a tool repeats the previous answer"
    severity = Severity.WARNING
    why = (
        "Newer models may speak and call a tool in one response. If the answer after the result says the same again, the user hears "
        "it twice and both are billed."
    )
    links = (CONVERSATIONS, "https://github.com/livekit/agents/issues/6411")
    types = frozenset({"response.done"})

    def __init__(self) -> None:
        self._said: tuple[int, Counter[str]] | None = None
        """The response before, if it spoke and called a tool, and its words."""
        self._repeats: list[tuple[int, int, float]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare an answer with the previous one."""
        response = object_at(event.body or {}, "response")
        if response.get("conversation_id", "absent") is None:
            return
        words = Counter(words_of(_spoken(response)))
        before, self._said = self._said, None
        if before is not None and words.total() >= LEAST_WORDS:
            share = (words & before[1]).total() / words.total()
            if share >= SAME_WORDS and len(self._repeats) < MAX_KEPT:
                self._repeats.append((event.seq, before[0], share))
        has_call = any(
            item.get("type") == "function_call" for item in objects_at(response, "output")
        )
        if has_call and words.total() >= LEAST_WORDS:
            self._said = event.seq, words

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each repetition."""
        for seq, before, share in self._repeats:
            yield self.found(
                Severity.WARNING,
                (seq, before),
                f"said twice: {share:.0%} of the words of this answer ({ref(seq)}) were in the one that called the tool ({ref(before)})",
                'add to the instructions: "After a tool\'s result do not repeat what you have already said."',
                Confidence.LIKELY,
            )


def _spoken(response: Body) -> str:
    """Return what a response said."""
    return " ".join(
        text_at(part, "transcript") or text_at(part, "text")
        for item in objects_at(response, "output")
        if item.get("type") == "message"
        for part in objects_at(item, "content")
    )


class _Early(NamedTuple):
    """A request for an answer before the user's speech was committed."""

    seq: int
    t_ns: int | None
    is_speech_open: bool
    pending_ms: float


class CreateBeforeCommit(LintRule):
    """A ``response.create`` before the user's speech is part of the conversation."""

    id = "create-before-commit"
    title = "an answer was requested before the user's speech was committed"
    severity = Severity.WARNING
    why = (
        "Speech joins the conversation when it is committed: by turn detection after the silence, or by the app. An answer that is "
        "requested earlier may be given without it."
    )
    links = (VAD, CONVERSATIONS)
    types = frozenset(
        {
            "response.create",
            "response.created",
            "input_audio_buffer.commit",
            "input_audio_buffer.committed",
        }
    )
    reads_appends = True
    needs = frozenset({Sight.APP, Sight.SETTINGS, Sight.USER_SOUND})
    not_in = frozenset({"gpt-live", "translation", "xai"})

    def __init__(self) -> None:
        self._early: list[_Early] = []
        self._committed_after: dict[int, tuple[int, int | None]] = {}
        self._commit_seq = 0
        """The app's last commit."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare requests with what is still in the buffer."""
        if event.type == "input_audio_buffer.commit":
            self._commit_seq = event.seq
        elif event.type == "input_audio_buffer.committed":
            if self._early and self._early[-1].seq not in self._committed_after:
                self._committed_after[self._early[-1].seq] = event.seq, event.t_ns
        elif event.type == "response.create" and event.direction is Direction.CLIENT:
            self._ask(event, state)

    def _ask(self, event: Event, state: SessionState) -> None:
        response = object_at(event.body or {}, "response")
        is_apart = response.get("conversation") == "none" or "input" in response
        is_committing = self._commit_seq > self.appended.last_seq
        if is_apart or is_committing or len(self._early) >= MAX_KEPT:
            return
        sound, session = state.input_audio, state.session
        is_open = bool(sound.speech_item_id)
        pending_ms = sound.format.ns(sound.buffered_bytes) / NS_PER_MS
        # With turn detection the buffer always holds some silence; only speech that is under way matters.
        if is_open or (not session.turn_detection and pending_ms >= LEAST_PENDING_MS):
            self._early.append(_Early(event.seq, event.t_ns, is_open, pending_ms))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report requests that the server accepted before the commit."""
        state = moment.state
        for one in self._early:
            if one.seq in state.causes.rejected:
                continue
            committed_seq, committed_ns = self._committed_after.get(one.seq, (0, None))
            if one.is_speech_open:
                what = "while the user's speech was still open"
            else:
                what = f"with {seconds(one.pending_ms)} of audio not committed"
            then = ""
            if committed_seq and committed_ns is not None and one.t_ns is not None:
                then = f"; the commit ({ref(committed_seq)}) came {seconds((committed_ns - one.t_ns) / NS_PER_MS)} later"
            elif not committed_seq:
                then = "; no commit followed"
            yield self.found(
                Severity.WARNING,
                (one.seq, *((committed_seq,) if committed_seq else ())),
                f"response.create {ref(one.seq)} was sent {what}{then}: this answer may not contain it",
                f"wait for input_audio_buffer.committed, then: {ASK}",
                Confidence.LIKELY,
            )


class CancelHitsNext(LintRule):
    """A ``response.cancel`` of the app that met another answer than the one it was for."""

    id = "cancel-hits-next"
    title = "a cancel hit the wrong answer"
    severity = Severity.ERROR
    why = (
        "With interrupt_response the server cancels by itself when the user speaks. A response.cancel of the app on top of that comes late "
        "and may cancel the answer to the new words; sent before response.created, it has no effect, and the answer comes all the same."
    )
    links = (VAD, "https://github.com/pydantic/pydantic-ai/pull/8132")
    types = frozenset(
        {
            "response.cancel",
            "response.create",
            "response.created",
            "response.done",
            "input_audio_buffer.speech_started",
        }
    )
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._speech: tuple[int, int | None] = (0, None)
        self._cancel: tuple[int, int | None] = (0, None)
        """The app's last cancel that named no answer."""
        self._asked_seq = 0
        """The app's last request that has no answer yet."""
        self._void_seq = 0
        """A cancel of a request that had no answer yet."""
        self._begun: dict[str, int] = {}
        self._hits: list[tuple[int, int]] = []
        self._orphans: list[tuple[int, int]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Follow cancels and the answers that they meet."""
        if event.type == "input_audio_buffer.speech_started":
            self._speech = event.seq, event.t_ns
        elif event.type == "response.create":
            self._asked_seq = event.seq if event.direction is Direction.CLIENT else 0
        elif event.type == "response.cancel":
            if not text_at(event.body or {}, "response_id"):
                self._cancel = event.seq, event.t_ns
            if self._asked_seq and not state.responses.active:
                self._void_seq = event.seq
        elif event.type == "response.created":
            self._begin(event)
        else:
            self._end(event, state)

    def _begin(self, event: Event) -> None:
        response_id = text_at(object_at(event.body or {}, "response"), "id")
        self._begun[response_id] = event.seq
        if len(self._begun) > MAX_KEPT:
            del self._begun[next(iter(self._begun))]
        if self._void_seq and len(self._orphans) < MAX_KEPT:
            self._orphans.append((self._void_seq, event.seq))
        self._asked_seq = self._void_seq = 0

    def _end(self, event: Event, state: SessionState) -> None:
        response = object_at(event.body or {}, "response")
        details = object_at(response, "status_details")
        begun_seq = self._begun.get(text_at(response, "id"), 0)
        speech_seq, speech_ns = self._speech
        cancel_seq, cancel_ns = self._cancel
        if text_at(details, "reason") != "client_cancelled" or not cancel_seq:
            return
        # The answer that the user spoke over had begun before his words.
        is_next = speech_seq < cancel_seq and speech_seq < begun_seq
        is_near = _within(speech_ns, cancel_ns, NEAR_SPEECH_MS)
        is_doubled = state.session.interrupts_response and is_next and is_near
        if is_doubled and len(self._hits) < MAX_KEPT:
            self._hits.append((event.seq, cancel_seq))
        self._cancel = (0, None)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report answers that were cancelled by mistake, and cancels without effect."""
        for done_seq, cancel_seq in self._hits:
            yield self.found(
                Severity.ERROR,
                (done_seq, cancel_seq),
                f"response.cancel {ref(cancel_seq)} cancelled the answer to the user's new words ({ref(done_seq)}): the server had already "
                "interrupted the previous one",
                "leave response.cancel out under turn detection with interrupt_response, and only truncate",
                Confidence.LIKELY,
            )
        for cancel_seq, created_seq in self._orphans:
            state = moment.state
            response = next(
                (one for one in state.responses.all.values() if one.created_seq == created_seq),
                None,
            )
            if response is not None and response.status == "cancelled":
                continue
            yield self.found(
                Severity.WARNING,
                (cancel_seq, created_seq),
                f"response.cancel {ref(cancel_seq)} came before the answer had begun and had no effect: it began all the same ({ref(created_seq)})",
                f"wait for response.created, then: {as_json({'type': 'response.cancel', 'response_id': 'resp_…'})}",
                Confidence.LIKELY,
            )


def _within(since_ns: int | None, until_ns: int | None, ms: float) -> bool:
    if since_ns is None or until_ns is None:
        return False
    return 0 <= until_ns - since_ns <= ms * NS_PER_MS


RULES: tuple[type[LintRule], ...] = (
    ActiveResponseCollision,
    NobodyAsked,
    CreateBeforeCommit,
    AnsweredTwice,
    CancelHitsNext,
)
"""Rules about answers."""
