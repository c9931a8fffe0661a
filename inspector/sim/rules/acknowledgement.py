"""What is said to a user who tells something, or of whom nothing was understood."""

from __future__ import annotations

import re

from inspector.sim.rules.english import Reply, sentences, turned
from inspector.sim.rules.instructions import ReplyForm, asks_yes_or_no, form_of
from inspector.sim.rules.memory import USER, Memory, facts_in

_LEAD = r"(?:(?:ok|okay|oh|um|hey|please|now|just|no|yes|alright)[,.!]? )*"
_HEEDED = tuple(
    (re.compile(rf"{_LEAD}(?:{pattern})[,.!]*(?: please[.!]*)?", re.IGNORECASE), answer)
    for pattern, answer in (
        (r"(?:stop|wait|hold on|hang on|pause|(?:give me )?(?:a|one) (?:second|sec|minute|moment))(?:,? (?:there|it|that|talking|wait|please|a|one|for a|second|sec|minute|moment|bit))*", "Okay, I am waiting."),
        (r"(?:never ?mind|forget (?:it|that|about it)|cancel that|scratch that)(?:,? (?:then|thanks|thank you))?", "All right, never mind."),
        (r"(?:continue|go on|go ahead|keep going|carry on)(?: (?:with (?:it|that)|talking))?", ""),
        (r"(?:ok(?:ay)?|sure|alright|all right|fine|good|great|cool|nice|perfect|right|yes|yeah|yep|no|nope|no,? thank(?:s| you)|got it|i see|understood|hm+|uh[ -]huh|mm[ -]?hm+|that's (?:fine|good|great|all))", "Okay."),
    )
)  # fmt: skip
"""What is not to be taken up but heeded, as a whole text; ``""`` goes on with what was said last."""
_LONGEST_HEEDED = 60


def heeded(text: str, memory: Memory) -> Reply | None:
    """Return the answer to an acknowledgement or a signal like ``wait a second``; None for anything else."""
    if len(text) > _LONGEST_HEEDED:
        return None
    answer = next((answer for pattern, answer in _HEEDED if pattern.fullmatch(text)), None)
    if answer == "":
        last = memory.last("assistant")
        return Reply(f"As I was saying: {last}" if last else "I am listening.", "OK")
    return None if answer is None else Reply(answer, "OK")


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
    """Tell whether a sentence only says how to answer."""
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
