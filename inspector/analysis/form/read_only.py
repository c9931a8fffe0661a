"""Fields of the form that cannot be changed now, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inspector.analysis.form.shapes import SessionShape
from inspector.analysis.form.values import MemberPath
from inspector.core.state import SessionState


@dataclass(frozen=True, slots=True)
class ReadOnlyReason:
    """Why a field cannot be changed now."""

    why: str
    """Short reason for the user."""
    is_passing: bool = False
    """True if the field can be changed again soon, so that it may already be edited."""


FIXED_VOICE = "fixed: assistant audio exists"
_VOICE: MemberPath = ("audio", "output", "voice")


def read_only_reasons(
    shape: SessionShape, state: SessionState
) -> Mapping[MemberPath, ReadOnlyReason]:
    """Return the reasons of the read-only fields, by field path."""
    reasons = {place: lock for place, find in _LOCKS.items() if (lock := find(shape, state))}
    found: dict[MemberPath, ReadOnlyReason] = {}
    for field in shape.fields:
        at = field.checked_at or field.path
        lock = next((lock for place, lock in reasons.items() if at[: len(place)] == place), None)
        if lock is not None:
            found[field.path] = lock
    return found


def _model(shape: SessionShape, state: SessionState) -> ReadOnlyReason | None:  # noqa: ARG001 - one signature for all locks
    return ReadOnlyReason("fixed when the session was created")


def _voice(shape: SessionShape, state: SessionState) -> ReadOnlyReason | None:
    return ReadOnlyReason(FIXED_VOICE) if shape.fixes_voice and _has_spoken(state) else None


def _speed(shape: SessionShape, state: SessionState) -> ReadOnlyReason | None:  # noqa: ARG001 - one signature for all locks
    if not state.responses.active:
        return None
    return ReadOnlyReason("can change between responses only", is_passing=True)


def _tracing(shape: SessionShape, state: SessionState) -> ReadOnlyReason | None:  # noqa: ARG001 - one signature for all locks
    is_on = state.session.config.get("tracing") is not None
    return ReadOnlyReason("fixed once it is on") if is_on else None


def _has_spoken(state: SessionState) -> bool:
    if state.output_audio.items:
        return True
    # A sideband connection receives no audio, only the items that contain it.
    return any(
        item.role == "assistant" and any(part.kind == "audio" for part in item.parts)
        for item in state.conversation.items.values()
    )


_LOCKS: Mapping[MemberPath, Callable[[SessionShape, SessionState], ReadOnlyReason | None]] = {
    ("model",): _model,
    _VOICE: _voice,
    ("audio", "output", "speed"): _speed,
    ("tracing",): _tracing,
}
"""Field path in the GA schema to the function that returns why the field is read-only, or None."""
