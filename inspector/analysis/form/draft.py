"""FormDraft: the effective session, the user's edits, and the state of each field after the updates sent so far.

A draft stores edits only. The states of fields are derived from the history of updates, so that a form that is opened late, or on
a recording, shows the same as one that was open all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.analysis.form.edit_checks import field_problems
from inspector.analysis.form.field_attribution import field_at, rejected_field
from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.history import Outcome, Update
from inspector.analysis.form.read_only import ReadOnlyReason
from inspector.analysis.form.shapes import SERVER_ONLY, SessionShape, with_own_members
from inspector.analysis.form.values import ABSENT, MemberPath, at, copied, is_same, leaves, put

SessionUpdate = dict[str, Any]


class Mark(StrEnum):
    """State of a field."""

    UNCHANGED = ""
    EDITED = "edited"
    SENT = "sent"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    """The update was accepted, but the server does not show the value that was sent."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class FieldView:
    """State of one field, as the form shows it."""

    field: FormField
    """The field."""
    value: Any
    """The edit, else the effective value; ``ABSENT`` for neither."""
    effective: Any
    """The session's value."""
    mark: Mark
    """The field's state."""
    message: str = ""
    """The server's rejection, or the problem with the edit."""
    is_wrong: bool = False
    """True if ``message`` is a problem rather than a remark."""
    lock: ReadOnlyReason | None = None
    """Why the field cannot be changed now; None if it can."""
    is_unreadable: bool = False
    """True if the typed text is not a valid value, so that ``value`` is an older one."""

    @property
    def is_edited(self) -> bool:
        """Return whether the form's value differs from the session's, or cannot be read."""
        return self.is_unreadable or not is_same(self.value, self.effective)


class FormDraft:
    """The effective session and the edits on top of it."""

    def __init__(self, shape: SessionShape) -> None:
        self.shape = shape
        """The shape, with additional fields for members that only this session has."""
        self.session: Mapping[str, Any] = {}
        """The effective session."""
        self.edits: dict[MemberPath, Any] = {}
        """Field path to the form's value; a value equal to the session's does not count as an edit."""
        self.unreadable: dict[MemberPath, str] = {}
        """Field path to the problem with a text that is not a valid value."""
        self.base = shape
        """The shape as defined by the API."""
        self._updates: Sequence[Update] = ()
        self._settled: set[int] = set()
        """``seq`` of the confirmed updates whose edits were removed."""
        self._reverted: dict[MemberPath, int] = {}
        """Field path to the last update at the time of its reversal; earlier updates no longer mark the field."""
        self._preset_members: Mapping[str, Any] = {}
        """Members of the presets that were applied, which may need fields of their own."""

    def observe(self, session: Mapping[str, Any], updates: Sequence[Update]) -> None:
        """Update the draft with the present session and all updates; edits that the server has confirmed are removed."""
        self.session, self._updates = session, updates
        self.shape = with_own_members(self.base, {**self._preset_members, **session})
        for update in updates:
            # Once per update: an edit made later may have the same value as an earlier update.
            if update.outcome is not Outcome.CONFIRMED or update.seq in self._settled:
                continue
            self._settled.add(update.seq)
            for field in self.shape.fields:
                edit = self.edits.get(field.path, ABSENT)
                if edit is not ABSENT and is_same(edit, field.read(update.session)):
                    del self.edits[field.path]

    def edit(self, field: FormField, value: Any) -> None:
        """Set a field's value; for a field with variants, the variant's name."""
        self.unreadable.pop(field.path, None)
        # Setting the session's own value back is no edit, so it must not be sent.
        if is_same(value, field.read(self.session)):
            self.edits.pop(field.path, None)
        else:
            self.edits[field.path] = value

    def cannot_read(self, field: FormField, why: str) -> None:
        """Record that the typed text is not a valid value, and why."""
        self.unreadable[field.path] = why

    def revert(self, field: FormField) -> None:
        """Discard a field's edit and the server's answer to it."""
        self.edits.pop(field.path, None)
        self.unreadable.pop(field.path, None)
        self._reverted[field.path] = self._updates[-1].seq if self._updates else 0

    def apply_preset(self, session: Mapping[str, Any]) -> list[MemberPath]:
        """Set the values of a preset's session; return the paths of members without a field."""
        self._preset_members = {**self._preset_members, **session}
        self.shape = with_own_members(self.base, {**self._preset_members, **self.session})
        for field in self.shape.fields:
            value = field.read(session)
            # Through ``edit``, so that values that the session already has are not sent again.
            if value is not ABSENT and field.path[0] not in SERVER_ONLY:
                self.edit(field, value)
        return [
            path
            for path, _ in leaves(session)
            if path[0] not in SERVER_ONLY and field_at(path, self.shape.fields) is None
        ]

    @property
    def target(self) -> SessionUpdate:
        """Return the session with the edits applied."""
        tree: SessionUpdate = copied(self.session)
        fields = self.shape.by_path()
        for field in self.shape.fields:
            edit = self.edits.get(field.path, ABSENT)
            if edit is not ABSENT and field.applies_to(tree, fields):
                put(tree, field.path, self._initial(field, edit, at(tree, field.path)))
        return tree

    def changed(self) -> list[FormField]:
        """Return the fields whose value in the form differs from the session's."""
        target, fields = self.target, self.shape.by_path()
        return [
            field
            for field in self.shape.fields
            if field.path in self.edits
            and field.applies_to(target, fields)
            and not is_same(field.read(target), field.read(self.session))
        ]

    def patch(self) -> SessionUpdate:
        """Return the smallest update that applies the edits; unions are sent as a whole, because the API replaces them."""
        return self._update(dict.fromkeys(field.sent_with for field in self.changed()))

    def whole(self, locked: Iterable[MemberPath] = ()) -> SessionUpdate:
        """Return an update with all settable fields, except for locked ones without an edit."""
        left_out = set(locked) - self.edits.keys()
        target = self.target
        # A dict as an ordered set: several fields share one unit, and the update keeps the order of the form.
        units: dict[MemberPath, None] = {}
        for field in self.shape.fields:
            unit = field.sent_with
            value = at(target, unit)
            if value is ABSENT or unit in left_out or unit[0] in SERVER_ONLY:
                continue
            if value is not None or self._takes_null(unit):
                units[unit] = None
        return self._update(units)

    def problems(self) -> dict[MemberPath, str]:
        """Return what the server would reject, by field path."""
        found = field_problems(self.shape, self.changed(), self.patch())
        # A text that cannot be read hides the problem of the older value behind it.
        return {**found, **self.unreadable}

    def applicable(self) -> list[FormField]:
        """Return the fields that exist in the session with the edits applied."""
        target, fields = self.target, self.shape.by_path()
        return [field for field in self.shape.fields if field.applies_to(target, fields)]

    def views(self, locks: Mapping[MemberPath, ReadOnlyReason]) -> list[FieldView]:
        """Return the states of all applicable fields, in the order of the form."""
        problems, target = self.problems(), self.target
        return [
            self._view(field, target, problems.get(field.path, ""), locks.get(field.path))
            for field in self.applicable()
        ]

    def general_rejection(self) -> str:
        """Return the rejection of the last update if it cannot be attributed to a field; ``""`` otherwise."""
        last = self._updates[-1] if self._updates else None
        if last is None or last.outcome is not Outcome.REJECTED or self._culprit(last) is not None:
            return ""
        return last.message

    def _update(self, units: Iterable[MemberPath]) -> SessionUpdate:
        session: SessionUpdate = (
            {"type": self.shape.session_type} if self.shape.session_type else {}
        )
        target = self.target
        for unit in units:
            put(session, unit, self._sendable(unit, copied(at(target, unit))))
        return {"type": self.shape.event_type, "session": session}

    def _initial(self, field: FormField, edit: Any, old: Any) -> Any:
        """Return the JSON of an edit; a union that changes its variant keeps the members that both variants have."""
        initial = field.json_of(edit)
        if field.variants and isinstance(initial, dict) and isinstance(old, Mapping):
            for member in self.shape.fields:
                name, when = member.path[-1], member.when
                if when is not None and when.owner == field.path and when.holds(edit):
                    kept = old.get(name)
                    if kept is not None and name not in initial:
                        initial[name] = copied(kept)
        return initial

    def _sendable(self, path: MemberPath, value: Any) -> Any:
        """Return a value without nulls that clear nothing: most members of the API may be absent but not null."""
        if not isinstance(value, dict):
            return value
        fields = self.shape.by_path()
        known = fields.get(path)
        if known is not None and not known.variants:
            return value
        kept = {}
        for name, entry in value.items():
            here = (*path, name)
            clears = self._takes_null(here) and at(self.session, here) not in (ABSENT, None)
            # xAI turns detection off with {"type": null}, so this null is a value.
            if entry is not None or clears or name == "type":
                kept[name] = self._sendable(here, entry)
        return kept

    def _takes_null(self, path: MemberPath) -> bool:
        field = self.shape.by_path().get(path)
        return field is not None and (
            field.is_nullable or any(variant.begin is None for variant in field.variants)
        )

    def _view(
        self, field: FormField, target: SessionUpdate, problem: str, lock: ReadOnlyReason | None
    ) -> FieldView:
        value, effective = field.read(target), field.read(self.session)
        why = self.unreadable.get(field.path, "")
        mark, message = self._state(field, value, effective)
        if why:
            mark, message = Mark.EDITED, why
        elif mark is Mark.EDITED and problem:
            message = problem
        is_wrong = mark is Mark.REJECTED or bool(why) or (bool(problem) and message == problem)
        return FieldView(field, value, effective, mark, message, is_wrong, lock, bool(why))

    def _state(self, field: FormField, value: Any, effective: Any) -> tuple[Mark, str]:
        """Return the state of a field, with its message."""
        is_edited = not is_same(value, effective)
        update = self._last_about(field)
        if update is None:
            return (Mark.EDITED if is_edited else Mark.UNCHANGED), ""
        requested = field.read(update.session)
        # Edited again after the update was sent, so its outcome no longer matters.
        if is_edited and not is_same(requested, value):
            return Mark.EDITED, ""
        if update.outcome is Outcome.PENDING:
            return Mark.SENT, ""
        if update.outcome is Outcome.REJECTED:
            return self._rejected(field, update, requested, is_edited=is_edited)
        # Edited back to the requested value after it was confirmed, or nothing known of the answer.
        if is_edited or update.outcome is Outcome.LOST:
            return (Mark.EDITED if is_edited else Mark.UNCHANGED), ""
        return self._accepted(field, update, requested)

    def _rejected(
        self, field: FormField, update: Update, requested: Any, *, is_edited: bool
    ) -> tuple[Mark, str]:
        if self._culprit(update) is field:
            prefix = "" if is_edited else f"requested {requested}: "
            return Mark.REJECTED, prefix + update.message
        if is_edited:
            return Mark.EDITED, "not applied: the server rejected the whole update"
        return Mark.UNCHANGED, ""

    def _accepted(self, field: FormField, update: Update, requested: Any) -> tuple[Mark, str]:
        confirmed = field.read(update.after)
        if is_same(confirmed, requested):
            return Mark.CONFIRMED, ""
        if confirmed is ABSENT or confirmed is None:
            return Mark.ACCEPTED, "accepted, but the server does not show it"
        return Mark.ACCEPTED, "accepted, but the server shows another value"

    def _last_about(self, field: FormField) -> Update | None:
        """Return the last update that requested a change of a field."""
        since = self._reverted.get(field.path, 0)
        # Newest first: only the last request about a field says how it stands.
        for update in reversed(self._updates):
            if update.seq <= since:
                return None
            if self._changes(field, update):
                return update
        return None

    def _changes(self, field: FormField, update: Update) -> bool:
        requested = field.read(update.session)
        return requested is not ABSENT and not is_same(requested, field.read(update.before))

    def _culprit(self, update: Update) -> FormField | None:
        sent = [field for field in self.shape.fields if field.read(update.session) is not ABSENT]
        return rejected_field(update.error, sent, self.shape.fields)
