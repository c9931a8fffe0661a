"""What the parts of one simulated session share: state, seams, and the way out."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.sim.brain import Brain, Said
from inspector.sim.context import Context
from inspector.sim.conversation import Conversation
from inspector.sim.dialect import Dialect
from inspector.sim.ear import Ear, Hearing
from inspector.sim.ids import Ids
from inspector.sim.items import SimItem, snapshot
from inspector.sim.outbox import Outbox
from inspector.sim.schedule import Schedule
from inspector.sim.session import EffectiveSession
from inspector.sim.settings import SimSettings
from inspector.sim.usage import Meter
from inspector.sim.vad import as_pcm16
from inspector.sim.voice import Voice


@dataclass(slots=True)
class Desk:
    """One session's parts."""

    settings: SimSettings
    ids: Ids
    outbox: Outbox
    schedule: Schedule
    session: EffectiveSession
    conversation_id: str
    brain: Brain
    voice: Voice
    ear: Ear
    dialect: Dialect
    conversation: Conversation = field(default_factory=Conversation)
    context: Context = field(default_factory=Context)
    meter: Meter = field(default_factory=Meter)

    def add(self, item: SimItem, previous: str | None = None) -> None:
        """Put a finished item into the conversation, and say so.

        Raises:
            Refusal: its id is taken, or the item before it does not exist.
        """
        self.conversation.add(item, previous)
        before = self.conversation.previous_id(item.id)
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.outbox.emit(kind, previous_item_id=before, item=snapshot(item.wire))

    def hear(self, item: SimItem) -> Hearing:
        """Return what is heard in a user's item; listens once."""
        if item.hearing is None:
            pcm16 = as_pcm16(bytes(item.audio), item.format)
            item.hearing = self.ear.hear(pcm16, item.format.rate_hz)
        return item.hearing

    def said(self, item: SimItem) -> Said:
        """Return an item as the model sees it."""
        kind = item.wire["type"]
        if kind == "function_call_output":
            return Said("tool", str(item.wire["output"]))
        if kind == "mcp_call" and (item.wire.get("output") or item.wire.get("error")):
            error = item.wire.get("error") or {}
            return Said("tool", str(item.wire.get("output") or error.get("message", "")))
        if kind == "mcp_approval_response" and not item.wire["approve"]:
            return Said("tool", "You did not approve the call, so I cannot answer that.")
        if kind != "message":
            return Said("assistant", "")
        if item.is_unheard:
            self.hear(item)
        return Said(item.role, item.text, item.audio_ms, item.images)
