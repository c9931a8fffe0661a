"""Simple questions, by a table of patterns: about the conversation, about words and lists, and about the world."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inspector.sim.rules import knowledge, lore, recall
from inspector.sim.rules.recall import Answering, Question
from inspector.sim.rules.words import Reply

__all__ = ["Question", "replies"]


def replies(question: Question) -> Iterator[Reply]:
    """Yield answers, the most fitting first."""
    for pattern, answering in _TABLE:
        found = pattern.search(question.text)
        reply = answering(found, question) if found is not None else None
        if reply is not None:
            yield reply


_THING = r"(?:the |a |an )?(?P<thing>[a-z]+(?: [a-z]+)?)"
_WORD = r"(?:the word |the name )?[\"']?(?P<word>[^\W\d_]{1,40})[\"']?"
_KINDS = "|".join(sorted((re.escape(kind) for kind in knowledge.KINDS), key=len, reverse=True))
_WHAT = r"\bwhat(?:'s| is| was| are| were)"
_SMALL = r"one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2}|all|the|all the|a|an|a random|any|some"
_TABLE: tuple[tuple[re.Pattern[str], Answering], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), answering)
    for pattern, answering in (
        (r"\b(?:tell|write|narrate|make up|give|read|say)\b.{0,40}\b(?:story|tale|fairy ?tale|monologue)\b|\bonce upon a time\b", lore.story),
        (r"\b(?:essay|(?:in|with) (?:great |as much |full |lots of )?detail|long (?:paragraph|answer|explanation|speech|text|response|description|talk)|at (?:great )?length|talk (?:for|about)|speak for|keep talking|at least \d+ (?:words|sentences))\b|^(?:explain|describe) |\bparagraphs?\b", lore.essay),
        (r"\b(?:tell|know|say|make)\b.{0,30}\bjoke\b", lore.always(knowledge.JOKE, "cache")),
        (r"\b(?:tell|know|give|share|say|what(?:'s| is))\b.{0,40}\bfact\b", lore.always(knowledge.FUN_FACT, "honey")),
        (r"\b(?:poem|haiku|limerick|rhyme)\b", lore.always(knowledge.POEM, "things")),
        (r"\b(?:plus|minus|times|multipl\w+|divided?|squared|cubed|double|twice|triple|half|add|subtract|sum|percent)\b|[+*/×÷]", recall.sum_with_facts),
        (r"\bcount", lore.count),
        (r"\b(?:recite|say|tell me|list|go through) (?:the |your )?(?:alphabet|abc)", lore.alphabet),
        (r"\bwhat (?:did|was it that) i (?:just |first |last )*(?:ask|tell|want|order)(?:ed)? you to (?P<verb>repeat|say|do|translate|spell|count|write|answer)\b", recall.ordered_before),
        (r"(?:what|which)(?:'s| is| was)? (?:my|the|our) (?:very )?(?:first|last|previous) (?:message|question|thing i said|sentence|statement)|\bwhat (?:did|have) i (?:just |first |originally )?(?:say|said|ask(?! you to)|asked(?! you to)|tell you|told you|mention)\b(?! my| was| is)|\b(?:repeat|say) (?:back )?(?:what i|my last)|first thing i (?:said|told|asked)", recall.said_before),
        (r"\bwhat (?:did|have|were) you (?:just |first |originally )?(?:say|said|tell me|told me|answer|saying)|your (?:last|previous|first) (?:message|answer|reply|response|sentence)|(?:repeat|say) what you (?:just )?said", recall.model_said),
        (r"\b(?:repeat|say) (?:that|it|yourself)(?: again| once more)?\b|\bsay again\b|^pardon\b", recall.again),
        (r"\b(?:summari[sz]e|recap|sum up|summary of)\b.{0,40}\b(?:conversation|chat|discussion|so far|we|said|talked)\b|\b(?:everything|what|all)(?: that)? (?:do )?you (?:know|remember|learned) about me\b", recall.summary),
        (r"\bwhat (?:did|was it|were the things|have) (?:i|that i)? ?(?:just )?(?:ask(?:ed)?|tell|told|want) (?:you )?(?:to )?(?:remember|memori[sz]e|note|keep)|what (?:were you|are you) (?:asked|told|supposed) to remember|what do you remember\b", recall.notes),
        (r"\bwhere (?:do|did) i (?:currently |now )?live|\bwhere'?s my home|\bwhich (?:city|town|country|place) (?:do|am) i (?:live|from)", recall.told("live city place", "You live in {}.", "You have not told me where you live.")),
        (r"\bwhere (?:am i|do i come|was i|i'm) (?:from|born)?", recall.told("from place city birth", "You are from {}.", "You have not told me where you are from.")),
        (r"\bhow old am i\b|\bwhat(?:'s| is) my age\b", recall.told("age", "You are {} years old.", "You have not told me your age.")),
        (r"\bwhat (?:should|do|will|would|can) you call me\b|\bwho am i\b|\bwhat(?:'s| am i) (?:my name|called)\b|\b(?:say|know|remember|recall|tell me|guess|what|state|use) my name\b(?! and)|\bwhat (?:did i say )?my (?:first )?name (?:is|was)\b|\bwhat name did i\b", recall.told("name", "Your name is {}.", "You have not told me your name.")),
        (r"\bwhat do i (?:do for|do\b|work)|\bwhere do i work\b|\bwhat(?:'s| is) my (?:job|profession|occupation|work)", recall.told("work", "You work as {}.", "You have not told me your work.")),
        (r"\bwhat do i (?:like|love|enjoy)\b", recall.told("like", "You like {}.", "You have not told me what you like.")),
        (r"\bwhat(?:'s| is) your name\b|\bwho are you\b|\bwhat are you(?: called)?\?|\bintroduce yourself\b|\byour name\?", recall.own_name),
        (rf"{_WHAT} (?P<owner>my|the|our|your) (?P<name>[\w' -]{{1,80}}?)(?: again| that i| i (?:told|gave|asked|said|mentioned|just)(?: you)?| you were|, please| please)?\s*(?:[?.!,]|$| that\b| i\b| you\b)", recall.recall),
        (r"\b(?:do you|can you|could you)?(?: still| please)* ?(?:remember|recall|know|tell me|say|state|repeat|reveal|share|name)(?: what| back| again)? (?P<owner>my|the|our|your) (?P<name>[\w' -]{1,60}?)(?: is| was| again| that i| i (?:told|gave|asked|said|mentioned|just)(?: you)?| from earlier| please)?\s*(?:[?.!,]|$)", recall.recall),
        (r"\b(?:what|which) (?P<name>[\w -]{1,40}?) (?:did|do|have|am|was|is) (?:i|it that i|we)\b", recall.which),
        (r"\b(?:what|which) (?P<name>[\w -]{1,40}?) (?:were|are) you (?:told|given|asked)", recall.which),
        (r"\bis (?P<city>[\w ]{2,30}) the capital(?: city)? of (?P<place>[\w .]{2,30}?)(?:[?.!,]|$)", lore.is_capital),
        (r"\bcapital(?: city)? of (?P<place>[\w .]{2,30}?)(?:\s*[?!,.]|$| in one| in a|\s+(?:again|please|and|is|answer|reply|respond|use)\b)", lore.capital),
        (r"\b(?P<place>[a-z]+(?: [a-z]+)?)'s capital\b", lore.capital),
        (r"\b(?:what|which) country is (?P<city>[\w ]{2,30}?) in", lore.country_of),
        (rf"\b(?:what|which) colou?rs? (?:is|are|does|do|was) {_THING}", lore.color),
        (rf"\bcolou?r of {_THING}", lore.color),
        (rf"\b(?:is|are) {_THING} (?P<color>red|blue|green|yellow|white|black|orange|purple|pink|brown|gr[ae]y)\b", lore.is_color),
        (r"\b(?:opposite|antonym|reverse)(?: word)? (?:of|for|to) (?:the word )?[\"']?(?P<word>\w{1,20})", lore.opposite),
        (rf"\bspell(?:ing)?(?: out| of)? (?!it\b|that\b|my\b|the (?!word)){_WORD}", lore.spelling),
        (rf"\bhow many (?:times does )?(?:the )?(?:letter )?[\"']?(?P<letter>[a-z])[\"']?(?:'?s)? (?:are|is|appear|appears|does|occur)?(?: there)? ?(?:in|appear in) {_WORD}", lore.letters),
        (rf"\bhow many (?:letters|characters) (?:are|does|is)?(?: there)? ?(?:in|of)? ?{_WORD}(?: have| has| contain)?", lore.letters),
        (rf"\bplural(?: form)? of {_WORD}", lore.plural),
        (rf"\b(?P<which>first|last) letter (?:of|in) {_WORD}", lore.end_letter),
        (rf"\b(?:reverse|backwards?|spell backwards)(?: of| spelling of)? {_WORD}", lore.backwards),
        (r"\b(?:day|month|number|letter|what)(?: of the week)?(?: is| comes| come)? (?:right |immediately |directly )?(?P<step>after|before|follows|precedes) (?P<name>\w{1,15})", lore.neighbor),
        (r"\bhow (?:do|would) (?:you|i) say (?P<what>[^?.!]{1,40}?) in (?P<language>[a-z]+)", lore.translation),
        (r"\btranslate[:,]? (?P<what>[^?!]{1,40}?)[.,]? (?:in)?to (?P<language>[a-z]+)", lore.translation),
        (r"\bsay (?P<what>[^?.!]{1,30}?) in (?P<language>[a-z]+)\b", lore.translation),
        (r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|one|zero|twelve|twenty|hundred|double|half|halve)\b", recall.as_sum),
        (rf"\bwhat are (?P<count>all |the )+(?P<kind>(?:{_KINDS}|days of|months of|colours?)\w*)", lore.listed),
        (r"\b(?:how|what|which|who|where)\b", lore.known),
        (rf"\b(?:list|name|give me|tell me|say|pick|choose|think of|suggest|recite|what are)(?: me)? ?(?P<count>{_SMALL})? (?:random |different |common |more )*(?P<kind>(?:{_KINDS}|days of|months of|colours?)\w*)", lore.listed),
        (r"\bcan you hear me\b|\bdo you hear me\b|\bare you there\b|\bare you listening\b|\bis this (?:thing )?(?:on|working)\b", lore.always("Yes, I can hear you. How can I help?", "Yes")),
        (r"\bhow are you\b|\bhow(?:'s| is) it going\b", lore.always("I am doing well, thank you! How can I help you?", "Well")),
        (r"\bthank(?:s| you)\b", lore.always("You're welcome!", "Welcome")),
        (r"\b(?:what can you do|how can you help)\b|^help\b", lore.always("I can answer simple questions, do sums, count, remember what you tell me, and call your tools.", "Questions")),
        (r"\b(?:good ?bye|bye|see you)\b", lore.always("Goodbye! Have a nice day.", "Goodbye")),
        (r"^(?:what|which|who|whose|where|when|how|why|do you|can you tell|could you tell|tell me|did i|is|are|was|does)\b|\?\s*$|\bremind me\b", recall.retrieved),
        (r"^(?:can|could|will|would) you (?P<what>[^?]{1,60})\?", lore.ability),
        (r"\b(?:hello|hi|hey|greetings?|greet|welcome|good (?:morning|afternoon|evening))\b", recall.greeting),
    )
)  # fmt: skip
