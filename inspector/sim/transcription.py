"""What is heard in the user's audio, as events: asynchronous to the responses, and before the commit where the model streams.

A streaming model (``gpt-live-transcribe``, ``gpt-realtime-whisper``) sends words while the user speaks. What has been said
so far is heard again each time it has doubled in length, so that all hearings together cost at most twice the last one; a
word is sent once two hearings in a row agree on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.core.audio_formats import AudioFormat
from inspector.sim.effective_session import STREAMING_TRANSCRIBERS
from inspector.sim.faults import LATE_TRANSCRIPT_MS, TRANSCRIPTION_FAILURE
from inspector.sim.items import SimItem
from inspector.sim.output_items import pieces_of
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import POLL_MS, SessionContext
from inspector.sim.settings import NS_PER_MS
from inspector.sim.speech_recognizer import Failure, Transcript
from inspector.sim.vad import as_pcm16

TRANSCRIPTION_MS, TOKEN_MS = 400, 10
TRANSCRIPT_DEADLINE_MS, LIVE_DEADLINE_MS = 20_000, 10_000
NOT_IN_TIME = "(the simulator did not recognize the speech in time)"
LOGPROBS = "item.input_audio_transcription.logprobs"
_EVENT = "conversation.item.input_audio_transcription"
_BILLED_BY_TOKEN = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe")
_WITH_LOGPROBS = _BILLED_BY_TOKEN
_ONE_DELTA = "whisper-1"
"""This model sends its text whole; the others send it in pieces."""
_DIARIZING = "gpt-4o-transcribe-diarize"
_FIRST_HEARING_MS = {"minimal": 500, "low": 1000, "medium": 2000, "high": 3000, "xhigh": 4000}
_USUAL_FIRST_MS = 1000


class Transcriber:
    """Transcribes the user's items. They are heard at once, and told in their order."""

    def __init__(self, session_context: SessionContext) -> None:
        self._session_context = session_context
        self._live_id = ""
        self._next_ms = 0.0
        self._heard: list[str] = []
        self._sent: dict[str, list[str]] = {}
        self._untold: list[str] = []
        """Items whose transcript is still to come, in order; without those that a fault makes late."""

    def wants(self, item_id: str, have_ms: float) -> bool:
        """Tell whether it is time to listen to an item that is not committed yet, of which so much was said."""
        settings = self._settings
        if settings is None or not str(settings["model"]).startswith(STREAMING_TRANSCRIBERS):
            return False
        if item_id != self._live_id:
            self._live_id, self._heard = item_id, []
            self._next_ms = _FIRST_HEARING_MS.get(
                self._session_context.session.delay, _USUAL_FIRST_MS
            )
        if have_ms < self._next_ms:
            return False
        self._next_ms = 2 * have_ms
        return True

    def listen(self, data: bytes, audio: AudioFormat) -> None:
        """Take in what was said so far in that item, and send the words that are certain."""
        self._session_context.schedule.start(
            self._listen(as_pcm16(data, audio), audio.rate_hz, self._live_id)
        )

    def _listen(self, pcm16: bytes, rate_hz: int, item_id: str) -> Process:
        transcription = yield from self._session_context.listen(pcm16, rate_hz, LIVE_DEADLINE_MS)
        if transcription is not None and item_id == self._live_id:
            self._take(transcription)

    def _take(self, transcription: Transcript) -> None:
        """Send the words of a hearing that are certain."""
        words = [] if transcription.failure is not None else _words(transcription.transcript)
        agreed = _common(words, self._heard)
        self._heard = words
        sent = self._sent.setdefault(self._live_id, [])
        if agreed[: len(sent)] == sent:
            for word in agreed[len(sent) :]:
                self._delta(self._live_id, word)
                sent.append(word)

    def forget(self, item_id: str) -> None:
        """Let go of an item that will not be committed."""
        self._sent.pop(item_id, None)

    def start(self, item: SimItem) -> None:
        """Transcribe a committed item, if the session asks for it."""
        if item.id == self._live_id:
            self._live_id = ""
        if self._settings is not None:
            fails = self._session_context.faults.take("transcription-failed", ahead=1)
            is_late = self._session_context.faults.take("transcription-late", ahead=1)
            more_ms = LATE_TRANSCRIPT_MS if is_late else 0
            failing = TRANSCRIPTION_FAILURE if fails else None
            if not is_late:
                self._untold.append(item.id)
            process = self._transcribe(item, str(self._settings["model"]), more_ms, failing)
            self._session_context.schedule.start(process)

    def _transcribe(
        self, item: SimItem, model: str, more_ms: int, failing: Failure | None
    ) -> Process:
        yield self._session_context.settings.delay_ns(TRANSCRIPTION_MS + more_ms)
        if failing is None:
            yield from self._session_context.heard(item, TRANSCRIPT_DEADLINE_MS)
        while item.id in self._untold and self._untold[0] != item.id:
            yield POLL_MS * NS_PER_MS
        yield from self._tell(item, model, failing)
        if item.id in self._untold:
            self._untold.remove(item.id)

    def _tell(self, item: SimItem, model: str, failing: Failure | None) -> Process:
        sent = self._sent.pop(item.id, [])
        transcription = (
            Transcript("", failure=failing) if failing else self._hearing_of(item, model)
        )
        if transcription.failure is not None:
            self._fail(item, transcription.failure)
            return
        text, rest = _going_on(transcription.transcript, sent, model)
        for word in rest:
            self._delta(item.id, word)
            yield self._session_context.settings.delay_ns(TOKEN_MS)
        item.parts[0]["transcript"] = text
        if model == _DIARIZING and text:
            self._segment(item, text)
        more: Json = {"transcript": text, "usage": _usage(item, model, text)}
        if self._has_logprobs(model):
            more["logprobs"] = [logprob for word in pieces_of(text) for logprob in _logprobs(word)]
        self._session_context.outbox.emit(
            f"{_EVENT}.completed", item_id=item.id, content_index=0, **more
        )

    def _hearing_of(self, item: SimItem, model: str) -> Transcript:
        transcription = item.transcription or Transcript(NOT_IN_TIME)
        unknown = self._session_context.dialect.transcription_failure(model)
        if unknown is None or transcription.failure is not None:
            return transcription
        message = f"Input transcription failed for item '{item.id}'."
        return Transcript("", failure=Failure("server_error", unknown, message))

    def _fail(self, item: SimItem, failure: Failure) -> None:
        error = {"type": failure.type, "code": failure.code, "message": failure.message}
        self._session_context.outbox.emit(
            f"{_EVENT}.failed", item_id=item.id, content_index=0, error={**error, "param": None}
        )

    def _delta(self, item_id: str, word: str) -> None:
        more: Json = {"obfuscation": self._session_context.ids.padding(word)}
        if self._has_logprobs(str((self._settings or {}).get("model"))):
            more["logprobs"] = _logprobs(word)
        where = {"item_id": item_id, "content_index": 0}
        self._session_context.outbox.emit(f"{_EVENT}.delta", **where, delta=word, **more)

    def _segment(self, item: SimItem, text: str) -> None:
        self._session_context.outbox.emit(
            f"{_EVENT}.segment",
            item_id=item.id,
            content_index=0,
            id=self._session_context.ids.new("seg_"),
            speaker="A",
            start=0.0,
            end=item.audio_ms / 1000,
            text=text,
        )

    def _has_logprobs(self, model: str) -> bool:
        asked = self._session_context.session.object.get("include") or ()
        return LOGPROBS in asked and model.startswith(_WITH_LOGPROBS)

    @property
    def _settings(self) -> Json | None:
        found: Json | None = self._session_context.session.input["transcription"]
        return found if found is not None and found.get("model") else None


def _words(text: str) -> list[str]:
    """Cut a text into what streaming models send: the first word has a space before it, too."""
    return pieces_of(f" {text}") if text else []


def _going_on(text: str, sent: Sequence[str], model: str) -> tuple[str, list[str]]:
    """Return a transcript and the deltas that are still to be sent, so that all deltas add up to it.

    What was sent already stands, although the last hearing may have understood it otherwise.
    """
    if not model.startswith(STREAMING_TRANSCRIBERS):
        return text, [text] if model == _ONE_DELTA and text else pieces_of(text)
    words = _words(text)
    known = [word.strip().lower() for word in words]
    last = sent[-1].strip().lower() if sent else ""
    at = len(known) - known[::-1].index(last) if last in known else len(sent)
    rest = words[len(sent) :] if words[: len(sent)] == list(sent) else words[at:]
    return "".join([*sent, *rest]).strip(), rest


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return list(one[:count])


def _logprobs(word: str) -> list[Json]:
    """Return a made-up but steady log probability: rarer (longer) words are less certain."""
    if not word:
        return []
    return [{"token": word, "logprob": round(-0.01 * len(word), 4), "bytes": list(word.encode())}]


def _usage(item: SimItem, model: str, transcript: str) -> Json:
    """Return what a transcription costs: tokens, or begun seconds; nothing for silence."""
    if not model.startswith(_BILLED_BY_TOKEN):
        seconds = -(-item.audio_ms // 1000) if transcript else 0
        return {"type": "duration", "seconds": seconds}
    audio, text = item.audio_ms // 100, len(pieces_of(transcript))
    return {
        "type": "tokens",
        "total_tokens": audio + text,
        "input_tokens": audio,
        "input_token_details": {"text_tokens": 0, "audio_tokens": audio},
        "output_tokens": text,
    }
