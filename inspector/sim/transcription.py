"""The ``input_audio_transcription`` events: independent of responses, and before the commit if the model streams.

A streaming model (``gpt-live-transcribe``, ``gpt-realtime-whisper``) sends words while the user speaks. The audio so far is
recognized again each time its length has doubled, so that all passes together cost at most twice the last one. A word is sent
once two passes in a row agree on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.core.audio_formats import AudioFormat
from inspector.core.units import NS_PER_MS
from inspector.sim.effective_session import STREAMING_TRANSCRIBERS
from inspector.sim.faults import LATE_TRANSCRIPT_MS, TRANSCRIPTION_FAILURE
from inspector.sim.items import SimItem
from inspector.sim.output_items import TOKEN_MS, pieces_of
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import POLL_MS, SessionContext
from inspector.sim.speech_recognizer import Failure, Transcript
from inspector.sim.vad import as_pcm16

TRANSCRIPTION_MS = 400
TRANSCRIPT_DEADLINE_MS, LIVE_DEADLINE_MS = 20_000, 10_000
NOT_IN_TIME = "(the simulator did not recognize the speech in time)"
LOGPROBS = "item.input_audio_transcription.logprobs"
_EVENT = "conversation.item.input_audio_transcription"
_BILLED_BY_TOKEN = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe")
_WITH_LOGPROBS = _BILLED_BY_TOKEN
_ONE_DELTA = "whisper-1"
"""The model that sends its text in a single delta."""
_DIARIZING = "gpt-4o-transcribe-diarize"
_FIRST_PASS_MS = {"minimal": 500, "low": 1000, "medium": 2000, "high": 3000, "xhigh": 4000}
_DEFAULT_FIRST_PASS_MS = 1000
"""Audio before the first pass, by the ``delay`` setting; the API documents its order, not its times."""


class Transcriber:
    """Transcribe the user's items: recognized concurrently, reported in their order."""

    def __init__(self, session_context: SessionContext) -> None:
        self._session_context = session_context
        self._live_id = ""
        self._next_ms = 0.0
        self._last_pass: list[str] = []
        """The words of the last pass over the uncommitted item."""
        self._sent: dict[str, list[str]] = {}
        """The deltas sent before the commit, by item id."""
        self._unreported: list[str] = []
        """Ids of items whose transcript is pending, in order, except those that a fault delays."""

    def wants(self, item_id: str, have_ms: float) -> bool:
        """Return True if an uncommitted item with ``have_ms`` of audio is due for another pass."""
        settings = self._settings
        if settings is None or not str(settings["model"]).startswith(STREAMING_TRANSCRIBERS):
            return False
        if item_id != self._live_id:
            self._live_id, self._last_pass = item_id, []
            self._next_ms = _FIRST_PASS_MS.get(
                self._session_context.session.delay, _DEFAULT_FIRST_PASS_MS
            )
        if have_ms < self._next_ms:
            return False
        self._next_ms = 2 * have_ms  # doubling bounds the total work, see above
        return True

    def listen(self, data: bytes, audio: AudioFormat) -> None:
        """Recognize the audio so far of the item that ``wants`` was asked about, and send the agreed words."""
        self._session_context.schedule.start(
            self._listen(as_pcm16(data, audio), audio.rate_hz, self._live_id)
        )

    def _listen(self, pcm16: bytes, rate_hz: int, item_id: str) -> Process:
        transcription = yield from self._session_context.transcribe(
            pcm16, rate_hz, LIVE_DEADLINE_MS
        )
        # The item may have been committed while this pass ran; then ``_report`` sends the rest.
        if transcription is not None and item_id == self._live_id:
            self._send_agreed(transcription)

    def _send_agreed(self, transcription: Transcript) -> None:
        """Send the words on which this pass agrees with the last one."""
        words = [] if transcription.failure is not None else _words(transcription.transcript)
        agreed = _common_prefix(words, self._last_pass)
        self._last_pass = words
        sent = self._sent.setdefault(self._live_id, [])
        if agreed[: len(sent)] == sent:  # deltas cannot be taken back: on a contradiction, wait
            for word in agreed[len(sent) :]:
                self._delta(self._live_id, word)
                sent.append(word)

    def forget(self, item_id: str) -> None:
        """Discard the state of an item that will not be committed."""
        self._sent.pop(item_id, None)

    def start(self, item: SimItem) -> None:
        """Start transcribing a committed item if the session has transcription enabled."""
        if item.id == self._live_id:
            self._live_id = ""
        if self._settings is not None:
            fails = self._session_context.faults.consume("transcription-failed", ahead=1)
            is_late = self._session_context.faults.consume("transcription-late", ahead=1)
            extra_ms = LATE_TRANSCRIPT_MS if is_late else 0
            failure = TRANSCRIPTION_FAILURE if fails else None
            if not is_late:
                self._unreported.append(item.id)
            process = self._transcribe(item, str(self._settings["model"]), extra_ms, failure)
            self._session_context.schedule.start(process)

    def _transcribe(
        self, item: SimItem, model: str, extra_ms: int, failure: Failure | None
    ) -> Process:
        yield self._session_context.settings.delay_ns(TRANSCRIPTION_MS + extra_ms)
        if failure is None:
            yield from self._session_context.wait_for_transcript(item, TRANSCRIPT_DEADLINE_MS)
        while item.id in self._unreported and self._unreported[0] != item.id:
            yield POLL_MS * NS_PER_MS
        yield from self._report(item, model, failure)
        if item.id in self._unreported:
            self._unreported.remove(item.id)

    def _report(self, item: SimItem, model: str, failure: Failure | None) -> Process:
        sent = self._sent.pop(item.id, [])
        transcription = (
            Transcript("", failure=failure) if failure else self._transcript_of(item, model)
        )
        if transcription.failure is not None:
            self._fail(item, transcription.failure)
            return
        text, rest = _remaining(transcription.transcript, sent, model)
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

    def _transcript_of(self, item: SimItem, model: str) -> Transcript:
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
        included = self._session_context.session.object.get("include") or ()
        return LOGPROBS in included and model.startswith(_WITH_LOGPROBS)

    @property
    def _settings(self) -> Json | None:
        found: Json | None = self._session_context.session.input["transcription"]
        return found if found is not None and found.get("model") else None


def _words(text: str) -> list[str]:
    """Split a text into the deltas of a streaming model, whose first word is preceded by a space, too."""
    return pieces_of(f" {text}") if text else []


def _remaining(text: str, sent: Sequence[str], model: str) -> tuple[str, list[str]]:
    """Return the final transcript and the deltas still to be sent, so that all deltas join to the transcript.

    Deltas that were sent stay part of the transcript, even if the last pass recognized other words.
    """
    if not model.startswith(STREAMING_TRANSCRIBERS):
        return text, [text] if model == _ONE_DELTA and text else pieces_of(text)
    words = _words(text)
    known = [word.strip().lower() for word in words]
    last = sent[-1].strip().lower() if sent else ""
    # If the passes disagree, continue after the last occurrence of the last word sent: no word is repeated.
    at = len(known) - known[::-1].index(last) if last in known else len(sent)
    rest = words[len(sent) :] if words[: len(sent)] == list(sent) else words[at:]
    return "".join([*sent, *rest]).strip(), rest


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> list[str]:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return list(one[:count])


def _logprobs(word: str) -> list[Json]:
    """Return a made-up but reproducible log probability: longer words are less certain."""
    if not word:
        return []
    return [{"token": word, "logprob": round(-0.01 * len(word), 4), "bytes": list(word.encode())}]


def _usage(item: SimItem, model: str, transcript: str) -> Json:
    """Return the ``usage`` of a transcription: tokens, or seconds rounded up; 0 for silence."""
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
