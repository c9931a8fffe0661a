"""TurnsFold: all turns of a session, with their marks and the events that prove them.

The data of a turn is in ``core.turn``. Nothing is measured here and no audio is decoded. A turn keeps a bounded number of responses and
tool calls; an audio event costs one lookup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, NamedTuple, TypeVar

from inspector.core.causes import CausesFold
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of
from inspector.core.input_audio import InputAudioFold
from inspector.core.output_audio import OUTPUT_AUDIO, OutputAudioFold
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.responses import reason_of
from inspector.core.session_fold import SessionFold
from inspector.core.turn import (
    MAX_ANSWERS,
    MAX_TOOLS,
    ToolCall,
    Turn,
    TurnMark,
    TurnResponse,
)
from inspector.core.turn_counter import (
    COMMITTED,
    ITEM_ADDED,
    SESSION_TYPES,
    SPEECH_STARTED,
    SPEECH_STOPPED,
    TIMED_OUT,
    TURN_TYPES,
    TurnCounter,
    TurnKind,
)

MAX_IDS = 512
"""Items, calls and responses whose turns are remembered, for late events."""
TEXT_DELTAS = frozenset({"response.output_text.delta", "response.text.delta"})
TRANSCRIPT_DELTAS = frozenset(
    {"response.output_audio_transcript.delta", "response.audio_transcript.delta"}
)
WORDS = TEXT_DELTAS | TRANSCRIPT_DELTAS
"""Deltas that contain words."""


class Surroundings(NamedTuple):
    """The folds that ``TurnsFold`` reads; each event is applied to them first."""

    session: SessionFold
    input_audio: InputAudioFold
    output_audio: OutputAudioFold
    causes: CausesFold


class TurnsFold:
    """All turns so far, oldest first, across all sessions of a log."""

    name = "turns"

    def __init__(self) -> None:
        self.all: list[Turn] = []
        self.revision = 0
        """Incremented with every change of a turn; screens compare it."""
        self._counter = TurnCounter()
        self._around = Surroundings(
            SessionFold(), InputAudioFold(), OutputAudioFold(), CausesFold()
        )
        self._owner = object()
        self._configured: TurnMark | None = None
        """The last event that described the session."""
        self._commit: TurnMark | None = None
        """The app's last unconfirmed commit."""
        self._requests: dict[int, TurnMark] = {}
        """The app's last items and ``response.create`` events, by ``seq``."""
        self._places: dict[str, tuple[int, int]] = {}
        """Index of the turn and of its response, by the id of a response or of an item with audio."""
        self._inputs: dict[str, int] = {}
        """Index of the turn, by the id of a user item or tool call."""
        self._names: dict[str, str] = {}
        """Name of the tool, by the id of its item."""
        self._mute: dict[str, None] = {}
        """Active responses without words so far."""
        self._speaking = -1
        """Index of the turn in which the user is speaking; -1 if none."""
        self._sounding = -1
        """Index of the last turn with audio; -1 before the first."""
        self._is_new = False
        """True if the current event starts a turn."""

    @property
    def sessions(self) -> int:
        """Return the number of sessions in the log so far."""
        return self._counter.sessions

    @property
    def current(self) -> Turn | None:
        """Return the turn of the last event; None if it belongs to none."""
        return self.all[self._counter.number - 1] if self._counter.number else None

    @property
    def awaits_words(self) -> bool:
        """Return True if the next text delta matters; only the first of each response does."""
        return bool(self._mute)

    def has_sounded(self, response_id: str) -> bool:
        """Return True if a response is known to have audio, so that further audio deltas do not change the turn."""
        at = self._places.get(response_id)
        return at is not None and self.all[at[0]].answers[at[1]].sound is not None

    def follow(self, around: Surroundings) -> None:
        """Set the folds to read; called again when they were replaced."""
        self._around = around

    def apply(self, event: Event) -> None:
        """Apply an event, after the folds that this one reads."""
        handle = self.HANDLERS.get(event.type)
        if handle is None:
            return
        self._is_new = event.type in TURN_TYPES and self._count(event)
        handle(self, event)

    def copy(self) -> TurnsFold:
        """Return an independent copy; turns are cloned when either side changes them."""
        clone = TurnsFold()
        owner = clone._owner
        clone.__dict__.update(self.__dict__)
        clone._owner, self._owner = owner, object()
        clone.all = list(self.all)
        clone._counter = self._counter.copy()
        clone._requests, clone._places = dict(self._requests), dict(self._places)
        clone._inputs, clone._names = dict(self._inputs), dict(self._names)
        clone._mute = dict(self._mute)
        return clone

    # ── which turn ───────────────────────────────────────────────────────────────────────────────────────────────

    def _count(self, event: Event) -> bool:
        """Count an event; return True if a turn begins with it."""
        before = self._counter.count
        sessions = self._counter.sessions
        self._counter.feed(event)
        if self._counter.sessions != sessions:
            self._forget()
        if self._counter.count == before:
            return False
        self.revision += 1
        turn = Turn(
            self._counter.count,
            self._counter.kinds[-1],
            self._owner,
            self._counter.sessions,
            _mark(event),
            self.revision,
        )
        self.all.append(turn)
        self._describe(turn)
        return True

    def _forget(self) -> None:
        """Forget the ids of the previous session."""
        for known in (self._requests, self._places, self._inputs, self._names, self._mute):
            known.clear()
        self._configured = self._commit = None
        self._speaking = self._sounding = -1

    def _own(self, index: int) -> Turn:
        """Return a turn that may be changed; it is cloned if a copy of this fold shares it."""
        self.revision += 1
        turn = self.all[index]
        if turn.owner is not self._owner:
            turn = self.all[index] = turn.clone(self._owner)
        turn.revision = self.revision
        return turn

    def _here(self) -> Turn | None:
        """Return the turn of the last event, which may be changed; None if absent."""
        number = self._counter.number
        return self._own(number - 1) if number else None

    def _describe(self, turn: Turn) -> None:
        """Store the settings in force."""
        session = self._around.session
        detection = session.detection
        turn.is_configured = bool(session.config)
        turn.detection = text_at(detection, "type")
        silence = detection.get("silence_duration_ms")
        turn.silence_ms = int_at(detection, "silence_duration_ms") if silence is not None else None
        turn.eagerness = text_at(detection, "eagerness")
        turn.effort = text_at(object_at(session.config, "reasoning"), "effort")
        turn.model = session.model
        turn.input_format = session.input_format

    def _place(self, body: Body) -> tuple[Turn, TurnResponse] | None:
        """Return the turn and response of an event, which may be changed; None if unknown."""
        at = self._places.get(text_at(body, "response_id"))
        if at is None:
            return None
        turn = self._own(at[0])
        return turn, turn.answers[at[1]]

    # ── the user's side ──────────────────────────────────────────────────────────────────────────────────────────

    def _session_event(self, event: Event) -> None:
        if event.direction is Direction.SERVER:
            self._configured = _mark(event)

    def _started(self, event: Event) -> None:
        if not _is_servers(event):
            return
        self._barge_in(event)
        turn = self._here()
        if turn is not None:
            start_ms = int_at(event.body or {}, "audio_start_ms")
            turn.speech_started = _mark(event, start_ms * 1_000_000)
            self._input(turn, event)
            self._speaking = turn.number - 1

    def _stopped(self, event: Event) -> None:
        if not _is_servers(event):
            return
        turn = self._turn_of_input(event)
        self._speaking = -1
        if turn is not None:
            end_ms = int_at(event.body or {}, "audio_end_ms")
            turn.speech_stopped = _mark(event, end_ms * 1_000_000)
            self._input(turn, event)
            self._describe(turn)

    def _committed(self, event: Event) -> None:
        if not _is_servers(event):
            return
        turn = self._turn_of_input(event)
        self._speaking = -1
        if turn is not None and turn.committed is None:
            turn.committed, turn.asked = _mark(event), self._commit
            self._input(turn, event)
            self._describe(turn)
        self._commit = None

    def _timed_out(self, event: Event) -> None:
        if _is_servers(event):
            turn = self._here()
            if turn is not None:
                self._input(turn, event)

    def _commit_asked(self, event: Event) -> None:
        if event.direction is Direction.CLIENT:
            self._commit = _mark(event)

    def _input(self, turn: Turn, event: Event) -> None:
        """Store a user item, and the duration of the audio sent so far."""
        item_id = text_at(event.body or {}, "item_id")
        if item_id and item_id not in turn.item_ids:
            turn.item_ids = (*turn.item_ids, item_id)[-MAX_ANSWERS:]
            _remember(self._inputs, item_id, turn.number - 1)
        turn.sent_ns = self._around.input_audio.appended_ns

    def _turn_of_input(self, event: Event) -> Turn | None:
        index = self._inputs.get(text_at(event.body or {}, "item_id"))
        return self._here() if index is None else self._own(index)

    def _added(self, event: Event) -> None:
        if not _is_servers(event):
            return
        item = object_at(event.body or {}, "item")
        turn = self._here()
        if turn is None:
            return
        if self._is_new:
            turn.asked = self._request_of(event)
        item_id = text_at(item, "id")
        if item.get("role") == "user" and item_id and item_id not in self._inputs:
            turn.item_ids = (*turn.item_ids, item_id)[-MAX_ANSWERS:]
            _remember(self._inputs, item_id, turn.number - 1)
        elif item.get("role") == "assistant" and not turn.answers:
            turn.is_history = turn.kind is TurnKind.TEXT
        self._result(item, event)

    def _create_item(self, event: Event) -> None:
        if event.direction is Direction.CLIENT:
            _remember(self._requests, event.seq, _mark(event))
            self._result(object_at(event.body or {}, "item"), event)

    def _transcribed(self, event: Event) -> None:
        index = self._inputs.get(text_at(event.body or {}, "item_id"))
        if index is not None:
            turn = self._own(index)
            turn.transcribed = turn.transcribed or _mark(event)

    # ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _item_put_out(self, event: Event) -> None:
        item = object_at(event.body or {}, "item")
        if item.get("type") in ("function_call", "mcp_call"):
            _remember(self._names, text_at(item, "id"), text_at(item, "name"))

    def _item_done(self, event: Event) -> None:
        """Store a call whose arguments came without an event of their own."""
        body = event.body or {}
        item = object_at(body, "item")
        if item.get("type") == "function_call":
            self._call(event, body, text_at(item, "call_id"), text_at(item, "name"))

    def _arguments(self, event: Event) -> None:
        body = event.body or {}
        item_id = text_at(body, "item_id")
        name = text_at(body, "name") or self._names.get(item_id, "")
        self._call(event, body, text_at(body, "call_id") or item_id, name)

    def _call(self, event: Event, body: Body, call_id: str, name: str) -> None:
        if not _is_servers(event) or call_id in self._inputs:
            return
        found = self._place(body)
        turn = found[0] if found is not None else self._here()
        if turn is None:
            return
        if len(turn.tools) >= MAX_TOOLS:
            turn.more_tools += 1
            return
        turn.tools.append(ToolCall(call_id, name, _mark(event)))
        _remember(self._inputs, call_id, turn.number - 1)

    def _result(self, item: Body, event: Event) -> None:
        if item.get("type") == "function_call_output":
            self._answer_call(text_at(item, "call_id"), event)

    def _mcp_ended(self, event: Event) -> None:
        self._answer_call(text_at(event.body or {}, "item_id"), event)

    def _answer_call(self, call_id: str, event: Event) -> None:
        index = self._inputs.get(call_id)
        if index is not None:
            for tool in self._own(index).tools:
                if tool.call_id == call_id and tool.answered is None:
                    tool.answered = _mark(event)

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, event: Event) -> None:
        if event.direction is Direction.CLIENT:
            _remember(self._requests, event.seq, _mark(event))

    def _request_of(self, event: Event) -> TurnMark | None:
        return self._requests.get(self._around.causes.cause_of.get(event.seq, 0))

    def _created(self, event: Event) -> None:
        if not _is_servers(event):
            return
        turn = self._here()
        if turn is None:
            return
        turn.is_history = False
        if not turn.answers:
            self._begin_without_input(turn)
        if len(turn.answers) >= MAX_ANSWERS:
            turn.more_answers += 1
            return
        response = object_at(event.body or {}, "response")
        response_id = text_at(response, "id")
        if not turn.answers:
            self._describe_model(turn)
        turn.answers.append(TurnResponse(response_id, _mark(event), self._request_of(event)))
        if response_id:
            _remember(self._places, response_id, (turn.number - 1, len(turn.answers) - 1))
            _remember(self._mute, response_id, None)

    def _begin_without_input(self, turn: Turn) -> None:
        """Store what the wait counts from in a turn without user input: the settings, or the tool result."""
        if turn.kind is TurnKind.GREETING:
            turn.asked = self._configured
        elif turn.kind is TurnKind.TOOL and turn.number > 1:
            answered = [tool for tool in self.all[turn.number - 2].tools if tool.answered]
            turn.result_of = replace(answered[-1]) if answered else None

    def _describe_model(self, turn: Turn) -> None:
        session = self._around.session
        turn.model = session.model or turn.model
        turn.effort = text_at(object_at(session.config, "reasoning"), "effort")

    def _words(self, event: Event) -> None:
        if not self._mute:
            return
        body = event.body or {}
        response_id = text_at(body, "response_id")
        if response_id in self._mute and body.get("delta"):
            del self._mute[response_id]
            found = self._place(body)
            if found is not None:
                found[1].words = _mark(event)
                found[1].is_written = event.type in TEXT_DELTAS

    def _sound(self, event: Event) -> None:
        body = event.body or {}
        at = self._places.get(text_at(body, "response_id"))
        if at is None or self.all[at[0]].answers[at[1]].sound is not None:
            return
        if not _is_servers(event) or not audio_bytes_of(event):
            return
        turn = self._own(at[0])
        answer = turn.answers[at[1]]
        item_id = text_at(body, "item_id")
        answer.sound, answer.audio_item_id = _mark(event), item_id
        if item_id:
            _remember(self._places, item_id, at)
        audio = self._around.output_audio.items.get(item_id)
        if audio is not None:
            answer.format = audio.format
            if audio.starts_t_ns is not None and not audio.is_measured:
                answer.played = TurnMark(event.seq, audio.starts_t_ns)
        self._sounding = at[0]
        if self._speaking >= 0 and not turn.interrupted:
            turn.interrupted = "agent"

    def _done(self, event: Event) -> None:
        if not _is_servers(event):
            return
        response = object_at(event.body or {}, "response")
        response_id = text_at(response, "id")
        self._mute.pop(response_id, None)
        at = self._places.get(response_id)
        if at is None:
            return
        turn = self._own(at[0])
        answer = turn.answers[at[1]]
        answer.status = text_at(response, "status") or answer.status
        answer.reason = reason_of(response)
        answer.done = _mark(event, self._received_ns(answer))
        if answer.status == "cancelled":
            is_users = "turn_detected" in answer.reason or turn.cut is not None
            turn.interrupted = "caller" if is_users else turn.interrupted or "app"

    def _received_ns(self, answer: TurnResponse) -> int:
        """Return the duration of the audio received for a response."""
        if answer.sound is None:
            return 0
        items = self._around.output_audio.items
        total_ns = 0
        for item in reversed(items.values()):
            if item.response_id == answer.response_id:
                total_ns += item.received_ns
            elif total_ns:
                break
        return total_ns

    # ── playing, and being cut off ───────────────────────────────────────────────────────────────────────────────

    def _barge_in(self, event: Event) -> None:
        """Store that the user speaks over an answer: its playback has just stopped, or its response is active."""
        if self._sounding < 0 or self.all[self._sounding].cut is not None:
            return
        answer = self.all[self._sounding].reply
        if answer is None or answer.sound is None:
            return
        audio = self._around.output_audio.items.get(answer.audio_item_id)
        last = next(reversed(self._around.output_audio.items.values()), audio)
        stopped = [
            item
            for item in (audio, last)
            if item is not None
            and item.stopped_t_ns is not None
            and item.stopped_t_ns == event.t_ns
            and item.heard_ms(event.t_ns) < item.received_ms
        ]
        if stopped or answer.done is None:
            turn = self._own(self._sounding)
            turn.interrupted, turn.cut = "caller", _mark(event)

    def _playing(self, event: Event) -> None:
        body = event.body or {}
        at = self._places.get(text_at(body, "item_id"))
        if at is None:
            return
        answer = self.all[at[0]].answers[at[1]]
        if answer.is_play_measured:
            return
        if event.type == "inspector.playing":
            answer = self._own(at[0]).answers[at[1]]
            # The player may report it after part of it was heard.
            since_ns = int_at(body, "audio_ms") * 1_000_000
            t_ns = None if event.t_ns is None else event.t_ns - since_ns
            answer.played, answer.is_play_measured = TurnMark(event.seq, t_ns), True

    def _played(self, event: Event) -> None:
        self._silence(text_at(event.body or {}, "item_id"), event, is_measured=True)

    def _truncate(self, event: Event) -> None:
        if event.direction is Direction.CLIENT:
            self._silence(text_at(event.body or {}, "item_id"), event)

    def _cancel(self, event: Event) -> None:
        if event.direction is Direction.CLIENT and self._sounding >= 0:
            self._silence(self.all[self._sounding].answers[-1].audio_item_id, event)

    def _silence(self, item_id: str, event: Event, *, is_measured: bool = False) -> None:
        at = self._places.get(item_id)
        if at is None or self.all[at[0]].cut is None or self.all[at[0]].is_silence_measured:
            return
        if self.all[at[0]].silenced is None or is_measured:
            turn = self._own(at[0])
            turn.silenced, turn.is_silence_measured = _mark(event), is_measured

    HANDLERS: ClassVar[Mapping[str, Callable[[TurnsFold, Event], None]]] = {
        **dict.fromkeys(SESSION_TYPES, _session_event),
        SPEECH_STARTED: _started,
        SPEECH_STOPPED: _stopped,
        COMMITTED: _committed,
        TIMED_OUT: _timed_out,
        **dict.fromkeys(ITEM_ADDED, _added),
        "input_audio_buffer.commit": _commit_asked,
        "conversation.item.create": _create_item,
        "conversation.item.input_audio_transcription.completed": _transcribed,
        "conversation.item.input_audio_transcription.failed": _transcribed,
        "conversation.item.truncate": _truncate,
        "response.create": _ask,
        "response.cancel": _cancel,
        "response.created": _created,
        "response.output_item.added": _item_put_out,
        "response.output_item.done": _item_done,
        "response.function_call_arguments.done": _arguments,
        "response.mcp_call_arguments.done": _arguments,
        "response.mcp_call.completed": _mcp_ended,
        "response.mcp_call.failed": _mcp_ended,
        **dict.fromkeys(WORDS, _words),
        **dict.fromkeys(OUTPUT_AUDIO, _sound),
        "response.done": _done,
        "inspector.playing": _playing,
        "inspector.played": _played,
    }
    """The method for each event type."""


def _mark(event: Event, audio_ns: int | None = None) -> TurnMark:
    return TurnMark(event.seq, event.t_ns, audio_ns)


def _is_servers(event: Event) -> bool:
    return event.direction is Direction.SERVER


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    known[key] = value
    if len(known) > MAX_IDS:
        del known[next(iter(known))]


TURN_EVENTS = frozenset(TurnsFold.HANDLERS)
"""The event types that this fold needs."""
