"""TurnsFold: every turn of a session, with its named instants and the events that prove them.

A *mark* is the event that proves an instant, with its time. What follows from marks (durations, their owners, what the user waited for)
is arithmetic of ``analysis.latency``; nothing is measured here and no audio is decoded. A turn holds a bounded number of answers and
tools, and an event of audio costs a look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, TypeVar

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.causes import CausesFold
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of
from inspector.core.input_audio import InputAudioFold
from inspector.core.output_audio import OUTPUT_AUDIO, OutputAudioFold
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.responses import reason_of
from inspector.core.session_fold import SessionFold
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

MAX_ANSWERS = 32
"""Answers of one turn that are kept; an app that asks again and again for one question has a fault that shows earlier."""
MAX_TOOLS = 64
"""Tool calls of one turn that are kept."""
MAX_IDS = 512
"""Ids of items, calls and responses whose turns are remembered, for events that come late."""
TEXT_DELTAS = frozenset({"response.output_text.delta", "response.text.delta"})
TRANSCRIPT_DELTAS = frozenset(
    {"response.output_audio_transcript.delta", "response.audio_transcript.delta"}
)
WORDS = TEXT_DELTAS | TRANSCRIPT_DELTAS
"""The deltas that say something in words."""


class TurnMark(NamedTuple):
    """The event that proves an instant."""

    seq: int
    """The event."""
    t_ns: int | None
    """When it came; None where the recording does not say."""
    audio_ns: int | None = None
    """Where the side's audio clock stood by then: how much sound had been sent or had come; None where it does not matter."""


@dataclass(slots=True)
class ToolCall:
    """One call of a tool."""

    call_id: str
    """The call, or the item of an MCP call."""
    name: str
    """The tool; ``""`` where no event says."""
    asked: TurnMark
    """Its arguments were complete."""
    answered: TurnMark | None = None
    """Its result was sent, or an MCP server had given it; None before that."""


@dataclass(slots=True)
class TurnResponse:
    """One response in a turn."""

    response_id: str
    """The server's."""
    created: TurnMark
    """R, ``response.created``."""
    asked: TurnMark | None = None
    """The app's ``response.create``; None where the server answered by itself."""
    words: TurnMark | None = None
    """T, its first delta of text or transcript."""
    is_written: bool = False
    """True where its words are text and no transcript of sound."""
    sound: TurnMark | None = None
    """A, its first delta of audio with bytes."""
    audio_item_id: str = ""
    """The item of that sound."""
    format: AudioFormat = PCM16_24K
    """Of that sound."""
    played: TurnMark | None = None
    """P, when it began to be heard; None where that is not known."""
    is_play_measured: bool = False
    """True where the player says so, and not an estimate."""
    done: TurnMark | None = None
    """D, ``response.done``; ``audio_ns`` is how much sound had come."""
    status: str = "in_progress"
    """As the server has it."""
    reason: str = ""
    """Why it was cancelled, incomplete or failed, in the server's words."""

    @property
    def input_finished(self) -> bool:
        """Return True if any of it reached the user, as sound or as text."""
        return self.sound is not None or (self.words is not None and self.is_written)


@dataclass(slots=True)
class Turn:
    """One turn."""

    number: int
    """From 1, over the whole log."""
    kind: TurnKind
    """What brought it about."""
    owner: object
    """The fold that may change it; others clone it first."""
    session: int
    """The session of the log that it is of, from 1; 0 where no event describes one."""
    began: TurnMark
    """The event with which it begins."""
    asked: TurnMark | None = None
    """The app's own event that brought it about: the commit, the item; None if absent."""
    item_ids: tuple[str, ...] = ()
    """The user's items."""
    speech_started: TurnMark | None = None
    """The server heard speech begin."""
    speech_stopped: TurnMark | None = None
    """S; ``audio_ns`` is ``audio_end_ms``, on the audio clock of the session."""
    committed: TurnMark | None = None
    """C."""
    sent_ns: int = 0
    """How much of the user's sound had been sent by the end of his input."""
    input_format: AudioFormat = PCM16_24K
    """Of the user's sound."""
    is_configured: bool = False
    """Whether the session's settings are known."""
    detection: str = ""
    """``server_vad``, ``semantic_vad``, or ``""`` for push to talk, at the end of the input."""
    silence_ms: int | None = None
    """``silence_duration_ms`` in force by then; None where the session does not say."""
    eagerness: str = ""
    """Of ``semantic_vad``."""
    effort: str = ""
    """``reasoning.effort`` in force when it was answered; ``""`` where the session does not say."""
    model: str = ""
    """The model that answered."""
    answers: list[TurnResponse] = field(default_factory=list)
    """Its responses, oldest first; at most ``MAX_ANSWERS``."""
    more_answers: int = 0
    """Responses beyond those."""
    tools: list[ToolCall] = field(default_factory=list)
    """Its tool calls, oldest first; at most ``MAX_TOOLS``."""
    more_tools: int = 0
    """Calls beyond those."""
    result_of: ToolCall | None = None
    """The call whose result brought a tool follow-up about; it is among the tools of the turn before."""
    transcribed: TurnMark | None = None
    """The transcript of the user's words was complete."""
    interrupted: str = ""
    """``caller``: the user spoke over the answer; ``agent``: the answer began while the user spoke; ``app``: the app
    cancelled it; ``""``: none of these."""
    cut: TurnMark | None = None
    """The user began to speak over the answer."""
    silenced: TurnMark | None = None
    """The answer ceased to sound after that."""
    is_silence_measured: bool = False
    """True where the player says so, and not the app's request to truncate or cancel."""
    is_history: bool = False
    """True where the app only put old text into the conversation, answers included."""

    @property
    def reply(self) -> TurnResponse | None:
        """Return the answer that ended the wait: the first that reached the user; None where none did."""
        return next((answer for answer in self.answers if answer.input_finished), None)

    def clone(self, owner: object) -> Turn:
        """Return an independent copy for another owner."""
        clone = replace(self, owner=owner)
        clone.answers = [replace(answer) for answer in self.answers]
        clone.tools = [replace(tool) for tool in self.tools]
        return clone


class Surroundings(NamedTuple):
    """The folds that turns look at; each has taken an event in before they do."""

    session: SessionFold
    input_audio: InputAudioFold
    output_audio: OutputAudioFold
    causes: CausesFold


class TurnsFold:
    """The turns so far, oldest first; they go on over a second session in one log."""

    name = "turns"

    def __init__(self) -> None:
        self.all: list[Turn] = []
        self.revision = 0
        """Grows with every change of a turn; a screen compares it instead of being told."""
        self._counter = TurnCounter()
        self._around = Surroundings(
            SessionFold(), InputAudioFold(), OutputAudioFold(), CausesFold()
        )
        self._owner = object()
        self._configured: TurnMark | None = None
        """The last description of the session."""
        self._commit: TurnMark | None = None
        """The app's last commit that has not been answered."""
        self._requests: dict[int, TurnMark] = {}
        """By ``seq`` the app's last items and requests for an answer."""
        self._places: dict[str, tuple[int, int]] = {}
        """Turn and answer of a response or of an item that sounds, by id."""
        self._inputs: dict[str, int] = {}
        """The turn of a user's item, or of a tool call, by id."""
        self._names: dict[str, str] = {}
        """The tool of an item."""
        self._mute: dict[str, None] = {}
        """Running responses without output so far."""
        self._speaking = -1
        """The turn whose speech is open; -1 if none is open."""
        self._sounding = -1
        """The turn that sounded last; -1 before the first."""
        self._is_new = False
        """Whether a turn begins with the event at hand."""

    @property
    def sessions(self) -> int:
        """Return how many sessions the log has described so far."""
        return self._counter.sessions

    @property
    def current(self) -> Turn | None:
        """Return the turn that the last event belongs to; None where it is of none."""
        return self.all[self._counter.number - 1] if self._counter.number else None

    @property
    def awaits_words(self) -> bool:
        """Return True if the next text delta matters: only the first of each response does."""
        return bool(self._mute)

    def has_sounded(self, response_id: str) -> bool:
        """Return True if a response is known to have audio: further audio deltas do not change the turn."""
        at = self._places.get(response_id)
        return at is not None and self.all[at[0]].answers[at[1]].sound is not None

    def follow(self, around: Surroundings) -> None:
        """Look at other folds of the same events; asked again where they have begun anew."""
        self._around = around

    def apply(self, event: Event) -> None:
        """Take one event in, after the folds that this one follows."""
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
        turn = Turn(
            self._counter.count,
            self._counter.kinds[-1],
            self._owner,
            self._counter.sessions,
            _mark(event),
        )
        self.all.append(turn)
        self._describe(turn)
        return True

    def _forget(self) -> None:
        """Another session: its ids are its own."""
        for known in (self._requests, self._places, self._inputs, self._names, self._mute):
            known.clear()
        self._configured = self._commit = None
        self._speaking = self._sounding = -1

    def _own(self, index: int) -> Turn:
        """Return a turn for changing, cloned where a copy of the fold shares it."""
        self.revision += 1
        turn = self.all[index]
        if turn.owner is not self._owner:
            turn = self.all[index] = turn.clone(self._owner)
        return turn

    def _here(self) -> Turn | None:
        """Return the turn of the last event for changing; None if absent."""
        number = self._counter.number
        return self._own(number - 1) if number else None

    def _describe(self, turn: Turn) -> None:
        """Note the settings in force."""
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
        """Return the turn and answer of a response's event for changing; None where they are not known."""
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
        """Note an item of the user's, and how much of his sound was sent."""
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
        """Take a call whose arguments came in one piece, without an event of their own."""
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
        """Note what a turn without input of the user's counts from: the settings, or the call whose result came."""
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
        """Return how much sound came for an answer."""
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
        """Note that the user speaks over what sounds: the fold of the sound has just stopped it, or its response runs."""
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
            # It may say so only after some of it was heard.
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
    """What is done with each type of event."""


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
"""The event types that turns are made of."""
