"""The faults that can be injected, and the faults of one session that are still pending.

A fault is set for a turn (the nth response of the default conversation) or for now. Its phase tells where it applies: to the
connection, to the next response, to the next transcription, or to the session immediately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from inspector.errors import UsageError
from inspector.sim.brain import Answer
from inspector.sim.speech_recognizer import Failure

FAULT_DELAY_MS = 600
"""Time from ``response.created`` to a fault that is set for its turn; part of the answer has been sent by then."""
LATE_TRANSCRIPT_MS = 4_000
"""Extra delay of a late transcript; long enough to arrive after the answer and after the next transcript."""
LATE_DELTAS_MS = 400
"""How long a response continues after it was interrupted."""


class Phase(StrEnum):
    """Where a fault applies."""

    CONNECT = "connect"
    RESPONSE = "response"
    TRANSCRIPTION = "transcription"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that can be injected."""

    name: str
    phase: Phase
    meaning: str
    """What the client sees."""


FAULTS: tuple[Fault, ...] = (
    Fault("failed-quota", Phase.RESPONSE, "the response fails: insufficient_quota"),
    Fault("failed-rate-limit", Phase.RESPONSE, "the response fails: rate_limit_exceeded"),
    Fault("failed-server-error", Phase.RESPONSE, "the response fails: server_error"),
    Fault("incomplete-max-tokens", Phase.RESPONSE, "the response ends halfway: max_output_tokens"),
    Fault("content-filter", Phase.RESPONSE, "the response ends halfway: content_filter"),
    Fault("duplicate-call", Phase.RESPONSE, "the next function call is sent twice"),
    Fault("late-deltas", Phase.RESPONSE, "an interrupted response keeps sending deltas after speech_started"),
    Fault("transcription-failed", Phase.TRANSCRIPTION, "the next input transcription fails"),
    Fault("transcription-late", Phase.TRANSCRIPTION, "the next input transcription arrives out of order"),
    Fault("slow", Phase.NOW, "everything takes eight times as long; audio arrives slower than it plays"),
    Fault("stalled", Phase.NOW, "the server stops sending; the socket stays open"),
    Fault("garbled-frame", Phase.NOW, "one frame is not valid JSON"),
    Fault("dropped", Phase.NOW, "the connection drops without a close frame (1006)"),
    Fault("closed-1011", Phase.NOW, "the server closes with 1011"),
    Fault("expiry", Phase.NOW, "the session reaches 60 minutes: error and close 1001"),
    Fault("rate-limits-low", Phase.NOW, "rate_limits.updated reports almost no tokens left"),
    Fault("bad-key", Phase.CONNECT, "the key is refused: error and close 3000"),
    Fault("bad-model", Phase.CONNECT, "the model is refused: error and close 4000"),
    Fault("no-model", Phase.CONNECT, "the model is missing: error and close 4000"),
    Fault("beta-header", Phase.CONNECT, "the beta API is refused: error and close 4000"),
)  # fmt: skip
BY_NAME = {fault.name: fault for fault in FAULTS}
FAULT_NAMES = tuple(BY_NAME)
_FAILURES = {
    "failed-quota": Failure(
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    ),
    "failed-rate-limit": Failure(
        "tokens",
        "rate_limit_exceeded",
        "Rate limit reached on tokens per min (TPM): Limit 40000, Used 39820, Requested 1210. Please try again in 1.545s.",
    ),
    "failed-server-error": Failure(
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists.",
    ),
}
_CUT_SHORT = {"incomplete-max-tokens": "max_output_tokens", "content-filter": "content_filter"}
_TWICE = "duplicate-call"
TRANSCRIPTION_FAILURE = Failure(
    "server_error", "transcription_failed", "The server had an error while transcribing the audio."
)


@dataclass(frozen=True, slots=True)
class RaisedFault:
    """A fault that is set but has not happened yet."""

    name: str
    turn: int = 0
    """1 for the first response; 0 for now, or the next response or transcription."""


def parse_fault(text: str) -> RaisedFault:
    """Parse ``NAME`` or ``NAME@TURN``.

    Raises:
        UsageError: the fault does not exist, or the turn is not a positive number.
    """
    name, at, turn = text.strip().partition("@")
    if name not in BY_NAME:
        raise UsageError(
            f"no such fault: {name or text}",
            code="no_such_fault",
            hint=f"use one of {', '.join(FAULT_NAMES)}",
        )
    if not at:
        return RaisedFault(name)
    # ``isdigit`` accepts superscripts, which ``int`` does not; and int of a huge text is slow.
    if not turn.isascii() or not turn.isdigit() or not int(turn[:9]) > 0:
        raise UsageError(f"{text}: the turn after @ must be a whole number from 1", code="bad_turn")
    return RaisedFault(name, int(turn[:9]))


class PendingFaults:
    """The faults of one session that have not happened yet."""

    def __init__(self, raised: Sequence[RaisedFault] = ()) -> None:
        self._waiting = list(raised)
        self._turn = 0

    def add(self, name: str) -> None:
        """Set a fault for the next response or transcription.

        Raises:
            UsageError: the fault does not exist.
        """
        self._waiting.append(replace(parse_fault(name), turn=0))

    def begin_turn(self) -> None:
        """Count a response of the default conversation."""
        self._turn += 1

    def consume(self, name: str, *, ahead: int = 0) -> bool:
        """Return True if a fault is due, and remove it.

        Args:
            name: the fault.
            ahead: 1 if the response of the turn has not started yet.
        """
        for fault in self._waiting:
            if fault.name == name and fault.turn in (0, self._turn + ahead):
                self._waiting.remove(fault)
                return True
        return False

    def consume_all(self, phase: Phase) -> list[str]:
        """Return the names of the faults of a phase that are due, and remove them."""
        return [
            name for name, fault in BY_NAME.items() if fault.phase is phase and self.consume(name)
        ]

    def needs_whole_answer(self) -> bool:
        """Return True if a due fault changes a complete answer, which must then not be streamed."""
        names = (*_FAILURES, *_CUT_SHORT, _TWICE)
        return any(one.name in names and one.turn in (0, self._turn) for one in self._waiting)

    def applied_to(self, answer: Answer) -> tuple[Answer, str]:
        """Return the answer as the due faults change it, and the reason if they make it incomplete, else ``""``."""
        for name, failure in _FAILURES.items():
            if self.consume(name):
                return replace(answer, text="", calls=(), failure=failure), ""
        for name, reason in _CUT_SHORT.items():
            if self.consume(name):
                words = answer.text.split(
                    " "
                )  # cut in the middle of the text, as a token limit does
                return replace(
                    answer, text=" ".join(words[: (len(words) + 1) // 2]), calls=()
                ), reason
        if answer.calls and self.consume(_TWICE):
            return replace(answer, calls=(answer.calls[0], *answer.calls)), ""
        return answer, ""


def failure_of(name: str) -> Failure | None:
    """Return the failure that a fault causes in a response; None for other faults."""
    return _FAILURES.get(name)


def cut_short_by(name: str) -> str:
    """Return the reason with which a fault makes a response incomplete; ``""`` for other faults."""
    return _CUT_SHORT.get(name, "")
