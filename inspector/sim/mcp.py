"""The MCP servers of a session: importing their tools, and the calls that wait for approval.

No server is reached: what a server "offers" is made up from its declaration. The tools that ``allowed_tools`` names, or else a
``search`` and a ``fetch``, each with one text parameter. A server whose host ends in ``.invalid`` (RFC 2606: no such host)
fails to list its tools; a tool whose name begins with ``fail`` fails when it is called.
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
"""What a server without ``allowed_tools`` offers, and the parameter of each."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool of one server."""

    server: Json
    """The server's declaration."""
    name: str
    parameter: str

    @property
    def label(self) -> str:
        """Return the ``server_label``."""
        return str(self.server["server_label"])

    @property
    def needs_approval(self) -> bool:
        """Tell whether a call waits for the client: always, unless ``require_approval`` says otherwise."""
        rule = self.server.get("require_approval") or "always"
        if not isinstance(rule, dict):
            return bool(rule == "always")
        if self.name in _names(rule.get("never")):
            return False
        always = _names(rule.get("always"))
        return self.name in always or not always

    @property
    def fails(self) -> bool:
        """Tell whether a call of it ends in an error."""
        return self.name.startswith("fail")

    def listed(self) -> Json:
        """Return the tool as ``mcp_list_tools`` items have it."""
        return {
            "name": self.name,
            "description": self._description,
            "input_schema": self._schema,
            "annotations": {"read_only": True},
        }

    def as_function(self) -> Json:
        """Return the tool as the model sees it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self._description,
            "parameters": self._schema,
        }

    def result(self, arguments: str) -> str:
        """Return what a call gives back: JSON text that repeats the question and says what it is."""
        try:
            given = orjson.loads(arguments)
        except ValueError:
            given = {}
        asked = given.get(self.parameter, "") if isinstance(given, dict) else ""
        said = f"simulated result of {self.name} on {self.label}"
        return orjson.dumps({self.parameter: asked, "result": said}).decode()

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
    """A call that waits for the client's approval."""

    tool: McpTool
    arguments: str
    owner: Owner
    """The response that asked."""


@dataclass(slots=True)
class McpServers:
    """What a session knows of MCP servers."""

    session_context: SessionContext
    pending: dict[str, PendingCall] = field(default_factory=dict)
    """By the id of the approval request."""
    _servers: dict[str, Json] = field(default_factory=dict)
    """Declarations by label."""
    _ready: set[str] = field(default_factory=set)

    def check(self, tools: Sequence[Json]) -> None:
        """Make sure that each server can be reached, or was named before.

        Raises:
            Refusal: one has only a label that nobody knows.
        """
        for index, tool in enumerate(tools):
            if tool.get("type") != "mcp" or _has_address(tool):
                continue
            if tool["server_label"] not in self._servers:
                raise mcp_server_unknown(index, str(tool["server_label"]))

    def import_tools(self, tools: Sequence[Json]) -> None:
        """Begin to list the tools of the servers that are new."""
        for tool in tools:
            if tool.get("type") != "mcp":
                continue
            label = str(tool["server_label"])
            if _has_address(tool) and tool != self._servers.get(label):
                self._servers[label] = tool
                self._ready.discard(label)
                self.session_context.schedule.start(self._list(label, tool))

    def offered(self, tools: Sequence[Json]) -> list[McpTool]:
        """Return the tools of those servers among ``tools`` whose list has come."""
        labels = [str(tool["server_label"]) for tool in tools if tool.get("type") == "mcp"]
        return [
            tool
            for label in labels
            if label in self._ready
            for tool in _tools(self._servers[label])
        ]

    def take_pending(self, request_id: str) -> PendingCall:
        """Return the call that waits for an answer to an approval request, and forget it.

        Raises:
            Refusal: there is none.
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
        conversation.add(item)  # before it is spoken of: clients fetch it at the first mention
        emit("mcp_list_tools.in_progress", **where)
        emit("conversation.item.added", previous_item_id=previous, item=snapshot(wire))
        yield self.session_context.settings.delay_ns(LISTING_MS)
        is_lost = _is_unreachable(server)
        wire["tools"] = [] if is_lost else [tool.listed() for tool in _tools(server)]
        if item.id in conversation:
            previous = conversation.previous_when_done(item.id)
            emit("conversation.item.done", previous_item_id=previous, item=snapshot(wire))
        if not is_lost and self._servers.get(label) is server:
            self._ready.add(label)
        emit(f"mcp_list_tools.{'failed' if is_lost else 'completed'}", **where)


def _tools(server: Json) -> list[McpTool]:
    allowed = _names(server.get("allowed_tools"))
    if allowed:
        return [McpTool(server, name, _USUAL_TOOLS.get(name, "query")) for name in allowed]
    return [McpTool(server, name, parameter) for name, parameter in _USUAL_TOOLS.items()]


def _names(chosen: object) -> list[str]:
    """Return the tool names of a list or of a filter."""
    found = chosen.get("tool_names") if isinstance(chosen, dict) else chosen
    return [str(name) for name in found] if isinstance(found, list) else []


def _has_address(tool: Json) -> bool:
    return any(tool.get(name) for name in ("server_url", "connector_id", "tunnel_id"))


def _is_unreachable(server: Json) -> bool:
    try:
        try:
            host = urlsplit(str(server.get("server_url") or "")).hostname or ""
        except ValueError:  # what a client sends is no address
            host = ""
    except ValueError:
        return True
    return host.endswith(".invalid")
