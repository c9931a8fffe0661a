"""Import times: neither the first frame nor the command line waits for libraries that it does not use."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.spec.events import EVENT_TYPES

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
def test_little_is_imported_before_the_first_frame(statement: str) -> None:
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
"""Private parts of Textual, which may change in any release, so only the ``terminal`` folder may use them."""


def test_private_textual_is_used_in_one_folder() -> None:
    tui = Path(__file__).parents[1] / "inspector" / "tui"
    found = {
        path.relative_to(tui).as_posix()
        for path in tui.rglob("*.py")
        if PRIVATE.search(path.read_text()) and path.parent.name != "terminal"
    }

    assert found == set()


NAMED_ALIKE_BY_CHANCE = {
    "CLOSE_TIMEOUT_S": "each end waits for something else: a server, both sides of a proxy, the host's whole exit",
    "NICENESS": "two processes that have nothing in common but that the sessions come first",
}
"""Constants of one name and one value in several modules, each with the reason why one may change without the other."""
PACKAGE = Path(__file__).parents[1] / "inspector"


def constants(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Yield the constants that a module defines, and what each is."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = zip(names, values, strict=True)
            case ast.Assign(targets=[name], value=value):
                pairs = zip([name], [value], strict=True)
            case ast.AnnAssign(target=name, value=ast.expr() as value):
                pairs = zip([name], [value], strict=True)
            case _:
                continue
        for name, value in pairs:
            if isinstance(name, ast.Name) and name.id.isupper():
                yield name.id.lstrip("_"), value


def is_vocabulary(value: ast.expr) -> bool:
    """Tell whether a constant only says names of the API again, which cannot come to differ."""
    words = [node.value for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return all(word in EVENT_TYPES for word in words) and bool(words)


def test_a_constant_is_defined_once() -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, value in constants(path):
            if not is_vocabulary(value):
                place = path.relative_to(PACKAGE).as_posix()
                found.setdefault((name, ast.dump(value)), []).append(place)
    again = {name: places for (name, _), places in found.items() if len(places) > 1}

    assert {name: again[name] for name in again.keys() - NAMED_ALIKE_BY_CHANCE.keys()} == {}
    assert again.keys() >= NAMED_ALIKE_BY_CHANCE.keys()
