"""SoundControls: the keys for microphone and speaker in a live session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.binding import Binding

from inspector.engine.sound_places import SoundEnd, sound_end_of
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine
    from inspector.engine.session_sound import SessionSound


class SoundControls(Part):
    """Talking, muting, truncation, and choice of devices."""

    BINDINGS = [
        Binding("p", "talk", "push to talk", show=False, id="sound.talk"),
        Binding("o", "open_microphone", "open mic", show=False, id="sound.open"),
        Binding("M", "mute", "mute", show=False, id="sound.mute"),
        Binding("T", "auto_truncate", "auto-truncate", show=False, id="sound.auto_truncate"),
        Binding("A", "devices", "audio devices", show=False, id="sound.devices"),
    ]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    @property
    def _sound(self) -> SessionSound | None:
        return self._engine.sound

    def commands(self) -> Commands:
        """Return the commands for sound."""
        return {
            "talk": lambda _: self.action_talk(),
            "open": lambda _: self.action_open_microphone(),
            "mute": lambda _: self.action_mute(),
            "truncation": lambda _: self.action_auto_truncate(),
            "mic": self._choose_microphone,
            "speaker": self._choose_speaker,
        }

    def action_talk(self) -> None:
        """Start talking, or end the turn."""
        self._with_sound(lambda sound: sound.toggle_talk())

    def action_open_microphone(self) -> None:
        """Open or close the microphone."""
        self._with_sound(lambda sound: sound.toggle_open())

    def action_mute(self) -> None:
        """Toggle mute; a muted microphone sends silence."""
        self._with_sound(lambda sound: "muted" if sound.toggle_mute() else "not muted")

    def action_auto_truncate(self) -> None:
        """Toggle automatic truncation on barge-in."""
        words = {
            True: "automatic truncation is on: speaking over the answer cuts it to what you heard",
            False: f"automatic truncation is off; {self.workspace.key('session.truncate')} truncates by hand",
        }
        self._with_sound(lambda sound: words[sound.toggle_truncation()])

    def action_devices(self) -> None:
        """Open the dialog for choosing and testing devices."""
        from inspector.tui.session.devices import DevicesDialog

        if self._sound is None:
            self.workspace.say("this session has no audio", "warning")
            return
        self.app.push_screen(DevicesDialog(self._sound, self.workspace.glyphs))

    def _with_sound(self, act: Callable[[SessionSound], str]) -> None:
        if self._sound is None:
            self.workspace.say("this session has no audio", "warning")
            return
        words = act(self._sound)
        if words:
            self.workspace.say(words)

    def _choose_microphone(self, text: str) -> None:
        place = sound_end_of(text)
        self._with_sound(lambda sound: _chosen(sound, "microphone", place))

    def _choose_speaker(self, text: str) -> None:
        place = sound_end_of(text)
        self._with_sound(lambda sound: _chosen(sound, "speaker", place))


def _chosen(sound: SessionSound, side: str, place: SoundEnd) -> str:
    if side == "microphone":
        sound.choose(microphone=place)
    else:
        sound.choose(speaker=place)
    return f"{side}: {place}"
