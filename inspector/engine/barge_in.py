"""Barge-in: when the user speaks over the answer, silence it, and tell the server how much of it was heard.

The server sends audio several times faster than it plays, so when speech starts the response is often done, and nothing but a
truncation tells the model what the user did not hear (protocol 3.8: do not cancel as well, the server does that itself).
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
    """Cuts the speaker off, and says what to send for it."""

    def __init__(self, speaker: Speaker, *, truncates: bool) -> None:
        self.truncates = truncates
        """True where truncations are sent; the speaker is cut off in any case."""
        self._speaker = speaker

    def take(self, event: Event, state: SessionState, now_ns: int) -> list[dict[str, Any]]:
        """Cut off what an event interrupts; return the events to send."""
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
        """Silence everything; return the truncations of what was not heard to its end."""
        for response_id in state.responses.active:
            self._speaker.playback.refuse(response_id)
        return self._truncations(self._speaker.cut(reason, now_ns), state)

    def _cancel(
        self, body: Mapping[str, Any], state: SessionState, now_ns: int
    ) -> list[dict[str, Any]]:
        """Silence what the user cancelled, without waiting for the server to agree."""
        named = text_at(body, "response_id")
        if not named:
            return self.interrupt("response.cancel", state, now_ns)
        self._speaker.playback.refuse(named)
        found = self._speaker.cut(
            "response.cancel", now_ns, lambda track: track.response_id == named
        )
        return self._truncations(found, state)

    def _truncations(self, cuts: list[PlaybackChange], state: SessionState) -> list[dict[str, Any]]:
        if not self.truncates:
            return []
        return [
            {
                "type": "conversation.item.truncate",
                "item_id": cut.track.item_id,
                "content_index": cut.track.content_index,
                "audio_end_ms": min(cut.heard_ms, cut.track.received_ms),
            }
            for cut in cuts
            if _is_unheard(cut) and _is_there(cut, state)
        ]


def _is_unheard(cut: PlaybackChange) -> bool:
    received_ms = cut.track.received_ms
    return received_ms > 0 and (cut.heard_ms < received_ms or not cut.track.is_complete)


def _is_there(cut: PlaybackChange, state: SessionState) -> bool:
    """Tell whether an item is in the conversation: those of out-of-band responses never are, deleted ones no more."""
    response = state.responses.all.get(cut.track.response_id)
    if response is not None and response.is_out_of_band:
        return False
    item = state.conversation.items.get(cut.track.item_id)
    return item is not None and not item.is_deleted
