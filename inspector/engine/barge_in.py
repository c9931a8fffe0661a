"""Barge-in: when the user speaks over the answer, stop playing it and tell the server how much of it was heard.

The server sends audio several times faster than it plays, so when speech starts the response has often ended, and only a
``conversation.item.truncate`` tells the model what the user did not hear. With turn detection the server cancels the response
itself. Source: https://developers.openai.com/api/docs/guides/realtime-conversations, on interruptions over WebSocket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspector.audio.playback import PlaybackChange
from inspector.core.event import Direction, Event
from inspector.core.read import text_at
from inspector.core.state import SessionState
from inspector.engine.speaker import Speaker


class BargeIn:
    """Stop the playback on barge-in, and return the events to send."""

    def __init__(self, speaker: Speaker, *, truncates: bool) -> None:
        self.truncates = truncates
        """True to send truncations; the playback is stopped in either case."""
        self._speaker = speaker

    def on_event(self, event: Event, state: SessionState, now_ns: int) -> list[dict[str, Any]]:
        """Stop the audio that an event interrupts; return the events to send."""
        if event.direction is Direction.SERVER:
            if (
                event.type == "input_audio_buffer.speech_started"
                and state.session.interrupts_response
            ):
                return self.interrupt("speech_started", state, now_ns)
        elif event.direction is Direction.CLIENT and event.type == "response.cancel":
            return self._cancel(event.body or {}, state, now_ns)
        elif event.type in ("inspector.opened", "inspector.closed"):
            self._speaker.cut("closed", now_ns)
        return []

    def interrupt(self, reason: str, state: SessionState, now_ns: int) -> list[dict[str, Any]]:
        """Stop all audio; return truncations for the items that were not heard completely."""
        # Audio of these responses may still be on its way from the server, and must not start to play.
        for response_id in state.responses.active:
            self._speaker.playback.refuse(response_id)
        return self._truncations(self._speaker.cut(reason, now_ns), state)

    def _cancel(
        self, body: Mapping[str, Any], state: SessionState, now_ns: int
    ) -> list[dict[str, Any]]:
        """Stop the audio of a cancelled response at once, without waiting for the server's confirmation."""
        response_id = text_at(body, "response_id")
        if not response_id:
            return self.interrupt("response.cancel", state, now_ns)
        self._speaker.playback.refuse(response_id)
        cuts = self._speaker.cut(
            "response.cancel", now_ns, lambda track: track.response_id == response_id
        )
        return self._truncations(cuts, state)

    def _truncations(self, cuts: list[PlaybackChange], state: SessionState) -> list[dict[str, Any]]:
        if not self.truncates:
            return []
        return [
            {
                "type": "conversation.item.truncate",
                "item_id": cut.track.item_id,
                "content_index": cut.track.content_index,
                # The server refuses a truncation beyond the audio that it has sent.
                "audio_end_ms": min(cut.heard_ms, cut.track.received_ms),
            }
            for cut in cuts
            if _has_unheard_audio(cut) and _is_in_conversation(cut, state)
        ]


def _has_unheard_audio(cut: PlaybackChange) -> bool:
    received_ms = cut.track.received_ms
    return received_ms > 0 and (cut.heard_ms < received_ms or not cut.track.is_complete)


def _is_in_conversation(cut: PlaybackChange, state: SessionState) -> bool:
    """Return True if an item is in the conversation, which items of out-of-band responses and deleted ones are not."""
    response = state.responses.all.get(cut.track.response_id)
    if response is not None and response.is_out_of_band:
        return False
    item = state.conversation.items.get(cut.track.item_id)
    return item is not None and not item.is_deleted
