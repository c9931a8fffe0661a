"""FormSession: the session behind a form, its edits, and what was sent of them. It knows files, but no screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.analysis.form.draft import FieldView, FormDraft, Mark
from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.history import Outcome, Update, UpdateHistory
from inspector.analysis.form.presets import preset_text, read_preset, session_for
from inspector.analysis.form.read_only import ReadOnlyReason, read_only_reasons
from inspector.analysis.form.shapes import SessionShape, shape_of
from inspector.analysis.form.values import MemberPath
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import UsageError
from inspector.export.output_file import written
from inspector.tui.form.texts import json_text

MAX_PRESET_BYTES = 4 << 20
"""A preset is instructions and tools; a larger file is something else."""


@dataclass(slots=True)
class FormSession:
    """A session that is edited. It outlives the screen, so that edits are there when the form is opened again."""

    state_now: Callable[[], SessionState]
    """Returns the state as of now, or as of the cursor."""
    log: EventLog
    end: Callable[[], int]
    """Returns how many rows of the log count."""
    submit: Callable[[str], str | None] | None = None
    """Sends a text and returns its event id, or None where it could not; None: the form is read only."""
    draft: FormDraft = field(init=False)
    history: UpdateHistory = field(init=False, default_factory=UpdateHistory)
    _seen: tuple[object, ...] = field(init=False, default=())
    _events_made: int = field(init=False, default=0)
    _awaited: str = field(init=False, default="")
    """``event_id`` of the update that was sent last and has no answer yet."""

    def __post_init__(self) -> None:
        self.draft = FormDraft(self.shape)

    @property
    def state(self) -> SessionState:
        """Return the state that the form shows."""
        return self.state_now()

    @property
    def shape(self) -> SessionShape:
        """Return the shape that the session has now."""
        session = self.state.session
        return shape_of(session.config, session.url)

    @property
    def is_read_only(self) -> bool:
        """Tell whether there is no server to send to."""
        return self.submit is None

    @property
    def updates(self) -> Sequence[Update]:
        """Return the updates so far, oldest first."""
        return self.history.updates

    def pull(self) -> bool:
        """Take in what is new; tell whether anything changed that the form shows."""
        state = self.state
        self.history.read(self.log, self.end(), state.causes)
        seen = (
            self.history.revision,
            id(state),
            state.session.confirmed_seq,
            state.conversation.changed_seq,
            state.responses.active,
            len(state.output_audio.items),
        )
        if seen == self._seen:
            return False
        self._seen = seen
        shape = self.shape
        if shape.name != self.draft.base.name:
            self.draft = FormDraft(shape)
        self.draft.observe(state.session.config, self.history.updates)
        return True

    def locks(self) -> Mapping[MemberPath, ReadOnlyReason]:
        """Return why fields cannot be changed now."""
        return read_only_reasons(self.draft.shape, self.state)

    def views(self) -> list[FieldView]:
        """Return what the form shows."""
        return self.draft.views(self.locks())

    def count_edited(self) -> int:
        """Return how many fields are edited."""
        return len({field.path for field in self.draft.changed()} | self.draft.unreadable.keys())

    def first_unreadable(self) -> FormField | None:
        """Return the first field that holds a text that is no value."""
        shown = self.draft.applicable()
        return next((field for field in shown if field.path in self.draft.unreadable), None)

    def event_text(self, event: Mapping[str, Any]) -> str:
        """Write an update for the preview, with an id of its own that the answer can name."""
        self._events_made += 1
        event_id = f"evt_form_{len(self.log):06d}_{self._events_made}"
        whole = {"type": event["type"], "event_id": event_id, "session": event["session"]}
        return json_text(whole)

    def send(self, text: str) -> bool:
        """Send a text; tell whether it is JSON. One that is not goes out as it is."""
        if self.submit is None:
            return True
        try:
            event = json.loads(text)
            # Whitespace is for the reader: on the wire and in the recording an event is one line.
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            self.submit(text)
            return False
        self._awaited = self.submit(text) or ""
        return True

    def answered(self) -> Update | None:
        """Return the update that was sent last, once, as soon as the server has answered it."""
        if not self._awaited:
            return None
        last = next((u for u in reversed(self.updates) if u.event_id == self._awaited), None)
        if last is None or last.outcome is Outcome.PENDING:
            return None
        self._awaited = ""
        return last

    def rejected(self) -> FormField | None:
        """Return the first field that shows a refusal."""
        return next((view.field for view in self.views() if view.mark is Mark.REJECTED), None)

    def load(self, path: Path) -> list[MemberPath]:
        """Edit what a preset holds; return the members that no field here can hold.

        Raises:
            UsageError: it is no preset, or one for another kind of session.
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            data = file.read(MAX_PRESET_BYTES + 1)
        if len(data) > MAX_PRESET_BYTES:
            raise UsageError(f"{path.name} is too large for a preset")
        preset = read_preset(data.decode("utf-8", "replace"), path.name)
        return self.draft.take(session_for(self.draft.shape, preset, path.name))

    def save(self, path: Path) -> None:
        """Save the session with the edits as a preset, readable by its owner only.

        Raises:
            UsageError: there is something of that name which is no preset.
            ExportError: it cannot be written.
            OSError: what is there cannot be read.
        """
        if path.exists():
            if not path.is_file():
                raise UsageError(f"{path.name} is not a file")
            read_preset(path.read_text("utf-8", "replace"), path.name)
        with written(path) as file:
            file.write(preset_text(self.draft.base, self.draft.whole()).encode())
