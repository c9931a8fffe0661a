"""Start and end the responses of a session: one at a time in the default conversation, up to a limit out of band."""

from __future__ import annotations

from inspector.core.units import NS_PER_MS
from inspector.sim.faults import LATE_DELTAS_MS
from inspector.sim.mcp import McpServers
from inspector.sim.refusals import (
    cancel_not_active,
    no_responses,
    response_active,
    too_many_responses,
)
from inspector.sim.response import SimResponse
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext

MAX_PARALLEL = 32  # not a limit of the API; bounds the work that one client can cause


class Responder:
    """Handle ``response.create`` and ``response.cancel``, and the responses that turn detection starts."""

    def __init__(self, session_context: SessionContext) -> None:
        self._session_context = session_context
        self._responses: dict[str, SimResponse] = {}
        self._last: SimResponse | None = None
        self.mcp = McpServers(session_context)
        """The MCP servers declared in this session."""

    def create(self, event: Json) -> None:
        """Start the response that the client requests.

        Raises:
            ApiRefusal: a response is active, the session cannot create responses, or the request is invalid.
        """
        if not self._session_context.session.is_realtime:
            raise no_responses()
        options = event.get("response") or {}
        # Check before, import after: a refused event must not list tools.
        self.mcp.check(options.get("tools") or [])
        self.begin(options)
        self.mcp.import_tools(options.get("tools") or [])

    def begin(self, options: Json) -> None:
        """Start a response with the options of a ``response.create``.

        Raises:
            ApiRefusal: one is active in the default conversation, too many are in progress, or the options are invalid.
        """
        # Removed here and not when they end, so that a response need not know its owner.
        self._responses = {key: value for key, value in self._responses.items() if value.is_active}
        active = self.active
        if active is not None and options.get("conversation") != "none":
            raise response_active(active.id)
        if len(self._responses) >= MAX_PARALLEL:
            raise too_many_responses(MAX_PARALLEL)
        response = SimResponse(self._session_context, options, self.mcp)
        self._responses[response.id] = response
        if not response.is_out_of_band:
            self._last = response
            self._session_context.faults.begin_turn()
        response.start()

    def cancel(self, event: Json) -> None:
        """Cancel the response ``response_id``, or else the active one of the default conversation.

        Raises:
            ApiRefusal: the response is not active, or ``response.created`` has not been sent yet.
        """
        response_id = event.get("response_id")
        response = self._responses.get(response_id) if response_id else self.active
        if response is None or not response.is_active or not response.is_created:
            raise cancel_not_active()
        response.stop("client_cancelled")

    def interrupt(self) -> None:
        """Cancel the active response because the user started to speak."""
        active = self.active
        if (
            active is not None
            and active.is_created
            and self._session_context.faults.consume("late-deltas")
        ):
            at_ns = self._session_context.schedule.now_ns + self._session_context.settings.delay_ns(
                LATE_DELTAS_MS
            )
            self._session_context.schedule.call(active.interrupt, at_ns)
        elif active is not None:
            active.stop("turn_detected")

    @property
    def active(self) -> SimResponse | None:
        """Return the active response of the default conversation; None if there is none."""
        response = self._last
        return response if response is not None and response.is_active else None

    @property
    def silent_from_ns(self) -> int | None:
        """Return when the last answer has finished playing on the client; None before the first answer."""
        last = self._last
        if last is None or last.done_ns is None:
            return None
        # The latest possible end: a client that only starts to play when the whole answer has arrived.
        return last.done_ns + last.audio_ms * NS_PER_MS
