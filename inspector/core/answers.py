"""Answers: which items ask for an answer (function calls, MCP approval requests), which give it, and what still waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from inspector.core.item import Item


@dataclass(slots=True)
class Answers:
    """What asks and what answers, by id. What waits is kept apart: it is asked for many times a second, however much was asked."""

    calls: dict[str, str] = field(default_factory=dict)
    """``call_id`` to the id of the ``function_call`` item."""
    outputs: dict[str, str] = field(default_factory=dict)
    """``call_id`` to the id of the ``function_call_output`` item."""
    approvals: dict[str, str] = field(default_factory=dict)
    """Id of an ``mcp_approval_request`` to the id of the item that answers it."""
    _waiting_calls: dict[str, str] = field(default_factory=dict)
    """What of ``calls`` has no output."""
    _waiting_approvals: dict[str, None] = field(default_factory=dict)

    @property
    def waiting_calls(self) -> Iterable[str]:
        """Return the ids of the calls that have no output, oldest first."""
        return self._waiting_calls.values()

    @property
    def waiting_approvals(self) -> Iterable[str]:
        """Return the ids of the approval requests that nobody has answered, oldest first."""
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

    def take(self, item: Item) -> None:
        """Note what an item asks for or answers, as it now reads."""
        if item.type == "function_call" and item.call_id:
            self.calls[item.call_id] = item.id
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

    def deleted(self, item: Item) -> None:
        """Cease to wait for the answer to an item that is no more."""
        if self._waiting_calls.get(item.call_id) == item.id:
            del self._waiting_calls[item.call_id]
        self._waiting_approvals.pop(item.id, None)
