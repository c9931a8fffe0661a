"""Fields that cannot be changed now, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspector.analysis.form.shapes import Shape
from inspector.analysis.form.values import Path
from inspector.core.state import SessionState

FIXED_VOICE = "fixed: assistant audio exists"
_VOICE: Path = ("audio", "output", "voice")


def locks(shape: Shape, state: SessionState) -> Mapping[Path, str]:
    """Return the locked fields by path, with the reason in a few words."""
    reasons = {place: why for place, find in _LOCKS.items() if (why := find(shape, state))}
    found: dict[Path, str] = {}
    for field in shape.fields:
        place = field.checked_at or field.path
        why = next((why for lock, why in reasons.items() if place[: len(lock)] == lock), "")
        if why:
            found[field.path] = why
    return found


def _model(shape: Shape, state: SessionState) -> str:  # noqa: ARG001 - one signature for all locks
    return "fixed when the session was made"


def _voice(shape: Shape, state: SessionState) -> str:
    return FIXED_VOICE if shape.fixes_voice and _has_spoken(state) else ""


def _speed(shape: Shape, state: SessionState) -> str:  # noqa: ARG001 - one signature for all locks
    return "can change between responses only" if state.responses.active else ""


def _tracing(shape: Shape, state: SessionState) -> str:  # noqa: ARG001 - one signature for all locks
    return "fixed once it is on" if state.session.config.get("tracing") is not None else ""


def _has_spoken(state: SessionState) -> bool:
    if state.output_audio.items:
        return True
    # A sideband connection sees no audio bytes, only the items that hold them.
    return any(
        item.role == "assistant" and any(part.kind == "audio" for part in item.parts)
        for item in state.conversation.items.values()
    )


_LOCKS: Mapping[Path, Callable[[Shape, SessionState], str]] = {
    ("model",): _model,
    _VOICE: _voice,
    ("audio", "output", "speed"): _speed,
    ("tracing",): _tracing,
}
"""Where the GA schema has a field (or where it is) to what tells why it is locked; ``""``: it is not."""
