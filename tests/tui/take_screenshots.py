"""Draw the README's screenshots with the program itself.

python tests/tui/take_screenshots.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.clock import SystemClock  # noqa: E402
from inspector.engine.replay import Replay  # noqa: E402 - found through the line above
from inspector.recording.opening import open_recording  # noqa: E402
from inspector.tui.app import InspectorApp  # noqa: E402
from inspector.tui.common.glyphs import UNICODE  # noqa: E402
from inspector.tui.session.replay_workspace import replay_workspace  # noqa: E402
from tests.billed import clock_in_the_instructions, write_recording  # noqa: E402
from tests.turned import write_turned  # noqa: E402

EXAMPLE = ROOT / "sessions" / "example-truncated-answer.jsonl"
TARGET = ROOT / ".readme"


async def take(
    recording: Path, name: str, keys: list[str], size: tuple[int, int] = (120, 36)
) -> None:
    """Replay a recording, press some keys, and save a picture of the screen."""
    replay = Replay(open_recording(recording), SystemClock())
    app = InspectorApp(replay_workspace(replay, UNICODE))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        await pilot.press(*keys)
        await pilot.pause(0.5)
        TARGET.mkdir(exist_ok=True)
        (TARGET / f"{name}.svg").write_text(
            app.export_screenshot(title="Realtime Inspector"), "utf-8"
        )
    replay.close()


def main() -> None:
    """Draw every picture; the recording of the first may be named."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLE
    asyncio.run(take(source, "session", ["e"]))
    with tempfile.TemporaryDirectory() as folder:
        lesson = write_recording(Path(folder) / "lesson.jsonl", clock_in_the_instructions())
        asyncio.run(take(lesson, "usage", ["G", "7"]))
        waits = write_turned(Path(folder) / "waits.jsonl")
        keys = ["G", "end", "5", "g", "down", "down"]
        asyncio.run(take(waits, "turns", keys))


if __name__ == "__main__":
    main()
