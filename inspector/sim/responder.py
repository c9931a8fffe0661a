"""The responses of a session: one at a time in the default conversation, any (bounded) number outside of it."""

from __future__ import annotations

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
from inspector.sim.settings import NS_PER_MS

MAX_PARALLEL = 32


class Responder:
    """Begins and ends responses."""

    def __init__(self, session_context: SessionContext) -> None:
        self._session_context = session_context
        self._responses: dict[str, SimResponse] = {}
        self._last: SimResponse | None = None
        self.mcp = McpServers(session_context)
        """The MCP servers that this session knows."""

    def create(self, event: Json) -> None:
        """Begin the response that the client asks for.

        Raises:
            Refusal: one is active, or the event makes no sense in this session.
        """
        if not self._session_context.session.is_realtime:
            raise no_responses()
        options = event.get("response") or {}
        self.mcp.check(options.get("tools") or [])
        self.begin(options)
        self.mcp.import_tools(options.get("tools") or [])

    def begin(self, options: Json) -> None:
        """Begin a response.

        Raises:
            Refusal: one is active in the default conversation, too many are in progress, or its input is wrong.
        """
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
        """End a response at the client's wish: the named one, or the active one of the default conversation.

        Raises:
            Refusal: it is not active; nor is one that the server has not announced yet.
        """
        wanted = event.get("response_id")
        response = self._responses.get(wanted) if wanted else self.active
        if response is None or not response.is_active or not response.is_created:
            raise cancel_not_active()
        response.stop("client_cancelled")

    def interrupt(self) -> None:
        """End the active response because the user speaks."""
        active = self.active
        if (
            active is not None
            and active.is_created
            and self._session_context.faults.take("late-deltas")
        ):
            at_ns = self._session_context.schedule.now_ns + self._session_context.settings.delay_ns(
                LATE_DELTAS_MS
            )
            self._session_context.schedule.call(active.interrupt, at_ns)
        elif active is not None:
            active.stop("turn_detected")

    @property
    def active(self) -> SimResponse | None:
        """Return the response in progress in the default conversation."""
        response = self._last
        return response if response is not None and response.is_active else None

    @property
    def silent_from_ns(self) -> int | None:
        """Return when a client that plays the last answer as it arrives falls silent; None before an answer."""
        last = self._last
        if last is None or last.done_ns is None:
            return None
        return last.done_ns + last.audio_ms * NS_PER_MS
