"""The ``conversation.item.*`` client events: create, retrieve, truncate, delete. None of them starts a response."""

from __future__ import annotations

from inspector.sim.items import from_client
from inspector.sim.mcp import McpServers
from inspector.sim.mcp_output import approved_call
from inspector.sim.refusals import not_supported_here, tool_call_unknown
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext


class ItemEvents:
    """Handle the client events about items of the default conversation."""

    def __init__(self, session_context: SessionContext, servers: McpServers) -> None:
        self._session_context = session_context
        self._servers = servers

    def create(self, event: Json) -> None:
        """Add an item; an approving ``mcp_approval_response`` also starts the approved call.

        Raises:
            ApiRefusal: the id already exists, or the item refers to something that does not.
        """
        given, previous = event["item"], event.get("previous_item_id")
        is_output = given["type"] == "function_call_output"
        # Checked before anything is added: a refused event must not change the conversation.
        if is_output and not self._session_context.conversation.has_call(given["call_id"]):
            raise tool_call_unknown(given["call_id"])
        item = from_client(given, self._session_context.ids)
        if given["type"] != "mcp_approval_response":
            self._session_context.add(item, previous)
            return
        request_id = given["approval_request_id"]
        call = self._servers.pop_pending(
            request_id
        )  # first: an answered request cannot be answered again
        self._session_context.add(item, previous)
        if given["approve"]:
            self._session_context.schedule.start(
                approved_call(self._session_context, call, request_id)
            )

    def retrieve(self, event: Json) -> None:
        """Send an item with its audio.

        Raises:
            ApiRefusal: the item does not exist.
        """
        item = self._session_context.conversation.get(event["item_id"], "retrieve")
        self._session_context.outbox.emit("conversation.item.retrieved", item=item.retrieved())

    def truncate(self, event: Json) -> None:
        """Cut an item's audio at the point where the user stopped hearing it.

        Raises:
            ApiRefusal: the item is not model audio or is already shorter, or the provider does not support truncation.
        """
        if not self._session_context.dialect.can_truncate:
            raise not_supported_here(event["type"])
        where = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._session_context.conversation.truncate(**where)
        self._session_context.outbox.emit("conversation.item.truncated", **where)

    def delete(self, event: Json) -> None:
        """Remove an item.

        Raises:
            ApiRefusal: the item does not exist.
        """
        self._session_context.conversation.remove(event["item_id"])
        self._session_context.outbox.emit("conversation.item.deleted", item_id=event["item_id"])
