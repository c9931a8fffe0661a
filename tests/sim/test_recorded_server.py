"""The replay server, with clients that differ from the recorded one."""

from __future__ import annotations

from itertools import count
from typing import Any

import orjson
import pytest

from inspector.core.event import Event
from inspector.recording.format import FileShape, parse
from inspector.sim.recorded_server import Pace, RecordedServer, script_of
from inspector.sim.server_outbox import CloseSocket, SendText
from tests.support import at, client, local, numbered, recording, server, silence

CREATED = server("session.created", event_id="e0")
UPDATED = server("session.updated", event_id="e1")
ITEM: dict[str, Any] = {"type": "message", "role": "user", "content": []}


class Player:
    """A client of a replay server, in manual time."""

    def __init__(self, *events: Event, pace: Pace = Pace.FULL) -> None:
        self.session = RecordedServer(script_of(numbered(events)), pace)
        self.now_ms = 0.0
        self.close: CloseSocket | None = None

    def send(self, name: str, **members: Any) -> list[str]:
        """Send an event; return the types of the events that follow at once."""
        data = orjson.dumps({"type": name, **members})
        self.session.receive(data, is_text=True, now_ns=round(self.now_ms * 1e6))
        return self.types()

    def append(self, ms: float) -> list[str]:
        return self.send("input_audio_buffer.append", audio=silence(ms))

    def bodies(self) -> list[dict[str, Any]]:
        """Return the events that are due."""
        found = []
        for output in self.session.due(round(self.now_ms * 1e6)):
            if isinstance(output, SendText):
                found.append(orjson.loads(output.data))
            else:
                self.close = output
        return found

    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies()]


def appended(ms: float) -> Event:
    return client("input_audio_buffer.append", audio=silence(ms))


def test_what_no_event_released_comes_at_once() -> None:
    player = Player(CREATED, client("session.update"), UPDATED)

    assert player.types() == ["session.created"]
    assert player.types() == []
    assert player.send("session.update") == ["session.updated"]


def test_each_burst_waits_for_the_event_that_released_it() -> None:
    player = Player(
        CREATED,
        client("conversation.item.create"),
        client("response.create"),
        server("conversation.item.added"),
        server("response.created"),
        client("response.cancel"),
        server("response.done"),
    )
    player.types()

    assert player.send("conversation.item.create") == []
    assert player.send("response.create") == ["conversation.item.added", "response.created"]
    assert player.send("response.cancel") == ["response.done"]


def test_what_nothing_waited_for_may_be_left_out_or_added() -> None:
    player = Player(
        client("conversation.item.create"),
        client("response.create"),
        server("response.created"),
        client("conversation.item.create"),
        server("conversation.item.added"),
    )
    player.send("input_audio_buffer.clear")

    assert player.send("response.create") == ["response.created"]
    assert player.send("conversation.item.create") == ["conversation.item.added"]


def test_the_answer_to_what_is_left_out_is_left_out() -> None:
    player = Player(
        client("session.update"), UPDATED, client("response.create"), server("response.created")
    )
    assert player.send("response.create") == []
    assert player.session.next_due_ns == 10**9
    player.now_ms = 1000

    assert player.types() == ["response.created"]


def test_an_event_may_come_a_little_later_than_it_was_recorded() -> None:
    player = Player(
        client("session.update"), UPDATED, client("response.create"), server("response.created")
    )
    player.send("response.create")
    player.now_ms = 900

    assert player.send("session.update") == ["session.updated", "response.created"]
    assert player.session.next_due_ns is None


def test_events_of_one_burst_may_come_in_another_order() -> None:
    player = Player(
        client("response.create"),
        client("session.update"),
        UPDATED,
        server("response.created", response={"id": "r1"}),
        client("response.create"),
        server("response.created", response={"id": "r2"}),
    )

    assert player.send("session.update") == ["session.updated", "response.created"]
    assert player.send("response.create") == []
    assert player.send("response.create") == ["response.created"]


@pytest.mark.parametrize(("later_ms", "role"), [(1001, "user"), (0, "system")])
def test_an_event_left_out_of_a_burst_is_not_expected_for_long(later_ms: int, role: str) -> None:
    player = Player(
        client("conversation.item.create", item=ITEM),
        client("session.update"),
        UPDATED,
        server("conversation.item.added", item={**ITEM, "id": "i1"}),
        client("conversation.item.create", item={**ITEM, "role": role}),
        server("conversation.item.added", item={**ITEM, "role": role, "id": "i2"}),
    )

    assert player.send("session.update") == ["session.updated", "conversation.item.added"]
    player.now_ms = later_ms
    item = {**ITEM, "role": role}
    assert player.send("conversation.item.create", item=item) == ["conversation.item.added"]


def test_speech_waits_for_as_much_audio_as_was_recorded() -> None:
    started = server("input_audio_buffer.speech_started")
    player = Player(appended(100), appended(100), started, appended(100))

    assert player.append(150) == []
    assert player.append(50) == ["input_audio_buffer.speech_started"]


def test_where_the_audio_was_cut_out_appends_are_counted() -> None:
    short = client("input_audio_buffer.append", audio="AAAA")
    player = Player(short, short, short, server("input_audio_buffer.speech_started"))

    assert player.append(100) + player.append(100) == []
    assert player.append(100) == ["input_audio_buffer.speech_started"]


def test_an_answer_does_not_wait_for_a_microphone() -> None:
    player = Player(
        client("response.create"),
        server("response.created"),
        appended(100),
        server("response.done"),
    )

    assert player.send("response.create") == ["response.created", "response.done"]


def test_recorded_pauses_are_kept() -> None:
    player = Player(
        at(0, CREATED),
        at(1000, client("response.create")),
        at(1030, server("response.created")),
        at(1330, server("response.done")),
        pace=Pace.RECORDED,
    )
    player.types()
    player.now_ms = 5000
    assert player.send("response.create") == []
    player.now_ms = 5030
    assert player.types() == ["response.created"]
    assert player.session.next_due_ns == 5330 * 10**6
    player.now_ms = 5330
    assert player.types() == ["response.done"]
    assert player.session.next_due_ns is None


def test_ids_of_the_clients_own_are_replaced() -> None:
    player = Player(
        client("conversation.item.create", event_id="evt_1", item={**ITEM, "id": "mine"}),
        server("conversation.item.added", item={**ITEM, "id": "mine"}, previous_item_id="other"),
        server("error", error={"event_id": "evt_1"}),
        client("response.create", response={"metadata": {"topic": "one"}}),
        server("response.created", response={"id": "resp_1", "metadata": {"topic": "one"}}),
    )
    sent = {"type": "conversation.item.create", "item": {**ITEM, "id": "yours"}}
    player.session.receive(orjson.dumps(sent), is_text=True, now_ns=0)
    added, refused = player.bodies()
    created = {"type": "response.create", "response": {"metadata": {"topic": "two"}}}
    player.session.receive(orjson.dumps(created), is_text=True, now_ns=0)
    (response,) = player.bodies()

    assert (added["item"]["id"], added["previous_item_id"]) == ("yours", "other")
    assert refused["error"]["event_id"] is None
    assert response["response"]["metadata"] == {"topic": "two"}


@pytest.mark.parametrize(("by", "code"), [("server", 4000), ("client", None)])
def test_only_a_close_of_the_servers_is_played(by: str, code: int | None) -> None:
    player = Player(CREATED, local("inspector.closed", code=4000, reason="why", by=by))
    player.types()

    assert (player.close.code if player.close is not None else None) == code
    assert player.session.is_closed is (code is not None)


def test_only_the_first_connection_that_was_one_is_played() -> None:
    player = Player(
        local("inspector.opened"),
        local("inspector.closed", code=1006, by="network"),
        local("inspector.opened"),
        CREATED,
        local("inspector.closed", code=1006, by="network"),
        local("inspector.opened"),
        UPDATED,
    )

    assert player.types() == ["session.created"]


def test_frames_that_are_no_events_change_nothing() -> None:
    player = Player(CREATED, client("response.create"), server("response.created"))
    player.types()
    for data, is_text in ((b"{", True), (b"\xff\x00", False), (b"[]", True)):
        player.session.receive(data, is_text=is_text, now_ns=0)

    assert player.types() == []


@pytest.mark.parametrize(
    "name",
    [
        "openai-tool-call-round",
        "openai-idle-timeout-timed",
        "azure-vad-transcription-failed",
        "voice-live-vad-turn",
        "xai-tool-call-round",
    ],
)
def test_a_recorded_client_gets_all_that_it_got(name: str) -> None:
    lines = recording(name).read_bytes().splitlines()
    events = [parse(line, row, FileShape.TAGGED) for row, line in enumerate(lines)]
    session, got = RecordedServer(script_of(events), Pace.FULL), list[bytes]()
    times = count()
    for event in events:
        now_ns = next(times)
        if event.direction == "client":
            session.receive(event.data, is_text=True, now_ns=now_ns)
        got += [output.data for output in session.due(now_ns) if isinstance(output, SendText)]

    assert got == [event.data for event in events if event.direction == "server"]


def test_a_client_that_waits_for_the_end_of_a_response_is_not_kept_waiting() -> None:
    player = Player(
        CREATED,
        client("response.create"),
        server("response.created", response={"id": "resp_1"}),
        client("conversation.item.create", item=ITEM),
        server("conversation.item.added"),
        server("response.done", response={"id": "resp_1"}),
    )
    player.types()

    assert player.send("response.create") == ["response.created"]
    player.now_ms = 1001
    assert player.types() == ["response.done"]
    assert player.send("conversation.item.create", item=ITEM) == ["conversation.item.added"]


def test_where_the_audio_was_cut_out_speech_waits_for_the_time_that_it_names() -> None:
    short = client("input_audio_buffer.append", audio="AAAA")
    player = Player(
        CREATED,
        *([short] * 30),
        server("input_audio_buffer.speech_started", audio_start_ms=320),
        *([short] * 30),
        server("input_audio_buffer.speech_stopped", audio_end_ms=960),
        server("input_audio_buffer.committed"),
        server("response.created", response={"id": "resp_1"}),
    )
    player.types()

    assert player.append(300) == []
    assert player.append(100) == ["input_audio_buffer.speech_started"]
    assert player.append(500) == []
    assert player.append(100) == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
    ]


def test_cut_audio_is_measured_in_the_format_of_the_session() -> None:
    short = client("input_audio_buffer.append", audio="AAAA")
    session = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    stopped = server("input_audio_buffer.speech_stopped", audio_end_ms=1000)
    player = Player(server("session.created", session=session), short, short, stopped)
    player.types()

    assert player.append(160) == []  # 960 ms of G.711
    assert player.append(20) == ["input_audio_buffer.speech_stopped"]


def test_an_item_id_that_only_this_client_chose_is_echoed() -> None:
    answer = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    player = Player(
        client("conversation.item.create", item=ITEM),
        client("conversation.item.create", item=answer),
        server("conversation.item.added", item={**ITEM, "id": "item_1"}),
        server(
            "conversation.item.added", item={**answer, "id": "item_2"}, previous_item_id="item_1"
        ),
    )
    for item in ({**ITEM, "id": "mine_1"}, {**answer, "id": "mine_2"}):
        sent = {"type": "conversation.item.create", "item": item}
        player.session.receive(orjson.dumps(sent), is_text=True, now_ns=0)
    first, second = player.bodies()

    assert first["item"]["id"] == "mine_1"
    assert (second["item"]["id"], second["previous_item_id"]) == ("mine_2", "mine_1")


def test_an_item_id_that_only_the_recorded_client_chose_stays() -> None:
    player = Player(
        client("conversation.item.create", item={**ITEM, "id": "theirs"}),
        server("conversation.item.added", item={**ITEM, "id": "theirs"}),
    )
    sent = {"type": "conversation.item.create", "item": ITEM}
    player.session.receive(orjson.dumps(sent), is_text=True, now_ns=0)

    assert [body["item"]["id"] for body in player.bodies()] == ["theirs"]


def test_what_only_this_client_notes_on_a_response_is_echoed() -> None:
    player = Player(
        server("response.created", response={"id": "resp_0", "metadata": None}),
        client("response.create"),
        server("response.created", response={"id": "resp_1", "metadata": None}),
        server("response.done", response={"id": "resp_1", "metadata": None}),
    )
    player.types()
    created = {"type": "response.create", "response": {"metadata": {"client_event_id": "r1"}}}
    player.session.receive(orjson.dumps(created), is_text=True, now_ns=0)

    noted = [body["response"]["metadata"] for body in player.bodies()]
    assert noted == [{"client_event_id": "r1"}] * 2
