"""The user's own editor gets the terminal, and the session does not wait for it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.app import App

from inspector.errors import UsageError
from inspector.tui.terminal.external import edit_outside

EDITOR = """
import sys, time
from pathlib import Path
started, done = (Path(name) for name in sys.argv[1:3])
text = Path(sys.argv[-1])
begun = started.with_suffix(".part")
begun.write_text(text.read_text())
begun.rename(started)
while not done.exists():
    time.sleep(0.01)
text.write_text(done.read_text())
"""


class Lending(App[int]):
    """An app that can be suspended."""

    is_lent = False

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.is_lent = True
        yield
        self.is_lent = False


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "an editor.py"
    script.write_text(EDITOR, "utf-8")
    command = f"{sys.executable} '{script}' {tmp_path / 'started'} {tmp_path / 'done'}"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)
    return tmp_path


async def _exists(path: Path) -> None:
    while not path.exists():
        await asyncio.sleep(0.01)


def in_app(work: Callable[[App[int]], Awaitable[None]], app: App[int] | None = None) -> None:
    async def run() -> None:
        lending = app or Lending()
        async with asyncio.timeout(60), lending.run_test():
            await work(lending)

    asyncio.run(run())


def test_the_program_continues_while_the_editor_is_open(editor: Path) -> None:
    app = Lending()

    async def work(_: App[int]) -> None:
        async with asyncio.TaskGroup() as group:
            editing = group.create_task(edit_outside(app, "before"))
            await _exists(editor / "started")  # which needs the loop to run while the editor does
            assert app.is_lent
            assert (editor / "started").read_text("utf-8") == "before"
            (editor / "part").write_text("after", "utf-8")
            (editor / "part").rename(editor / "done")
        assert editing.result() == "after"
        assert not app.is_lent

    in_app(work, app)


def test_an_editor_is_ended_with_its_screen(editor: Path) -> None:
    async def work(app: App[int]) -> None:
        async with asyncio.TaskGroup() as group:
            editing = group.create_task(edit_outside(app, "before"))
            await _exists(editor / "started")
            editing.cancel()
        assert editing.cancelled()
        assert not lending.is_lent

    lending = Lending()
    in_app(work, lending)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "no editor is set"),
        ("no-such-editor-anywhere", "cannot edit with no-such-editor-anywhere"),
        ("false", "false exited with status 1; the text is unchanged"),
        ("unbalanced 'quote", "cannot edit with unbalanced 'quote: No closing quotation"),
    ],
)
def test_an_editor_that_fails_is_named_and_gives_the_terminal_back(
    monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)
    monkeypatch.setattr("inspector.tui.terminal.external.shutil.which", lambda _: None)

    async def work(app: App[int]) -> None:
        with pytest.raises(UsageError, match=words):
            await edit_outside(app, "before")
        assert not lending.is_lent

    lending = Lending()
    in_app(work, lending)


def test_a_terminal_that_cannot_be_suspended_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "true")

    async def work(app: App[int]) -> None:
        with pytest.raises(UsageError, match="this terminal cannot run an external editor"):
            await edit_outside(app, "before")

    in_app(work, App[int]())
