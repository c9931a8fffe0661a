"""FormSession: the session behind the form, with its edits, updates and preset files. Independent of the screen."""

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

SERVER_VAD = "server_vad"
MAX_PRESET_BYTES = 4 << 20
"""Far above any preset, which is instructions and tools; larger files are something else."""


@dataclass(slots=True)
class FormSession:
    """A session with its edits. It outlives the screen, so that the edits are still there when the form is reopened."""

    state_now: Callable[[], SessionState]
    """Returns the current state, or that at the replay's cursor."""
    log: EventLog
    end: Callable[[], int]
    """Returns how many rows of the log to consider."""
    submit: Callable[[str], str | None] | None = None
    """Submits a text and returns its event id, or None on failure; None makes the form read-only."""
    draft: FormDraft = field(init=False)
    history: UpdateHistory = field(init=False, default_factory=UpdateHistory)
    _seen: tuple[object, ...] = field(init=False, default=())
    _events_made: int = field(init=False, default=0)
    _pending_id: str = field(init=False, default="")
    """``event_id`` of the last update while the server has not answered it."""

    def __post_init__(self) -> None:
        self.draft = FormDraft(self.shape)

    @property
    def state(self) -> SessionState:
        """Return the state to show."""
        return self.state_now()

    @property
    def shape(self) -> SessionShape:
        """Return the shape of the session as the server describes it now."""
        session = self.state.session
        return shape_of(session.config, session.url)

    @property
    def is_read_only(self) -> bool:
        """Return whether nothing can be sent."""
        return self.submit is None

    @property
    def updates(self) -> Sequence[Update]:
        """Return the updates so far, oldest first."""
        return self.history.updates

    def pull(self) -> bool:
        """Take in new events; return whether anything that the form shows has changed."""
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
        # The first session.created may show that another dialog is spoken than the URL suggested.
        shape = self.shape
        if shape.name != self.draft.base.name:
            self.draft = FormDraft(shape)
        self.draft.observe(state.session.config, self.history.updates)
        return True

    def locks(self) -> Mapping[MemberPath, ReadOnlyReason]:
        """Return the reasons why fields cannot be changed now."""
        return read_only_reasons(self.draft.shape, self.state)

    def views(self) -> list[FieldView]:
        """Return the fields as the form shows them."""
        return self.draft.views(self.locks())

    def propose_detection(self, settings: Mapping[str, float]) -> bool:
        """Make settings of server_vad edits of the form; return False if this session has no fields for them.

        Args:
            settings: by the API's names, such as ``silence_duration_ms``.
        """
        self.pull()
        fields = self.draft.shape.fields
        unions = (one for one in fields if one.path[-1] == "turn_detection")
        union = next((one for one in unions if SERVER_VAD in one.offers()), None)
        if union is None:
            return False
        if union.read(self.draft.target) != SERVER_VAD:
            self.draft.edit(union, SERVER_VAD)
        members = [
            one for one in fields if one.path[:-1] == union.path and one.path[-1] in settings
        ]
        for one in members:
            self.draft.edit(one, settings[one.path[-1]])
        return bool(members)

    def count_edited(self) -> int:
        """Return how many fields are edited."""
        return len({field.path for field in self.draft.changed()} | self.draft.unreadable.keys())

    def first_unreadable(self) -> FormField | None:
        """Return the first field whose text is not a valid value."""
        shown = self.draft.applicable()
        return next((field for field in shown if field.path in self.draft.unreadable), None)

    def event_text(self, event: Mapping[str, Any]) -> str:
        """Return an update as text for the preview, with an event id so that an error can name it."""
        self._events_made += 1
        event_id = f"evt_form_{len(self.log):06d}_{self._events_made}"
        whole = {"type": event["type"], "event_id": event_id, "session": event["session"]}
        return json_text(whole)

    def send(self, text: str) -> bool:
        """Send a text; return whether it is JSON. Other text is sent unchanged."""
        if self.submit is None:
            return True
        try:
            event = json.loads(text)
            # The indentation is for the reader; on the wire and in the recording an event takes one line.
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            self.submit(text)
            return False
        self._pending_id = self.submit(text) or ""
        return True

    def answered(self) -> Update | None:
        """Return the last update once the server has answered it, and only once."""
        if not self._pending_id:
            return None
        last = next((u for u in reversed(self.updates) if u.event_id == self._pending_id), None)
        if last is None or last.outcome is Outcome.PENDING:
            return None
        self._pending_id = ""
        return last

    def rejected(self) -> FormField | None:
        """Return the first rejected field."""
        return next((view.field for view in self.views() if view.mark is Mark.REJECTED), None)

    def load(self, path: Path) -> list[MemberPath]:
        """Load a preset into the fields; return the members that this session has no field for.

        Raises:
            UsageError: the file is not a preset, or one for another kind of session.
            OSError: the file cannot be read.
        """
        with path.open("rb") as file:
            data = file.read(MAX_PRESET_BYTES + 1)
        if len(data) > MAX_PRESET_BYTES:
            raise UsageError(f"{path.name} is too large for a preset")
        preset = read_preset(data.decode("utf-8", "replace"), path.name)
        return self.draft.apply_preset(session_for(self.draft.shape, preset, path.name))

    def save(self, path: Path) -> None:
        """Save the session with the edits as a preset.

        Raises:
            UsageError: the existing file of that name is not a preset.
            ExportError: the file cannot be written.
            OSError: the existing file cannot be read.
        """
        if path.exists():
            if not path.is_file():
                raise UsageError(f"{path.name} is not a file")
            read_preset(path.read_text("utf-8", "replace"), path.name)
        with written(path) as file:
            file.write(preset_text(self.draft.base, self.draft.whole()).encode())
