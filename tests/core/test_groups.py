from __future__ import annotations

import base64
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.event import Event
from inspector.core.groups import DeltaGroups, audio_bytes_of, base64_size
from inspector.core.kinds import EventKind, kind_of
from tests.support import at, client, server, silence

PART = EventKind("delta", 0, "part")
RUN = EventKind("append", 0, "run")
TRACK = EventKind("track", 0, "track")
PLAIN = EventKind("plain", 0, "")


def place(rows: list[tuple[Event, EventKind]]) -> tuple[list[int], DeltaGroups]:
    groups = DeltaGroups()
    return [groups.place(row, event, kind) for row, (event, kind) in enumerate(rows)], groups


def text_delta(item_id: str, index: int = 0) -> tuple[Event, EventKind]:
    return server(
        "response.output_text.delta", item_id=item_id, content_index=index, delta="x"
    ), PART


APPEND = (client("input_audio_buffer.append", audio=silence(10)), RUN)


def test_deltas_of_one_part_fold_however_far_apart() -> None:
    placed, groups = place([text_delta("a"), text_delta("b"), text_delta("a"), text_delta("a", 1)])

    assert placed == [0, 1, 0, 2]
    assert (list(groups.head), list(groups.last), list(groups.count)) == (
        [0, 1, 3],
        [2, 1, 3],
        [2, 1, 1],
    )


def test_appends_fold_until_another_client_event() -> None:
    other = (client("response.create"), PLAIN)
    placed, groups = place([APPEND, APPEND, other, APPEND])

    assert placed == [0, 0, -1, 1]
    assert list(groups.audio_bytes) == [960, 480]


def test_a_server_event_ends_a_run_only_at_a_turn() -> None:
    unrelated = (server("rate_limits.updated"), PLAIN)
    started = (server("input_audio_buffer.speech_started"), PLAIN)

    assert place([APPEND, unrelated, APPEND])[0] == [0, -1, 0]
    assert place([APPEND, started, APPEND])[0] == [0, -1, 1]


def test_consecutive_errors_of_the_same_content_fold() -> None:
    def error(message: str) -> tuple[Event, EventKind]:
        body = {"code": "c", "message": message, "event_id": None}
        return server("error", event_id=silence(1), error=body), kind_of("error")

    other = (server("ping"), PLAIN)
    placed, groups = place(
        [error("a"), APPEND, error("a"), error("b"), error("a"), other, error("a")]
    )

    assert placed == [0, 1, 0, 2, 3, -1, 4]
    assert list(groups.count) == [2, 1, 1, 1, 1]


def test_deltas_without_an_item_fold_as_a_run() -> None:
    nameless = (server("transcription.delta", delta="x"), PART)

    assert place([nameless, nameless, text_delta("a"), nameless])[0] == [0, 0, 1, 0]


def test_interleaved_tracks_of_a_translation_fold_by_utterance() -> None:
    def said(ms: float) -> tuple[Event, EventKind]:
        return at(ms, server("session.output_transcript.delta", delta="x")), TRACK

    def heard(ms: float) -> tuple[Event, EventKind]:
        return at(ms, server("session.input_transcript.delta", delta="x")), TRACK

    update = (server("session.updated"), PLAIN)
    rows = [heard(100), said(200), heard(300), update, said(2200), heard(2301), said(4200)]

    assert place(rows)[0] == [0, 1, 0, -1, 1, 2, 1]


def test_groups_of_the_scanner_are_loaded() -> None:
    _, groups = place([APPEND, APPEND])
    columns = {n: getattr(groups, n).tobytes() for n in ("head", "last", "count", "audio_bytes")}
    copy = DeltaGroups()
    copy.load(0, columns, {})
    copy.load(1, columns, {"group": array("i", [0]).tobytes(), "count": array("I", [9]).tobytes()})

    assert list(copy.count) == [9, 2]
    assert list(copy.head) == [0, 0]


@given(st.binary(max_size=64))
def test_base64_size_needs_no_decoding(data: bytes) -> None:
    assert base64_size(base64.b64encode(data).decode()) == len(data)


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (client("input_audio_buffer.append", audio="AAAA"), 3),
        (server("response.output_audio.delta", delta="AAA="), 2),
        (server("response.output_audio.delta", audio="AAAA"), 3),
        (server("response.audio.delta", delta=7), 0),
        (server("response.output_text.delta", delta="AAAA"), 0),
    ],
)
def test_audio_is_found_in_every_dialect(event: Event, size: int) -> None:
    assert audio_bytes_of(event) == size
