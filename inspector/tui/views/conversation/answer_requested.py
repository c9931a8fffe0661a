"""What only the conversation asks for."""

from __future__ import annotations

from textual.message import Message

from inspector.analysis.conversation_entry import OpenRequest


class AnswerRequested(Message):
    """The user wants to answer what an entry waits for: a function call or an MCP approval."""

    def __init__(self, question: OpenRequest) -> None:
        """Name what waits."""
        super().__init__()
        self.question = question
