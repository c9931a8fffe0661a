"""How a client's frame comes in: read as an event, checked, and handed to what handles its type."""

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
    """What a session of one kind does with the client's events."""

    def __init__(self, handlers: Mapping[str, Callable[[Json], None]], validate: Validate) -> None:
        """Take them in.

        Args:
            handlers: what handles an event, by its type.
            validate: what an event must pass before it is handled.
        """
        self._handlers = handlers
        self._validate = validate

    def handle(self, event: Json) -> None:
        """Do what an event of OpenAI's API asks for.

        Raises:
            Refusal: it cannot be done.
        """
        if "type" not in event:
            raise no_type()
        refusal = self._validate(event)
        if refusal is not None:
            raise refusal
        name = event["type"]
        handler = self._handlers.get(name)
        if handler is None:
            if name in ACCEPTED_BY_SERVER:
                raise not_in_session(name)
            raise ApiRefusal("invalid_value", not_supported(name, ACCEPTED_BY_SERVER), "type")
        handler(event)


def validate_translation(event: Mapping[str, Any]) -> ApiRefusal | None:
    """Return why an event is refused in a translation session; None where it is valid."""
    problem = next(iter(check(event, is_translation=True)), None)
    return None if problem is None else ApiRefusal(problem.code, problem.message, problem.param)


def event_in(data: bytes, *, is_text: bool) -> Json:
    """Read a frame.

    Raises:
        Refusal: it is not an event.
    """
    if not is_text:
        raise binary_frame()
    _, body, problem = decode(data)
    if body is None:
        raise too_deep() if problem is not None and problem.code == "too_deep" else not_json()
    return dict(body)
