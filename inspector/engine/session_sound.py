"""SessionSound: the microphone, the speaker and the barge-in of one session, as one companion of its engine.

It loads numpy and the rest only when there is something to hear or to say, and then in a thread: the first frame must
not wait for them. The session goes on whatever happens in here.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING, Any

from inspector.clock import NS_PER_S
from inspector.core.event import Event, Origin
from inspector.core.output_audio import OUTPUT_AUDIO
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
"""Between two attempts to get a device back."""


class SessionSound:
    """What is said and heard in one session."""

    def __init__(self, engine: Engine, options: SoundOptions) -> None:
        self.microphone: Microphone | None = None
        """None until sound was needed; so is the speaker."""
        self.speaker: Speaker | None = None
        self.microphone_place = options.microphone
        self.speaker_place = options.speaker
        self.truncates = options.truncates
        """True where a truncation is sent when the user speaks over the answer."""
        self._engine = engine
        self._options = options
        self._barge_in: BargeIn | None = None
        self._ends: SoundEnds | None = None
        self._needed = asyncio.Event()
        self._attention = asyncio.Event()
        self._early: list[Event] = []
        self._to_send: list[dict[str, Any]] = []
        self._is_flush_due = False
        self._failure = ""
        self._request = PendingTalk(engine)
        self._starts_by_itself = options.starts_by_itself
        if self._starts_by_itself or self.speaker_place.kind is SoundEndKind.FILE:
            self._needed.set()
        engine.tap(self._tap)

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that came was heard."""
        return not self._early and (self.speaker is None or self.speaker.is_idle)

    @property
    def can_be_heard(self) -> bool:
        """Tell whether somebody hears, or a file keeps, what is played."""
        return self.speaker_place.kind is not SoundEndKind.NONE

    @property
    def is_waiting_to_talk(self) -> bool:
        """Tell whether the microphone was asked for and is not there yet."""
        return self._request.wish is not None

    @property
    def microphone_problem(self) -> str:
        """Return why there is no microphone, and what to do; ``""`` where there is one, or none is wanted."""
        return self._failure or (self._ends.microphone_problem if self._ends is not None else "")

    @property
    def speaker_problem(self) -> str:
        """Return why nothing is heard, and what to do; ``""`` where all is well."""
        return self._failure or (self._ends.speaker_problem if self._ends is not None else "")

    @property
    def losses(self) -> dict[str, int]:
        """Return what the speaker did not play as it should, by name; names as in ``analysis.totals``."""
        return self.speaker.losses if self.speaker is not None else {}

    def levels(self) -> tuple[Level, Level] | None:
        """Return the levels of microphone and speaker; None before there was any sound."""
        if self.microphone is None or self.speaker is None:
            return None
        now_ns = self._engine.now_ns
        return self.microphone.meter.read(now_ns), self.speaker.meter.read(now_ns)

    async def run(self) -> None:
        """Carry sound both ways until cancelled; a failure in here ends the sound, and not the session."""
        try:
            await self._needed.wait()
            await asyncio.to_thread(importlib.import_module, "inspector.engine.sound_ends")
            ends = self._begin()
            # Before anything plays, or its first samples would go to nobody.
            await ends.mend_output(self.speaker_place)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._care(ends))
                tasks.create_task(self._pump())
        except Exception as error:  # whatever a driver does, the session goes on
            log.exception("the sound failed")
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            self._failure = f"the sound failed: {cause}"
            self._tell(self._failure)
        finally:
            self._end()

    def need(self) -> None:
        """Load what sound needs, if it is not there yet, and look after devices at once."""
        self._needed.set()
        self._attention.set()

    def toggle_talk(self) -> str:
        """Begin a turn, or end it; return what the user should know."""
        microphone = self.microphone
        if microphone is not None and microphone.input_finished and self._request.wish is None:
            microphone.speak_again(self._engine.now_ns)
            return ""
        return self._toggle(TalkIntent.PUSH)

    def toggle_open(self) -> str:
        """Open the microphone, or close it; return what the user should know."""
        return self._toggle(TalkIntent.OPEN)

    def toggle_mute(self) -> bool:
        """Send silence in place of what is said, or no more; tell which."""
        self.need()
        if self.microphone is None:
            return False
        self.microphone.is_muted = not self.microphone.is_muted
        return self.microphone.is_muted

    def toggle_truncation(self) -> bool:
        """Truncate by itself on barge-in, or no more; tell which."""
        self.truncates = not self.truncates
        if self._barge_in is not None:
            self._barge_in.truncates = self.truncates
        return self.truncates

    def choose(
        self, *, microphone: SoundEnd | None = None, speaker: SoundEnd | None = None
    ) -> None:
        """Change over to another microphone or speaker."""
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
        """Measure the microphone without sending anything, or no more."""
        if self.microphone is not None:
            self.microphone.is_monitoring = is_on
        self.need()

    def test_speaker(self) -> None:
        """Play two notes."""
        self.need()
        if self.speaker is not None:
            self.speaker.play_test(self._engine.now_ns)

    def tick(self) -> None:
        """Send and play what is due."""
        engine, microphone, speaker = self._engine, self.microphone, self.speaker
        if microphone is None or speaker is None:
            return
        now_ns = engine.now_ns
        self._begin_to_talk(microphone)
        microphone.tick(engine.state, now_ns, room=engine.outbox.mic_room)
        speaker.tick(now_ns)
        if self._ends is not None and self._ends.needs_attention:
            self._attention.set()
        self._flush()

    def _toggle(self, wish: TalkIntent) -> str:
        self.need()
        return self._request.toggle(wish, self.microphone, self.microphone_place)

    def _begin_to_talk(self, microphone: Microphone) -> None:
        """Do what was asked for, once there is a microphone and a server that listens."""
        engine, wish = self._engine, self._request.take_due(microphone)
        if wish is TalkIntent.PUSH:
            self._interrupt()
            microphone.push(engine.state, engine.now_ns)
        elif wish is TalkIntent.OPEN:
            microphone.open(engine.now_ns)

    def _interrupt(self) -> None:
        """Silence the answer where no turn detection will: the user begins to talk."""
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
            if self._needed.is_set():
                self._early.append(event)
            return
        self._take(event, event.stamp_ns)
        if not self._is_flush_due:
            # Not here: what follows from an event is logged after everybody has seen the event.
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _take(self, event: Event, now_ns: int) -> None:
        state = self._engine.state
        if self.speaker is not None and self._barge_in is not None:
            self.speaker.take(event, state, now_ns)
            self._to_send += self._barge_in.take(event, state, now_ns)
        if self.microphone is not None:
            self.microphone.take(event, state)

    def _flush(self) -> None:
        """Log what was heard, and send what follows from it."""
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

    def _tell(self, message: str) -> None:
        self._engine.note("inspector.sound", {"message": message})

    def _begin(self) -> SoundEnds:
        from inspector.engine.barge_in import BargeIn
        from inspector.engine.microphone import Microphone
        from inspector.engine.sound_ends import SoundEnds, silent_output
        from inspector.engine.speaker import Speaker

        now_ns = self._engine.now_ns
        if self._starts_by_itself:
            self._request.wish = self._request.wish or TalkIntent.FITTING
        if self._ends is not None:
            self._ends.reset_output()
            return self._ends
        speaker = self.speaker = Speaker(silent_output())
        self._barge_in = BargeIn(speaker, truncates=self.truncates)
        self.microphone = Microphone(self._submit, append_ms=self._options.append_ms)
        self._ends = SoundEnds(self.microphone, speaker, self._tell)
        early, self._early = self._early, []
        for event in early:
            self._take(event, now_ns)
        return self._ends

    def _end(self) -> None:
        self._request.wish = None
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
            # To the next multiple of a tick, so that appends do not drift.
            late_ns = self._engine.now_ns % TICK_NS
            await asyncio.sleep((TICK_NS - late_ns) / NS_PER_S)

    async def _care(self, ends: SoundEnds) -> None:
        """Open what is wanted and not there, and get back what went away."""
        while True:
            self._attention.clear()
            await ends.mend_output(self.speaker_place)
            microphone = self.microphone
            is_wanted = self.is_waiting_to_talk or (
                microphone is not None and (microphone.is_sending or microphone.is_monitoring)
            )
            await ends.mend_input(self.microphone_place, self._engine.now_ns, is_wanted=is_wanted)
            if ends.microphone_problem and not self._starts_by_itself:
                self._request.wish = None  # or it would open by itself whenever the device comes
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._attention.wait()
            except TimeoutError:
                continue
