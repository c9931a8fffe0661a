from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.audio.pcm import bytes_of, encoded
from inspector.audio.playback import JITTER_MS, PATIENCE_MS, Playback
from inspector.audio.ring import Ring
from inspector.audio.track import Track
from inspector.core.audio_formats import PCM16_24K, AudioFormat

RATE_HZ = 24_000
MS = 1_000_000
ULAW = AudioFormat("pcmu", 8_000)


class Listener:
    """Pulls in steps of 20 ms and keeps what it heard."""

    def __init__(self, unheard: int = 0) -> None:
        self.playback = Playback(RATE_HZ)
        self.ms = 0
        self.heard = np.zeros(0, np.int16)
        self.unheard = unheard
        self.changes: list[tuple[int, str, int, str]] = []

    def listen(self, ms: int) -> None:
        for _ in range(ms // 20):
            self.ms += 20
            samples = self.playback.read(RATE_HZ // 50, self.ms * MS)
            self.heard = np.concatenate((self.heard, samples))
            for change in self.playback.changes(self.unheard):
                what = change.reason or "playing"
                self.changes.append((self.ms, change.track.item_id, change.heard_ms, what))

    def receive(
        self, item: str, ms: int, value: int = 1000, *, response: str = "r", index: int = 0
    ) -> None:
        data = bytes_of(np.full(RATE_HZ * ms // 1000, value, np.int16))
        self.playback.receive((item, index), response, data, PCM16_24K, self.ms * MS)

    def of(self, item: str) -> Callable[[Track], bool]:
        return lambda track: track.item_id == item

    def complete(self, item: str) -> None:
        self.playback.complete(key=(item, 0))


def test_an_item_is_heard_from_its_first_sample_to_its_last() -> None:
    ear = Listener()
    ear.listen(100)
    ear.receive("a", 200)
    ear.complete("a")
    ear.listen(400)

    assert np.count_nonzero(ear.heard) == RATE_HZ // 5
    assert ear.heard[: RATE_HZ // 10].max() == 0
    assert ear.changes == [(120, "a", 0, "playing"), (320, "a", 200, "finished")]
    assert ear.playback.is_idle


def test_playback_waits_until_enough_is_buffered() -> None:
    ear = Listener()
    ear.receive("a", 20)
    ear.listen(JITTER_MS - 20)
    assert not ear.heard.any()

    ear.receive("a", 60)
    ear.listen(20)
    assert ear.heard.any()


def test_a_single_delta_starts_after_the_jitter_time() -> None:
    ear = Listener()
    ear.receive("a", 20)
    ear.listen(JITTER_MS + 20)

    assert np.count_nonzero(ear.heard) == RATE_HZ // 50


def test_an_item_resumes_after_an_underrun_where_it_stopped() -> None:
    ear = Listener()
    ear.receive("a", 100, 1)
    ear.listen(300)
    ear.receive("a", 100, 2)
    ear.complete("a")
    ear.listen(300)

    assert np.count_nonzero(ear.heard) == RATE_HZ // 5
    assert [change[2:] for change in ear.changes] == [
        (0, "playing"),
        (100, "playing"),
        (200, "finished"),
    ]
    assert ear.playback.underruns == 1


def test_interleaved_items_play_one_after_the_other() -> None:
    ear = Listener()
    for _ in range(5):
        ear.receive("a", 40, 1, response="r1")
        ear.receive("b", 40, 2, response="r2")
    ear.complete("b")
    ear.complete("a")
    ear.listen(600)

    sound = ear.heard[ear.heard != 0]
    assert sound.tolist() == [1] * (RATE_HZ // 5) + [2] * (RATE_HZ // 5)
    assert [change[1] for change in ear.changes] == ["a", "a", "b", "b"]


def test_an_item_without_an_end_does_not_block_the_next() -> None:
    ear = Listener()
    ear.receive("a", 100, 1)
    ear.listen(200)
    ear.receive("b", 100, 2)
    ear.listen(PATIENCE_MS + 300)

    assert (ear.heard == 2).sum() == RATE_HZ // 10
    assert ("a", 100, "starved") in [change[1:] for change in ear.changes]
    ear.receive("a", 100, 3)
    ear.listen(PATIENCE_MS + 300)
    assert (ear.heard == 3).sum() == RATE_HZ // 10


def test_a_cut_silences_at_once_and_reports_what_was_heard() -> None:
    ear = Listener()
    ear.receive("a", 1000, 1)
    ear.receive("b", 1000, 2)
    ear.listen(400)
    cuts = ear.playback.cut("speech_started", lambda _: True)
    ear.receive("a", 500, 3)
    ear.listen(500)

    assert [(cut.track.item_id, cut.heard_ms, cut.reason) for cut in cuts] == [
        ("a", 400, "speech_started"),
        ("b", 0, "speech_started"),
    ]
    assert np.count_nonzero(ear.heard) == RATE_HZ * 4 // 10
    assert cuts[0].track.received_ms == 1500
    assert ear.playback.is_idle


def test_buffered_samples_do_not_count_as_heard() -> None:
    on_its_way = RATE_HZ // 10
    ear = Listener(unheard=on_its_way)
    ear.receive("a", 300)
    ear.complete("a")
    ear.listen(340)  # all of it is handed out, and the last 60 ms of it not heard yet
    assert [change[3] for change in ear.changes] == ["playing"]
    cuts = ear.playback.cut("speech_started", lambda _: True, unheard=on_its_way)

    assert [(cut.heard_ms, cut.reason) for cut in cuts] == [(240, "speech_started")]
    ear.listen(200)
    assert [change[3] for change in ear.changes] == ["playing"]


def test_later_audio_of_a_refused_response_stays_silent() -> None:
    ear = Listener()
    ear.playback.refuse("r1")
    ear.receive("late", 300, response="r1")
    ear.receive("next", 100, response="r2")
    ear.complete("next")
    ear.listen(400)

    assert np.count_nonzero(ear.heard) == RATE_HZ // 10


def test_a_limit_ends_an_item() -> None:
    ear = Listener()
    ear.receive("a", 1000)
    ear.listen(100)
    ear.playback.limit(ear.playback.tracks["a", 0], 250)
    ear.listen(500)

    assert np.count_nonzero(ear.heard) == RATE_HZ // 4
    assert ear.changes[-1][1:] == ("a", 250, "finished")


def test_telephone_audio_keeps_its_length() -> None:
    ear = Listener()
    wave = (8000 * np.sin(np.arange(8000) / 5)).astype(np.int16)
    data = encoded(wave, "pcmu")
    for at in range(0, 8000, 801):
        ear.playback.receive(("a", 0), "r", data[at : at + 801], ULAW, 0)
    ear.complete("a")
    ear.listen(1400)

    assert ear.changes[-1][2:] == (1000, "finished")
    sounding = np.flatnonzero(np.abs(ear.heard) > 100)
    assert sounding[-1] - sounding[0] == pytest.approx(RATE_HZ, abs=30)


def test_samples_split_between_two_deltas_are_joined() -> None:
    ear = Listener()
    data = bytes_of(np.arange(1, 4801).astype(np.int16))
    for at in range(0, len(data), 77):
        ear.playback.receive(("a", 0), "r", data[at : at + 77], PCM16_24K, 0)
    ear.complete("a")
    ear.listen(300)

    assert ear.heard[ear.heard != 0].tolist() == list(range(1, 4801))


def test_ten_minutes_at_once_cost_nothing_until_they_play() -> None:
    ear = Listener()
    data = bytes_of(np.ones(RATE_HZ * 60, np.int16))
    begin = time.perf_counter()
    for _ in range(10):
        ear.playback.receive(("a", 0), "r", data, PCM16_24K, 0)
    ear.listen(1000)
    took_s = time.perf_counter() - begin

    assert took_s < 0.25
    assert ear.heard.all()
    assert ear.playback.tracks["a", 0].received_ms == 600_000


def test_audio_beyond_the_limit_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.audio.playback.MOST_WAITING_BYTES", 10_000)
    ear = Listener()
    ear.receive("a", 100)
    ear.receive("a", 200)

    assert ear.playback.dropped_bytes == 9600
    ear.listen(200)
    ear.receive("a", 100)
    ear.listen(200)
    assert np.count_nonzero(ear.heard) == RATE_HZ // 5


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["receive", "listen", "complete", "cut", "limit"]),
            st.sampled_from("abc"),
            st.binary(max_size=4000),
            st.sampled_from(
                [PCM16_24K, ULAW, AudioFormat("pcma", 8000), AudioFormat("pcm16", 16_000)]
            ),
            st.integers(0, 400),
        ),
        max_size=30,
    )
)
def test_nothing_raises_and_never_more_is_heard_than_received(
    steps: list[tuple[str, str, bytes, AudioFormat, int]],
) -> None:
    ear = Listener()
    for what, item, data, audio, ms in steps:
        match what:
            case "receive":
                ear.playback.receive((item, 0), f"r{item}", data, audio, ear.ms * MS)
            case "listen":
                ear.listen(ms)
            case "complete":
                ear.complete(item)
            case "cut":
                for cut in ear.playback.cut("test", ear.of(item)):
                    assert 0 <= cut.heard_ms <= cut.track.received_ms
            case "limit" if (item, 0) in ear.playback.tracks:
                ear.playback.limit(ear.playback.tracks[item, 0], ms)
        for track in ear.playback.tracks.values():
            assert 0 <= ear.playback.heard_ms(track) <= track.received_ms
    for second in range(60):
        ear.playback.read(RATE_HZ, (ear.ms + second * 1000) * MS)
    assert ear.playback.is_idle or ear.playback.changes()
    assert all(t.end is not None or not t.waiting_bytes for t in ear.playback.tracks.values())


def test_the_ring_delivers_in_order_and_counts_dropped_samples() -> None:
    ring = Ring(100)
    samples = np.arange(1, 71).astype(np.int16)
    assert ring.write(samples) == 70
    assert ring.read(50).tolist() == list(range(1, 51))
    assert ring.write(samples) == 70
    assert ring.read(1000).tolist() == [*range(51, 71), *range(1, 71)]
    assert ring.write(np.zeros(130, np.int16)) == 100
    assert ring.dropped == 30
    ring.clear()
    assert (len(ring), len(ring.read(10))) == (0, 0)
    ring.write(samples[:5])
    assert ring.read(10).tolist() == [1, 2, 3, 4, 5]
