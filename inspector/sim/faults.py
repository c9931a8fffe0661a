"""What can go wrong on purpose: a table of faults by name, and those that wait for their turn in one session.

A fault is raised for a turn (the nth response of the default conversation) or at once. Some refuse the connection, some change
the next response or transcription, and the others strike where the session stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from inspector.errors import UsageError
from inspector.sim.brain import Answer
from inspector.sim.speech_recognizer import Failure

STRIKE_MS = 600
"""How long after ``response.created`` a fault that was raised for a turn strikes: some of the answer is out by then."""
LATE_TRANSCRIPT_MS = 4_000
"""How much later than usual a late transcript comes: after the answer, and after the next transcript."""
LATE_DELTAS_MS = 400
"""How long an interrupted response goes on."""


class Phase(StrEnum):
    """What a fault changes."""

    CONNECT = "connect"
    RESPONSE = "response"
    TRANSCRIPTION = "transcription"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble."""

    name: str
    phase: Phase
    meaning: str
    """What the client sees."""


FAULTS: tuple[Fault, ...] = (
    Fault("failed-quota", Phase.RESPONSE, "the response fails: insufficient_quota"),
    Fault("failed-rate-limit", Phase.RESPONSE, "the response fails: rate_limit_exceeded"),
    Fault("failed-server-error", Phase.RESPONSE, "the response fails: server_error"),
    Fault("incomplete-max-tokens", Phase.RESPONSE, "the response ends in its middle: max_output_tokens"),
    Fault("content-filter", Phase.RESPONSE, "the response ends in its middle: content_filter"),
    Fault("duplicate-call", Phase.RESPONSE, "the next function call is made twice"),
    Fault("late-deltas", Phase.RESPONSE, "an interrupted response sends deltas after speech_started"),
    Fault("transcription-failed", Phase.TRANSCRIPTION, "the next input transcription fails"),
    Fault("transcription-late", Phase.TRANSCRIPTION, "the next input transcription comes out of order"),
    Fault("slow", Phase.NOW, "everything takes eight times as long, and audio comes slower than it plays"),
    Fault("stalled", Phase.NOW, "the server falls silent; the socket stays open"),
    Fault("garbled-frame", Phase.NOW, "one frame that is no JSON"),
    Fault("dropped", Phase.NOW, "the socket is gone without a close frame (1006)"),
    Fault("closed-1011", Phase.NOW, "the server closes with 1011"),
    Fault("expiry", Phase.NOW, "the session has lasted 60 minutes: error and close 1001"),
    Fault("rate-limits-low", Phase.NOW, "rate_limits.updated says that hardly any tokens are left"),
    Fault("bad-key", Phase.CONNECT, "the key is refused: error and close 3000"),
    Fault("bad-model", Phase.CONNECT, "the model is refused: error and close 4000"),
    Fault("no-model", Phase.CONNECT, "the model is missed: error and close 4000"),
    Fault("beta-header", Phase.CONNECT, "the beta shape is refused: error and close 4000"),
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
    """A fault that waits."""

    name: str
    turn: int = 0
    """1 for the first response; 0: at once, or at the next occasion."""


def parse_fault(text: str) -> RaisedFault:
    """Read ``NAME`` or ``NAME@TURN``.

    Raises:
        UsageError: there is no such fault, or the turn is no number from 1 on.
    """
    name, at, turn = text.strip().partition("@")
    if name not in BY_NAME:
        raise UsageError(
            f"no such fault: {name or text}",
            code="no_such_fault",
            hint=f"one of {', '.join(FAULT_NAMES)}",
        )
    if not at:
        return RaisedFault(name)
    if not turn.isascii() or not turn.isdigit() or not int(turn[:9]) > 0:
        raise UsageError(f"{text}: the turn is a number, the first one is 1", code="bad_turn")
    return RaisedFault(name, int(turn[:9]))


class PendingFaults:
    """The faults of one session that have not happened yet."""

    def __init__(self, raised: Sequence[RaisedFault] = ()) -> None:
        self._waiting = list(raised)
        self._turn = 0

    def add(self, name: str) -> None:
        """Let a fault wait for its next occasion.

        Raises:
            UsageError: there is no such fault.
        """
        self._waiting.append(replace(parse_fault(name), turn=0))

    def begin_turn(self) -> None:
        """Count a response of the default conversation."""
        self._turn += 1

    def take(self, name: str, *, ahead: int = 0) -> bool:
        """Tell whether a fault is due, and let it be over.

        Args:
            name: the fault.
            ahead: 1 where the response of the turn has not begun.
        """
        for fault in self._waiting:
            if fault.name == name and fault.turn in (0, self._turn + ahead):
                self._waiting.remove(fault)
                return True
        return False

    def take_all(self, phase: Phase) -> list[str]:
        """Return the names of the faults of a kind that are due now, and let them be over."""
        return [name for name, fault in BY_NAME.items() if fault.phase is phase and self.take(name)]

    def will_disturb(self) -> bool:
        """Tell whether a fault is due that needs a whole answer to happen to."""
        names = (*_FAILURES, *_CUT_SHORT, _TWICE)
        return any(one.name in names and one.turn in (0, self._turn) for one in self._waiting)

    def disturbed(self, answer: Answer) -> tuple[Answer, str]:
        """Return what is left of an answer, and why it is incomplete; ``""`` where it is not."""
        for name, failure in _FAILURES.items():
            if self.take(name):
                return replace(answer, text="", calls=(), failure=failure), ""
        for name, reason in _CUT_SHORT.items():
            if self.take(name):
                words = answer.text.split(" ")
                return replace(
                    answer, text=" ".join(words[: (len(words) + 1) // 2]), calls=()
                ), reason
        if answer.calls and self.take(_TWICE):
            return replace(answer, calls=(answer.calls[0], *answer.calls)), ""
        return answer, ""


def failure_of(name: str) -> Failure | None:
    """Return how a response fails by a fault; None where it does not."""
    return _FAILURES.get(name)


def cut_short_by(name: str) -> str:
    """Return why a response is incomplete by a fault; ``""`` where it is not."""
    return _CUT_SHORT.get(name, "")
