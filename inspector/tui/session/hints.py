#     return (
"""The hint line of a live session: its condition, and the keys for what to do next.

Keys are looked up by binding id, so hints show the keys of the user's keymap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspector.analysis.sanitize import sanitized
from inspector.core.state import SessionState
from inspector.engine.record import Connection, SessionRecord
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint, hint
from inspector.tui.common.keycaps import Key

if TYPE_CHECKING:
    from inspector.engine.session_sound import SessionSound


def session_hint(engine: SessionRecord, sound: SessionSound | None, key: Key, place: str) -> Hint:
    """Return the hint for a live session: the first condition that applies.

    Args:
        engine: the session.
        sound: its microphone and speaker; None without sound.
        key: returns the key name of a binding.
        place: what has the focus: the name of a view, or ``detail``.
    """
    state = engine.state
    error = error_hint(state, key, place)
    return (
        connection_hint(engine, key)
        or _failure_hint(engine)
        or _waiting_hint(state, key, place)
        or _answering_hint(engine, sound, key, error)
        or talk_hint(sound, key)
        or _next_hint(engine, sound, key, error)
    )


def connection_hint(engine: SessionRecord, key: Key, *, again: bool = True) -> Hint | None:
    """Return why nothing can be sent; None if something can.

    Args:
        engine: the session.
        key: returns the key name of a binding.
        again: whether this program can reconnect; False for a proxied session, where the app must.
    """
    retry = key("session.reconnect")
    step = "reconnect" if again else ""
    if engine.connection is Connection.CONNECTING:
        where = HeaderPart(f"connecting to {engine.source.url} …", 1, 20)
        return Hint((where, HeaderPart(f"{key('session.disconnect')} cancel")), "disconnect")
    if engine.refusal is not None:
        advice = engine.refusal.hint
        parts = (
            HeaderPart(sanitized(engine.refusal.message), 2, 24),
            HeaderPart(sanitized(advice) if advice else "", 1, 24),
            HeaderPart(f"{retry} retry" if again else ""),
        )
        return Hint(parts, step)
    if engine.closed is not None:
        closed = engine.closed
        reason = f" {sanitized(closed.reason)}" if closed.reason else ""
        whole = (
            HeaderPart(f"closed by {closed.by}: {closed.code}{reason}", 2, 24),
            HeaderPart(closed.meaning, 3, 16),
            HeaderPart(closed.next_step or "", 1, 24),
            HeaderPart(f"{retry} reconnect" if again else ""),
        )
        return Hint(whole, step)
    return None


def talk_hint(sound: SessionSound | None, key: Key) -> Hint | None:
    """Return what the microphone does and the keys for it; None while it is idle."""
    if sound is None:
        return None
    if sound.is_waiting_to_talk:
        return hint("opening the microphone …")
    microphone = sound.microphone
    if microphone is None or not microphone.is_sending:
        return None
    ends = {
        "open": f"{key('sound.open')} close it",
        "talking": f"{key('sound.talk')} end your turn",
    }.get(str(microphone.talk), "")
    mute = key("sound.mute")
    muted = f"muted: sending silence   {mute} unmute" if microphone.is_muted else f"{mute} mute"
    return hint(f"the microphone is {microphone.talk}", ends, muted)


def error_hint(state: SessionState, key: Key, place: str) -> str:
    """Return the key for going to an error; ``""`` if there are none or the key does not work in this place."""
    has_any = place == "events" and state.problems.errors
    return f"{key('pane.next_error')} next error" if has_any else ""


def _failure_hint(engine: SessionRecord) -> Hint | None:
    if engine.disabled:
        names = ", ".join(engine.disabled)
        return hint(f"disabled after a failure: {names}", "the session continues and is recorded")
    if engine.recording.failure:
        kept = "events are kept in memory and written once the disk accepts them"
        return hint(f"not recorded: {sanitized(engine.recording.failure)}", kept)
    return None


def _waiting_hint(state: SessionState, key: Key, place: str) -> Hint | None:
    """Return what the conversation needs from the user: the output of a call, or an approval."""
    keys = key("talk.answer")
    if place != "conversation":
        keys = f"{key('view.conversation')}, then {keys}"
    if state.conversation.pending_calls():
        return hint(f"a function call needs its output: {keys}")
    if state.conversation.pending_approvals():
        return hint(f"an MCP tool needs approval: {keys}")
    return None


def _answering_hint(
    engine: SessionRecord, sound: SessionSound | None, key: Key, error: str
) -> Hint | None:
    if not engine.state.responses.active:
        return None
    return hint(
        "the model is answering",
        f"{key('session.cancel')} cancel",
        error,
        f"{key('session.truncate')} truncate the answer",
        _barge_in(sound, key),
        step="cancel",
    )


def _barge_in(sound: SessionSound | None, key: Key) -> str:
    """Return what happens when the user speaks over the answer, and the key that changes it."""
    if sound is None:
        return ""
    toggle = key("sound.auto_truncate")
    if sound.truncates:
        return f"barge-in truncates automatically ({toggle} to turn off)"
    return f"barge-in does not truncate ({toggle} to turn on)"


def _next_hint(engine: SessionRecord, sound: SessionSound | None, key: Key, error: str) -> Hint:
    """Return the usual next steps while nothing is happening."""
    state, send, create = engine.state, key("session.send"), key("session.create")
    if state.session.kind == "translation":
        speak = f"{key('sound.talk')} push to talk, {key('sound.open')} open mic: "
        return hint(
            f"{speak if sound is not None else ''}speech is translated",
            error,
            f"{key('session.form')} choose the language",
        )
    conversation = state.conversation
    if not conversation.order:
        first = f"{send} write a message · {create} ask for a response"
        return hint(first, error, step="send")
    if conversation.items[conversation.order[-1]].role == "user":
        return hint(f"{create} ask for a response", error, step="create")
    return Hint(tuple(_idle(key, error)), "send")


def _idle(key: Key, error: str) -> Iterator[HeaderPart]:
    yield HeaderPart(f"{key('session.send')} write another message")
    yield HeaderPart(error, 1)
    yield HeaderPart(f"{key('session.truncate')} truncate the last answer", 3)
    yield HeaderPart(f"{key('view.filter')} filter", 4)
    yield HeaderPart(f"{key('view.help')} all keys", 2)
