"""The model's context window, and truncation when it is full."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.brain import Answer, BrainContext
from inspector.sim.server import Seams
from tests.sim_driver import CREATE, SimDriver, create, error, of_type, only, types, update, user

LONG = "word " * 4_000


class Remembering:
    """A brain that records how many items it is given."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def answer(self, context: BrainContext) -> Answer:
        self.seen.append(len(context.items))
        return Answer("ok")


def filled(truncation: Any, brain: Remembering | None = None, items: int = 6) -> SimDriver:
    driver = SimDriver(seams=Seams(brain=brain or Remembering()))
    driver.ask(update(output_modalities=["text"], truncation=truncation, instructions="Be brief"))
    for number in range(items):
        driver.ask(user(f"{number} {LONG}"))
    return driver


def input_tokens(driver: SimDriver) -> int:
    tokens: int = only(driver.ask(CREATE), "response.done")["response"]["usage"]["input_tokens"]
    return tokens


def test_the_oldest_items_leave_a_full_window() -> None:
    brain = Remembering()

    assert input_tokens(filled("auto", brain)) <= 28_224
    assert brain.seen == [5]


def test_a_retention_ratio_makes_room_for_later() -> None:
    brain = Remembering()
    driver = filled({"type": "retention_ratio", "retention_ratio": 0.5}, brain)

    assert input_tokens(driver) <= 28_224 // 2
    driver.ask(user("short"), CREATE)
    assert brain.seen == [2, 4]


def test_a_limit_of_ones_own_counts() -> None:
    limits = {"post_instructions": 6_000}
    truncation = {"type": "retention_ratio", "retention_ratio": 1.0, "token_limits": limits}

    assert input_tokens(filled(truncation)) <= 6_000 + 10


def test_without_truncation_a_full_window_is_an_error() -> None:
    driver = filled("disabled")
    refused = driver.ask(CREATE)

    assert types(refused) == ["error"]
    assert error(refused)["code"] == "context_length_exceeded"
    assert of_type(driver.ask(create(input=[])), "response.done")


def test_items_that_left_the_window_stay_in_the_conversation() -> None:
    driver = filled("auto")
    driver.ask(CREATE)
    first = of_type(driver.events, "conversation.item.added")[0]["item"]["id"]
    found = driver.ask({"type": "conversation.item.retrieve", "item_id": first})

    assert types(found) == ["conversation.item.retrieved"]


def test_a_cut_window_is_not_cached() -> None:
    driver = filled("auto", items=5)
    driver.ask(CREATE)
    driver.ask(user(LONG))
    usage = only(driver.ask(CREATE), "response.done")["response"]["usage"]

    assert usage["input_token_details"]["cached_tokens"] == 0


@pytest.mark.parametrize(("model", "items"), [("gpt-realtime-2.1", 6), ("gpt-realtime", 5)])
def test_larger_models_have_a_larger_window(model: str, items: int) -> None:
    brain = Remembering()
    driver = SimDriver(query={"model": model}, seams=Seams(brain=brain))
    for _ in range(6):
        driver.ask(user(LONG))
    driver.ask(CREATE)

    assert brain.seen == [items]


def test_a_response_cannot_change_the_voice_that_was_heard() -> None:
    driver = SimDriver()
    other = create(audio={"output": {"voice": "echo"}})
    driver.ask(user("Hello"), other)
    refused = driver.ask(CREATE | {"response": {"audio": {"output": {"voice": "ash"}}}})

    assert error(refused)["code"] == "cannot_update_voice"
    assert of_type(driver.ask(other), "response.done")
    aside = create(conversation="none", audio={"output": {"voice": "ash"}})
    assert of_type(driver.ask(aside), "response.done")
