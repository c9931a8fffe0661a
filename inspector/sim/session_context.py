"""What the parts of one simulated session share: state, seams, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial

from inspector.sim.billing import UsageMeter
from inspector.sim.brain import Brain, Said
from inspector.sim.context import Context
from inspector.sim.conversation_items import Conversation
from inspector.sim.dialect import Dialect
from inspector.sim.effective_session import EffectiveSession
from inspector.sim.faults import BY_NAME, STRIKE_MS, PendingFaults, Phase
from inspector.sim.ids import Ids
from inspector.sim.items import SimItem, snapshot
from inspector.sim.schedule import Schedule
from inspector.sim.server_outbox import ServerOutbox
from inspector.sim.settings import NS_PER_MS, SimSettings
from inspector.sim.speech_recognizer import SpeechRecognizer, Transcript
from inspector.sim.vad import as_pcm16
from inspector.sim.voice import Voice

POLL_MS = 20
"""How often is asked if the user's words are known."""


@dataclass(slots=True)
class SessionContext:
    """One session's parts."""

    settings: SimSettings
    ids: Ids
    outbox: ServerOutbox
    schedule: Schedule
    session: EffectiveSession
    conversation_id: str
    brain: Brain
    voice: Voice
    recognizer: SpeechRecognizer
    dialect: Dialect
    strike: Callable[[str], None]
    """Lets a fault happen now."""
    conversation: Conversation = field(default_factory=Conversation)
    context: Context = field(default_factory=Context)
    meter: UsageMeter = field(default_factory=UsageMeter)
    faults: PendingFaults = field(default_factory=PendingFaults)

    def add(self, item: SimItem, previous: str | None = None) -> None:
        """Put a finished item into the conversation, and say so.

        Raises:
            Refusal: its id is taken, or the item before it does not exist.
        """
        self.conversation.add(item, previous)
        before = self.conversation.previous_id(item.id)
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.outbox.emit(kind, previous_item_id=before, item=snapshot(item.wire))

    def hear(self, item: SimItem) -> Transcript | None:
        """Return what is heard in a user's item, None while that is not known; listens once."""
        if item.transcription is None and item.recognition is None:
            heard = self.recognizer.hear(
                as_pcm16(bytes(item.audio), item.format), item.format.rate_hz
            )
            if isinstance(heard, Transcript):
                item.transcription = heard
            else:
                item.recognition = heard
        if item.transcription is None and item.recognition is not None:
            item.transcription = item.recognition.result()
        return item.transcription

    def heard(self, item: SimItem, deadline_ms: int) -> Generator[int, None, None]:
        """Wait until it is known what an item says, but not beyond the deadline."""
        until_ns = self.schedule.now_ns + deadline_ms * NS_PER_MS
        while item.is_unheard and self.hear(item) is None and self.schedule.now_ns < until_ns:
            yield POLL_MS * NS_PER_MS

    def listen(
        self, pcm16: bytes, rate_hz: int, deadline_ms: int
    ) -> Generator[int, None, Transcript | None]:
        """Wait for what is heard in audio that is no item; None where that takes too long."""
        heard = self.recognizer.hear(pcm16, rate_hz)
        until_ns = self.schedule.now_ns + deadline_ms * NS_PER_MS
        while not isinstance(heard, Transcript):
            transcription = heard.result()
            if transcription is not None or self.schedule.now_ns >= until_ns:
                return transcription
            yield POLL_MS * NS_PER_MS
        return heard

    def inject_soon(self, names: Iterable[str]) -> None:
        """Let faults of the response in progress happen to it, or when its answer is on its way."""
        at_ns = self.schedule.now_ns + self.settings.delay_ns(STRIKE_MS)
        for name in names:
            if BY_NAME[name].phase is Phase.RESPONSE:
                self.faults.add(name)
            else:
                self.schedule.call(partial(self.strike, name), at_ns)

    def said(self, item: SimItem) -> Said:
        """Return an item as the model sees it."""
        wire, kind = item.wire, item.wire["type"]
        if kind == "message":
            return Said(item.role, item.text, item.audio_ms, item.images)
        if kind == "function_call_output":
            return Said("tool", str(wire["output"]), call_id=str(wire["call_id"]))
        if kind == "mcp_approval_response" and not wire["approve"]:
            return Said("tool", "You did not approve the call, so I cannot answer that.")
        call = str(wire.get("name", ""))
        call_id, arguments = str(wire.get("call_id", item.id)), str(wire.get("arguments", ""))
        if kind == "mcp_call" and (wire.get("output") or wire.get("error")):
            output = str(wire.get("output") or (wire.get("error") or {}).get("message", ""))
            return Said("tool", output, call=call, call_id=call_id, arguments=arguments)
        return Said("assistant", "", call=call, call_id=call_id, arguments=arguments)
