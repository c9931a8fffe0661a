"""Transcription: streaming deltas, log probabilities, speakers, and transcription sessions."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.server import Seams
from inspector.sim.speech_recognizer import Transcript
from tests.sim_driver import COMMIT, Body, SimDriver, append, buzz, error, of_type, only, types

EVENT = "conversation.item.input_audio_transcription"
LOGPROBS = ["item.input_audio_transcription.logprobs"]


class GrowingEar:
    """A recognizer that returns a word per half second, and changes its mind about the last."""

    def __init__(self) -> None:
        self.heard_ms: list[int] = []

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript:
        ms = len(pcm16) * 1000 // 2 // rate_hz
        self.heard_ms.append(ms)
        count = ms // 500
        words = [f"word{number}" for number in range(count)]
        if words and ms < 4000:
            words[-1] = "perhaps"
        return Transcript(" ".join(words), " ".join(words))


def transcriber(model: str, *, recognizer: GrowingEar | None = None, **more: Any) -> SimDriver:
    seams = Seams(recognizer=recognizer) if recognizer is not None else None
    driver = SimDriver(query={"intent": "transcription"}, seams=seams)
    delay = {"delay": more.pop("delay")} if "delay" in more else {}
    heard = {"transcription": {"model": model, **delay}, "turn_detection": None}
    session = {"type": "transcription", "audio": {"input": heard}, **more}
    driver.ask({"type": "session.update", "session": session})
    return driver


def test_words_come_while_the_user_speaks_and_add_up() -> None:
    recognizer = GrowingEar()
    driver = transcriber("gpt-live-transcribe", recognizer=recognizer)
    before = driver.stream(buzz(4000))
    after = driver.ask(COMMIT)

    early = of_type(before, f"{EVENT}.delta")
    item_id = only(after, "input_audio_buffer.committed")["item_id"]
    assert early
    assert early[0]["delta"].startswith(" ")
    assert {event["item_id"] for event in early} == {item_id}
    deltas = early + of_type(after, f"{EVENT}.delta")
    text = "".join(event["delta"] for event in deltas)
    assert text == " " + only(after, f"{EVENT}.completed")["transcript"]
    assert sum(recognizer.heard_ms) <= 3 * 4000


def test_a_longer_delay_waits_longer() -> None:
    quick, slow = GrowingEar(), GrowingEar()
    transcriber("gpt-live-transcribe", recognizer=quick, delay="minimal").stream(buzz(2000))
    transcriber("gpt-live-transcribe", recognizer=slow, delay="xhigh").stream(buzz(2000))

    assert (quick.heard_ms[0], slow.heard_ms) == (500, [])


def test_other_models_wait_for_the_commit() -> None:
    driver = transcriber("gpt-4o-transcribe")

    assert driver.stream(buzz(3000)) == []


def test_a_session_that_only_transcribes_has_no_responses() -> None:
    events = transcriber("gpt-realtime-whisper").ask(append(buzz(600)), COMMIT)

    assert types(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{EVENT}.delta",
        f"{EVENT}.completed",
    ]


def test_certainty_comes_where_it_is_asked_for() -> None:
    driver = transcriber("gpt-4o-transcribe", include=LOGPROBS)
    events = driver.ask(append(buzz(600)), COMMIT)

    first = of_type(events, f"{EVENT}.delta")[0]
    assert first["logprobs"][0]["token"] == first["delta"]
    assert bytes(first["logprobs"][0]["bytes"]).decode() == first["delta"]
    completed = only(events, f"{EVENT}.completed")
    assert "".join(entry["token"] for entry in completed["logprobs"]) == completed["transcript"]
    plain = transcriber("gpt-4o-transcribe").ask(append(buzz(600)), COMMIT)
    assert "logprobs" not in only(plain, f"{EVENT}.completed")


def test_a_model_that_tells_speakers_apart_sends_segments() -> None:
    driver = transcriber("gpt-4o-transcribe-diarize")
    segment = only(driver.ask(append(buzz(600)), COMMIT), f"{EVENT}.segment")

    assert (segment["speaker"], segment["start"], segment["end"]) == ("A", 0.0, 0.6)


def test_clearing_forgets_what_was_heard_so_far() -> None:
    driver = transcriber("gpt-live-transcribe", recognizer=GrowingEar())
    driver.stream(buzz(3000))
    driver.ask({"type": "input_audio_buffer.clear"})
    events = driver.ask(append(buzz(600)), COMMIT)

    text = "".join(event["delta"] for event in of_type(events, f"{EVENT}.delta"))
    assert text == " " + only(events, f"{EVENT}.completed")["transcript"]


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-realtime-whisper"])
def test_a_model_that_streams_knows_no_turns(model: str) -> None:
    driver = SimDriver(query={"intent": "transcription"})
    heard: Body = {"transcription": {"model": model}}
    session = {"type": "transcription", "audio": {"input": heard}}
    driver.ask({"type": "session.update", "session": session})
    heard["turn_detection"] = {"type": "server_vad"}
    refused = driver.ask({"type": "session.update", "session": session})

    updated = only(driver.events, "session.updated")["session"]["audio"]["input"]
    assert updated["turn_detection"] is None
    assert error(refused)["param"] == "session.audio.input.turn_detection"
    assert driver.stream(buzz(900) + buzz(900, 0)) == []


class Pending:
    """A transcript that is pending for some polls."""

    def __init__(self, transcription: Transcript, polls: int) -> None:
        self._transcription, self._polls = transcription, polls

    def result(self) -> Transcript | None:
        self._polls -= 1
        return self._transcription if self._polls < 0 else None


class SlowerFirst:
    """A recognizer that is slow for the first utterance only."""

    def __init__(self) -> None:
        self._count = 0

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | Pending:
        self._count += 1
        transcription = Transcript(f"Number {self._count}.", f"Number {self._count}")
        return Pending(transcription, 200) if self._count == 1 else transcription


def test_transcripts_come_in_the_order_of_the_items() -> None:
    driver = SimDriver(seams=Seams(recognizer=SlowerFirst()))
    heard = {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": None}
    session = {"type": "realtime", "audio": {"input": heard}}
    driver.ask({"type": "session.update", "session": session})
    for _ in range(3):
        driver.send(append(buzz(500)))
        driver.send(COMMIT)
    events = driver.run()

    committed = [event["item_id"] for event in of_type(events, "input_audio_buffer.committed")]
    completed = of_type(events, f"{EVENT}.completed")
    assert [event["item_id"] for event in completed] == committed
    assert [event["transcript"] for event in completed] == ["Number 1.", "Number 2.", "Number 3."]
