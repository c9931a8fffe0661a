"""The events of items: create, retrieve, truncate, delete. None of them needs a response, or begins one."""

from __future__ import annotations

from inspector.sim.items import from_client
from inspector.sim.mcp import McpServers
from inspector.sim.mcp_output import approved_call
from inspector.sim.refusals import not_supported_here, tool_call_unknown
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext


class ItemEvents:
    """Does what the client asks for with items of the default conversation."""

    def __init__(self, session_context: SessionContext, servers: McpServers) -> None:
        self._session_context = session_context
        self._servers = servers

    def create(self, event: Json) -> None:
        """Add an item; the answer to an approval request lets its call be made.

        Raises:
            Refusal: its id is taken, or what it refers to does not exist.
        """
        given, previous = event["item"], event.get("previous_item_id")
        is_output = given["type"] == "function_call_output"
        if is_output and not self._session_context.conversation.has_call(given["call_id"]):
            raise tool_call_unknown(given["call_id"])
        item = from_client(given, self._session_context.ids)
        if given["type"] != "mcp_approval_response":
            self._session_context.add(item, previous)
            return
        request_id = given["approval_request_id"]
        call = self._servers.take_pending(request_id)
        self._session_context.add(item, previous)
        if given["approve"]:
            self._session_context.schedule.start(
                approved_call(self._session_context, call, request_id)
            )

    def retrieve(self, event: Json) -> None:
        """Send an item with its audio.

        Raises:
            Refusal: there is none of that id.
        """
        item = self._session_context.conversation.get(event["item_id"], "retrieve")
        self._session_context.outbox.emit("conversation.item.retrieved", item=item.retrieved())

    def truncate(self, event: Json) -> None:
        """Cut an item's audio off where the user stopped hearing it.

        Raises:
            Refusal: it is not the model's audio, or shorter; or the provider does not do this.
        """
        if not self._session_context.dialect.can_truncate:
            raise not_supported_here(event["type"])
        where = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._session_context.conversation.truncate(**where)
        self._session_context.outbox.emit("conversation.item.truncated", **where)

    def delete(self, event: Json) -> None:
        """Remove an item.

        Raises:
            Refusal: there is none of that id.
        """
        self._session_context.conversation.remove(event["item_id"])
        self._session_context.outbox.emit("conversation.item.deleted", item_id=event["item_id"])
