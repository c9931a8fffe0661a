"""AnswerRequested: the message that only the conversation view posts."""

from __future__ import annotations

from textual.message import Message

from inspector.analysis.conversation_entry import OpenRequest


class AnswerRequested(Message):
    """A function call or an MCP approval should be answered."""

    def __init__(self, question: OpenRequest) -> None:
        """Store the pending request."""
        super().__init__()
        self.question = question
