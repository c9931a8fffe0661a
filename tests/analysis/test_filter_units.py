from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.analysis.query import EventFacts, parse
from tests.support import at, server

EVENT = server("response.created")


@pytest.mark.parametrize(
    ("unit", "size"),
    [("", 1), ("b", 1), ("k", 1_000), ("kb", 1_000), ("KB", 1_000), ("m", 10**6), ("mb", 10**6)],
)
def test_a_unit_of_size_is_so_many_bytes(unit: str, size: int) -> None:
    query = parse(f"size>3{unit}")
    events = [replace(EVENT, data=bytes(length)) for length in (3 * size, 3 * size + 1)]

    assert [query.test(EventFacts(event)) for event in events] == [False, True]


@pytest.mark.parametrize(
    ("unit", "ms"), [("", 1000), ("s", 1000), ("ms", 1), ("us", 0.001), ("m", 60_000)]
)
def test_a_unit_of_time_is_so_long(unit: str, ms: float) -> None:
    for word in ("t", "dt"):
        query = parse(f"{word}>3{unit}")
        events = [at(time_ms, EVENT) for time_ms in (3 * ms, 3 * ms + 0.001)]

        assert [query.test(EventFacts(event, at(0, EVENT))) for event in events] == [False, True]
