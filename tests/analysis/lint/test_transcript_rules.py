"""Rules about transcripts, each with a session that triggers it and a near miss."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.transcript_rules import (
    TranscriptionMode,
    TranscriptIsPrompt,
    TranscriptLanguage,
    TranscriptOrder,
    script_of,
)
from inspector.core.event import Event
from tests.linted import SERVER_VAD, began, created, done, findings_of, later, session
from tests.linted_sound import append, committed, transcribed
from tests.support import at, client, local, server


def said(ms: float, n: int) -> list[Event]:
    """Return a committed utterance and its answer."""
    response_id = f"resp_{n}"
    return [
        committed(ms, f"item_{n}"),
        at(ms + 20, created(response_id)),
        at(ms + 400, done(response_id)),
    ]


def test_transcripts_out_of_order_are_reported() -> None:
    events = [
        *began(SERVER_VAD),
        *said(1000, 1),
        *said(3000, 2),
        transcribed(4000, "I would like to book a table.", "item_2"),
        transcribed(4500, "Hello.", "item_1"),
    ]
    [found] = findings_of(TranscriptOrder, events)

    assert found.severity is Severity.WARNING
    assert found.text == (
        "2 of 2 transcripts came after the answer, usually 2.2 s after the commit; 1 transcript came after that of a later "
        "utterance (#10 after #9)"
    )


def test_transcripts_after_their_answers_are_worth_knowing() -> None:
    events = [*began(SERVER_VAD)]
    for n in range(3):
        events += [*said(1000 + n * 3000, n), transcribed(1900 + n * 3000, "Yes.", f"item_{n}")]
    [found] = findings_of(TranscriptOrder, events)

    assert found.severity is Severity.NOTE


def test_transcripts_before_their_answers_or_only_one_late_are_usual() -> None:
    events = [*began(SERVER_VAD)]
    for n in range(4):
        first, *rest = said(1000 + n * 3000, n)
        heard = transcribed(1100 + n * 3000, "Yes.", f"item_{n}")
        events += [first, *rest, heard] if n == 3 else [first, heard, *rest]
    assert findings_of(TranscriptOrder, events) == []


def test_interim_transcripts_and_answers_out_of_band_do_not_count() -> None:
    interim = {"item_id": "item_2", "transcript": "I", "status": "in_progress"}
    completed = "conversation.item.input_audio_transcription.completed"
    events = [
        *began(SERVER_VAD),
        committed(1000, "item_1"),
        committed(1500, "item_2"),
        at(1550, server(completed, **interim)),
        at(1600, done("resp_9", conversation_id=None)),
        transcribed(1700, "Hello.", "item_1"),
        transcribed(1800, "I would.", "item_2"),
    ]
    assert findings_of(TranscriptOrder, events) == []


def transcribing(**members: Any) -> Event:
    """Return a session that transcribes."""
    described = session(SERVER_VAD)
    described["audio"]["input"]["transcription"] = {"model": "gpt-4o-transcribe", **members}
    return server("session.created", session=described)


PROMPT = "The caller talks about bicycles. Expect names of brands."


@pytest.mark.parametrize("text", [PROMPT, "the caller talks about bicycles", "Expect names of brands."])  # fmt: skip
def test_a_transcript_that_is_the_prompt_was_silence(text: str) -> None:
    [found] = findings_of(TranscriptIsPrompt, [transcribing(prompt=PROMPT), transcribed(900, text)])

    assert found.text == (
        f"1 transcript is the transcriber's prompt (“{text}”): it heard no speech"
    )


def test_words_of_the_prompt_are_what_it_is_for() -> None:
    events = [transcribing(prompt="Brompton, Canyon. Cube"), transcribed(900, "Canyon")]
    assert findings_of(TranscriptIsPrompt, events) == []
    assert findings_of(TranscriptIsPrompt, [transcribing(), transcribed(900, "Canyon")]) == []
    other = [transcribing(prompt=PROMPT), transcribed(900, "I talk about bicycles all day")]
    assert findings_of(TranscriptIsPrompt, other) == []


def heard(*texts: str, **members: Any) -> list[Event]:
    return [transcribing(**members), *(transcribed(100 * n, text, f"item_{n}") for n, text in enumerate(texts, 1))]  # fmt: skip


def test_short_transcripts_in_another_script_are_noise() -> None:
    texts = (
        "Hello there.",
        "감사합니다.",
        "I need a bike.",
        "ご視聴",
        "A red one.",
        "Thanks a lot.",
    )
    [found] = findings_of(TranscriptLanguage, heard(*texts))

    assert found.severity is Severity.WARNING
    assert found.text == (
        "“감사합니다.” (Korean, #3) and 1 more among 4 transcripts in Latin script: noise, transcribed in a guessed language"
    )
    assert '"language": "en"' in found.fix


@pytest.mark.parametrize(
    "texts",
    [
        ("Hello there.", "I need a bike.", "Вот что я хотел бы сказать вам сегодня"),
        ("안녕하세요 반갑습니다", "자전거가 필요해요", "OK", "빨간색이요"),
        ("Hello.", "감사합니다."),
        ("Olá", "Grüß Gott", "1, 2, 3", "…"),
    ],
)
def test_people_who_speak_two_languages_are_no_noise(texts: tuple[str, ...]) -> None:
    assert findings_of(TranscriptLanguage, heard(*texts)) == []


def test_a_session_with_a_language_guesses_none() -> None:
    texts = ("Hello there.", "감사합니다.", "I need a bike.", "A red one.")
    assert findings_of(TranscriptLanguage, heard(*texts, language="en")) == []
    assert findings_of(TranscriptLanguage, heard(*texts, languages=["en", "ko"])) == []


def test_the_script_of_most_letters_is_that_of_a_text() -> None:
    assert script_of("Привет, OK") == "Cyrillic"
    assert script_of("東京タワー") == "Chinese or Japanese"
    assert script_of("123 …") == ""
    assert script_of("ⴰⵎⴰⵣⵉⵖ") == "another script"


def transcription(detection: Any = None, model: str = "gpt-4o-transcribe") -> list[Event]:
    """Return a transcription session."""
    audio = {"input": {"transcription": {"model": model}, "turn_detection": detection}}
    described = {"type": "transcription", "id": "sess_1", "audio": audio}
    return [server("session.created", session=described)]


def test_audio_that_is_never_committed_is_not_transcribed() -> None:
    events = [*transcription(), *(at(100 + n * 100, append(bytes(4800))) for n in range(120))]
    [found] = findings_of(TranscriptionMode, events)

    assert found.text.startswith("audio has been appended for 11.9 s since #2 without a commit")


def test_a_transcriber_that_takes_no_turn_detection_is_not_advised_to_use_it() -> None:
    appended = [at(100 + n * 100, append(bytes(4800))) for n in range(120)]
    [usual] = findings_of(TranscriptionMode, [*transcription(), *appended])
    [bare] = findings_of(TranscriptionMode, [*transcription(None, "gpt-realtime-whisper"), *appended])  # fmt: skip

    assert "server_vad" in usual.fix
    assert bare.fix == '{"type": "input_audio_buffer.commit"} after each utterance'


def test_audio_with_turn_detection_or_words_or_commits_is_transcribed() -> None:
    appended = [at(100 + n * 100, append(bytes(4800))) for n in range(120)]
    word = server("conversation.item.input_audio_transcription.delta", item_id="i", delta="so")
    commit = client("input_audio_buffer.commit")
    halves = (appended[:60], appended[60:])
    assert findings_of(TranscriptionMode, [*transcription(SERVER_VAD), *appended]) == []
    for between in (word, commit):
        events = [*transcription(), *halves[0], at(6100, between), *halves[1]]
        assert findings_of(TranscriptionMode, events) == []
    assert findings_of(TranscriptionMode, [*began(), *appended]) == []


def test_whisper_sends_whole_utterances() -> None:
    events = [*transcription(SERVER_VAD, "whisper-1"), transcribed(900, "Hello")]
    [found] = findings_of(TranscriptionMode, events)

    assert found.severity is Severity.NOTE
    assert findings_of(TranscriptionMode, transcription(SERVER_VAD, "whisper-1")) == []


def test_an_address_that_asks_for_transcription_and_names_a_model_is_reported() -> None:
    url = "wss://api.openai.com/v1/realtime?intent=transcription&model=gpt-realtime"
    opened = local("inspector.opened", url=url)
    [found] = findings_of(TranscriptionMode, [opened, *began()[1:], later(90)])

    assert found.text.endswith("the session is one that answers: it also names a model")
    assert findings_of(TranscriptionMode, [opened, *transcription(), later(90)]) == []
