"""Answers about the conversation itself: what was told, what was said, and sums that go on from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from inspector.sim.rules.arithmetic import sum_in
from inspector.sim.rules.english import Reply, turned
from inspector.sim.rules.memory import ANY, MODEL, USER, Memory

NAME_OF_MODEL = "the simulator of Realtime Inspector"


@dataclass(frozen=True, slots=True)
class MemoryQuestion:
    """What is asked, with all that may be known."""

    text: str
    memory: Memory


Answering = Callable[[re.Match[str], MemoryQuestion], Reply | None]


def as_sum(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer with a sum."""
    return sum_in(question.text)


def own_name(_: re.Match[str], question: MemoryQuestion) -> Reply:
    """Answer with who the model is."""
    name = question.memory.about("name", MODEL)
    has_one = any(fact.owner == MODEL and fact.name == "name" for fact in question.memory.facts())
    if name and has_one:
        return Reply(f"I am {name}.", name)
    return Reply(f"I am {NAME_OF_MODEL}.", "Simulator")


def recall(found: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer what something is that was told."""
    groups = found.groupdict()
    names = [
        part.strip()
        for part in re.split(r",? and (?:my |the |your )?|, (?:my |the )?", groups["name"].lower())
    ]
    owner = {"my": USER, "your": MODEL}.get((groups.get("owner") or "").lower(), ANY)
    known = [(name, question.memory.about(name, owner)) for name in names[:5] if name]
    whose = "your" if owner == USER else "my" if owner == MODEL else "the"
    if len(known) == 1 and not known[0][1]:
        if owner == USER:
            found_elsewhere = question.memory.sentence_about(question.text)
            return found_elsewhere or Reply(f"You have not told me your {known[0][0]}.", "Unknown")
        return None
    missing = [name for name, value in known if not value]
    if not known or len(missing) == len(known):
        return None
    facts = " and ".join(f"{whose} {name} is {value}" for name, value in known if value)
    if missing:
        facts += f", but you have not told me {whose} {missing[0]}"
    return Reply(facts[:1].upper() + facts[1:] + ".", known[0][1])


def told(names: str, sentence: str, unknown: str) -> Answering:
    """Return what answers with the fact of a fixed name."""

    def answering(_: re.Match[str], question: MemoryQuestion) -> Reply:
        for name in names.split():
            value = question.memory.about(name, USER)
            if value:
                return Reply(sentence.format(value), value)
        found = question.memory.sentence_about(question.text)
        return found or Reply(unknown, "Unknown")

    return answering


def notes(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer with what the user asked to be remembered."""
    notes = question.memory.everything_of("note")
    facts = [fact.value for fact in question.memory.facts() if fact.owner != MODEL]
    if not notes and not facts:
        return Reply("You have not asked me to remember anything.", "Nothing")
    value = " and ".join(notes) if notes else facts[0]
    return Reply(f"You asked me to remember {turned(value)}.", value)


def which(found: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer ``which city did I mention``."""
    name = found.group("name").lower()
    value = question.memory.about(name, USER)
    if value:
        return Reply(f"You told me that the {name} is {value}.", value)
    if re.search(r"\bto (?:remember|memori[sz]e|note|keep)\b", question.text, re.IGNORECASE):
        return notes(found, question)
    elsewhere = question.memory.sentence_about(question.text, least=0.3)
    if elsewhere is not None:
        return elsewhere
    for said in reversed(question.memory.said):
        number = re.search(r"\d[\d,.]*\d|\d", said.text)
        if name == "number" and number is not None:
            return Reply(f"You told me {number.group()}.", number.group())
    is_users = re.search(r"\bi\b", found.group(), re.IGNORECASE) is not None
    return Reply(f"You have not told me a {name}.", "Unknown") if is_users else None


def said_before(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Answer with what the user said last or first."""
    text = _said_by("user", found, question)
    nothing = Reply("You have not said anything yet.", "Nothing")
    return Reply(f"You said: {text}", text) if text else nothing


def model_said(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Answer with what the model said last or first."""
    text = _said_by("assistant", found, question)
    nothing = Reply("I have not said anything that I remember.", "Nothing")
    return Reply(f"I said: {text}", text) if text else nothing


def _said_by(role: str, found: re.Match[str], question: MemoryQuestion) -> str:
    memory = question.memory
    return memory.first(role) if "first" in found.group().lower() else memory.last(role)


def again(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer with the last answer once more."""
    text = question.memory.last("assistant")
    return Reply(text) if text else None


def greeting(_: re.Match[str], question: MemoryQuestion) -> Reply:
    """Answer with a greeting, by name where that is known."""
    facts = [
        fact.value for fact in question.memory.facts() if fact.owner == USER and fact.name == "name"
    ]
    return Reply(f"Hello{f', {facts[0]}' if facts else ''}! How can I help you?", "Hello")


def retrieved(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Answer with the sentence that has most in common with the question."""
    return question.memory.sentence_about(question.text)
