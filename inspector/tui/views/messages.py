"""The messages that views post to the workspace. A view communicates only through them."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from inspector.muted_rules import MuteScope


class RowRequested(Message):
    """An event should be shown."""

    def __init__(self, row: int) -> None:
        """Store the event's row in the log, counted from 0."""
        super().__init__()
        self.row = row


class SpanRequested(Message):
    """The events of a span of session time should be shown, and no others."""

    def __init__(self, from_us: int, to_us: int) -> None:
        """Store the span in microseconds, without ``to_us``; equal ends mean the event at that moment."""
        super().__init__()
        self.from_us, self.to_us = from_us, to_us


class TurnRequested(Message):
    """The events of a turn should be shown, and no others."""

    def __init__(self, number: int, row: int) -> None:
        """Store the turn's number, and the row of the event to select."""
        super().__init__()
        self.number, self.row = number, row


class FindingRequested(Message):
    """A finding that an event proves should be explained."""

    def __init__(self, row: int, rule: str) -> None:
        """Store the event's row, and the id of the rule."""
        super().__init__()
        self.row, self.rule = row, rule


class MuteRequested(Message):
    """A rule should be muted, or brought back if it is muted."""

    def __init__(self, rule: str, scope: MuteScope, key: str) -> None:
        """Store the id of the rule, where to mute it, and the key that brings it back."""
        super().__init__()
        self.rule, self.scope, self.key = rule, scope, key


class ZoomRequested(Message):
    """The sender should be enlarged to the whole height of the view, or reduced again."""


class CopyRequested(Message):
    """A text should be copied to the clipboard."""

    def __init__(self, text: str, what: str) -> None:
        """Store the text and a description of it for the notification."""
        super().__init__()
        self.text, self.what = text, what


class SoundRequested(Message):
    """A sound should be played, or written as a WAV file."""

    def __init__(
        self, *, item_id: str = "", span_us: tuple[int, int] | None = None, as_file: bool
    ) -> None:
        """Store the selection.

        Args:
            item_id: id of one item, or
            span_us: a span of session time in microseconds.
            as_file: write a file instead of playing.
        """
        super().__init__()
        self.item_id, self.span_us, self.as_file = item_id, span_us, as_file


class DetectionProposed(Message):
    """Settings of server_vad should become edits of the session form."""

    def __init__(self, settings: Mapping[str, float]) -> None:
        """Store the settings by the API's names: ``threshold``, ``prefix_padding_ms``, ``silence_duration_ms``."""
        super().__init__()
        self.settings = settings
