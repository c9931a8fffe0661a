"""Rules about MCP servers: lists and calls that fail, and approvals that wait."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    as_json,
    quoted,
    seconds,
)
from inspector.analysis.lint.reference_links import MCP
from inspector.analysis.lint.tool_rules import MAX_KEPT, TOOL_PATIENCE_MS
from inspector.analysis.lint.visibility import Sight
from inspector.core.event import Event
from inspector.core.read import object_at, text_at
from inspector.core.state import SessionState


class McpApprovalWaits(LintRule):
    """A request to approve an MCP call that the app does not answer."""

    id = "mcp-approval-waits"
    title = "an MCP call waits for approval"
    severity = Severity.WARNING
    why = (
        "With require_approval the model stops at an mcp_approval_request until the app answers it with an mcp_approval_response; nothing "
        "tells the user, who only hears silence."
    )
    links = (MCP,)
    types = frozenset({"response.output_item.done", "conversation.item.done"})
    needs = frozenset({Sight.APP, Sight.TIMES})

    def __init__(self) -> None:
        self._asked: dict[str, tuple[int, int | None]] = {}

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember when approval was asked for."""
        item = object_at(event.body or {}, "item")
        if item.get("type") == "mcp_approval_request" and len(self._asked) < MAX_KEPT:
            self._asked.setdefault(text_at(item, "id"), (event.seq, event.t_ns))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report requests that wait too long."""
        for item in moment.state.conversation.pending_approvals():
            seq, t_ns = self._asked.get(item.id, (0, None))
            waited_ms = moment.waited_ms(t_ns)
            if seq and waited_ms is not None and waited_ms >= TOOL_PATIENCE_MS:
                answer = {
                    "type": "mcp_approval_response",
                    "approval_request_id": item.id,
                    "approve": True,
                }
                yield self.found(
                    Severity.WARNING,
                    (seq,),
                    f"{item.name or 'an MCP tool'} of {item.server_label or 'a server'} has waited for approval for {seconds(waited_ms)}",
                    as_json({"type": "conversation.item.create", "item": answer}),
                )


class McpFailed(LintRule):
    """An MCP server whose tools could not be listed, or a call that failed."""

    id = "mcp-failed"
    title = "an MCP server or one of its calls failed"
    severity = Severity.ERROR
    why = (
        "A failed list of tools or a failed call is an event of its own and not an error. Until the list is complete the model cannot call any of "
        "the server's tools, and answers as if there were none."
    )
    links = (MCP,)
    types = frozenset({"mcp_list_tools.failed", "response.mcp_call.failed"})

    def __init__(self) -> None:
        self._failed: list[tuple[int, str, bool]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember the failures."""
        if len(self._failed) < MAX_KEPT:
            is_list = event.type.startswith("mcp_list")
            self._failed.append((event.seq, text_at(event.body or {}, "item_id"), is_list))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each failure with the server's words."""
        for seq, item_id, is_list in self._failed:
            item = moment.state.conversation.items.get(item_id)
            label = (item.server_label if item is not None else "") or "an MCP server"
            error = item.error if item is not None else ""
            name = (item.name if item is not None else "") or "a call"
            what = (
                f"the tools of {label} could not be listed"
                if is_list
                else f"{name} of {label} failed"
            )
            yield self.found(
                Severity.ERROR,
                (seq,),
                f"{what}{f': {quoted(error)}' if error else ''}",
                "check server_url, authorization and headers of the tool; wait for mcp_list_tools.completed before the first answer",
            )


RULES: tuple[type[LintRule], ...] = (
    McpFailed,
    McpApprovalWaits,
)
"""Rules about MCP servers."""
