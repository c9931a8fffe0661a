"""FormDraft: the session in force, what the user wants changed, and what the server made of what was sent.

A draft keeps edits only. States of fields are read off the history of updates, so that a form that is opened late, or on a
recording, shows the same as one that was open all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.analysis.form.edit_checks import field_problems
from inspector.analysis.form.field_attribution import blamed, field_at
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
    """The update was taken, but the server does not show the value that was sent."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class FieldView:
    """What the form shows of one field."""

    field: FormField
    """What is shown."""
    value: Any
    """The edit, or else the effective value; ``ABSENT`` for none."""
    effective: Any
    """What the session holds."""
    mark: Mark
    """How the field stands."""
    message: str = ""
    """The server's refusal, or what is wrong with the edit."""
    is_wrong: bool = False
    """True where ``message`` is a problem and not only a remark."""
    lock: ReadOnlyReason | None = None
    """Why the field cannot be changed now."""
    is_unreadable: bool = False
    """True where what is typed is no value of this kind, and ``value`` is an older one."""

    @property
    def is_edited(self) -> bool:
        """Tell whether the form holds another value than the session, or one that cannot be read."""
        return self.is_unreadable or not is_same(self.value, self.effective)


class FormDraft:
    """The effective session and the edits on top of it."""

    def __init__(self, shape: SessionShape) -> None:
        self.shape = shape
        """The shape with fields for the members that only this session has."""
        self.session: Mapping[str, Any] = {}
        """The session in force."""
        self.edits: dict[MemberPath, Any] = {}
        """Values of the form by the path of their field; where they equal the session, they count as no edit."""
        self.unreadable: dict[MemberPath, str] = {}
        """What is wrong with a text that is no value, by the path of its field."""
        self.base = shape
        """The shape as the API has it."""
        self._updates: Sequence[Update] = ()
        self._settled: set[int] = set()
        self._reverted: dict[MemberPath, int] = {}
        self._taken_members: Mapping[str, Any] = {}

    def observe(self, session: Mapping[str, Any], updates: Sequence[Update]) -> None:
        """Take in the session as it is now and the updates so far; edits that the server took are edits no more."""
        self.session, self._updates = session, updates
        self.shape = with_own_members(self.base, {**self._taken_members, **session})
        for update in updates:
            if update.outcome is not Outcome.CONFIRMED or update.seq in self._settled:
                continue
            self._settled.add(update.seq)
            for field in self.shape.fields:
                edit = self.edits.get(field.path, ABSENT)
                if edit is not ABSENT and is_same(edit, field.read(update.session)):
                    del self.edits[field.path]

    def edit(self, field: FormField, value: Any) -> None:
        """Want a value; of a field with variants, the variant's name."""
        self.unreadable.pop(field.path, None)
        if is_same(value, field.read(self.session)):
            self.edits.pop(field.path, None)
        else:
            self.edits[field.path] = value

    def cannot_read(self, field: FormField, why: str) -> None:
        """Note that what is typed is no value of this kind."""
        self.unreadable[field.path] = why

    def revert(self, field: FormField) -> None:
        """Take an edit back, and forget what the server said of it."""
        self.edits.pop(field.path, None)
        self.unreadable.pop(field.path, None)
        self._reverted[field.path] = self._updates[-1].seq if self._updates else 0

    def take(self, session: Mapping[str, Any]) -> list[MemberPath]:
        """Want what a preset holds; return the paths of what no field here can hold."""
        self._taken_members = {**self._taken_members, **session}
        self.shape = with_own_members(self.base, {**self._taken_members, **self.session})
        for field in self.shape.fields:
            value = field.read(session)
            if value is not ABSENT and field.path[0] not in SERVER_ONLY:
                self.edit(field, value)
        return [
            path
            for path, _ in leaves(session)
            if path[0] not in SERVER_ONLY and field_at(path, self.shape.fields) is None
        ]

    @property
    def target(self) -> SessionUpdate:
        """Return the session as it would be with the edits."""
        tree: SessionUpdate = copied(self.session)
        fields = self.shape.by_path()
        for field in self.shape.fields:
            edit = self.edits.get(field.path, ABSENT)
            if edit is not ABSENT and field.applies_to(tree, fields):
                put(tree, field.path, self._begun(field, edit, at(tree, field.path)))
        return tree

    def changed(self) -> list[FormField]:
        """Return the fields whose value in the form is another than in the session."""
        target, fields = self.target, self.shape.by_path()
        return [
            field
            for field in self.shape.fields
            if field.path in self.edits
            and field.applies_to(target, fields)
            and not is_same(field.read(target), field.read(self.session))
        ]

    def patch(self) -> SessionUpdate:
        """Return the smallest update that makes the session as wanted; unions are sent whole, as the API replaces them."""
        return self._update(dict.fromkeys(field.sent_with for field in self.changed()))

    def whole(self, locked: Iterable[MemberPath] = ()) -> SessionUpdate:
        """Return an update with everything that can be set, but for locked fields that are not edited."""
        left_out = set(locked) - self.edits.keys()
        target = self.target
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
        """Return what the server would refuse, by the path of the field."""
        found = field_problems(self.shape, self.changed(), self.patch())
        return {**found, **self.unreadable}

    def applicable(self) -> list[FormField]:
        """Return the fields that the session has, with the edits."""
        target, fields = self.target, self.shape.by_path()
        return [field for field in self.shape.fields if field.applies_to(target, fields)]

    def views(self, locks: Mapping[MemberPath, ReadOnlyReason]) -> list[FieldView]:
        """Return what the form shows, in order; fields that do not apply are left out."""
        problems, target = self.problems(), self.target
        return [
            self._view(field, target, problems.get(field.path, ""), locks.get(field.path))
            for field in self.applicable()
        ]

    def unblamed(self) -> str:
        """Return the refusal of the last update where no field can be told to have caused it; ``""`` otherwise."""
        last = self._updates[-1] if self._updates else None
        if last is None or last.outcome is not Outcome.REJECTED or self._blamed(last) is not None:
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

    def _begun(self, field: FormField, edit: Any, old: Any) -> Any:
        """Return the JSON of an edit; a union that becomes another keeps the members that both have."""
        begun = field.json_of(edit)
        if field.variants and isinstance(begun, dict) and isinstance(old, Mapping):
            for member in self.shape.fields:
                name, when = member.path[-1], member.when
                if when is not None and when.owner == field.path and when.holds(edit):
                    kept = old.get(name)
                    if kept is not None and name not in begun:
                        begun[name] = copied(kept)
        return begun

    def _sendable(self, path: MemberPath, value: Any) -> Any:
        """Leave out nulls that clear nothing: most members of the API may be absent but not null."""
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
        mark, message = self._standing(field, value, effective)
        if why:
            mark, message = Mark.EDITED, why
        elif mark is Mark.EDITED and problem:
            message = problem
        is_wrong = mark is Mark.REJECTED or bool(why) or (bool(problem) and message == problem)
        return FieldView(field, value, effective, mark, message, is_wrong, lock, bool(why))

    def _standing(self, field: FormField, value: Any, effective: Any) -> tuple[Mark, str]:
        """Return the state of a field, and what there is to say of it."""
        is_edited = not is_same(value, effective)
        update = self._last_about(field)
        if update is None:
            return (Mark.EDITED if is_edited else Mark.UNCHANGED), ""
        asked = field.read(update.session)
        if is_edited and not is_same(asked, value):
            return Mark.EDITED, ""
        if update.outcome is Outcome.PENDING:
            return Mark.SENT, ""
        if update.outcome is Outcome.REJECTED:
            return self._refused(field, update, asked, is_edited=is_edited)
        if is_edited or update.outcome is Outcome.LOST:
            return (Mark.EDITED if is_edited else Mark.UNCHANGED), ""
        return self._taken(field, update, asked)

    def _refused(
        self, field: FormField, update: Update, asked: Any, *, is_edited: bool
    ) -> tuple[Mark, str]:
        if self._blamed(update) is field:
            said = "" if is_edited else f"asked for {asked}: "
            return Mark.REJECTED, said + update.message
        if is_edited:
            return Mark.EDITED, "not in force: the update that held it was refused whole"
        return Mark.UNCHANGED, ""

    def _taken(self, field: FormField, update: Update, asked: Any) -> tuple[Mark, str]:
        there = field.read(update.after)
        if is_same(there, asked):
            return Mark.CONFIRMED, ""
        if there is ABSENT or there is None:
            return Mark.ACCEPTED, "taken, but the server does not show it"
        return Mark.ACCEPTED, "taken, but the server shows it otherwise"

    def _last_about(self, field: FormField) -> Update | None:
        """Return the last update that asked for another value of a field than was in force."""
        since = self._reverted.get(field.path, 0)
        for update in reversed(self._updates):
            if update.seq <= since:
                return None
            if self._asks_for(field, update):
                return update
        return None

    def _asks_for(self, field: FormField, update: Update) -> bool:
        asked = field.read(update.session)
        return asked is not ABSENT and not is_same(asked, field.read(update.before))

    def _blamed(self, update: Update) -> FormField | None:
        sent = [field for field in self.shape.fields if field.read(update.session) is not ABSENT]
        return blamed(update.error, sent, self.shape.fields)
