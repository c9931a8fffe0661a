"""The MCP servers of a session: listing their tools, and the calls that await approval.

The simulator never contacts an MCP server. It makes up the tools from the declaration: those in ``allowed_tools``, or else
``search`` and ``fetch``, each with one string parameter. To test failures, a host that ends in ``.invalid`` (reserved by
RFC 2606) fails to list its tools, and a tool whose name starts with ``fail`` fails when it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from inspector.sim.items import SimItem, snapshot
from inspector.sim.output_items import Owner
from inspector.sim.refusals import approval_unknown, mcp_server_unknown
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext

LISTING_MS = 250
_USUAL_TOOLS = {"search": "query", "fetch": "id"}
"""Tool to parameter name, for a server without ``allowed_tools``; the two tools that OpenAI's connectors require."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of an MCP server."""

    server: Json
    """The server's entry in ``session.tools``."""
    name: str
    parameter: str

    @property
    def label(self) -> str:
        """Return the ``server_label``."""
        return str(self.server["server_label"])

    @property
    def needs_approval(self) -> bool:
        """Return True if a call needs the client's approval: by default, unless ``require_approval`` exempts it."""
        rule = self.server.get("require_approval") or "always"
        if not isinstance(rule, dict):
            return bool(rule == "always")
        if self.name in _names(rule.get("never")):
            return False
        always = _names(rule.get("always"))
        return self.name in always or not always

    @property
    def fails(self) -> bool:
        """Return True if a call of this tool fails."""
        return self.name.startswith("fail")

    def listed(self) -> Json:
        """Return the tool in the shape of an ``mcp_list_tools`` item."""
        return {
            "name": self.name,
            "description": self._description,
            "input_schema": self._schema,
            "annotations": {"read_only": True},
        }

    def as_function(self) -> Json:
        """Return the tool as a function tool, which is how the brain sees it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self._description,
            "parameters": self._schema,
        }

    def result(self, arguments: str) -> str:
        """Return the output of a call: JSON that echoes the argument and says that it is simulated."""
        try:
            parsed = orjson.loads(arguments)
        except ValueError:
            parsed = {}
        argument = parsed.get(self.parameter, "") if isinstance(parsed, dict) else ""
        result = f"simulated result of {self.name} on {self.label}"
        return orjson.dumps({self.parameter: argument, "result": result}).decode()

    @property
    def _description(self) -> str:
        about = self.server.get("server_description")
        return f"{self.name} {self.label}" + (f": {about}" if about else "")

    @property
    def _schema(self) -> Json:
        return {
            "type": "object",
            "properties": {self.parameter: {"type": "string"}},
            "required": [self.parameter],
        }


@dataclass(slots=True)
class PendingCall:
    """A call that awaits the client's approval."""

    tool: McpTool
    arguments: str
    owner: Owner
    """The response that requested the approval."""


@dataclass(slots=True)
class McpServers:
    """The MCP servers and pending approvals of a session."""

    session_context: SessionContext
    pending: dict[str, PendingCall] = field(default_factory=dict)
    """By the id of the approval request."""
    _servers: dict[str, Json] = field(default_factory=dict)
    """Server entries by label."""
    _ready: set[str] = field(default_factory=set)
    """Labels of the servers whose tools are listed."""

    def check(self, tools: Sequence[Json]) -> None:
        """Check that each server has an address or was declared before.

        Raises:
            ApiRefusal: a server has only a label, and the label is unknown.
        """
        for index, tool in enumerate(tools):
            if tool.get("type") != "mcp" or _has_address(tool):
                continue
            if tool["server_label"] not in self._servers:
                raise mcp_server_unknown(index, str(tool["server_label"]))

    def import_tools(self, tools: Sequence[Json]) -> None:
        """Start listing the tools of new or changed servers."""
        for tool in tools:
            if tool.get("type") != "mcp":
                continue
            label = str(tool["server_label"])
            # An update repeats all tools; only new and changed servers are listed (again).
            if _has_address(tool) and tool != self._servers.get(label):
                self._servers[label] = tool
                self._ready.discard(label)
                self.session_context.schedule.start(self._list(label, tool))

    def offered(self, tools: Sequence[Json]) -> list[McpTool]:
        """Return the listed tools of the MCP servers in ``tools``."""
        labels = [str(tool["server_label"]) for tool in tools if tool.get("type") == "mcp"]
        return [
            tool
            for label in labels
            if label in self._ready
            for tool in _tools(self._servers[label])
        ]

    def pop_pending(self, request_id: str) -> PendingCall:
        """Remove and return the call that awaits the answer to an approval request.

        Raises:
            ApiRefusal: there is no such request, or it was answered.
        """
        if request_id not in self.pending:
            raise approval_unknown(request_id)
        return self.pending.pop(request_id)

    def _list(self, label: str, server: Json) -> Process:
        emit, conversation = self.session_context.outbox.emit, self.session_context.conversation
        wire: Json = {
            "id": self.session_context.ids.new("mcpl_"),
            "type": "mcp_list_tools",
            "server_label": label,
            "tools": [],
        }
        item, where = SimItem(wire), {"item_id": wire["id"]}
        previous = conversation.last_id()
        conversation.add(
            item
        )  # before the first event: clients retrieve the item when they see its id
        emit("mcp_list_tools.in_progress", **where)
        emit("conversation.item.added", previous_item_id=previous, item=snapshot(wire))
        yield self.session_context.settings.delay_ns(LISTING_MS)
        has_failed = _is_unreachable(server)
        wire["tools"] = [] if has_failed else [tool.listed() for tool in _tools(server)]
        if item.id in conversation:
            previous = conversation.previous_when_done(item.id)
            emit("conversation.item.done", previous_item_id=previous, item=snapshot(wire))
        # An update may have redeclared the server meanwhile; then its own listing decides.
        if not has_failed and self._servers.get(label) is server:
            self._ready.add(label)
        emit(f"mcp_list_tools.{'failed' if has_failed else 'completed'}", **where)


def _tools(server: Json) -> list[McpTool]:
    allowed = _names(server.get("allowed_tools"))
    if allowed:
        return [McpTool(server, name, _USUAL_TOOLS.get(name, "query")) for name in allowed]
    return [McpTool(server, name, parameter) for name, parameter in _USUAL_TOOLS.items()]


def _names(chosen: object) -> list[str]:
    """Return the tool names of a list, or of a filter object with ``tool_names``."""
    names = chosen.get("tool_names") if isinstance(chosen, dict) else chosen
    return [str(name) for name in names] if isinstance(names, list) else []


def _has_address(tool: Json) -> bool:
    return any(tool.get(name) for name in ("server_url", "connector_id", "tunnel_id"))


def _is_unreachable(server: Json) -> bool:
    try:
        host = urlsplit(str(server.get("server_url") or "")).hostname or ""
    except ValueError:  # urlsplit rejects some malformed hosts, such as "http://["
        host = ""
    return host.endswith(".invalid")
