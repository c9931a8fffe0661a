"""Decode, check and dispatch the client's frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.analysis.validate import check, not_supported
from inspector.core.codec import decode
from inspector.sim.refusals import (
    ApiRefusal,
    binary_frame,
    no_type,
    not_in_session,
    not_json,
    too_deep,
)
from inspector.sim.server_outbox import Json
from inspector.sim.value_checks import Validate
from inspector.spec.events import ACCEPTED_BY_SERVER


class Intake:
    """Check client events and dispatch them to the handlers of one kind of session."""

    def __init__(self, handlers: Mapping[str, Callable[[Json], None]], validate: Validate) -> None:
        """Set the handlers and the checks.

        Args:
            handlers: the handler of each event type.
            validate: returns why an event is refused before it reaches a handler.
        """
        self._handlers = handlers
        self._validate = validate

    def handle(self, event: Json) -> None:
        """Check an event and call its handler.

        Raises:
            ApiRefusal: the event is invalid, unknown, or refused by its handler.
        """
        if "type" not in event:
            raise no_type()
        refusal = self._validate(event)
        if refusal is not None:
            raise refusal
        name = event["type"]
        handler = self._handlers.get(name)
        if handler is None:
            # A known event of another kind of session gets another error than an unknown one.
            if name in ACCEPTED_BY_SERVER:
                raise not_in_session(name)
            raise ApiRefusal("invalid_value", not_supported(name, ACCEPTED_BY_SERVER), "type")
        handler(event)


def validate_translation(event: Mapping[str, Any]) -> ApiRefusal | None:
    """Return why an event is refused in a translation session; None if it is valid."""
    problem = next(iter(check(event, is_translation=True)), None)
    return None if problem is None else ApiRefusal(problem.code, problem.message, problem.param)


def event_in(data: bytes, *, is_text: bool) -> Json:
    """Return the JSON object in a frame.

    Raises:
        ApiRefusal: the frame is binary, not a JSON object, or nested too deeply.
    """
    if not is_text:
        raise binary_frame()
    _, body, problem = decode(data)
    if body is None:
        raise too_deep() if problem is not None and problem.code == "too_deep" else not_json()
    return dict(body)
