"""Rules about transcripts of the user's speech: their order, their words, their language, and when they come at all."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import counted, quoted, ref, seconds, session_update, words_of
from inspector.analysis.lint.reference_links import TRANSCRIPTION
from inspector.analysis.lint.tool_rules import MAX_KEPT
from inspector.analysis.lint.visibility import Sight
from inspector.analysis.percentiles import percentile
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, text_at
from inspector.core.state import SessionState
from inspector.core.turn_counter import COMMITTED
from inspector.core.units import NS_PER_MS

COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"


def _transcript_of(event: Event) -> str | None:
    """Return a finished transcript; None for xAI's interim ones, which have the same type."""
    body = event.body or {}
    if event.direction is not Direction.SERVER or text_at(body, "status") == "in_progress":
        return None
    return text_at(body, "transcript").strip()


def _transcriber(config: Body) -> Body:
    nested = object_at(object_at(config, "audio"), "input")
    return object_at(nested, "transcription") or object_at(config, "input_audio_transcription")


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_LATE, LATE_SHARE = 2, 0.5
"""Transcripts after their answer that are worth a word: one may be chance, and an app that copes has nothing to change."""


class _Turn(NamedTuple):
    """The user's speech that waits for its transcript, or has it."""

    number: int
    t_ns: int | None
    """When it was committed."""
    has_answer: bool = False
    """True once an answer after it is done."""


class TranscriptOrder(LintRule):
    """Transcripts that come after the answer, or not in the order of the conversation."""

    id = "transcript-order"
    title = "transcripts come late or out of order"
    severity = Severity.WARNING
    why = (
        "Another model writes the transcripts, beside the conversation. They come when they are ready: often after the answer, and a "
        "short utterance before the longer one that preceded it. An app that appends them as they come shows a wrong history."
    )
    links = (TRANSCRIPTION,)
    types = frozenset({COMMITTED, COMPLETED, "response.done"})
    needs = frozenset({Sight.SERVER})

    def __init__(self) -> None:
        self._waiting: dict[str, _Turn] = {}
        self._count = self._transcripts = 0
        self._late: list[int] = []
        self._lags_ms: list[float] = []
        self._swapped: list[tuple[int, int]] = []
        """Transcripts of an earlier utterance, each with the one of a later utterance that came before it."""
        self._newest = (0, 0)
        """Number of the latest utterance that has its transcript, and that event."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare transcripts with commits and answers."""
        item_id = text_at(event.body or {}, "item_id")
        if event.type == COMMITTED:
            self._count += 1
            if len(self._waiting) < MAX_KEPT:
                self._waiting[item_id] = _Turn(self._count, event.t_ns)
        elif event.type == "response.done":
            response = object_at(event.body or {}, "response")
            if response.get("conversation_id", "absent") is not None:
                self._waiting = {
                    name: turn._replace(has_answer=True) for name, turn in self._waiting.items()
                }
        elif _transcript_of(event) is not None:
            self._complete(event, item_id)

    def _complete(self, event: Event, item_id: str) -> None:
        turn = self._waiting.pop(item_id, None)
        if turn is None:
            return
        self._transcripts += 1
        if turn.has_answer and len(self._late) < MAX_KEPT:
            self._late.append(event.seq)
        if event.t_ns is not None and turn.t_ns is not None and len(self._lags_ms) < MAX_KEPT:
            self._lags_ms.append((event.t_ns - turn.t_ns) / NS_PER_MS)
        number, seq = self._newest
        if turn.number > number:
            self._newest = turn.number, event.seq
        elif len(self._swapped) < MAX_KEPT:
            self._swapped.append((event.seq, seq))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report both as one."""
        late, swapped = self._late, self._swapped
        many_late = len(late) >= LEAST_LATE and len(late) >= LATE_SHARE * self._transcripts
        if not swapped and not many_late:
            return
        words = []
        if late:
            lag = ""
            if self._lags_ms:
                usual_ms = percentile(sorted(self._lags_ms), 0.5)
                lag = f", usually {seconds(usual_ms)} after the commit"
            words.append(
                f"{len(late)} of {counted(self._transcripts, 'transcript')} came after the answer{lag}"
            )
        if swapped:
            seq, before = swapped[0]
            words.append(
                f"{counted(len(swapped), 'transcript')} came after that of a later utterance ({ref(seq)} after {ref(before)})"
            )
        yield self.found(
            Severity.WARNING if swapped else Severity.NOTE,
            [seq for pair in swapped for seq in pair] or late,
            "; ".join(words),
            "key transcripts by item_id: messages[event.item_id].text = event.transcript; place items by previous_item_id",
        )


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_SENTENCE = 3
"""Words of a sentence of the prompt; shorter ones, such as names, are there to be recognised."""
_SENTENCE = re.compile(r"[.!?。！？\n]+")


class TranscriptIsPrompt(LintRule):
    """Transcripts that repeat the transcriber's prompt."""

    id = "transcript-is-prompt"
    title = "a transcript is the transcriber's own prompt"
    severity = Severity.WARNING
    why = (
        "If there is little speech to hear, the transcriber continues its prompt instead: silence and noise become sentences that "
        "nobody said."
    )
    links = (TRANSCRIPTION,)
    types = frozenset({COMPLETED})

    def __init__(self) -> None:
        self._same: list[tuple[int, str]] = []
        self._prompt = ""
        self._sentences: frozenset[tuple[str, ...]] = frozenset()

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare a transcript with the prompt."""
        prompt = text_at(_transcriber(state.session.config), "prompt")
        text = _transcript_of(event)
        if not prompt or not text or len(self._same) >= MAX_KEPT:
            return
        if prompt != self._prompt:
            self._prompt = prompt
            parts = (tuple(words_of(one)) for one in _SENTENCE.split(prompt))
            whole = tuple(words_of(prompt))
            self._sentences = frozenset(
                one for one in (*parts, whole) if len(one) >= LEAST_SENTENCE
            )
        if tuple(words_of(text)) in self._sentences:
            self._same.append((event.seq, text))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all of them as one."""
        if self._same:
            count, (_, text) = len(self._same), self._same[0]
            yield self.found(
                Severity.WARNING,
                [seq for seq, _ in self._same],
                f"{counted(count, 'transcript')} {'is' if count == 1 else 'are'} the transcriber's prompt (“{quoted(text)}”): it heard "
                "no speech",
                "write the prompt as a list of words instead of sentences, or leave it out; raise turn_detection.threshold or set "
                "noise_reduction",
                Confidence.LIKELY,
            )


# ── language ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_TRANSCRIPTS = 3
"""From which on a session has a usual script."""
MAIN_SHARE = 0.6
MOST_FOREIGN_CHARS = 15
"""One or two words; more words in another script mean that the user speaks that language."""
_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "HANGUL": "Korean",
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Chinese or Japanese",
    "KATAKANA": "Chinese or Japanese",
    "DEVANAGARI": "Devanagari",
    "THAI": "Thai",
}
"""By the first word of a letter's Unicode name."""
_LOOKED_CHARS = 80


def script_of(text: str) -> str:
    """Return the script of most letters of a text; ``""`` without letters."""
    counts = Counter(
        _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], "another script")
        for letter in text[:_LOOKED_CHARS]
        if letter.isalpha()
    )
    return counts.most_common(1)[0][0] if counts else ""


class TranscriptLanguage(LintRule):
    """Short transcripts in another script than the others."""

    id = "transcript-language"
    title = "some transcripts are in another language"
    severity = Severity.WARNING
    why = (
        "Without a language the transcriber guesses one for each utterance. Noise and short words then come out as words of any "
        "language, and an app that reacts to transcripts reacts to them."
    )
    links = (TRANSCRIPTION,)
    types = frozenset({COMPLETED})

    def __init__(self) -> None:
        self._scripts: Counter[str] = Counter()
        self._short: list[tuple[int, str, str]] = []
        """Short transcripts, each with its script and text."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Count scripts."""
        text = _transcript_of(event)
        transcriber = _transcriber(state.session.config)
        if not text or transcriber.get("language") or transcriber.get("languages"):
            return
        script = script_of(text)
        if script:
            self._scripts[script] += 1
            if len(text) <= MOST_FOREIGN_CHARS and len(self._short) < MAX_KEPT:
                self._short.append((event.seq, script, text))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report all foreign ones as one."""
        total = self._scripts.total()
        if total < LEAST_TRANSCRIPTS:
            return
        main, count = self._scripts.most_common(1)[0]
        # A word in Latin letters ("OK") is at home in every language.
        foreign = [one for one in self._short if one[1] not in (main, "Latin")]
        if count < MAIN_SHARE * total or not foreign:
            return
        seq, script, text = foreign[0]
        others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        yield self.found(
            Severity.WARNING if len(foreign) > 1 else Severity.NOTE,
            [one[0] for one in foreign],
            f"“{quoted(text)}” ({script}, {ref(seq)}){others} among {counted(count, 'transcript')} in {main} script: noise, "
            "transcribed in a guessed language",
            session_update(
                moment.state,
                {
                    "audio.input.transcription": {
                        **_transcriber(moment.state.session.config),
                        "language": "en",
                    }
                },
            )
            + " with the user's language",
            Confidence.LIKELY,
        )


# ── mode ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

COMMITS_ONLY = frozenset({"gpt-live-transcribe", "gpt-realtime-whisper"})
"""Transcribers that take no turn detection; the API's guide to voice activity detection."""
MOST_UNCOMMITTED_MS = 10_000.0
"""Longer than anybody dictates without wanting to see a word."""


class TranscriptionMode(LintRule):
    """Transcription that cannot come, or not as it is spoken."""

    id = "transcription-mode"
    title = "transcripts do not come, or only at the end"
    severity = Severity.WARNING
    why = (
        "A transcription session transcribes what is committed: by turn detection, or by the app. Streaming transcribers send words as "
        "they are spoken, whisper-1 only a whole utterance at its end."
    )
    links = (TRANSCRIPTION,)
    types = frozenset({COMPLETED})
    reads_appends = True
    needs = frozenset({Sight.SETTINGS})

    def __init__(self) -> None:
        self._transcripts: list[int] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember transcripts."""
        if len(self._transcripts) < MAX_KEPT:
            self._transcripts.append(event.seq)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report what keeps transcripts from coming."""
        state = moment.state
        session = state.session
        yield from self._wrong_address(state)
        if session.kind != "transcription":
            return
        model = text_at(_transcriber(session.config), "model")
        seq, since_ns = self.appended.waiting
        waited_ms = moment.waited_ms(since_ns)
        if not session.turn_detection and waited_ms is not None and waited_ms > MOST_UNCOMMITTED_MS:
            yield self.found(
                Severity.WARNING,
                (seq,),
                f"audio has been appended for {seconds(waited_ms)} since {ref(seq)} without a commit, and turn detection is "
                "off: nothing is transcribed",
                _commit_fix(state, model),
                Confidence.LIKELY,
            )
        if model == "whisper-1" and self._transcripts:
            yield self.found(
                Severity.NOTE,
                self._transcripts,
                "whisper-1 sends one delta for each utterance, after its end; streaming transcribers send words as they are spoken",
                session_update(
                    state,
                    {"audio.input.transcription": {"model": "gpt-4o-transcribe"}},
                ),
            )

    def _wrong_address(self, state: SessionState) -> Iterable[Finding]:
        session = state.session
        try:
            query = parse_qs(urlsplit(session.url).query)
        except ValueError:  # no address
            return
        if query.get("intent") == ["transcription"] and session.kind == "realtime":
            yield self.found(
                Severity.WARNING,
                (session.confirmed_seq,),
                "the address asks for intent=transcription, and the session is one that answers"
                + (": it also names a model" if "model" in query else ""),
                "connect with ?intent=transcription alone; the transcriber is set with session.update: "
                '{"type": "session.update", "session": {"type": "transcription", "audio": {"input": {"transcription": {"model": '
                '"gpt-4o-transcribe"}}}}}',
                Confidence.LIKELY,
            )


def _commit_fix(state: SessionState, model: str) -> str:
    commit = '{"type": "input_audio_buffer.commit"} after each utterance'
    if model in COMMITS_ONLY:
        return commit
    detection = session_update(state, {"audio.input.turn_detection": {"type": "server_vad"}})
    return f"{commit}, or {detection}"


RULES: tuple[type[LintRule], ...] = (
    TranscriptOrder,
    TranscriptIsPrompt,
    TranscriptLanguage,
    TranscriptionMode,
)
"""Rules about transcripts."""
