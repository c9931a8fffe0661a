"""Presets: a session, or part of one, as a JSON text that can be kept and loaded again."""

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
    """A session to start from."""

    shape: str
    """Name of its shape, one of ``SHAPES``; ``""`` where it does not say."""
    session: Mapping[str, Any]
    """Members of a session object."""


def preset_text(shape: SessionShape, event: Mapping[str, Any]) -> str:
    """Write the session of an update as a preset."""
    body = {
        "format": FORMAT,
        "version": VERSION,
        "shape": shape.name,
        "session": event.get("session", {}),
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def read_preset(text: str, name: str = "the preset") -> Preset:
    """Read a preset: a file of ours, a ``session.update`` event, or a bare session object.

    Args:
        text: the JSON.
        name: what to call it in an error.

    Raises:
        UsageError: it is none of these.
    """
    _, body, problem = decode(text.encode("utf-8", "replace"))
    if body is None:
        words = problem.message if problem is not None else "not a JSON object"
        raise UsageError(f"{name} is no preset: {words}", hint="a preset is a JSON object")
    if body.get("format") == FORMAT:
        return _own(body, name)
    session = body.get("session") if text_at(body, "type") in UPDATES else body
    if not isinstance(session, dict) or not session:
        raise UsageError(f"{name} holds no session", hint='write {"session": {…}} or save one here')
    if body.get("type") == "transcription_session.update":
        return Preset("beta transcription", session)
    kind = text_at(session, "type")
    return Preset(kind if kind in _GA_KINDS else "", session)


def session_for(shape: SessionShape, preset: Preset, name: str = "the preset") -> Mapping[str, Any]:
    """Return what a preset sets of a session of this shape.

    Raises:
        UsageError: it was made for a session of another shape.
    """
    known = {field.path[0] for field in shape.fields} | SERVER_ONLY
    other = preset.shape if preset.shape != shape.name else ""
    if not preset.shape:
        strange = next((member for member in preset.session if member not in known), "")
        other = _owner_of(strange, preset.session) if strange else ""
    if other:
        titles = _titled(other), _titled(shape.name)
        raise UsageError(
            f"{name} is for {titles[0]}; this is {titles[1]}",
            hint="load it into a session of its own kind",
            code="other_dialect",
        )
    return {key: value for key, value in preset.session.items() if key not in SERVER_ONLY}


def preset_update(preset: Preset) -> dict[str, Any]:
    """Return the event that sets what a preset holds, for a session that is only about to begin."""
    event_type = shape_named(preset.shape).event_type if preset.shape else "session.update"
    return {"type": event_type, "session": dict(preset.session)}


def _own(body: Mapping[str, Any], name: str) -> Preset:
    version, shape, session = body.get("version"), body.get("shape"), body.get("session")
    if version != VERSION:
        raise UsageError(
            f"{name} has version {version}", hint=f"this program reads version {VERSION}"
        )
    if not isinstance(session, dict):
        raise UsageError(f"{name} holds no session")
    if not isinstance(shape, str) or shape not in SHAPES:
        raise UsageError(
            f"{name} is for a kind of session that is not known: {shape!r}",
            hint=f"there are {', '.join(SHAPES)}",
        )
    return Preset(shape, session)


def _owner_of(member: str, session: Mapping[str, Any]) -> str:
    """Return the shape of a session with a member that the shape at hand lacks; ``""`` where that is in no shape."""
    likely = shape_of(session).name
    for name in (likely, *SHAPES):
        if any(field.path[0] == member for field in shape_named(name).fields):
            return name
    return ""


def _titled(name: str) -> str:
    title = shape_named(name).title
    return f"{'an' if title[0] in 'aAxX' else 'a'} {title}"
