"""What is said to a user who tells something, or of whom nothing was understood."""

from __future__ import annotations

import re

from inspector.sim.mind.memory import USER, facts_in
from inspector.sim.mind.orders import Form, asks_yes_or_no, form_of
from inspector.sim.mind.words import Reply, sentences, turned


def acknowledged(text: str) -> Reply | None:
    """Return the acknowledgement of what the user tells; None where that is nothing to remember."""
    facts = facts_in(text, "user")
    if not facts:
        return None
    name = next((fact for fact in facts if fact.name == "name" and fact.owner == USER), None)
    if name is not None:
        return Reply(f"Nice to meet you, {name.value}!", "OK")
    fact = facts[0]
    if fact.owner == USER and " " not in fact.name:
        return Reply(f"I will remember that your {fact.name} is {fact.value}.", "OK")
    return Reply(f"Okay, I will remember: {turned(text)[:300]}", "OK")


def short_echo(text: str) -> str:
    """Return one word in answer to a text that nothing else answers."""
    if asks_yes_or_no(text):
        return "Yes"
    if text.endswith("?"):
        return "Unknown"
    return "OK" if is_form_only(text) else _last_word(text)


def _last_word(text: str) -> str:
    words = [
        word
        for sentence in sentences(text)
        if not is_form_only(sentence)
        for word in re.findall(r"[\w'-]+", sentence)
    ]
    return words[-1] if words else "OK"


def is_form_only(sentence: str) -> bool:
    """Tell whether a sentence only says how to answer."""
    asks_form = form_of(sentence) != Form() and not sentence.endswith("?")
    starts = re.match(
        r"(?:please |just |only |and |but )*(?:reply|respond|answer|use|speak|keep|give|return|output|be|write|no|do not|don't|one word|in one word|number only|only)\b",
        sentence,
        re.IGNORECASE,
    )
    return (asks_form and starts is not None) or re.match(
        r"(?:do not|don't|no) (?:\w+ ){0,3}(?:explain|punctuation|explanation|else|extra|tools?|functions?)",
        sentence,
        re.IGNORECASE,
    ) is not None
