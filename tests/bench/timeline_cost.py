"""What timeline and meters cost: processor time of a session that sounds in both directions, with them shown and hidden.

One line of Textual's own, changed as often, is measured beside them: the least that anything that moves can cost.

python tests/bench/timeline_cost.py [SECONDS] [COLUMNS ROWS]
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.pty_run import Terminal, python

CHUNK_MS = 40
FRAMES_HZ = 30
CASES = {
    "hidden, the feed alone (baseline)": "hidden",
    "and one Static line at 30 Hz": "static",
    "shown, 20 ms a cell": "0",
    "shown, 100 ms a cell": "2",
    "shown, 1 s a cell": "5",
    "hidden, meters alone": "meters",
    "shown, 100 ms a cell, and meters": "2 meters",
}


def child(mode: str) -> None:
    """Run the timeline in an app of its own, fed 25 times a second in both directions."""
    from textual.app import ComposeResult
    from textual.widget import Widget
    from textual.widgets import Static

    from inspector.analysis.waveform import Waveform
    from inspector.clock import SystemClock
    from inspector.core.log import EventLog
    from inspector.recording.format import parse, render
    from inspector.recording.writer import RecordingFile
    from inspector.tui.common.glyphs import UNICODE
    from inspector.tui.common.meter import MeterRow, Reading
    from inspector.tui.terminal.direct_renderer import CellUpdate, DirectRenderer
    from inspector.tui.views.timeline.time_window import CELL_US
    from inspector.tui.views.timeline.timeline import Timeline
    from tests.spoken import Voice, answered, appended
    from tests.support import numbered
    from tests.tui.bare_app import BareApp

    store = RecordingFile(None, SystemClock())
    log = EventLog(store, parse)
    voice = Voice()
    sounds = [voice.tone(CHUNK_MS, 200 + 40 * step, 0.1 + 0.03 * step) for step in range(25)]
    begun = time.monotonic()

    def now_us() -> int:
        return int((time.monotonic() - begun) * 1e6)

    class Bench(BareApp):
        CSS_PATH = Path(__file__).parents[2] / "inspector" / "tui" / "screens" / "events.tcss"

        def compose(self) -> ComposeResult:
            timeline = Timeline(Waveform(log), now_us, UNICODE)
            zoom = mode.removesuffix("meters").strip()
            timeline.window.cell_us = CELL_US[int(zoom) if zoom.isdigit() else 0]
            timeline.display = zoom.isdigit()
            if "meters" in mode:
                yield MeterRow(UNICODE)
            if mode == "static":
                yield Static("")
            yield timeline

        def on_mount(self) -> None:
            self.renderer = DirectRenderer(self.screen)
            self.set_interval(CHUNK_MS / 1000, self.feed)
            if mode != "hidden":
                self.set_interval(1 / FRAMES_HZ, self.frame)

        def frame(self) -> None:
            """Do what the screen of a session does 30 times a second."""
            if mode == "static":
                self.query_one(Static).update(f"{now_us():,}", layout=False)
                return
            timeline = self.query_one(Timeline)
            moving = self.measured() if "meters" in mode else []
            if timeline.display:
                moving.append((timeline, timeline.pull()))
            self.renderer.paint(moving)

        def measured(self) -> list[tuple[Widget, list[CellUpdate]]]:
            level = -30 + 12 * math.sin(now_us() / 2e5)
            readings = (
                Reading("mic", level, level + 9, 0, "speech 1.2 s", "active"),
                Reading("out", -level - 60, -level - 50, 0, f"heard {now_us() // 1000:,} ms"),
            )
            return self.query_one(MeterRow).show(readings)

        def feed(self) -> None:
            number = len(log) // 2
            sound = sounds[number % len(sounds)]
            at_ms = now_us() // 1000
            delta = next(answered(at_ms, sound, f"item_{number // 100}", voice))
            for event in numbered([*appended(at_ms, sound, voice), delta], start=len(log) + 1):
                line = render(event)
                log.append(event, store.append(line), len(line) - 1)

    Bench().run()


def main() -> None:
    """Measure every case for the same time."""
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2])
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    columns, rows = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (120, 40)
    base = 0.0
    for name, mode in CASES.items():
        terminal = Terminal(python(str(Path(__file__)), "child", mode), columns, rows)
        settle = time.monotonic() + 3
        while time.monotonic() < settle:
            terminal.read(0.05)
        before, begun, painted = terminal.cpu_s(), time.monotonic(), len(terminal.output)
        while time.monotonic() < begun + seconds:
            terminal.read(0.05)
        share = (terminal.cpu_s() - before) / (time.monotonic() - begun)
        sent = (len(terminal.output) - painted) / seconds / 1000
        terminal.close()
        base = base or share
        print(f"{name:<36} {share:6.1%} of a core   {share - base:+6.1%}   {sent:6.1f} kB/s")


if __name__ == "__main__":
    main()
