"""Answers: function calls and MCP approval requests, the items that answer them, and those still unanswered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from inspector.core.item import Item


@dataclass(slots=True)
class Answers:
    """Requests and their answers, by id.

    Unanswered requests are kept in tables of their own, because the screen reads them at every tick and a scan of all calls
    would grow with the session.
    """

    calls: dict[str, str] = field(default_factory=dict)
    """``call_id`` to the id of its ``function_call`` item."""
    outputs: dict[str, str] = field(default_factory=dict)
    """``call_id`` to the id of its ``function_call_output`` item."""
    approvals: dict[str, str] = field(default_factory=dict)
    """Id of an ``mcp_approval_request`` to the id of the item that answers it."""
    _waiting_calls: dict[str, str] = field(default_factory=dict)
    """The entries of ``calls`` without an output."""
    _waiting_approvals: dict[str, None] = field(default_factory=dict)
    """Ids of approval requests without an answer: a dict used as an ordered set."""

    @property
    def waiting_calls(self) -> Iterable[str]:
        """Return the item ids of the calls without an output, oldest first."""
        return self._waiting_calls.values()

    @property
    def waiting_approvals(self) -> Iterable[str]:
        """Return the ids of the unanswered approval requests, oldest first."""
        return self._waiting_approvals

    def copy(self) -> Answers:
        """Return an independent copy."""
        return Answers(
            dict(self.calls),
            dict(self.outputs),
            dict(self.approvals),
            dict(self._waiting_calls),
            dict(self._waiting_approvals),
        )

    def update(self, item: Item) -> None:
        """Record the request or the answer in an item that was added or changed."""
        if item.type == "function_call" and item.call_id:
            self.calls[item.call_id] = item.id
            # The output may be known first: clients that send a history need not keep the order.
            if item.call_id not in self.outputs:
                self._waiting_calls[item.call_id] = item.id
        elif item.type == "function_call_output" and item.call_id:
            self.outputs[item.call_id] = item.id
            self._waiting_calls.pop(item.call_id, None)
        elif item.type == "mcp_approval_request":
            if item.id not in self.approvals:
                self._waiting_approvals[item.id] = None
        elif item.approval_request_id:
            self.approvals[item.approval_request_id] = item.id
            self._waiting_approvals.pop(item.approval_request_id, None)

    def discard(self, item: Item) -> None:
        """Stop waiting for the answer to a deleted item."""
        if self._waiting_calls.get(item.call_id) == item.id:
            del self._waiting_calls[item.call_id]
        self._waiting_approvals.pop(item.id, None)
