"""Replies to statements, to short signals such as "wait" or "ok", and to text that no other rule answers."""

from __future__ import annotations

import re

from inspector.sim.rules.english import Reply, sentences, swap_persons
from inspector.sim.rules.instructions import ReplyForm, asks_yes_or_no, form_of
from inspector.sim.rules.memory import USER, Memory, facts_in

_LEAD = r"(?:(?:ok|okay|oh|um|hey|please|now|just|no|yes|alright)[,.!]? )*"
_SIGNALS = tuple(
    (re.compile(rf"{_LEAD}(?:{pattern})[,.!]*(?: please[.!]*)?", re.IGNORECASE), answer)
    for pattern, answer in (
        (r"(?:stop|wait|hold on|hang on|pause|(?:give me )?(?:a|one) (?:second|sec|minute|moment))(?:,? (?:there|it|that|talking|wait|please|a|one|for a|second|sec|minute|moment|bit))*", "Okay, I am waiting."),
        (r"(?:never ?mind|forget (?:it|that|about it)|cancel that|scratch that)(?:,? (?:then|thanks|thank you))?", "All right, never mind."),
        (r"(?:continue|go on|go ahead|keep going|carry on)(?: (?:with (?:it|that)|talking))?", ""),
        (r"(?:ok(?:ay)?|sure|alright|all right|fine|good|great|cool|nice|perfect|right|yes|yeah|yep|no|nope|no,? thank(?:s| you)|got it|i see|understood|hm+|uh[ -]huh|mm[ -]?hm+|that's (?:fine|good|great|all))", "Okay."),
    )
)  # fmt: skip
"""Patterns of a whole text and the answers; ``""`` continues with the last answer."""
_LONGEST_SIGNAL = 60


def signal_reply(text: str, memory: Memory) -> Reply | None:
    """Return the reply to an acknowledgement or a signal like "wait a second"; None for any other text."""
    if len(text) > _LONGEST_SIGNAL:  # the nested repetitions in the patterns are slow on long text
        return None
    answer = next((answer for pattern, answer in _SIGNALS if pattern.fullmatch(text)), None)
    if answer == "":
        last = memory.last("assistant")
        return Reply(f"As I was saying: {last}" if last else "I am listening.", "OK")
    return None if answer is None else Reply(answer, "OK")


def fact_acknowledgement(text: str) -> Reply | None:
    """Return the acknowledgement of the facts in a text; None if it has none."""
    facts = facts_in(text, "user")
    if not facts:
        return None
    name = next((fact for fact in facts if fact.name == "name" and fact.owner == USER), None)
    if name is not None:
        return Reply(f"Nice to meet you, {name.value}!", "OK")
    fact = facts[0]
    if fact.owner == USER and " " not in fact.name:
        return Reply(f"I will remember that your {fact.name} is {fact.value}.", "OK")
    return Reply(f"Okay, I will remember: {swap_persons(text)[:300]}", "OK")


def short_echo(text: str) -> str:
    """Return a one-word reply to a text that no other rule answers."""
    if asks_yes_or_no(text):
        return "Yes"
    if any(sentence.endswith("?") for sentence in sentences(text)):
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
    """Return True if a sentence only specifies the form of the answer."""
    asks_form = form_of(sentence) != ReplyForm() and not sentence.endswith("?")
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
