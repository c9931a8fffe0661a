"""SoundScreen: the keys of microphone and speaker, for a screen on a live session."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding

from inspector.engine.places import Place, place_of
from inspector.tui.session.pulling import PullingScreen

if TYPE_CHECKING:
    from inspector.engine.sound import Sound


class SoundScreen(PullingScreen):
    """Events, and sound."""

    BINDINGS = [
        Binding("p", "talk", "talk", show=False, id="sound.talk"),
        Binding("o", "open_microphone", "open mic", show=False, id="sound.open"),
        Binding("M", "mute", "mute", show=False, id="sound.mute"),
        Binding("T", "auto_truncate", "auto-truncate", show=False, id="sound.auto_truncate"),
        Binding("A", "devices", "audio devices", show=False, id="sound.devices"),
    ]

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
            False: f"nothing is truncated by itself any more; {self.key('session.truncate')} truncates by hand",
        }
        self._with_sound(lambda sound: words[sound.toggle_truncation()])

    def action_devices(self) -> None:
        """Choose and test microphone and speaker."""
        from inspector.tui.session.devices import DevicesDialog

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
