"""Inject a fault into a running session: refuse it, break off a response, slow it down, or close it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from inspector.sim.fatal import Fatal, bad_key, bad_model, beta_shape, expired, no_model
from inspector.sim.faults import BY_NAME, Phase, cut_short_by, failure_of
from inspector.sim.responder import Responder
from inspector.sim.session_context import SessionContext

SLOW_SCALE, SLOW_AUDIO_SPEED = 8.0, 0.7  # below 1.0: the client's playback must underrun
DROPPED = 1006
"""Means "drop the TCP connection without a close frame" (RFC 6455, 7.4.1: never sent on the wire)."""
INTERNAL_ERROR = 1011


class Ending(Protocol):
    """Callback that ends a session."""

    def __call__(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        ...


def inject_fault(
    name: str,
    session_context: SessionContext,
    responder: Responder,
    fail: Callable[[Fatal], None],
    end: Ending,
) -> None:
    """Inject a fault now, or keep it for the next response or transcription if it needs one.

    Args:
        name: a name from ``faults.FAULTS``.
        session_context: the session.
        responder: the session's responses.
        fail: sends an ``error`` and closes the connection.
        end: closes the connection.

    Raises:
        UsageError: the fault does not exist.
    """
    fatal = refused_by(name)
    active = responder.active
    failure, cut_short = failure_of(name), cut_short_by(name)
    if fatal is not None:
        fail(fatal)
    # A response that has no ``response.created`` yet gets the fault later, when it starts.
    elif failure is not None and active is not None and active.is_created:
        active.abort("failed", failure=failure)
    elif cut_short and active is not None and active.is_created:
        active.abort("incomplete", reason=cut_short)
    elif name in BY_NAME and BY_NAME[name].phase is Phase.NOW:
        _now(name, session_context, end)
    else:
        session_context.faults.add(name)


def refused_by(name: str, key: str = "sk-simulated-0000", model: str = "gpt-nope") -> Fatal | None:
    """Return the refusal that a fault causes; None for a fault that does not end the session."""
    match name:
        case "bad-key":
            return bad_key(key or "sk-simulated-0000")
        case "bad-model":
            return bad_model(model or "gpt-nope")
        case "no-model":
            return no_model()
        case "beta-header":
            return beta_shape()
        case "expiry":
            return expired()
    return None


def _now(name: str, session_context: SessionContext, end: Ending) -> None:
    match name:
        case "slow":
            scale = max(1.0, session_context.settings.latency_scale) * SLOW_SCALE
            session_context.settings = replace(
                session_context.settings, latency_scale=scale, audio_speed=SLOW_AUDIO_SPEED
            )
        case "stalled":
            session_context.outbox.stall()
        case "garbled-frame":
            session_context.outbox.garble()
        case "dropped":
            end(DROPPED)
        case "closed-1011":
            end(INTERNAL_ERROR, "keepalive ping timeout")
        case "rate-limits-low":
            session_context.meter.is_low = True
            session_context.outbox.emit(
                "rate_limits.updated", rate_limits=session_context.meter.rate_limits()
            )
