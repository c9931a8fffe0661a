"""Presets: a session configuration, or part of one, as a JSON file that can be saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspector.analysis.form.shapes import SERVER_ONLY, SHAPES, SessionShape, shape_named, shape_of
from inspector.core.codec import decode
from inspector.core.error_attribution import UPDATES
from inspector.core.read import text_at
from inspector.errors import UsageError

FORMAT = "realtime-session-preset"
VERSION = 1
_GA_KINDS = ("realtime", "transcription", "translation")


@dataclass(frozen=True, slots=True)
class Preset:
    """A saved session configuration."""

    shape: str
    """Name of its shape, one of ``SHAPES``; ``""`` if unknown."""
    session: Mapping[str, Any]
    """Members of a session object."""


def preset_text(shape: SessionShape, event: Mapping[str, Any]) -> str:
    """Return the text of a preset with the session of an update."""
    body = {
        "format": FORMAT,
        "version": VERSION,
        "shape": shape.name,
        "session": event.get("session", {}),
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def read_preset(text: str, name: str = "the preset") -> Preset:
    """Parse a preset: a saved preset, a ``session.update`` event, or a bare session object.

    Args:
        text: the JSON text.
        name: name of the preset in errors.

    Raises:
        UsageError: the text is none of these.
    """
    _, body, problem = decode(text.encode("utf-8", "replace"))
    if body is None:
        words = problem.message if problem is not None else "not a JSON object"
        raise UsageError(f"{name} is not a preset: {words}", hint="a preset is a JSON object")
    if body.get("format") == FORMAT:
        return _own(body, name)
    # A session object has a ``type`` too ("realtime"), so only the types of updates count as events.
    session = body.get("session") if text_at(body, "type") in UPDATES else body
    if not isinstance(session, dict) or not session:
        raise UsageError(
            f"{name} contains no session",
            hint='write {"session": {…}}, or save a preset in the form',
        )
    if body.get("type") == "transcription_session.update":
        return Preset("beta transcription", session)
    kind = text_at(session, "type")
    return Preset(kind if kind in _GA_KINDS else "", session)


def session_for(shape: SessionShape, preset: Preset, name: str = "the preset") -> Mapping[str, Any]:
    """Return the members that a preset sets in a session of this shape.

    Raises:
        UsageError: the preset is for a session of another shape.
    """
    known = {field.path[0] for field in shape.fields} | SERVER_ONLY
    other = preset.shape if preset.shape != shape.name else ""
    # A preset of unknown shape is refused if it has a member that this shape lacks and another shape has.
    if not preset.shape:
        strange = next((member for member in preset.session if member not in known), "")
        other = _owner_of(strange, preset.session) if strange else ""
    if other:
        titles = _titled(other), _titled(shape.name)
        raise UsageError(
            f"{name} is for {titles[0]}; this is {titles[1]}",
            hint="load it into a session of that kind",
            code="other_dialect",
        )
    return {key: value for key, value in preset.session.items() if key not in SERVER_ONLY}


def preset_update(preset: Preset) -> dict[str, Any]:
    """Return the event that applies a preset to a session that has not begun yet."""
    event_type = shape_named(preset.shape).event_type if preset.shape else "session.update"
    return {"type": event_type, "session": dict(preset.session)}


def _own(body: Mapping[str, Any], name: str) -> Preset:
    version, shape, session = body.get("version"), body.get("shape"), body.get("session")
    if version != VERSION:
        raise UsageError(
            f"{name} has version {version}, which is not supported",
            hint=f"this program reads version {VERSION}",
        )
    if not isinstance(session, dict):
        raise UsageError(f"{name} contains no session")
    if not isinstance(shape, str) or shape not in SHAPES:
        raise UsageError(
            f"{name} is for an unknown kind of session: {shape!r}",
            hint=f"known kinds: {', '.join(SHAPES)}",
        )
    return Preset(shape, session)


def _owner_of(member: str, session: Mapping[str, Any]) -> str:
    """Return the name of a shape with a given member; ``""`` if no shape has it."""
    likely = shape_of(session).name
    for name in (likely, *SHAPES):
        if any(field.path[0] == member for field in shape_named(name).fields):
            return name
    return ""


def _titled(name: str) -> str:
    title = shape_named(name).title
    return f"{'an' if title[0] in 'aAxX' else 'a'} {title}"
