"""Rules about answers that fail: with a reason that the app ignores, without any output, or because a limit is exhausted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    as_json,
    at_time,
    counted,
    quoted,
    seconds,
    session_update,
)
from inspector.analysis.lint.reference_links import SERVER_EVENTS, TRANSCRIPTION
from inspector.analysis.lint.tool_rules import MAX_KEPT
from inspector.analysis.lint.visibility import Sight
from inspector.analysis.totals import LOW_SHARE
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import int_at, object_at, objects_at, text_at
from inspector.core.state import SessionState

TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
TRANSCRIPTION_FAILED = "conversation.item.input_audio_transcription.failed"
STALL_MS = 4000
"""Time without output after ``response.created``; models begin within a second, with high reasoning effort within three."""
ADVICE: Mapping[str, str] = {
    "insufficient_quota": "the account has no quota left: add credit or raise the limit, and stop retrying meanwhile",
    "rate_limit_exceeded": "wait for reset_seconds of rate_limits.updated before the next response.create, and ask for a higher limit",
    "max_output_tokens": "raise max_output_tokens, or ask for shorter answers in the instructions",
    "content_filter": "tell the user; the same input will be filtered again",
    "input_image_safety_violation": "delete the image (conversation.item.delete) or open a new session: it stays in the conversation and every later answer fails as well",
    "server_error": "ask once more; if it happens again, look at the provider's status page",
}
"""Reason of a failure to what to do about it."""
_SHOW = 'if event.response.status != "completed": report(event.response.status_details)'


class _Failure(NamedTuple):
    """An answer that failed or ended early."""

    seq: int
    status: str
    reason: str
    message: str


class FailedAnswerHidden(LintRule):
    """Answers that failed or ended early, which no ``error`` event reports."""

    id = "failed-answer-hidden"
    title = "an answer failed or was cut short by the server"
    severity = Severity.ERROR
    why = (
        "A failed answer comes as response.done with status failed or incomplete, not as an error event. An app that looks only at "
        "errors stays silent, or retries for ever."
    )
    links = (SERVER_EVENTS, "https://github.com/livekit/agents/pull/2967")
    types = frozenset({"response.done"})

    def __init__(self) -> None:
        self._failures: list[_Failure] = []
        self._answers = self._in_a_row = self._longest = 0

    def apply(self, event: Event, state: SessionState) -> None:
        """Count answers and failures."""
        response = object_at(event.body or {}, "response")
        status = text_at(response, "status")
        self._answers += 1
        if event.direction is not Direction.SERVER or status not in ("failed", "incomplete"):
            self._in_a_row = 0 if status == "completed" else self._in_a_row
            return
        self._in_a_row += 1
        self._longest = max(self._longest, self._in_a_row)
        details = object_at(response, "status_details")
        error = object_at(details, "error")
        reason = (
            text_at(error, "code")
            or text_at(details, "reason")
            or text_at(error, "type")
            or text_at(response, "status_details")
        )
        if len(self._failures) < MAX_KEPT:
            self._failures.append(_Failure(event.seq, status, reason, text_at(error, "message")))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the failures by their reason."""
        by_reason: dict[tuple[str, str], list[_Failure]] = {}
        for one in self._failures:
            by_reason.setdefault((one.status, one.reason), []).append(one)
        for (status, reason), failures in by_reason.items():
            count = len(failures)
            verb = "failed" if status == "failed" else "ended incomplete"
            subject = (
                f"{count} of {counted(self._answers, 'answer')}"
                if self._answers > 1
                else "the only answer"
            )
            message = failures[-1].message
            row = f", {self._longest} in a row" if self._longest > 1 and count > 1 else ""
            words = f": {quoted(reason)}" if reason else ""
            tail = f" ({quoted(message)})" if message and message != reason else ""
            severity = Severity.ERROR if status == "failed" else Severity.WARNING
            advice = ADVICE.get(reason, "")
            fix = f"{_SHOW}\n{advice}" if advice else _SHOW
            seqs = [one.seq for one in failures]
            yield self.found(severity, seqs, f"{subject} {verb}{row}{words}{tail}", fix)


class AnswerStalled(LintRule):
    """An answer that began and then produced nothing."""

    id = "answer-stalled"
    title = "an answer began and produced nothing"
    severity = Severity.WARNING
    why = (
        "After response.created the first output follows within a second or two, unless the model reasons for long. An app that waits "
        "without a limit is silent for as long as the server is."
    )
    links = (SERVER_EVENTS,)
    types = frozenset({"response.created", "response.output_item.added"})
    needs = frozenset({Sight.TIMES, Sight.SERVER})

    def __init__(self) -> None:
        self._silent: dict[str, tuple[int, int | None]] = {}
        """Running answers without output."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember an answer until its first output."""
        body = event.body or {}
        if event.type == "response.created" and len(self._silent) < MAX_KEPT:
            self._silent[text_at(object_at(body, "response"), "id")] = event.seq, event.t_ns
        else:
            self._silent.pop(text_at(body, "response_id"), None)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report answers that are still without output."""
        active = moment.state.responses.active
        for response_id, (seq, t_ns) in self._silent.items():
            response = moment.state.responses.all.get(response_id)
            if response_id not in active or response is None or response.first_delta_seq:
                continue
            waited_ms = moment.waited_ms(t_ns)
            if waited_ms is not None and waited_ms >= STALL_MS:
                yield self.found(
                    Severity.WARNING,
                    (seq,),
                    f"{quoted(response_id)} began{at_time(t_ns)} and has produced nothing for {seconds(waited_ms)}",
                    f"{as_json({'type': 'response.cancel', 'response_id': response_id})} after a limit of your own, then ask again",
                    Confidence.LIKELY,
                )


class RateLimitNear(LintRule):
    """A rate limit that is nearly used up."""

    id = "rate-limit-near"
    title = "a rate limit is nearly used up"
    severity = Severity.WARNING
    why = "When nothing is left, answers fail with rate_limit_exceeded, which comes as a failed response.done and not as an error event."
    links = (SERVER_EVENTS, "https://github.com/livekit/agents/pull/6352")
    types = frozenset({"rate_limits.updated"})

    def __init__(self) -> None:
        self._least: dict[str, tuple[float, int, int, int]] = {}
        """By limit the least share that was left, with the event, what was left and the limit."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare what is left with the limit."""
        for limit in objects_at(event.body or {}, "rate_limits"):
            most, left = int_at(limit, "limit"), int_at(limit, "remaining", -1)
            if most <= 0 or left < 0:
                continue
            name, share = text_at(limit, "name"), left / most
            known = self._least.get(name)
            if share < LOW_SHARE and (known is None or share < known[0]) and len(self._least) < 8:
                self._least[name] = share, event.seq, left, most

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each limit at its lowest."""
        for name, (share, seq, left, most) in self._least.items():
            yield self.found(
                Severity.WARNING,
                (seq,),
                f"only {left:,} of {most:,} {quoted(name)} were left ({share:.0%}) before the limit resets",
                "wait for reset_seconds before the next answer, shorten the context, or ask for a higher limit",
            )


class TranscriptionFailed(LintRule):
    """Transcriptions of the user's speech that fail, which stop no answer and so are easily missed."""

    id = "transcription-failed"
    title = "the user's speech could not be transcribed"
    severity = Severity.WARNING
    why = (
        "A transcription that fails is an event of its own and not an error; the answer comes all the same, and only the transcript of the "
        "user stays empty. On Azure transcription.model must be the name of a deployment."
    )
    links = (
        TRANSCRIPTION,
        "https://github.com/pydantic/pydantic-ai/blob/main/docs/realtime/azure.md",
    )
    types = frozenset({TRANSCRIBED, TRANSCRIPTION_FAILED})

    def __init__(self) -> None:
        self._whole = 0
        """Transcriptions that ended."""
        self._failed: dict[str, tuple[int, ...]] = {}
        """By the server's code, else its message, the events that report it."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Count transcriptions and their failures."""
        body = event.body or {}
        # xAI sends interim transcripts under the same type.
        self._whole += body.get("status") != "in_progress"
        if event.type == TRANSCRIPTION_FAILED:
            error = object_at(body, "error")
            code, message = text_at(error, "code"), text_at(error, "message")
            # Messages name their item, so that no two are equal.
            words = code or quoted(message) or "no reason is given"
            if len(self._failed) < MAX_KEPT:
                self._failed[words] = (*self._failed.get(words, ())[:MAX_KEPT], event.seq)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the failures by their reason."""
        for words, seqs in self._failed.items():
            fix = "listen for conversation.item.input_audio_transcription.failed, and show it"
            if "DeploymentNotFound" in words:
                model = {"model": "<name of a deployment>"}
                fix = session_update(moment.state, {"audio.input.transcription": model})
            yield self.found(
                Severity.WARNING,
                seqs,
                f"{len(seqs)} of {counted(self._whole, 'transcription')} failed: {words}",
                fix,
            )


RULES: tuple[type[LintRule], ...] = (
    FailedAnswerHidden,
    AnswerStalled,
    RateLimitNear,
    TranscriptionFailed,
)
"""Rules about answers that fail."""
