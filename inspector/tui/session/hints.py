"""The last line of a live session's screen: what is true, and what to do next, with the keys that do it.

Keys are asked for by the id of their binding, so that a text names what the user's own keymap says.
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
    """Return what is true of a live session.

    Args:
        engine: the session.
        sound: its microphone and speaker; None where it has none.
        key: names keys.
        place: where the keys go: the name of a view, or ``detail``.
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
    """Return why nothing can be sent; None while something can.

    Args:
        engine: the session.
        key: names keys.
        again: whether it is ours to connect again.
    """
    retry = key("session.reconnect")
    step = "reconnect" if again else ""
    if engine.connection is Connection.CONNECTING:
        where = HeaderPart(f"connecting to {engine.source.url} …", 1, 20)
        return Hint((where, HeaderPart(f"{key('session.disconnect')} gives up")), "disconnect")
    if engine.refusal is not None:
        advice = engine.refusal.hint
        parts = (
            HeaderPart(sanitized(engine.refusal.message), 2, 24),
            HeaderPart(sanitized(advice) if advice else "", 1, 24),
            HeaderPart(f"{retry} tries again" if again else ""),
        )
        return Hint(parts, step)
    if engine.closed is not None:
        closed = engine.closed
        reason = f" {sanitized(closed.reason)}" if closed.reason else ""
        whole = (
            HeaderPart(f"closed by {closed.by}: {closed.code}{reason}", 2, 24),
            HeaderPart(closed.meaning, 3, 16),
            HeaderPart(closed.next_step or "", 1, 24),
            HeaderPart(f"{retry} reconnects" if again else ""),
        )
        return Hint(whole, step)
    return None


def talk_hint(sound: SessionSound | None, key: Key) -> Hint | None:
    """Return what the microphone does and what to do next; None while it rests."""
    if sound is None:
        return None
    if sound.is_waiting_to_talk:
        return hint("opening the microphone …")
    microphone = sound.microphone
    if microphone is None or not microphone.is_sending:
        return None
    ends = {
        "open": f"{key('sound.open')} closes it",
        "talking": f"{key('sound.talk')} ends your turn",
    }.get(str(microphone.talk), "")
    mute = key("sound.mute")
    muted = f"muted: silence is sent   {mute} unmutes" if microphone.is_muted else f"{mute} mutes"
    return hint(f"the microphone is {microphone.talk}", ends, muted)


def error_hint(state: SessionState, key: Key, place: str) -> str:
    """Return how to go to an error, once there is one and the key works."""
    has_any = place == "events" and state.problems.errors
    return f"{key('pane.next_error')} next error" if has_any else ""


def _failure_hint(engine: SessionRecord) -> Hint | None:
    if engine.disabled:
        names = ", ".join(engine.disabled)
        return hint(
            f"switched off after a failure: {names}", "the session goes on, and is recorded"
        )
    if engine.recording.failure:
        kept = "kept in memory, and written as soon as there is room"
        return hint(f"not recorded: {sanitized(engine.recording.failure)}", kept)
    return None


def _waiting_hint(state: SessionState, key: Key, place: str) -> Hint | None:
    """Return what the conversation waits for from the user."""
    shows = f"{key('talk.answer')} answers it"
    if place != "conversation":
        shows = f"{key('view.conversation')} shows it, there {shows}"
    if state.conversation.pending_calls():
        return hint("a function call waits for its output", shows)
    if state.conversation.pending_approvals():
        return hint("an MCP call waits to be approved", shows)
    return None


def _answering_hint(
    engine: SessionRecord, sound: SessionSound | None, key: Key, error: str
) -> Hint | None:
    if not engine.state.responses.active:
        return None
    return hint(
        "the model is answering",
        f"{key('session.cancel')} cancels",
        error,
        f"{key('session.truncate')} truncates what it said",
        _barge_in(sound, key),
        step="cancel",
    )


def _barge_in(sound: SessionSound | None, key: Key) -> str:
    """Return what happens when the user speaks over the answer."""
    if sound is None:
        return ""
    does = "truncates" if sound.truncates else "does not truncate"
    return f"speaking over it {does} by itself ({key('sound.auto_truncate')})"


def _next_hint(engine: SessionRecord, sound: SessionSound | None, key: Key, error: str) -> Hint:
    """Return what one does in a session in which nothing happens just now."""
    state, send, create = engine.state, key("session.send"), key("session.create")
    if state.session.kind == "translation":
        speaks = f"{key('sound.talk')} talks, {key('sound.open')} opens the microphone: "
        return hint(
            f"{speaks if sound is not None else ''}what is said is translated",
            error,
            f"{key('session.form')} chooses the language",
        )
    conversation = state.conversation
    if not conversation.order:
        first = f"press {send} to send a message, then {create} to have it answered"
        return hint(first, error, step="send")
    if conversation.items[conversation.order[-1]].role == "user":
        return hint(f"press {create} to have it answered", error, step="create")
    return Hint(tuple(_resting(key, error)), "send")


def _resting(key: Key, error: str) -> Iterator[HeaderPart]:
    yield HeaderPart(f"{key('session.send')} sends another message")
    yield HeaderPart(error, 1)
    yield HeaderPart(f"{key('session.truncate')} truncates the last answer", 3)
    yield HeaderPart(f"{key('view.filter')} filters", 4)
    yield HeaderPart(f"{key('view.help')} shows every key", 2)
