"""The MCP output items of a response: a tool call that the server makes, and a request to approve one."""

from __future__ import annotations

from inspector.sim.items import SimItem
from inspector.sim.mcp import McpServers, McpTool, PendingCall
from inspector.sim.output_items import TOKEN_MS, Owner, pieces_of
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext

CALL_MS = 200


class McpCallOutput:
    """An ``mcp_call`` item: a tool call that the server makes itself."""

    def __init__(
        self,
        session_context: SessionContext,
        owner: Owner,
        index: int,
        tool: McpTool,
        arguments: str,
        *,
        approval_request_id: str | None = None,
    ) -> None:
        self._session_context = session_context
        self._owner = owner
        self._index = index
        self._tool = tool
        self._arguments = arguments
        self._item = SimItem(
            {
                "id": session_context.ids.new("mcp_"),
                "type": "mcp_call",
                "approval_request_id": approval_request_id,
                "arguments": "",
                "error": None,
                "name": tool.name,
                "output": None,
                "server_label": tool.label,
            }
        )
        self._where: Json = {"item_id": self._item.id, "output_index": index}

    def run(self) -> Process:
        """Stream the arguments, then make the call."""
        emit, delay_ns = self._session_context.outbox.emit, self._session_context.settings.delay_ns
        self._owner.open_item(self._index, self._item)
        kind, where = "response.mcp_call_arguments", {"response_id": self._owner.id, **self._where}
        for token in pieces_of(self._arguments):
            if self._owner.is_out_of_tokens:
                return
            self._item.wire["arguments"] += token
            self._owner.text_tokens += 1
            padding = self._session_context.ids.padding(token)
            emit(f"{kind}.delta", **where, delta=token, obfuscation=padding)
            yield delay_ns(TOKEN_MS)
        emit(f"{kind}.done", **where, arguments=self._arguments)
        emit("response.mcp_call.in_progress", **self._where)
        yield delay_ns(CALL_MS)
        if self._tool.fails:
            message = f"the simulated tool {self._tool.name} fails"
            self._item.wire["error"] = {"type": "tool_execution_error", "message": message}
        else:
            self._item.wire["output"] = self._tool.result(self._arguments)
        ending = "failed" if self._tool.fails else "completed"
        emit(f"response.mcp_call.{ending}", **self._where)

    def close(self, _: str) -> None:
        """Send the whole call with its result; MCP items have no status."""
        self._owner.close_item(self._index, self._item.wire)


class ApprovalOutput:
    """An ``mcp_approval_request`` item."""

    def __init__(
        self,
        session_context: SessionContext,
        owner: Owner,
        index: int,
        tool: McpTool,
        arguments: str,
        servers: McpServers,
    ) -> None:
        self._owner = owner
        self._index = index
        self._item = SimItem(
            {
                "id": session_context.ids.new("mcpr_"),
                "type": "mcp_approval_request",
                "arguments": arguments,
                "name": tool.name,
                "server_label": tool.label,
            }
        )
        self._owner.text_tokens += len(
            pieces_of(arguments)
        )  # not streamed, but generated all the same
        servers.pending[self._item.id] = PendingCall(tool, arguments, owner)

    def run(self) -> Process:
        """Send the item; its arguments are not streamed."""
        self._owner.open_item(self._index, self._item)
        yield 0  # a process must be a generator

    def close(self, _: str) -> None:
        """Send the item's ``.done`` events."""
        self._owner.close_item(self._index, self._item.wire)


def approved_call(session_context: SessionContext, call: PendingCall, request_id: str) -> Process:
    """Make an approved call, as a late output item of the response that requested approval."""
    owner = call.owner
    part = McpCallOutput(
        session_context,
        owner,
        owner.output_count,
        call.tool,
        call.arguments,
        approval_request_id=request_id,
    )
    yield from part.run()
    part.close("completed")
