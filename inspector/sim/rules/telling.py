"""Long answers: a story, an essay, a count. Long enough for a test to interrupt, and the same every time."""

from __future__ import annotations

import re

from inspector.sim.rules.english import Reply, with_digits
from inspector.sim.rules.memory_lookup import MemoryQuestion, ReplyFunction

_MAX_COUNT = 300
_STORY = (
    "Once upon a time, in a small town by the sea, there lived {who} who loved to listen. Every evening, when the boats "
    "came home, {who} sat on the harbor wall and listened to the ropes and the gulls and the slow voices of the sailors. "
    "One night a voice came from the water itself, clear and patient, and it asked a question that nobody had asked "
    "before. It asked what the town would sound like if everyone in it were silent for a whole minute. So {who} went "
    "from door to door, past the baker and the blacksmith and the old school, and asked each of them to be quiet when "
    "the bell rang nine. At first they laughed, and then they wondered, and in the end they all agreed. When the bell "
    "had rung, the whole town held its breath. They heard the wind in the masts, the sand moving under the waves, and "
    "far away, a bell that answered theirs from a town that they had never known was there. In the morning they built a "
    "boat, and they filled it with bread and apples and letters, and they sent it across the bay. Seven days later it "
    "came back, filled with lamps and oranges and songs. And from that day on, every year, both towns were silent for "
    "one minute at nine in the evening, so that neither would forget that the other was listening. The children grew up "
    "and told it to their own children, who did not quite believe it, until one evening they sat on the harbor wall "
    "themselves, and held their breath, and heard it too. The end."
)


def story(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return a story that takes well over a minute to tell."""
    subject = re.search(r"\b(?:about|of|on) ([^.,!?;]{1,60})", question.text[found.start() :])
    return Reply(_STORY.format(who=subject.group(1).strip() if subject else "a young fox"))


def essay(found: re.Match[str], question: MemoryQuestion) -> Reply:
    """Return a long answer that names its subject; the rest is the story, because the rules know nothing of the world."""
    subject = re.search(
        r"\b(?:about|of|on|explain|describe)(?: how| why| what)? ([^.,!?;]{1,60}?)(?= in (?:great |as much |full )?detail|[.,!?;]|$)",
        question.text[found.start() :],
        re.IGNORECASE,
    )
    about = subject.group(1).strip() if subject else "this subject"
    return Reply(
        f"Let me tell you about {about} in some detail. {_STORY.format(who='a young fox')}"
    )


def count(_: re.Match[str], question: MemoryQuestion) -> Reply | None:
    """Return the numbers of a count; None if the question names no bounds."""
    plain = with_digits(question.text)
    counted = re.search(
        r"\bcount(?:ing)?(?: out loud| slowly| aloud| quickly| backwards?| down| up| for me)*(?: by (?P<by>\d{1,3})s?)?(?: from (?P<first>\d{1,6}))?(?: (?:down|up|all the way))*(?: (?:to|through|until) (?P<last>\d{1,6}))?",
        plain,
        re.IGNORECASE,
    )
    if counted is None or not (counted.group("first") or counted.group("last")):
        return None
    is_down = re.search(r"\b(?:down|backwards?)\b", plain, re.IGNORECASE) is not None
    last = int(counted.group("last")) if counted.group("last") else (1 if is_down else 10)
    first = int(counted.group("first")) if counted.group("first") else 1
    step = max(1, int(counted.group("by") or 1))
    step = -step if first > last else step
    numbers = list(range(first, last + (1 if step > 0 else -1), step))[:_MAX_COUNT]
    return Reply(", ".join(map(str, numbers)) + ".", str(numbers[-1]))


def fixed(text: str, short: str) -> ReplyFunction:
    """Return a function that always gives the same reply."""
    return lambda _, __: Reply(text, short)
