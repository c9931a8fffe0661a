"""DevicesDialog: choosing and testing the microphone and the speaker."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from inspector.analysis.sanitize import sanitized
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import DEFAULT_DEVICE, NO_SOUND, SoundEnd, SoundEndKind
from inspector.errors import DeviceError
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import keycap
from inspector.tui.common.meter import MeterRow, Reading
from inspector.tui.terminal.direct_renderer import DirectRenderer

if TYPE_CHECKING:
    from inspector.audio.device import Device

METER_HZ = 30  # as on the session's screen
LISTS = ("microphones", "speakers")


class DevicesDialog(ModalScreen[None]):
    """Two lists of devices and two meters."""

    DEFAULT_CSS = """
    DevicesDialog { align: center middle; background: $background 60%; }
    DevicesDialog > Vertical { width: 100; max-width: 96%; height: auto; max-height: 92%;
        background: $surface; border: round $faint; padding: 0 1; }
    DevicesDialog .title { text-style: bold; height: 1; margin-bottom: 1; }
    DevicesDialog #lists { height: auto; max-height: 14; }
    DevicesDialog .list { width: 1fr; height: auto; }
    DevicesDialog .list Static { color: $dim; height: 1; }
    DevicesDialog OptionList, DevicesDialog OptionList:focus { border: none; background: $panel; height: auto; max-height: 12; padding: 0; }
    DevicesDialog #problem { color: $warning; height: auto; margin-top: 1; }
    DevicesDialog .keys { color: $dim; height: auto; }
    """
    BINDINGS = [
        Binding("escape,q", "close", "close", id="devices.close"),
        Binding("tab", "other", "other list", id="devices.other", priority=True),
        Binding("l", "listen", "monitor", id="devices.listen"),
        Binding("t", "tone", "test tone", id="devices.tone"),
        Binding("r", "refresh", "refresh", id="devices.refresh"),
    ]

    def __init__(self, sound: SessionSound, glyphs: Glyphs) -> None:
        super().__init__()
        self._sound = sound
        self._glyphs = glyphs
        self._is_listening = False
        self._problem = self._words = ""
        self._renderer = DirectRenderer(self)
        self._places: dict[str, list[SoundEnd]] = {name: [] for name in LISTS}

    def compose(self) -> ComposeResult:
        """Lay out the lists, the meters and the key hints."""
        with Vertical():
            yield Static("Audio devices", classes="title", markup=False)
            with Horizontal(id="lists"):
                for name in LISTS:
                    with Vertical(classes="list"):
                        yield Static(name[:-1], markup=False)
                        yield OptionList(id=name)
            yield Static("", id="problem", markup=False)
            yield MeterRow(self._glyphs)
            key = partial(keycap, self.app, (DevicesDialog,))
            keys = (
                f"enter choose · {key('devices.other')} other list · {key('devices.listen')} monitor"
                f" · {key('devices.tone')} test tone · {key('devices.refresh')} refresh · {key('devices.close')} close"
            )
            yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Focus the microphones, start the meters and search for devices."""
        self._fill([])
        self.query_one("#microphones").focus()
        self._pull()
        self.set_interval(1 / METER_HZ, self._pull)
        self.action_refresh()

    def action_refresh(self) -> None:
        """Search for devices again."""
        self.run_worker(self._look(), exclusive=True)

    def action_other(self) -> None:
        """Focus the other list."""
        is_first = self.query_one("#microphones").has_focus
        self.query_one("#speakers" if is_first else "#microphones").focus()

    def action_listen(self) -> None:
        """Toggle measuring the microphone without sending."""
        self._is_listening = not self._is_listening
        self._sound.test_microphone(is_on=self._is_listening)

    def action_tone(self) -> None:
        """Play a test tone on the speaker."""
        self._sound.test_speaker()

    def action_close(self) -> None:
        """Stop monitoring and close the dialog."""
        self._sound.test_microphone(is_on=False)
        self.dismiss(None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        name = event.option_list.id or ""
        place = self._places[name][event.option_index]
        if name == "microphones":
            self._sound.choose(microphone=place)
        else:
            self._sound.choose(speaker=place)
        self._mark(name, place)

    async def _look(self) -> None:
        from inspector.audio.device import find_devices

        self._sound.need()
        try:
            # PortAudio probes every device; that takes up to a second.
            found = await asyncio.to_thread(find_devices)
        except DeviceError as error:
            self._problem = error.words
            found = []
        else:
            self._problem = "" if found else "no audio device found"
        self._fill(found)

    def _fill(self, found: list[Device]) -> None:
        """List the devices, and the one in use if it is not among them."""
        in_use = (self._sound.microphone_place, self._sound.speaker_place)
        for name, now in zip(LISTS, in_use, strict=True):
            places = [NO_SOUND]
            if found:
                places.append(DEFAULT_DEVICE)
            places += [
                SoundEnd(SoundEndKind.DEVICE, device.name)
                for device in found
                if (device.inputs if name == "microphones" else device.outputs)
            ]
            if not any(_is_same(place, now) for place in places):
                places.append(now)
            self._fill_list(name, places, now)

    def _fill_list(self, name: str, places: list[SoundEnd], now: SoundEnd) -> None:
        """Fill a list; keep the cursor on its entry, or put it on the device in use."""
        at = self.query_one(f"#{name}", OptionList).highlighted
        pointed = now if at is None else self._places[name][at]
        self._places[name] = places
        self._mark(name, now)
        here = (at for at, place in enumerate(places) if _is_same(place, pointed))
        self.query_one(f"#{name}", OptionList).highlighted = next(here, 0)

    def _mark(self, name: str, now: SoundEnd) -> None:
        """Redraw a list with a dot before the device in use."""
        # An OptionList cannot change one entry's text in place, so all are replaced.
        entries = self.query_one(f"#{name}", OptionList)
        highlighted = entries.highlighted
        dot = self._glyphs.dot
        entries.clear_options()
        entries.add_options(
            Option(f"{dot if _is_same(place, now) else ' '} {_escaped(place)}")
            for place in self._places[name]
        )
        entries.highlighted = highlighted

    def _pull(self) -> None:
        sound = self._sound
        # One problem often affects both sides, and is then shown once.
        problems = dict.fromkeys((self._problem, sound.microphone_problem, sound.speaker_problem))
        words = "\n".join(sanitized(problem) for problem in problems if problem)
        words += "\nEverything else works." if self._problem else ""
        if words != self._words:
            self._words = words
            self.query_one("#problem", Static).update(words)
        levels = sound.levels()
        if levels is None:
            return
        key = partial(keycap, self.app, (DevicesDialog,))
        idle = f"{key('devices.listen')} monitor"
        monitoring = "monitoring; nothing is sent" if self._is_listening else idle
        notes = (monitoring, f"{key('devices.tone')} test tone")
        mic, out = (
            Reading(label, level.rms_dbfs, level.held_dbfs, level.clips, note)
            for label, level, note in zip(("mic", "out"), levels, notes, strict=True)
        )
        self._renderer.paint(self.query_one(MeterRow).show((mic, out)))


def _is_same(place: SoundEnd, other: SoundEnd) -> bool:
    return (place.kind, place.name) == (other.kind, other.name)


def _escaped(place: SoundEnd) -> str:
    """Return a device's name, which the driver chooses, or a file's, without control characters and markup."""
    name = Path(place.name).name if place.kind is SoundEndKind.FILE else str(place)
    return sanitized(name).replace("[", r"\[")
