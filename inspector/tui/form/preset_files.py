"""Presets: loading the form from a file and saving it to one, with the dialogs for that."""

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
    """Loads and saves the presets of one form."""

    def __init__(self, page: FormPage, session: FormSession) -> None:
        self._page = page
        self._session = session

    def ask_load(self) -> None:
        """Load a preset after asking for its file."""
        self._ask("Load a preset", "session JSON, or a session.update", self.load)

    def ask_save(self) -> None:
        """Save a preset after asking for its file."""
        self._ask("Save a preset", "all settable fields, including your edits", self.save)

    def load(self, name: str) -> None:
        """Load a preset into the fields, and report the result."""
        self._attempt(self._load, name)

    def save(self, name: str) -> None:
        """Save the session with the edits as a preset, and report the result."""
        self._attempt(self._save, name)

    def _load(self, name: str) -> None:
        session, page = self._session, self._page
        unknown = session.load(Path(name).expanduser())
        page.show()
        edited = session.count_edited()
        page.say(f"loaded {name}: {edited} edited; press {page.key('form.send')} to send")
        if unknown:
            names = sanitized(", ".join(".".join(place) for place in unknown[:5]))
            page.say(f"{name}: skipped fields that this session does not have: {names}", "warning")

    def _save(self, name: str) -> None:
        path = Path(name).expanduser()
        self._session.save(path)
        self._page.say(f"saved {path.absolute()}; use it with --session {name}")

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
