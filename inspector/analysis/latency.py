"""The latency of a turn, split into parts with owners; computed from the turn's marks and, if available, from its audio.

The parts are consecutive, from the end of the user's input to the first audio or text of the answer, so they sum to the total. If
one end is unknown there are only bounds, not a total; nothing unknown is reported as 0. A mark that lies before an earlier one (an
app that requests a response before the commit is confirmed) gets no time of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from inspector.core.turn import ToolCall, Turn, TurnMark, TurnResponse
from inspector.core.turn_counter import TurnKind
from inspector.core.units import NS_PER_MS

LEAST_SHARE = 0.08
"""Parts below this share of the total are left out of ``waited_for``."""
SILENCE = "setting:audio.input.turn_detection.silence_duration_ms"
EAGERNESS = "setting:audio.input.turn_detection.eagerness"
SERVER, APP, MODEL_OWNER = "server", "app", "model"
MEASURED, DERIVED, EVENT, ESTIMATED = "measured", "derived", "event", "estimated"
ELIDED = "audio is elided in this file"
NO_TIMES = "the recording does not say when it happened"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the analysis of a turn's audio found."""

    speech_end: TurnMark | None = None
    """U1: the end of the user's speech in session time, with the append that contains it; None if it was not found."""
    no_speech_end: str = ""
    """Why it was not found."""
    leading_ns: int | None = None
    """Silence before the first audible sample of the answer; None if no sample was found."""
    no_leading: str = "the audio of the answer was not analysed"
    """Why it was not found."""
    detector: str = ""
    """The method that separated speech from silence."""


class LatencyPart(NamedTuple):
    """One part of the latency."""

    key: str
    """Its name; the parts of several tool rounds share names."""
    ms: float
    """Duration in milliseconds."""
    owner: str
    """``setting:…``, ``server``, ``model``, ``app`` or ``tool:NAME``."""
    seq: tuple[int, ...]
    """The events that prove it."""
    quality: str = EVENT
    """``measured``, ``derived``, ``event`` or ``estimated``: how well its end is known."""


class Missing(NamedTuple):
    """A part that is unknown."""

    key: str
    """Its name."""
    reason: str
    """The reason, as a text for users."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The latency of a turn and its parts."""

    anchor: str | None
    """How its start is known: ``measured``, ``derived`` or ``event``; None if it is unknown."""
    parts: tuple[LatencyPart, ...]
    """The known parts, in order."""
    unknown: tuple[Missing, ...]
    """The unknown parts; if there are any, ``wait_ms`` is None."""
    wait_ms: float | None
    """The total; None if a part is unknown."""
    bounds_ms: tuple[float, float | None] | None
    """Lower and upper bound of an unknown total; None if the total is known, or nothing is."""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    """Every figure of ``analysis.definitions`` that is of one turn, in its unit; None if unknown."""
    start: TurnMark | None = None
    """The mark at which the wait begins."""

    @property
    def ends(self) -> str | None:
        """Return how the end of the wait is known, as ``anchor`` does for its start; None without a total."""
        return self.parts[-1].quality if self.wait_ms is not None and self.parts else None

    @property
    def waited_for(self) -> str:
        """Return a text with the parts that the user waited for; ``""`` if nothing is known."""
        return waited_for(self.parts)


class _Walk:
    """Walks along the marks and adds a part for each step."""

    def __init__(self, start: TurnMark) -> None:
        self.seq = start.seq
        self.first_ns = self.at_ns = start.t_ns or 0
        self.parts: list[LatencyPart] = []

    def to(self, mark: TurnMark | None, key: str, owner: str, quality: str = EVENT) -> None:
        """Step to a mark; do nothing if the mark or its time is missing."""
        if mark is not None and mark.t_ns is not None:
            self.until(mark.t_ns, mark.seq, key, owner, quality)

    def until(
        self,
        t_ns: int,
        seq: int,
        key: str,
        owner: str,
        quality: str = EVENT,
        *,
        is_shown: bool = False,
    ) -> None:
        """Step to a time; a step of zero length becomes a part only with ``is_shown``."""
        took_ns = max(0, t_ns - self.at_ns)
        seqs = (self.seq, seq) if seq != self.seq else (seq,)
        if took_ns or is_shown:
            self.parts.append(LatencyPart(key, took_ns / NS_PER_MS, owner, seqs, quality))
        if t_ns >= self.at_ns:
            self.seq = seq
        self.at_ns += took_ns

    @property
    def total_ms(self) -> float:
        """Return the time from the first mark to the current one."""
        return (self.at_ns - self.first_ns) / NS_PER_MS


def latency_of(turn: Turn, heard: Heard | None = None) -> Latency:
    """Return the latency of a turn; ``heard`` adds the results of its audio analysis."""
    heard = heard or Heard()
    anchor, start, why_not = _start(turn, heard)
    if start is None or start.t_ns is None:
        reason = NO_TIMES if start is not None else why_not
        figures = _figures(turn, heard, None)
        return Latency(None, (), (Missing("start", reason),), None, None, figures, start)
    unknown: list[Missing] = []
    walk = _Walk(start)
    _input_steps(turn, anchor, walk)
    if why_not:
        unknown.append(Missing("endpointing", why_not))
    slack_ns = _answer_steps(turn, heard, walk, unknown)
    is_whole = not unknown
    bounds = None
    if not is_whole:
        open_end = slack_ns is None or bool(why_not)
        most = None if open_end else walk.total_ms + (slack_ns or 0) / NS_PER_MS
        bounds = walk.total_ms, most
    wait_ms = walk.total_ms if is_whole else None
    figures = _figures(turn, heard, start) | {"wait_ms": wait_ms}
    reply = turn.reply
    is_voiced = turn.kind is TurnKind.SPEECH and reply is not None and reply.sound is not None
    figures["voice_to_voice_ms"] = wait_ms if is_voiced else None
    figures["first_greeting_ms"] = wait_ms if turn.kind is TurnKind.GREETING else None
    figures["tool_ms"] = _sum(walk.parts, "tool")
    return Latency(
        anchor if not why_not else None,
        tuple(walk.parts),
        tuple(unknown),
        wait_ms,
        bounds,
        figures,
        start,
    )


def waited_for(parts: tuple[LatencyPart, ...]) -> str:
    """Return in words what the user waited for: each part that matters, in order; ``""`` if nothing matters."""
    total = sum(part.ms for part in parts)
    named = [part for part in parts if part.ms >= LEAST_SHARE * total and part.ms > 0]
    return " + ".join(_in_words(part) for part in named)


def _in_words(part: LatencyPart) -> str:
    kind, _, detail = part.owner.partition(":")
    length = f"{part.ms:,.0f} ms"
    if part.key == "leading_silence":
        return f"{length} of silence at the head of the answer"
    if kind == "tool":
        return f"{length} {detail or 'a tool'}"
    if kind == MODEL_OWNER:
        setting, _, value = detail.partition("=")
        return (
            f"{length} model ({setting.replace('.', ' ')} {value})" if value else f"{length} model"
        )
    if kind == "setting":
        return f"{length} {detail.rpartition('.')[2]}"
    words = _WORDS.get((part.key, part.owner))
    return f"{length} {words}" if words else f"{length} {part.key.replace('_', ' ')} ({part.owner})"


_WORDS = {
    ("endpointing", APP): "until your app committed",
    ("endpointing", SERVER): "until the server heard the end",
    ("endpointing_rest", SERVER): "more until the server heard the end",
    ("commit", SERVER): "until the commit was confirmed",
    ("response_start", APP): "until your app asked for an answer",
    ("response_start", SERVER): "until the response began",
    ("playout", APP): "until it was played",
}
"""What a part of the server's or the app's reads as."""


def _start(turn: Turn, heard: Heard) -> tuple[str, TurnMark | None, str]:
    """Return how the beginning of the wait is known, where it is, and why the end of the user's sound is not known."""
    if turn.kind is not TurnKind.SPEECH:
        since = turn.result_of.asked if turn.result_of is not None else turn.asked
        if turn.kind is TurnKind.OUT_OF_BAND and turn.answers:
            since = turn.answers[0].asked
        return EVENT, since or turn.began, ""
    stopped = turn.speech_stopped
    found = heard.speech_end
    if found is not None:
        limit = stopped or turn.committed
        if limit is not None and limit.t_ns is not None and (found.t_ns or 0) > limit.t_ns:
            found = limit  # the sound went on, but not what the server took for speech
        return MEASURED, found, ""
    if stopped is not None:
        return _start_of_stopped(turn, stopped)
    if turn.committed is not None:
        return EVENT, turn.asked or turn.committed, ""
    why = (
        "the user has not finished" if not turn.answers else "no event says when the user finished"
    )
    return EVENT, None, why


def _start_of_stopped(turn: Turn, stopped: TurnMark) -> tuple[str, TurnMark, str]:
    if not turn.is_configured:
        return (
            EVENT,
            stopped,
            "no event of the recording describes the session, so its turn detection is not known",
        )
    if turn.detection == "semantic_vad":
        return EVENT, stopped, ""
    if turn.silence_ms is None:
        return EVENT, stopped, "the session does not say its silence_duration_ms"
    if stopped.t_ns is None:
        return DERIVED, stopped, ""
    return DERIVED, stopped._replace(t_ns=stopped.t_ns - turn.silence_ms * NS_PER_MS), ""


def _input_steps(turn: Turn, anchor: str, walk: _Walk) -> None:
    """Step through the end of the user's input: until the server, or the app, takes it for over."""
    stopped = turn.speech_stopped
    if turn.kind is TurnKind.TOOL and turn.result_of is not None:
        _tool_step(walk, [turn.result_of])
    if turn.kind not in (TurnKind.SPEECH, TurnKind.IDLE):
        return
    if stopped is not None and stopped.t_ns is not None:
        if turn.detection == "semantic_vad":
            walk.to(stopped, "endpointing", EAGERNESS)
        elif turn.silence_ms is not None:
            until_ns = min(stopped.t_ns, walk.at_ns + turn.silence_ms * NS_PER_MS)
            walk.until(until_ns, stopped.seq, "endpointing", SILENCE, anchor)
            walk.to(stopped, "endpointing_rest", SERVER)
        else:
            walk.to(stopped, "endpointing", SERVER)
    elif turn.asked is not None:
        walk.to(turn.asked, "endpointing", APP)
    walk.to(turn.committed, "commit", SERVER)


def _answer_steps(turn: Turn, heard: Heard, walk: _Walk, unknown: list[Missing]) -> int | None:
    """Step through the answers up to the one that reached the user.

    Returns:
        How much longer at most than known the wait is, in nanoseconds; None if unknown.
    """
    reply = turn.reply
    for number, answer in enumerate(turn.answers):
        if number:
            _round_steps(turn, turn.answers[number - 1], answer, walk)
        walk.to(answer.asked, "response_start", APP)
        walk.to(answer.created, "response_start", SERVER)
        if answer is reply:
            return _reply_steps(turn, answer, heard, walk, unknown)
    unknown.append(Missing("answer", _why_silent(turn)))
    return None


def _round_steps(turn: Turn, before: TurnResponse, after: TurnResponse, walk: _Walk) -> None:
    """Step from one answer, which had no audible or visible output, to the request for the next: a tool round or an empty response."""
    span = range(before.created.seq, after.created.seq)
    tools = [
        tool
        for tool in turn.tools
        if tool.asked.seq in span and tool.answered is not None and tool.answered.seq in span
    ]
    if tools:
        walk.to(max(tool.asked for tool in tools), "model", _model(turn))
        _tool_step(walk, tools)
    walk.to(before.done, "model", _model(turn))


def _tool_step(walk: _Walk, tools: list[ToolCall]) -> None:
    last = max(tools, key=lambda tool: tool.answered or tool.asked)
    walk.to(last.answered, "tool", f"tool:{last.name}")


def _reply_steps(
    turn: Turn, reply: TurnResponse, heard: Heard, walk: _Walk, unknown: list[Missing]
) -> int | None:
    if reply.sound is None:
        walk.to(reply.words, "model", _model(turn))
        return 0
    walk.to(reply.sound, "model", _model(turn))
    sound_ns, played = reply.sound.t_ns, reply.played
    leading_ns = heard.leading_ns
    if sound_ns is None:
        unknown.append(Missing("model", NO_TIMES))
        return None
    if leading_ns is None:
        unknown.append(Missing("leading_silence", heard.no_leading))
    else:
        walk.until(sound_ns + leading_ns, reply.sound.seq, "leading_silence", MODEL_OWNER, MEASURED)
    if played is None or played.t_ns is None:
        unknown.append(Missing("playout", "no event says that it was played"))
        return None
    quality = MEASURED if reply.is_play_measured else ESTIMATED
    heard_ns = played.t_ns + (leading_ns or 0)
    walk.until(heard_ns, played.seq, "playout", APP, quality, is_shown=True)
    # The silent part cannot be longer than the response.
    length_ns = reply.done.audio_ns if reply.done is not None else None
    return None if heard.no_leading == ELIDED else length_ns


def _why_silent(turn: Turn) -> str:
    if not turn.answers:
        return "the app only added history" if turn.is_history else "no response was created"
    last = turn.answers[-1]
    if last.status not in ("in_progress", "completed"):
        return f"the response is {last.status}{': ' * bool(last.reason)}{last.reason}"
    if last.done is None:
        return "the response has not said anything yet"
    waiting = [tool.name or "a tool" for tool in turn.tools if tool.answered is None]
    if waiting:
        return f"no result of {', '.join(waiting)} was sent"
    if turn.tools:
        names = ", ".join(dict.fromkeys(tool.name or "a tool" for tool in turn.tools))
        return f"no answer was asked for after the result of {names}"
    if last.words is not None:
        return "its sound does not come over this connection"
    return "the response said nothing"


def _model(turn: Turn) -> str:
    return f"{MODEL_OWNER}:reasoning.effort={turn.effort}" if turn.effort else MODEL_OWNER


def _figures(turn: Turn, heard: Heard, start: TurnMark | None) -> dict[str, float | None]:
    """Return the figures of one turn; None if unknown."""
    reply = turn.reply
    first = turn.answers[0] if turn.answers else None
    created = reply.created if reply is not None else None
    sound = reply.sound if reply is not None else None
    done = reply.done if reply is not None else None
    begins = (
        [mark for mark in (reply.words, sound) if mark is not None] if reply is not None else []
    )
    is_users = turn.kind is TurnKind.SPEECH
    audio_ms = done.audio_ns / NS_PER_MS if done is not None and done.audio_ns else None
    burst_ms = _between(sound, done)
    leading_ms = None if heard.leading_ns is None or sound is None else heard.leading_ns / NS_PER_MS
    return {
        "voice_to_voice_ms": None,
        "wait_ms": None,
        "first_sound_ms": _between(start, sound),
        "endpointing_ms": _between(start, turn.speech_stopped) if is_users else None,
        "commit_ms": _between(turn.speech_stopped or turn.asked, turn.committed)
        if is_users
        else None,
        "response_start_ms": _between(_later(turn, first), first.created if first else None),
        "tool_ms": None,
        "first_delta_ms": _between(created, min(begins) if begins else None),
        "first_audio_ms": _between(created, sound),
        "leading_silence_ms": leading_ms,
        "playout_ms": _between(sound, reply.played if reply is not None else None),
        "generation_ms": _between(created, done),
        "burst": audio_ms / burst_ms if audio_ms and burst_ms else None,
        "transcription_ms": _between(start, turn.transcribed) if is_users else None,
        "barge_in_stop_ms": _between(turn.cut, turn.silenced),
        "first_greeting_ms": None,
    }


def _later(turn: Turn, first: TurnResponse | None) -> TurnMark | None:
    """Return what a response is counted from: the commit, or the app's request where it came later."""
    marks = [mark for mark in (turn.committed, first.asked if first else None) if mark is not None]
    return max(marks) if marks else None


def _between(one: TurnMark | None, two: TurnMark | None) -> float | None:
    """Return the milliseconds from one mark to another; None where a time is missing, or they run back."""
    if one is None or two is None or one.t_ns is None or two.t_ns is None or two.t_ns < one.t_ns:
        return None
    return (two.t_ns - one.t_ns) / NS_PER_MS


def _sum(parts: list[LatencyPart], key: str) -> float | None:
    found = [part.ms for part in parts if part.key == key]
    return sum(found) if found else None


def turn_json(turn: Turn, latency: Latency) -> dict[str, Any]:
    """Return a turn as JSON: null for what is not known, each with its reason under ``unknown``."""
    figures = {name: _rounded(value) for name, value in latency.figures.items()}
    return {
        "turn": turn.number,
        "kind": turn.kind.value,
        "session": turn.session or None,
        "model": turn.model or None,
        "anchor": latency.anchor,
        "ends": latency.ends,
        "voice_to_voice_ms": figures.pop("voice_to_voice_ms", None),
        "wait_ms": figures.pop("wait_ms", None),
        "bounds_ms": [_rounded(bound) for bound in latency.bounds_ms]
        if latency.bounds_ms
        else None,
        "interrupted": turn.interrupted or None,
        "answered": turn.reply is not None,
        "status": turn.answers[-1].status if turn.answers else None,
        "parts": [
            {
                "key": part.key,
                "ms": _rounded(part.ms),
                "owner": part.owner,
                "quality": part.quality,
                "seq": list(part.seq),
            }
            for part in latency.parts
        ],
        "waited_for": latency.waited_for or None,
        "unknown": [missing._asdict() for missing in latency.unknown],
        "figures": figures,
        "marks": {name: _told_mark(mark) for name, mark in marks_of(turn, latency).items()},
        "tools": [
            {
                "name": tool.name or None,
                "call_id": tool.call_id,
                "ms": _rounded(_between(tool.asked, tool.answered)),
                "seq": [tool.asked.seq, *([tool.answered.seq] if tool.answered else [])],
            }
            for tool in turn.tools
        ],
        "responses": [answer.response_id for answer in turn.answers],
        "items": list(turn.item_ids),
    }


def marks_of(turn: Turn, latency: Latency) -> dict[str, TurnMark]:
    """Return the marks of a turn by their letters, those that are known."""
    reply = turn.reply or (turn.answers[-1] if turn.answers else None)
    heard_ms = latency.figures.get("leading_silence_ms")
    sound = reply.sound if reply is not None else None
    audible = None
    if sound is not None and sound.t_ns is not None and heard_ms is not None:
        audible = sound._replace(t_ns=sound.t_ns + round(heard_ms * NS_PER_MS))
    found = {
        "U1": latency.start if turn.kind is TurnKind.SPEECH and latency.anchor else None,
        "S": turn.speech_stopped,
        "C": turn.committed,
        "R": reply.created if reply else None,
        "T": reply.words if reply else None,
        "A": sound,
        "H": audible,
        "P": reply.played if reply else None,
        "D": reply.done if reply else None,
    }
    return {name: mark for name, mark in found.items() if mark is not None}


def _told_mark(mark: TurnMark) -> dict[str, Any]:
    t = None if mark.t_ns is None else mark.t_ns / 1e9
    return {"seq": mark.seq, "t": t}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
