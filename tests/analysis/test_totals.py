"""Usage and audio quality of a session, as JSON and as text."""

from __future__ import annotations

from inspector.analysis.totals import low_limits, sounded, totals, used
from inspector.core.state import SessionState
from tests.core.test_output_audio import delta
from tests.core.test_refused_appends import append, error, wav
from tests.support import folded, server

USAGE = {
    "total_tokens": 1_300,
    "input_tokens": 900,
    "output_tokens": 400,
    "input_token_details": {"text_tokens": 500, "audio_tokens": 400, "cached_tokens": 320},
    "output_token_details": {"text_tokens": 90, "audio_tokens": 310},
}
LIMITS = [
    {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 0.06},
    {"name": "tokens", "limit": 40_000, "remaining": 2_000, "reset_seconds": 57},
]


def session() -> SessionState:
    return folded(
        append(wav(1.0)),
        append("AAAA", x=1),
        error("x"),
        delta(1000, 300),
        delta(2000, 300),
        server("response.done", response={"id": "r", "status": "completed", "usage": USAGE}),
        server("rate_limits.updated", rate_limits=LIMITS),
    )


def test_the_json_and_the_texts_agree() -> None:
    found = totals(session())

    assert found["tokens"]["input_audio"] == 400
    assert found["tokens"]["cached"] == 320
    assert found["rate_limits"] == LIMITS
    assert found["input_audio"] == {
        "appends": 1,
        "ms": 1000,
        "refused_appends": 1,
        "wav_headers": 1,
    }
    [answer] = found["output_audio"].pop("items")
    assert found["output_audio"] == {"ms": 600, "underruns": 1, "silent_ms": 700}
    assert answer["received_ms"] == 600


def test_fractions_of_a_millisecond_add_up() -> None:
    items = [delta(0, 300.5, name) for name in ("a", "b")]

    assert totals(folded(*items))["output_audio"]["ms"] == 601


def test_unreported_totals_are_null() -> None:
    found = totals(SessionState())

    assert found["tokens"] is None
    assert found["transcription_seconds"] is None
    assert found["rate_limits"] == []


def test_usage_is_by_modality_and_a_low_limit_is_flagged() -> None:
    found = {tally.name: tally for tally in used(session())}

    assert found["tokens"].words == (
        "1,300: input 900 (text 500, audio 400), 320 of it cached; output 400 (text 90, audio 310)"
    )
    assert found["tokens limit"].words == "2,000 of 40,000 left, full again in 57 s"
    assert (found["tokens limit"].is_trouble, found["requests limit"].is_trouble) == (True, False)
    assert low_limits(session()) == ["tokens 5% left"]


def test_audio_problems_lead_to_their_events() -> None:
    losses = {"dropped_appends": 12, "underruns": 3, "dropped_bytes": 2_000_000}
    troubles = {tally.words: tally.seq for tally in sounded(session(), losses) if tally.is_trouble}

    assert troubles == {
        "1 append rejected by the server, not part of the input": 2,
        "1 append with a WAV header: 24,000 Hz, 16 bit, mono; the API treats it as audio": 1,
        "1 underrun: silent for 700 ms in the middle of items": 5,
        "12 of the microphone's appends dropped: the connection did not keep up": 0,
        "2.0 MB not played: the server was more than 45 minutes ahead": 0,
    }
