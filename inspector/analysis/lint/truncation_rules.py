"""Rules about interrupted answers: cut at the wrong place, or not cut at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from inspector.analysis.heard_answers import Claim, heard_answer
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import OTHER_PROTOCOLS, LintRule, Moment
from inspector.analysis.lint.phrases import as_json, quoted, ref, seconds
from inspector.analysis.lint.reference_links import CONVERSATIONS
from inspector.analysis.lint.tool_rules import MAX_KEPT
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.output_audio import ItemAudio
from inspector.core.read import int_at, text_at
from inspector.core.state import SessionState
from inspector.core.turn_counter import SPEECH_STARTED
from inspector.core.units import NS_PER_MS

ROUNDING_MS = 20
"""Apps count in chunks of sound; one chunk too many is rounding."""
CLOSE_SHARE = 0.05
"""Two lengths that differ by less are taken for one: an app's clock and the recording's start at different events."""
LEAST_CLOSE_MS = 150
"""… or by less than this: network and timers."""
LEAST_SOUNDS_MS = 1000
"""An estimated player may be off by the buffer of a telephone network or a Bluetooth device; less than this proves nothing."""
NO_TRUNCATE_MS = 3000
"""An app that truncates does so when it stops its player; after this time it will not do so any more."""
_SERVER_LENGTH = re.compile(r"of (\d+) ?ms is already shorter than (\d+) ?ms")


class _Cut(NamedTuple):
    """A request to truncate, and what the clocks showed at that moment."""

    seq: int
    item_id: str
    content_index: int
    end_ms: int
    """What the app says was heard."""
    received_ms: int
    """What had come of the item."""
    heard_ms: int
    """What can have been heard of it, by its player or by an estimate."""
    is_measured: bool
    all_ms: int
    """What had come of all items."""
    bytes: int
    """Decoded size of the item's audio."""
    since_sound_ms: float | None
    """Since the first sound of the item."""
    since_start_ms: float | None
    """Since the session began."""
    speech_ms: int
    """``audio_start_ms`` of the user's last speech, on the clock of the input."""
    sent_ms: float
    """How much of the user's sound had been sent."""


def _cut_of(event: Event, state: SessionState) -> _Cut:
    body = event.body or {}
    item_id = text_at(body, "item_id")
    output = state.output_audio
    item = output.items.get(item_id)
    starts_ns = state.session.confirmed_t_ns if state.session.updates == 0 else 0
    return _Cut(
        event.seq,
        item_id,
        int_at(body, "content_index"),
        int_at(body, "audio_end_ms"),
        item.received_ms if item is not None else 0,
        item.heard_ms(event.t_ns) if item is not None else 0,
        item is not None and item.is_measured,
        sum(one.received_ms for one in output.items.values()),
        item.received_bytes if item is not None else 0,
        _ms_between(item.came_t_ns if item is not None else None, event.t_ns),
        _ms_between(starts_ns or 0, event.t_ns),
        state.input_audio.speech_started_ms,
        state.input_audio.appended_ns / NS_PER_MS,
    )


def _ms_between(begin_ns: int | None, end_ns: int | None) -> float | None:
    return None if begin_ns is None or end_ns is None else (end_ns - begin_ns) / NS_PER_MS


def _is_close(one_ms: float, other_ms: float | None) -> bool:
    if other_ms is None:
        return False
    return abs(one_ms - other_ms) <= max(LEAST_CLOSE_MS, CLOSE_SHARE * one_ms)


def _truncate(item_id: str, content_index: int, end_ms: int) -> str:
    return as_json(
        {
            "type": "conversation.item.truncate",
            "item_id": item_id,
            "content_index": content_index,
            "audio_end_ms": end_ms,
        }
    )


class TruncateBeyond(LintRule):
    """A truncation at a place that the item does not have."""

    id = "truncate-beyond"
    title = "an answer was truncated beyond its end"
    severity = Severity.ERROR
    why = (
        "audio_end_ms counts from the first sample of this one item. A number beyond its end is refused, nothing is cut, and the "
        "model goes on believing that all of it was heard. The usual causes are clocks that do not begin with the item."
    )
    links = (
        CONVERSATIONS,
        "https://github.com/twilio-samples/speech-assistant-openai-realtime-api-python/issues/45",
    )
    types = frozenset({"conversation.item.truncate"})

    def __init__(self) -> None:
        self._cuts: list[_Cut] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember a request that was refused, or will be."""
        if event.direction is Direction.CLIENT and len(self._cuts) < MAX_KEPT:
            self._cuts.append(_cut_of(event, state))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each request beyond the end of its item."""
        state = moment.state
        beyond = [
            (one, error_seq)
            for one in self._cuts
            if (error_seq := _refused(one, state)) is not None
        ]
        over = [one.end_ms - one.received_ms for one, _ in beyond]
        # A clock runs on, a delay stays the same.
        is_constant = len(over) > 1 and max(over) - min(over) <= LEAST_CLOSE_MS
        for cut, error_seq in beyond:
            received_ms = cut.received_ms or _told_length(state, cut.seq)
            what = f"audio_end_ms {cut.end_ms:,} in {ref(cut.seq)}"
            kind = _kind_of(cut, received_ms, is_constant=is_constant)
            text = f"{what}{kind}; {_rest(cut, received_ms)}"
            yield self.found(
                Severity.ERROR if error_seq else Severity.WARNING,
                (cut.seq, *((error_seq,) if error_seq else ())),
                text,
                _beyond_fix(cut, received_ms),
                Confidence.CERTAIN if error_seq else Confidence.LIKELY,
            )


def _refused(cut: _Cut, state: SessionState) -> int | None:
    """Return the error that refuses a request beyond the end, 0 if none came; None if it is not beyond the end."""
    refusal = state.causes.rejected.get(cut.seq)
    is_elided = state.output_audio.is_elided
    if refusal is not None and _told_length(state, cut.seq):
        return refusal.error_seq
    if is_elided or cut.end_ms <= cut.received_ms + ROUNDING_MS:
        return None
    if refusal is not None:
        # Refused for another reason, such as an item that does not exist: the error says it all.
        return refusal.error_seq if cut.received_ms else None
    # More of it may have come before the server read the request.
    item = state.output_audio.items.get(cut.item_id)
    return 0 if item is not None and cut.end_ms > item.received_ms + ROUNDING_MS else None


def _told_length(state: SessionState, seq: int) -> int:
    """Return the length of the item in the server's refusal; 0 if it does not say."""
    refusal = state.causes.rejected.get(seq)
    found = _SERVER_LENGTH.search(text_at(refusal.error, "message")) if refusal else None
    return int(found[1]) if found else 0


def _kind_of(cut: _Cut, received_ms: int, *, is_constant: bool) -> str:
    """Return what the number of a request is likely to be, in words."""
    end_ms = cut.end_ms
    clocks = (
        (cut.since_sound_ms, "the time since the first sound of the item"),
        (cut.all_ms if cut.all_ms > received_ms else None, "the sum over all items"),
        (cut.since_start_ms, "the time since the session began"),
        (cut.speech_ms or None, "audio_start_ms of speech_started, on the clock of the input"),
        (cut.sent_ms or None, "the length of the user's sound"),
        (float(cut.bytes or 0) or None, "the number of bytes"),
        (cut.bytes / 2 or None, "the number of samples"),
    )
    if is_constant:
        return (
            f" is {seconds(end_ms - received_ms)} beyond the end each time: a delay that is added"
        )
    for clock_ms, words in clocks:
        if _is_close(end_ms, clock_ms):
            return f" is {words}, not a place in the item"
    if cut.since_start_ms is not None and end_ms > cut.since_start_ms:
        return (
            f" is more than this session is old ({seconds(cut.since_start_ms)}): "
            "the clock of the call, not of this item"
        )
    return " is not a place in the item"


def _rest(cut: _Cut, received_ms: int) -> str:
    """Return how long the item is, and what follows from it."""
    if not received_ms:
        return "no audio of it had come, so that nothing was cut"
    since_ms = cut.since_sound_ms
    if since_ms is not None and since_ms >= received_ms:
        return f"it has {received_ms:,} ms, and all of them can have been played by then: no truncation was needed"
    return f"it has {received_ms:,} ms, and nothing was cut: the model believes that all of it was heard"


def _beyond_fix(cut: _Cut, received_ms: int) -> str:
    count = (
        "audio_end_ms = min(played_ms[item_id], received_ms[item_id]), counted from 0 for each item"
    )
    if not received_ms:
        return count
    return f"{count}; here at most {_truncate(cut.item_id, cut.content_index, received_ms)}"


class TruncateTooEarly(LintRule):
    """A truncation long before the place up to which the user heard the answer."""

    id = "truncate-too-early"
    title = "an answer was truncated before what the user heard"
    severity = Severity.WARNING
    why = (
        "What is truncated is gone from the conversation, its words included. If the user heard more than audio_end_ms says, the "
        "model repeats itself or does not know what the user refers to."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-agents-python/issues/2370")
    types = frozenset({"conversation.item.truncate"})
    needs = frozenset({Sight.TIMES, Sight.ANSWER_SOUND})

    def __init__(self) -> None:
        self._early: list[_Cut] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare a request with the player."""
        if event.direction is not Direction.CLIENT or len(self._early) >= MAX_KEPT:
            return
        cut = _cut_of(event, state)
        if cut.end_ms < cut.heard_ms - LEAST_SOUNDS_MS:
            self._early.append(cut)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each accepted request that is too early."""
        for cut in self._early:
            if cut.seq in moment.state.causes.rejected:
                continue
            is_seconds = cut.end_ms and _is_close(cut.end_ms * 1000, cut.heard_ms)
            unit = ": the number looks like seconds" if is_seconds else ""
            heard = f"{'' if cut.is_measured else 'about '}{seconds(cut.heard_ms)}"
            yield self.found(
                Severity.WARNING,
                (cut.seq,),
                f"{ref(cut.seq)} cuts {quoted(cut.item_id)} at {seconds(cut.end_ms)}, and {heard} of it can have been heard{unit}",
                f"take the position of the item's own playback: {_truncate(cut.item_id, cut.content_index, cut.heard_ms)}",
                Confidence.CERTAIN if cut.is_measured else Confidence.LIKELY,
            )


class TruncateTooLate(LintRule):
    """A truncation, accepted, far behind what the user can have heard."""

    id = "truncate-too-late"
    title = "an answer was truncated after what the user heard"
    severity = Severity.WARNING
    why = (
        "The server takes audio_end_ms for what the user heard. If it lies behind that, the model remembers words that nobody heard, "
        "and goes on from them: it takes questions for asked and facts for told. Nobody can hear more than the time since the first "
        "audio came."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-agents-python/issues/2370")
    types = frozenset({"conversation.item.truncate"})
    needs = frozenset({Sight.TIMES, Sight.ANSWER_SOUND})

    def __init__(self) -> None:
        self._cuts: dict[str, tuple[int, int]] = {}
        """By item its last request, and the content index in it."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember a request."""
        if event.direction is Direction.CLIENT and len(self._cuts) < MAX_KEPT:
            body = event.body or {}
            self._cuts[text_at(body, "item_id")] = event.seq, int_at(body, "content_index")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each accepted request for more than can have been heard."""
        state = moment.state
        for item_id, (seq, content_index) in self._cuts.items():
            item = state.output_audio.items.get(item_id)
            answer = heard_answer(item, state) if item is not None else None
            if answer is None or answer.truncated_ms is None or answer.claim is not Claim.TOO_LATE:
                continue
            most_ms = answer.most_played_ms or 0
            words = answer.words_between(most_ms, answer.truncated_ms)
            heard = "" if answer.is_measured else "at most "
            yield self.found(
                Severity.WARNING,
                (seq,),
                f"{ref(seq)} cuts {quoted(item_id)} at {seconds(answer.truncated_ms)}, and {heard}{seconds(most_ms)} of it "
                f"{'was' if answer.is_measured else 'can have been'} heard: the model remembers "
                + (f"“{quoted(words)}”, which nobody heard" if words else "what nobody heard"),
                f"take the position of the item's own playback: {_truncate(item_id, content_index, most_ms)}",
                Confidence.CERTAIN if answer.is_measured else Confidence.LIKELY,
            )


class _Unplayed(NamedTuple):
    """An answer over which the user spoke, and of which much was left to play."""

    seq: int
    """The user's speech."""
    t_ns: int
    item_id: str
    heard_ms: int


class PlaybackNotFlushed(LintRule):
    """An answer that the user interrupted, and that was not truncated."""

    id = "playback-not-flushed"
    title = "an interrupted answer was not truncated"
    severity = Severity.WARNING
    why = (
        "Audio comes much faster than it plays, so that the rest of an interrupted answer waits in the app. Over a WebSocket the "
        "server cannot know how much was played: the app must empty its player and truncate the item. Otherwise the user hears the "
        "rest, or the model believes that it was heard."
    )
    links = (
        CONVERSATIONS,
        "https://github.com/twilio-samples/speech-assistant-openai-realtime-api-node/issues/9",
    )
    types = frozenset({SPEECH_STARTED})
    needs = frozenset({Sight.TIMES, Sight.APP, Sight.ANSWER_SOUND})
    # xAI and Qwen have no truncation.
    not_in = OTHER_PROTOCOLS | {"xai", "qwen"}

    def __init__(self) -> None:
        self._unplayed: list[_Unplayed] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember what was left to play when the user spoke."""
        if event.direction is not Direction.SERVER or event.t_ns is None:
            return
        session = state.session
        # Voice Live can truncate by itself.
        is_left_alone = not session.interrupts_response or session.detection.get("auto_truncate")
        if is_left_alone or len(self._unplayed) >= MAX_KEPT:
            return
        # The fold has stopped the player with this event.
        item = interrupted_item(event, state)
        if item is not None:
            heard_ms = item.heard_ms(event.t_ns)
            self._unplayed.append(_Unplayed(event.seq, event.t_ns, item.item_id, heard_ms))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all answers that were not truncated as one."""
        left = [(one, ms) for one, ms in self._left(moment) if ms >= LEAST_SOUNDS_MS]
        if not left:
            return
        longest, ms = max(left, key=lambda one: one[1])
        count = len(left)
        which = (
            f"the user spoke over {quoted(longest.item_id)} ({ref(longest.seq)})"
            if count == 1
            else f"the user spoke over {count} answers, none of which was truncated; over {quoted(longest.item_id)} ({ref(longest.seq)})"
        )
        yield self.found(
            Severity.WARNING,
            [one.seq for one, _ in left],
            f"{which} with {seconds(ms)} still to play{', and it was not truncated' * (count == 1)}: "
            "the player goes on, or the model believes that all of it was heard",
            "on input_audio_buffer.speech_started empty the player (Twilio: clear), then "
            + _truncate(longest.item_id, 0, longest.heard_ms),
            Confidence.LIKELY,
        )

    def _left(self, moment: Moment) -> Iterator[tuple[_Unplayed, int]]:
        """Yield the answers that were not truncated, with how much of each was left."""
        for one in self._unplayed:
            item = moment.state.output_audio.items.get(one.item_id)
            waited_ms = moment.waited_ms(one.t_ns) or 0
            if item is None or waited_ms < NO_TRUNCATE_MS:
                continue
            if item.asked_ms is not None or item.claimed_ms is not None:
                continue
            if item.is_measured and not item.is_playing:
                # Stopped by a player that reports: nothing goes on, but the model does not know either.
                yield one, item.received_ms - (item.played_ms or 0)
            else:
                yield one, item.received_ms - one.heard_ms


def interrupted_item(event: Event, state: SessionState) -> ItemAudio | None:
    """Return the item that an event interrupted; None if nothing was playing."""
    for item in reversed(state.output_audio.items.values()):
        if item.stopped_t_ns == event.t_ns or (item.is_measured and item.is_playing):
            return item
        if item.stopped_t_ns is None and item.heard_ms(event.t_ns) >= item.received_ms > 0:
            return None
    return None


RULES: tuple[type[LintRule], ...] = (
    TruncateBeyond,
    TruncateTooEarly,
    TruncateTooLate,
    PlaybackNotFlushed,
)
"""Rules about interrupted answers."""
