"""SoundScreen: the keys of microphone and speaker, for a screen on a live session."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding

from inspector.analysis.inert import inert
from inspector.clock import SYSTEM_CLOCK
from inspector.core.log import EventLog
from inspector.engine.places import Place, place_of
from inspector.tui.glyphs import Glyphs
from inspector.tui.screens.events import EventsScreen

if TYPE_CHECKING:
    from inspector.engine.sound import Sound

TROUBLE_NS = 15_000_000_000
"""How long the hint line tells of a device that does not work, before it goes back to what to do next."""


class SoundScreen(EventsScreen):
    """Events, and sound."""

    BINDINGS = [
        Binding("p", "talk", "talk", show=False, id="sound.talk"),
        Binding("o", "open_microphone", "open mic", show=False, id="sound.open"),
        Binding("M", "mute", "mute", show=False, id="sound.mute"),
        Binding("T", "auto_truncate", "auto-truncate", show=False, id="sound.auto_truncate"),
        Binding("A", "devices", "audio devices", show=False, id="sound.devices"),
    ]

    def __init__(self, log: EventLog, glyphs: Glyphs) -> None:
        super().__init__(log, glyphs)
        self._problem_seen = ""
        self._problem_shown_until_ns = 0

    @property
    @abstractmethod
    def sound(self) -> Sound | None:
        """Return the session's sound; None where it has none."""

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return the commands of sound, and all others."""
        return {**super().commands(), **self.sound_commands()}

    def sound_commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return the commands of sound."""
        return {
            "talk": lambda _: self.action_talk(),
            "open": lambda _: self.action_open_microphone(),
            "mute": lambda _: self.action_mute(),
            "truncation": lambda _: self.action_auto_truncate(),
            "mic": self._choose_microphone,
            "speaker": self._choose_speaker,
        }

    def trouble_hint(self) -> str:
        """Return what is wrong with the devices and what to do; ``""`` where nothing is, or it was said for a while."""
        trouble = self._trouble(self.sound) if self.sound is not None else ""
        return f" {trouble}   A chooses another, :mic FILE.wav speaks a file" if trouble else ""

    def talk_hint(self) -> str:
        """Return what the microphone does and what to do next; ``""`` while it rests."""
        sound = self.sound
        if sound is None:
            return ""
        microphone = sound.microphone
        if sound.is_waiting_to_talk:
            return " opening the microphone …"
        if microphone is not None and microphone.is_sending:
            key = {"open": "o closes", "talking": "p ends your turn"}.get(str(microphone.talk), "")
            muted = "muted: silence is sent   M unmutes" if microphone.is_muted else "M mutes"
            return f" the microphone is {microphone.talk}   {key}   {muted}"
        return ""

    def _trouble(self, sound: Sound) -> str:
        """Return what is wrong with the devices, for a while after it went wrong; the meters go on saying it."""
        problem = sound.microphone_problem or sound.speaker_problem
        if problem != self._problem_seen:
            self._problem_seen = problem
            self._problem_shown_until_ns = SYSTEM_CLOCK.now_ns() + TROUBLE_NS
        return inert(problem) if SYSTEM_CLOCK.now_ns() < self._problem_shown_until_ns else ""

    def barge_in_hint(self) -> str:
        """Return what happens when the user speaks over the answer."""
        if self.sound is None:
            return ""
        does = "truncates" if self.sound.truncates else "does not truncate"
        return f"   speaking over it {does} by itself (T)"

    def action_talk(self) -> None:
        """Begin to talk, or end the turn."""
        self._with_sound(lambda sound: sound.toggle_talk())

    def action_open_microphone(self) -> None:
        """Open the microphone, or close it."""
        self._with_sound(lambda sound: sound.toggle_open())

    def action_mute(self) -> None:
        """Send silence in place of what is said, or no more."""
        self._with_sound(lambda sound: "muted" if sound.toggle_mute() else "not muted")

    def action_auto_truncate(self) -> None:
        """Truncate by itself when the user speaks over the answer, or no more."""
        words = {
            True: "what is not heard when you speak over the answer is truncated",
            False: "nothing is truncated by itself any more; t truncates by hand",
        }
        self._with_sound(lambda sound: words[sound.toggle_truncation()])

    def action_devices(self) -> None:
        """Choose and test microphone and speaker."""
        from inspector.tui.screens.devices import DevicesDialog

        if self.sound is None:
            self.say("this session has no sound", "warning")
            return
        self.app.push_screen(DevicesDialog(self.sound, self.glyphs))

    def _with_sound(self, act: Callable[[Sound], str]) -> None:
        if self.sound is None:
            self.say("this session has no sound", "warning")
            return
        words = act(self.sound)
        if words:
            self.say(words)

    def _choose_microphone(self, text: str) -> None:
        place = place_of(text)
        self._with_sound(lambda sound: _chosen(sound, "microphone", place))

    def _choose_speaker(self, text: str) -> None:
        place = place_of(text)
        self._with_sound(lambda sound: _chosen(sound, "speaker", place))


def _chosen(sound: Sound, side: str, place: Place) -> str:
    if side == "microphone":
        sound.choose(microphone=place)
    else:
        sound.choose(speaker=place)
    return f"the {side} is {place}"
