"""Questions about the conversation, sums and small talk, by a table of patterns.

There is no general knowledge: to test with a model that has it, use ``--brain``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inspector.sim.rules import memory_lookup, telling
from inspector.sim.rules.english import Reply
from inspector.sim.rules.memory_lookup import MemoryQuestion, ReplyFunction

__all__ = ["MemoryQuestion", "replies"]


def replies(question: MemoryQuestion) -> Iterator[Reply]:
    """Yield replies, in the order of the table."""
    for pattern, reply_to in _TABLE:
        found = pattern.search(question.text)
        reply = reply_to(found, question) if found is not None else None
        if reply is not None:
            yield reply


_WHAT = r"\bwhat(?:'s| is| was| are| were)"
# From specific to general: the first row that has a reply wins, so a row must not stand before a narrower one.
_TABLE: tuple[tuple[re.Pattern[str], ReplyFunction], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reply_to)
    for pattern, reply_to in (
        (r"\b(?:tell|write|narrate|make up|give|read|say)\b.{0,40}\b(?:story|tale|fairy ?tale|monologue)\b|\bonce upon a time\b", telling.story),
        (r"\b(?:essay|(?:in|with) (?:great |as much |full |lots of )?detail|long (?:paragraph|answer|explanation|speech|text|response|description|talk)|at (?:great )?length|talk (?:for|about)|speak for|keep talking|at least \d+ (?:words|sentences))\b|^(?:explain|describe) |\bparagraphs?\b", telling.essay),
        (r"\bcount", telling.count),
        (r"(?:what|which)(?:'s| is| was)? (?:my|the|our) (?:very )?(?:first|last|previous) (?:message|question|thing i said|sentence|statement)|\bwhat (?:did|have) i (?:just |first |originally )?(?:say|said|ask(?! you to)|asked(?! you to)|tell you|told you|mention)\b(?! my| was| is)|\b(?:repeat|say) (?:back )?(?:what i|my last)|first thing i (?:said|told|asked)", memory_lookup.user_message),
        (r"\bwhat (?:did|have|were) you (?:just |first |originally )?(?:say|said|tell me|told me|answer|saying)|your (?:last|previous|first) (?:message|answer|reply|response|sentence)|(?:repeat|say) what you (?:just )?said", memory_lookup.model_message),
        (r"\b(?:repeat|say) (?:that|it|yourself)(?: again| once more)?\b|\bsay again\b|^pardon\b", memory_lookup.last_answer),
        (r"\bwhat (?:did|was it|were the things|have) (?:i|that i)? ?(?:just )?(?:ask(?:ed)?|tell|told|want) (?:you )?(?:to )?(?:remember|memori[sz]e|note|keep)|what (?:were you|are you) (?:asked|told|supposed) to remember|what do you remember\b", memory_lookup.notes),
        (r"\bwhere (?:do|did) i (?:currently |now )?live|\bwhere'?s my home|\bwhich (?:city|town|country|place) (?:do|am) i (?:live|from)", memory_lookup.fact_reply("live city place", "You live in {}.", "You have not told me where you live.")),
        (r"\bwhere (?:am i|do i come|was i|i'm) (?:from|born)?", memory_lookup.fact_reply("from place city birth", "You are from {}.", "You have not told me where you are from.")),
        (r"\bhow old am i\b|\bwhat(?:'s| is) my age\b", memory_lookup.fact_reply("age", "You are {} years old.", "You have not told me your age.")),
        (r"\bwhat (?:should|do|will|would|can) you call me\b|\bwho am i\b|\bwhat(?:'s| am i) (?:my name|called)\b|\b(?:say|know|remember|recall|tell me|guess|what|state|use) my name\b(?! and)|\bwhat (?:did i say )?my (?:first )?name (?:is|was)\b|\bwhat name did i\b", memory_lookup.fact_reply("name", "Your name is {}.", "You have not told me your name.")),
        (r"\bwhat do i (?:do for|do\b|work)|\bwhere do i work\b|\bwhat(?:'s| is) my (?:job|profession|occupation|work)", memory_lookup.fact_reply("work", "You work as {}.", "You have not told me your work.")),
        (r"\bwhat do i (?:like|love|enjoy)\b", memory_lookup.fact_reply("like", "You like {}.", "You have not told me what you like.")),
        (r"\bwhat(?:'s| is) your name\b|\bwho are you\b|\bwhat are you(?: called)?\?|\bintroduce yourself\b|\byour name\?", memory_lookup.own_name),
        (rf"{_WHAT} (?P<owner>my|the|our|your) (?P<name>[\w' -]{{1,80}}?)(?: again| that i| i (?:told|gave|asked|said|mentioned|just)(?: you)?| you were|, please| please)?\s*(?:[?.!,]|$| that\b| i\b| you\b)", memory_lookup.recall),
        (r"\b(?:do you|can you|could you)?(?: still| please)* ?(?:remember|recall|know|tell me|say|state|repeat|reveal|share|name)(?: what| back| again)? (?P<owner>my|the|our|your) (?P<name>[\w' -]{1,60}?)(?: is| was| again| that i| i (?:told|gave|asked|said|mentioned|just)(?: you)?| from earlier| please)?\s*(?:[?.!,]|$)", memory_lookup.recall),
        (r"\b(?:what|which) (?P<name>[\w -]{1,40}?) (?:did|do|have|am|was|is) (?:i|it that i|we)\b", memory_lookup.which),
        (r"\b(?:what|which) (?P<name>[\w -]{1,40}?) (?:were|are) you (?:told|given|asked)", memory_lookup.which),
        (r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|one|zero|twelve|twenty|hundred|double|half|halve)\b", memory_lookup.sum_reply),
        (r"\bcan you hear me\b|\bdo you hear me\b|\bare you there\b|\bare you listening\b|\bis this (?:thing )?(?:on|working)\b", telling.fixed("Yes, I can hear you. How can I help?", "Yes")),
        (r"\bhow are you\b|\bhow(?:'s| is) it going\b", telling.fixed("I am doing well, thank you! How can I help you?", "Well")),
        (r"\bthank(?:s| you)\b", telling.fixed("You're welcome!", "Welcome")),
        (r"\b(?:what can you do|how can you help)\b|^help\b", telling.fixed("I can do sums, count, remember what you tell me, and call your tools.", "Questions")),
        (r"\b(?:good ?bye|bye|see you)\b", telling.fixed("Goodbye! Have a nice day.", "Goodbye")),
        (r"^(?:what|which|who|whose|where|when|how|why|do you|can you tell|could you tell|tell me|did i|is|are|was|does)\b|\?\s*$|\bremind me\b", memory_lookup.matching_sentence),
        (r"\b(?:hello|hi|hey|greetings?|greet|welcome|good (?:morning|afternoon|evening))\b", memory_lookup.greeting),
    )
)  # fmt: skip
