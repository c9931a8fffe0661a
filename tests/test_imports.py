"""What may be loaded when: the first frame and the command line must not wait for libraries that they do not use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "websockets", "openai", "jsonschema_rs", "sounddevice", "soxr"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(chr(10).join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import inspector.cli",
        "import inspector.tui.app",
        "import inspector.tui.home.home_screen",
        "import inspector.tui.session.live_workspace",
        "import inspector.engine.live_engine, inspector.engine.replay, inspector.recording.opening",
    ],
)
def test_what_is_imported_before_the_first_frame_is_light(statement: str) -> None:
    assert not loaded_by(statement) & HEAVY


def test_the_command_line_does_not_load_the_screen() -> None:
    assert "textual" not in loaded_by("import inspector.cli")


def test_the_engine_does_not_load_the_screen() -> None:
    assert "textual" not in loaded_by(
        "import inspector.engine.live_engine, inspector.engine.task_supervisor"
    )


PRIVATE = re.compile(
    r"textual\._|textual\.drivers|\b(?:app|screen|driver)\._[a-z]|\._compositor|SLF001"
)
"""What only the terminal room may lean on: a newer Textual may change it without a word."""


def test_private_textual_is_in_one_room() -> None:
    tui = Path(__file__).parents[1] / "inspector" / "tui"
    found = {
        path.relative_to(tui).as_posix()
        for path in tui.rglob("*.py")
        if PRIVATE.search(path.read_text()) and path.parent.name != "terminal"
    }

    assert found == set()
