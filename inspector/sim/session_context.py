"""The state, replaceable parts and outbox that the parts of one simulated session share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial

from inspector.core.units import NS_PER_MS
from inspector.sim.billing import UsageMeter
from inspector.sim.brain import Brain, ContextItem
from inspector.sim.context import Context
from inspector.sim.conversation_items import Conversation
from inspector.sim.dialect import Dialect
from inspector.sim.effective_session import EffectiveSession
from inspector.sim.faults import BY_NAME, FAULT_DELAY_MS, PendingFaults, Phase
from inspector.sim.ids import Ids
from inspector.sim.items import SimItem, snapshot
from inspector.sim.schedule import Schedule
from inspector.sim.server_outbox import ServerOutbox
from inspector.sim.settings import SimSettings
from inspector.sim.speech_recognizer import SpeechRecognizer, Transcript
from inspector.sim.vad import as_pcm16
from inspector.sim.voice import Voice

POLL_MS = 20
"""How often to poll a pending transcript or answer."""


@dataclass(slots=True)
class SessionContext:
    """The shared parts of one session."""

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
    inject: Callable[[str], None]
    """Injects a fault now."""
    conversation: Conversation = field(default_factory=Conversation)
    context: Context = field(default_factory=Context)
    meter: UsageMeter = field(default_factory=UsageMeter)
    faults: PendingFaults = field(default_factory=PendingFaults)

    def add(self, item: SimItem, previous: str | None = None) -> None:
        """Add a finished item to the conversation and emit its events.

        Raises:
            ApiRefusal: its id already exists, or ``previous`` does not.
        """
        self.conversation.add(item, previous)
        previous_id = self.conversation.previous_id(item.id)
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.outbox.emit(kind, previous_item_id=previous_id, item=snapshot(item.wire))

    def recognize(self, item: SimItem) -> Transcript | None:
        """Return the transcript of a user item, starting recognition if needed; None while it is pending."""
        if item.transcription is None and item.recognition is None:
            recognition = self.recognizer.hear(
                as_pcm16(bytes(item.audio), item.format), item.format.rate_hz
            )
            if isinstance(recognition, Transcript):
                item.transcription = recognition
            else:
                item.recognition = recognition
        # Kept with the item: the response and the transcription both ask, and audio is recognized only once.
        if item.transcription is None and item.recognition is not None:
            item.transcription = item.recognition.result()
        return item.transcription

    def wait_for_transcript(self, item: SimItem, deadline_ms: int) -> Generator[int, None, None]:
        """Wait until an item's user audio is recognized, at most until the deadline."""
        until_ns = self.schedule.now_ns + deadline_ms * NS_PER_MS
        while (
            item.needs_transcript
            and self.recognize(item) is None
            and self.schedule.now_ns < until_ns
        ):
            yield POLL_MS * NS_PER_MS

    def transcribe(
        self, pcm16: bytes, rate_hz: int, deadline_ms: int
    ) -> Generator[int, None, Transcript | None]:
        """Wait for the transcript of audio outside of an item; None if the deadline passes first."""
        recognition = self.recognizer.hear(pcm16, rate_hz)
        until_ns = self.schedule.now_ns + deadline_ms * NS_PER_MS
        while not isinstance(recognition, Transcript):
            transcription = recognition.result()
            if transcription is not None or self.schedule.now_ns >= until_ns:
                return transcription
            yield POLL_MS * NS_PER_MS
        return recognition

    def inject_soon(self, names: Iterable[str]) -> None:
        """Apply faults to the response in progress: its own to its answer, the others after ``FAULT_DELAY_MS``."""
        at_ns = self.schedule.now_ns + self.settings.delay_ns(FAULT_DELAY_MS)
        for name in names:
            if BY_NAME[name].phase is Phase.RESPONSE:
                self.faults.add(name)
            else:
                self.schedule.call(partial(self.inject, name), at_ns)

    def context_item(self, item: SimItem) -> ContextItem:
        """Return an item as the brain sees it."""
        wire, kind = item.wire, item.wire["type"]
        if kind == "message":
            return ContextItem(item.role, item.text, item.audio_ms, item.images)
        if kind == "function_call_output":
            return ContextItem("tool", str(wire["output"]), call_id=str(wire["call_id"]))
        if kind == "mcp_approval_response" and not wire["approve"]:
            return ContextItem("tool", "You did not approve the call, so I cannot answer that.")
        call = str(wire.get("name", ""))
        call_id, arguments = str(wire.get("call_id", item.id)), str(wire.get("arguments", ""))
        if kind == "mcp_call" and (wire.get("output") or wire.get("error")):
            output = str(wire.get("output") or (wire.get("error") or {}).get("message", ""))
            return ContextItem("tool", output, call=call, call_id=call_id, arguments=arguments)
        return ContextItem("assistant", "", call=call, call_id=call_id, arguments=arguments)
