"""What a view asks of the workspace around it. Views post these; nothing else leaves a view."""

from __future__ import annotations

from textual.message import Message


class RowRequested(Message):
    """The user wants to see an event."""

    def __init__(self, row: int) -> None:
        """Name the event by its row of the log, counted from 0."""
        super().__init__()
        self.row = row


class SpanRequested(Message):
    """The user wants to see the events of a span of session time, and no others."""

    def __init__(self, from_us: int, to_us: int) -> None:
        """Give the span in microseconds of session time, ``to_us`` excluded; both alike mean the event at that moment."""
        super().__init__()
        self.from_us, self.to_us = from_us, to_us


class CopyRequested(Message):
    """The user wants a text on the clipboard."""

    def __init__(self, text: str, what: str) -> None:
        """Give the text, and what it is in words ("the words of user")."""
        super().__init__()
        self.text, self.what = text, what


class SoundRequested(Message):
    """The user wants to hear something, or to have it as a WAV file."""

    def __init__(
        self, *, item_id: str = "", span_us: tuple[int, int] | None = None, as_file: bool
    ) -> None:
        """Select the sound.

        Args:
            item_id: of one item; or
            span_us: of a span of session time, in microseconds.
            as_file: write it in place of playing it.
        """
        super().__init__()
        self.item_id, self.span_us, self.as_file = item_id, span_us, as_file
