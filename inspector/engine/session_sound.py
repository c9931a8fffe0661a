"""The sound of one session: microphone, speaker and barge-in, run beside its engine.

NumPy and the audio libraries are imported only when sound is needed, and then in a thread, so that no frame waits for them.
A failure of the sound never ends the session.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING, Any

from inspector.core.event import Event, Origin
from inspector.core.output_audio import OUTPUT_AUDIO
from inspector.core.units import NS_PER_S
from inspector.engine.pending_talk import PendingTalk, TalkIntent
from inspector.engine.sound_places import SoundEnd, SoundEndKind, SoundOptions
from inspector.errors import InspectorError

if TYPE_CHECKING:
    from inspector.audio.levels import Level
    from inspector.engine.barge_in import BargeIn
    from inspector.engine.live_engine import Engine
    from inspector.engine.microphone import Microphone
    from inspector.engine.sound_ends import SoundEnds
    from inspector.engine.speaker import Speaker

log = logging.getLogger(__name__)

TICK_NS = 20_000_000
RETRY_S = 2.0
"""Time between two attempts to reopen a device."""


class SessionSound:
    """The microphone, speaker and barge-in of one session."""

    def __init__(self, engine: Engine, options: SoundOptions) -> None:
        self.microphone: Microphone | None = None
        """None until sound is needed; likewise the speaker."""
        self.speaker: Speaker | None = None
        self.microphone_place = options.microphone
        self.speaker_place = options.speaker
        self.truncates = options.truncates
        """True to send a truncation when the user speaks over the answer."""
        self._engine = engine
        self._options = options
        self._barge_in: BargeIn | None = None
        self._ends: SoundEnds | None = None
        self._needed = asyncio.Event()
        self._attention = asyncio.Event()
        self._early: list[Event] = []
        """Events received while the audio libraries were loading."""
        self._to_send: list[dict[str, Any]] = []
        self._is_flush_due = False
        self._failure = ""
        self._request = PendingTalk(engine)
        self._starts_by_itself = options.starts_by_itself
        # A file as speaker must be created even if the answer has no audio.
        if self._starts_by_itself or self.speaker_place.kind is SoundEndKind.FILE:
            self._needed.set()
        engine.tap(self._tap)

    @property
    def is_idle(self) -> bool:
        """Return True if all audio received so far was played."""
        return not self._early and (self.speaker is None or self.speaker.is_idle)

    @property
    def can_be_heard(self) -> bool:
        """Return True if audio is played to a device or written to a file."""
        return self.speaker_place.kind is not SoundEndKind.NONE

    @property
    def is_waiting_to_talk(self) -> bool:
        """Return True if talking was requested and has not started yet."""
        return self._request.intent is not None

    @property
    def microphone_problem(self) -> str:
        """Return why the microphone does not work, and what to do; ``""`` if it works or is not needed."""
        return self._failure or (self._ends.microphone_problem if self._ends is not None else "")

    @property
    def speaker_problem(self) -> str:
        """Return why the speaker does not work, and what to do; ``""`` if it works or is not needed."""
        return self._failure or (self._ends.speaker_problem if self._ends is not None else "")

    @property
    def losses(self) -> dict[str, int]:
        """Return counts of audio that was not played properly; names as in ``analysis.totals``."""
        return self.speaker.losses if self.speaker is not None else {}

    def levels(self) -> tuple[Level, Level] | None:
        """Return the levels of microphone and speaker; None before sound was needed."""
        if self.microphone is None or self.speaker is None:
            return None
        now_ns = self._engine.now_ns
        return self.microphone.meter.read(now_ns), self.speaker.meter.read(now_ns)

    async def run(self) -> None:
        """Record and play until cancelled; a failure ends the sound, not the session."""
        try:
            await self._needed.wait()
            await asyncio.to_thread(importlib.import_module, "inspector.engine.sound_ends")
            ends = self._begin()
            # Before the first tick, or the first samples would be played to no device.
            await ends.ensure_output(self.speaker_place)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._maintain(ends))
                tasks.create_task(self._pump())
        except Exception as error:  # audio drivers raise anything, and must not end the session
            log.exception("the sound failed")
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            self._failure = f"the sound failed: {cause}"
            self._note(self._failure)
        finally:
            self._end()

    def need(self) -> None:
        """Load the audio libraries if necessary, and check the devices now."""
        self._needed.set()
        self._attention.set()

    def toggle_talk(self) -> str:
        """Start or end a turn; return a message for the user, or ``""``."""
        microphone = self.microphone
        if microphone is not None and microphone.input_finished and self._request.intent is None:
            microphone.restart_input(self._engine.now_ns)
            return ""
        return self._toggle(TalkIntent.PUSH)

    def toggle_open(self) -> str:
        """Open or close the microphone; return a message for the user, or ``""``."""
        return self._toggle(TalkIntent.OPEN)

    def toggle_mute(self) -> bool:
        """Toggle whether silence is sent in place of the user's audio; return the new state."""
        self.need()
        if self.microphone is None:
            return False
        self.microphone.is_muted = not self.microphone.is_muted
        return self.microphone.is_muted

    def toggle_truncation(self) -> bool:
        """Toggle automatic truncation on barge-in; return the new state."""
        self.truncates = not self.truncates
        if self._barge_in is not None:
            self._barge_in.truncates = self.truncates
        return self.truncates

    def choose(
        self, *, microphone: SoundEnd | None = None, speaker: SoundEnd | None = None
    ) -> None:
        """Switch to another microphone or speaker."""
        now_ns = self._engine.now_ns
        if microphone is not None:
            self.microphone_place = microphone
            self._starts_by_itself = False
            if self.microphone is not None and self._ends is not None:
                self.microphone.stop()
                self._ends.reset_input(now_ns)
        if speaker is not None:
            self.speaker_place = speaker
            if self._ends is not None:
                self._ends.reset_output()
        self.need()

    def test_microphone(self, *, is_on: bool) -> None:
        """Start or stop measuring the microphone's level without sending."""
        if self.microphone is not None:
            self.microphone.is_monitoring = is_on
        self.need()

    def test_speaker(self) -> None:
        """Play two test notes."""
        self.need()
        if self.speaker is not None:
            self.speaker.play_test(self._engine.now_ns)

    def tick(self) -> None:
        """Send and play the audio that is due."""
        engine, microphone, speaker = self._engine, self.microphone, self.speaker
        if microphone is None or speaker is None:
            return
        now_ns = engine.now_ns
        self._start_pending_talk(microphone)
        microphone.tick(engine.state, now_ns, room=engine.outbox.mic_room)
        speaker.tick(now_ns)
        if self._ends is not None and self._ends.needs_attention:
            self._attention.set()
        self._flush()

    def _toggle(self, intent: TalkIntent) -> str:
        self.need()
        return self._request.toggle(intent, self.microphone, self.microphone_place)

    def _start_pending_talk(self, microphone: Microphone) -> None:
        engine, intent = self._engine, self._request.pop_due(microphone)
        if intent is TalkIntent.PUSH:
            self._interrupt()
            microphone.push(engine.state, engine.now_ns)
        elif intent is TalkIntent.OPEN:
            microphone.open(engine.now_ns)

    def _interrupt(self) -> None:
        """Stop the answer when the user starts to talk, unless turn detection will do it."""
        state = self._engine.state
        if self._barge_in is None or state.session.turn_detection:
            return
        if state.responses.active_default() is not None:
            self._to_send.append({"type": "response.cancel"})
        self._to_send += self._barge_in.interrupt("push_to_talk", state, self._engine.now_ns)
        self._flush()

    def _tap(self, event: Event) -> None:
        if event.type == "inspector.opened":
            self._request.opened(event.stamp_ns)
        if self.speaker is None:
            if event.type in OUTPUT_AUDIO:
                self._needed.set()
            if (
                self._needed.is_set()
            ):  # kept until the libraries are loaded, so that no audio is lost
                self._early.append(event)
            return
        self._on_event(event, event.stamp_ns)
        if not self._is_flush_due:
            # Not now: all taps must see this event before the events that it causes are logged.
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _on_event(self, event: Event, now_ns: int) -> None:
        state = self._engine.state
        if self.speaker is not None and self._barge_in is not None:
            self.speaker.on_event(event, state, now_ns)
            self._to_send += self._barge_in.on_event(event, state, now_ns)
        if self.microphone is not None:
            self.microphone.on_event(event, state)

    def _flush(self) -> None:
        """Log playback reports, then send the queued events."""
        self._is_flush_due = False
        if self.speaker is not None:
            for name, facts in self.speaker.reports():
                self._engine.note(name, facts)
        to_send, self._to_send = self._to_send, []
        for payload in to_send:
            self._submit(payload)

    def _submit(self, payload: dict[str, Any]) -> None:
        try:
            self._engine.submit(payload, Origin.MIC)
        except InspectorError as error:
            log.warning("%s was not sent: %s", payload.get("type"), error.message)

    def _note(self, message: str) -> None:
        self._engine.note("inspector.sound", {"message": message})

    def _begin(self) -> SoundEnds:
        from inspector.engine.barge_in import BargeIn
        from inspector.engine.microphone import Microphone
        from inspector.engine.sound_ends import SoundEnds, silent_output
        from inspector.engine.speaker import Speaker

        now_ns = self._engine.now_ns
        if self._starts_by_itself:
            self._request.intent = self._request.intent or TalkIntent.FITTING
        if self._ends is not None:
            self._ends.reset_output()
            return self._ends
        speaker = self.speaker = Speaker(silent_output())
        self._barge_in = BargeIn(speaker, truncates=self.truncates)
        self.microphone = Microphone(self._submit, append_ms=self._options.append_ms)
        self._ends = SoundEnds(self.microphone, speaker, self._note)
        early, self._early = self._early, []
        for event in early:
            self._on_event(event, now_ns)
        return self._ends

    def _end(self) -> None:
        self._request.intent = None
        if self.speaker is None or self.microphone is None or self._ends is None:
            return
        now_ns = self._engine.now_ns
        self.microphone.stop()
        self.speaker.cut("closed", now_ns)
        self._flush()
        self._ends.close(now_ns)

    async def _pump(self) -> None:
        while True:
            self.tick()
            # Sleep until the next multiple of a tick, so that delays do not accumulate.
            late_ns = self._engine.now_ns % TICK_NS
            await asyncio.sleep((TICK_NS - late_ns) / NS_PER_S)

    async def _maintain(self, ends: SoundEnds) -> None:
        """Open the devices that are needed, and reopen those that were lost."""
        while True:
            self._attention.clear()
            await ends.ensure_output(self.speaker_place)
            microphone = self.microphone
            is_needed = self.is_waiting_to_talk or (
                microphone is not None and (microphone.is_sending or microphone.is_monitoring)
            )
            await ends.ensure_input(self.microphone_place, self._engine.now_ns, is_needed=is_needed)
            if ends.microphone_problem and not self._starts_by_itself:
                self._request.intent = None  # or talking would start whenever the device returns
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._attention.wait()
            except TimeoutError:
                continue
