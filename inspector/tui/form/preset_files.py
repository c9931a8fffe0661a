"""Presets: loading the form from a file and saving it to one, with questions and answers on its screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from inspector.analysis.sanitize import sanitized
from inspector.errors import InspectorError
from inspector.tui.common.dialog import Field, FormDialog
from inspector.tui.form.model import FormSession
from inspector.tui.form.page import FormPage

DEFAULT_PRESET = "session.json"


class Presets:
    """The files of one form."""

    def __init__(self, page: FormPage, session: FormSession) -> None:
        self._page = page
        self._session = session

    def ask_load(self) -> None:
        """Ask for a preset, and edit what it holds."""
        self._ask("Load a preset", "session JSON, or a session.update", self.load)

    def ask_save(self) -> None:
        """Ask for a file, and save the session with the edits as a preset."""
        self._ask("Save a preset", "what can be set, with your edits", self.save)

    def load(self, name: str) -> None:
        """Edit what a preset holds, and say what became of it."""
        self._attempt(self._load, name)

    def save(self, name: str) -> None:
        """Save the session with the edits as a preset."""
        self._attempt(self._save, name)

    def _load(self, name: str) -> None:
        session, page = self._session, self._page
        unknown = session.load(Path(name).expanduser())
        page.show()
        edited = session.count_edited()
        page.say(f"{name}: {edited} fields are edited now; {page.key('form.send')} sends them")
        if unknown:
            names = sanitized(", ".join(".".join(place) for place in unknown[:5]))
            page.say(f"{name}: left out what this session has no field for: {names}", "warning")

    def _save(self, name: str) -> None:
        self._session.save(Path(name).expanduser())
        self._page.say(f"saved {name}; --session {name} begins a session with it")

    def _ask(self, title: str, note: str, act: Callable[[str], None]) -> None:
        def answered(answers: dict[str, str] | None) -> None:
            if answers and answers["file"]:
                act(answers["file"])

        fields = (Field("file", "file", DEFAULT_PRESET),)
        self._page.app.push_screen(FormDialog(title, fields, note), answered)

    def _attempt(self, act: Callable[[str], None], name: str) -> None:
        try:
            act(name)
        except InspectorError as error:
            self._page.say(error.words, "error")
        except OSError as error:
            self._page.say(f"{name}: {error.strerror or error}", "error")
