"""Replies about the conversation itself: stated facts, earlier messages, and sums. Each function is one row's reply."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from inspector.sim.rules.arithmetic import sum_in
from inspector.sim.rules.english import Reply, swap_persons
from inspector.sim.rules.memory import ANY, MODEL, USER, Memory

NAME_OF_MODEL = "the simulator of Realtime Inspector"


@dataclass(frozen=True, slots=True)
class MemoryQuestion:
    """A question, and the conversation before it."""

    text: str
    memory: Memory


ReplyFunction = Callable[[re.Match[str], MemoryQuestion], Reply | None]


def sum_reply(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the result of the sum in the question."""
    return sum_in(question.text)


def own_name(_: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return the model's name, as set in the conversation or else the simulator's."""
    name = question.memory.value_of("name", MODEL)
    has_one = any(fact.owner == MODEL and fact.name == "name" for fact in question.memory.facts())
    if name and has_one:
        return Reply(f"I am {name}.", name)
    return Reply(f"I am {NAME_OF_MODEL}.", "Simulator")


def recall(found: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the values of the facts that the question names."""
    groups = found.groupdict()
    names = [
        part.strip()
        for part in re.split(r",? and (?:my |the |your )?|, (?:my |the )?", groups["name"].lower())
    ]
    owner = {"my": USER, "your": MODEL}.get((groups.get("owner") or "").lower(), ANY)
    known = [(name, question.memory.value_of(name, owner)) for name in names[:5] if name]
    whose = "your" if owner == USER else "my" if owner == MODEL else "the"
    if len(known) == 1 and not known[0][1]:
        if owner == USER:
            sentence = question.memory.sentence_about(question.text)
            return sentence or Reply(f"You have not told me your {known[0][0]}.", "Unknown")
        return None
    missing = [name for name, value in known if not value]
    if not known or len(missing) == len(known):
        return None
    facts = " and ".join(f"{whose} {name} is {value}" for name, value in known if value)
    if missing:
        facts += f", but you have not told me {whose} {missing[0]}"
    return Reply(facts[:1].upper() + facts[1:] + ".", known[0][1])


def fact_reply(names: str, sentence: str, unknown: str) -> ReplyFunction:
    """Return a function that replies with the user's fact of one of ``names`` (space-separated, in order)."""

    def reply(_: re.Match[str], question: MemoryQuestion) -> Reply:
        for name in names.split():
            value = question.memory.value_of(name, USER)
            if value:
                return Reply(sentence.format(value), value)
        found = question.memory.sentence_about(question.text)
        return found or Reply(unknown, "Unknown")

    return reply


def notes(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return what the user asked to remember."""
    notes = question.memory.values_of("note")
    facts = [fact.value for fact in question.memory.facts() if fact.owner != MODEL]
    if not notes and not facts:
        return Reply("You have not asked me to remember anything.", "Nothing")
    value = " and ".join(notes) if notes else facts[0]
    return Reply(f"You asked me to remember {swap_persons(value)}.", value)


def which(found: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the reply to a question like "which city did I mention"."""
    name = found.group("name").lower()
    value = question.memory.value_of(name, USER)
    if value:
        return Reply(f"You told me that the {name} is {value}.", value)
    if re.search(r"\bto (?:remember|memori[sz]e|note|keep)\b", question.text, re.IGNORECASE):
        return notes(found, question)
    sentence = question.memory.sentence_about(question.text, least=0.3)
    if sentence is not None:
        return sentence
    for item in reversed(question.memory.items):
        number = re.search(r"\d[\d,.]*\d|\d", item.text)
        if name == "number" and number is not None:
            return Reply(f"You told me {number.group()}.", number.group())
    is_users = re.search(r"\bi\b", found.group(), re.IGNORECASE) is not None
    return Reply(f"You have not told me a {name}.", "Unknown") if is_users else None


def user_message(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return the user's last message, or the first if the question asks for it."""
    text = _message_of("user", found, question)
    nothing = Reply("You have not said anything yet.", "Nothing")
    return Reply(f"You said: {text}", text) if text else nothing


def model_message(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return the model's last message, or the first if the question asks for it."""
    text = _message_of("assistant", found, question)
    nothing = Reply("I have not said anything that I remember.", "Nothing")
    return Reply(f"I said: {text}", text) if text else nothing


def _message_of(role: str, found: re.Match[str], question: MemoryQuestion) -> str:
    memory = question.memory
    return memory.first(role) if "first" in found.group().lower() else memory.last(role)


def last_answer(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the last answer again."""
    text = question.memory.last("assistant")
    return Reply(text) if text else None


def greeting(_: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return a greeting, with the user's name if it is known."""
    facts = [
        fact.value for fact in question.memory.facts() if fact.owner == USER and fact.name == "name"
    ]
    return Reply(f"Hello{f', {facts[0]}' if facts else ''}! How can I help you?", "Hello")


def matching_sentence(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the sentence that shares most words with the question."""
    return question.memory.sentence_about(question.text)
