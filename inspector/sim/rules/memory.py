"""What was said in a conversation: facts with an owner and a name, and whole sentences to fall back on.

There is no store. Everything is found anew in what the conversation holds at the time of the question, so what was deleted or
cut off is forgotten, as it is by a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from inspector.sim.brain import Said
from inspector.sim.rules.english import (
    Reply,
    content,
    cut,
    named,
    sentences,
    stem,
    turned,
    with_digits,
)

_MAX_RETURNED, _MAX_FACTS = 20_000, 100
"""How much is read of what one tool returned: characters, and members."""
MAX_SAID = 400
"""How far back it looks, in items."""
USER, MODEL, ANY = "user", "model", ""
"""Whose a fact is."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was told."""

    owner: str
    name: str
    """As it was said, like ``favorite color``."""
    value: str


_VALUE = r"(?P<value>[^\n;!?]{1,120}?)(?=[;!?\n]|\.(?:\s|$)|,? (?:and|but) (?:my|i|i'm|please|you|your|the|it)\b|, (?:please|so|my|and|but|i|right|okay)\b|$)"
_KEY = r"(?P<name>[^\W\d_][\w'-]*(?: [\w'-]+){0,5}?)"
_REMEMBER = r"(?:remember|memori[sz]e|keep in mind|note(?: down)?|don't forget|do not forget|store|save|recall)"
_KIND = (
    r"(?:secret |code |special |magic |lucky |random |following |pass ?|access |security |verification |account |order )*"
    r"(?:number|word|code|codeword|password|passphrase|phrase|name|color|colour|animal|fruit|city|token|letter|key|"
    r"string|date|item|pin|id|term|object|food)"
)
_LEAD = r"(?:(?:that|this|the|my|a|an|these|for me|please|for later|fact)[: ]+)*"
_FACTS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (rf"\b(?P<owner>my|your|our|the user's|the customer's|the caller's|user's|his|her|their|the|this|a|today's) {_KEY} (?:is|was|are|will be|equals|=|must be|has been set to|is set to|should be) (?:now |called |always |also )?{_VALUE}", ""),
        (rf"\b(?P<owner>my|your|the|secret) ?(?P<name>{_KIND})(?::| =) ?{_VALUE}", ""),
        (rf"\b{_REMEMBER}:? {_LEAD}(?P<name>{_KIND})(?: is)?(?: as)?[:,]? +(?!i\b|that i\b|you\b|we\b|for\b|to\b|and\b|of\b)['\"]?{_VALUE}", ""),
        (rf"\b{_REMEMBER}[:,]? (?:that |this: )?(?!i |you |we |they )(?P<name>[^\W\d_][\w'-]*(?: [\w'-]+){{0,3}}?) (?:is|are|=|equals) {_VALUE}", ""),
        (rf"\b{_REMEMBER}:? (?:(?:that|this|please|for me|for later)[: ]+)*{_VALUE}", "note"),
        (r"\b(?:call me|i am called|i'm called|i go by|my name's|this is|name's) (?P<value>[A-Z][\w'-]*(?: [A-Z][\w'-]*){0,2})(?=[.,;!?\s]|$)", "name"),
        (r"\b(?:call me|my name's|i am called|i'm called) (?P<value>[a-z][\w'-]*)", "name"),
        (r"(?:^|[.!?,] |\bhi |\bhello |\bhey |\band )(?:I am|I'm|i am|i'm) (?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})(?=[.,;!?\s]|$)", "name"),
        (r"\b(?:the )?(?:user|customer|caller|person you are talking to)(?: is called| is named| is|, named)? (?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})", "name"),
        (rf"\bi(?: currently| now)? live in {_VALUE}", "city live home place"),
        (rf"\bi(?: am|'m| come) (?:originally )?from {_VALUE}", "town country from place"),
        (rf"\bi was born (?:in|on) {_VALUE}", "birth"),
        (rf"\bi (?:work|am working) (?:as|at|for|in) (?:an? )?{_VALUE}", "work"),
        (r"\bi(?:'m| am) (?:an? )(?P<value>[a-z][\w -]{1,40}?)(?=[.,;!?]|$| (?:and|who|from|at|in)\b)", "work"),
        (r"\bi(?:'m| am) (?P<value>\d{1,3})(?: years? old)?(?=[.,;!? ]|$)", "age old"),
        (rf"\bi (?:really )?(?:like|love|enjoy|prefer|adore) {_VALUE}", "like love hobby"),
        (rf"\bi (?:really )?(?:hate|dislike|am allergic to) {_VALUE}", "hate dislike allergic"),
        (rf"\bi drive (?:an? )?{_VALUE}", "car drive"),
        (rf"\bi speak {_VALUE}", "language speak"),
        (rf"\bi(?:'m| am) (?:thinking|planning|going) (?:of|about|to) (?!be\b){_VALUE}", "thought plan"),
        (r"\b(?:i have|i've got|i own|we have|my|a) (?:(?:an?|one|two|three|\d+) )?(?P<name>[\w-]+(?: [\w-]+)?) (?:named|called) (?P<value>(?-i:[A-Z])[\w'-]*)", ""),
    )
)  # fmt: skip
_SELF = re.compile(
    r"\b(?:you are|you're|your name is|call yourself|you will be|act as) (?:now )?(?:an? [\w ,-]{1,60}? (?:named|called) )?"
    r"(?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})",
    re.IGNORECASE,
)
_NOT_NAMES_TEXT = (
    "sorry sure glad happy here ready fine good okay ok not the a an i yes no thanks just "
    "trying looking going hi hello hungry tired great well busy done english spanish french "
    "german american british today now asking"
)
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())


@lru_cache(maxsize=4096)
def facts_in(text: str, role: str) -> tuple[Fact, ...]:
    """Return what a text tells, in order; ``role`` says whose ``my`` is, and whether it is what a tool returned."""
    returned = tuple(_returned(text)) if role == "tool" else ()
    return returned or tuple(_facts(cut(text), role))


def _returned(text: str) -> Iterator[Fact]:
    """Yield the members of the JSON that a tool returned, those within others too."""
    try:
        waiting: list[object] = [json.loads(text[:_MAX_RETURNED])]
    except (ValueError, RecursionError):
        return
    for at in range(_MAX_FACTS):
        if at >= len(waiting):
            return
        value = waiting[at]
        if isinstance(value, list):
            waiting += value[:_MAX_FACTS]
        for name, member in list(value.items())[:_MAX_FACTS] if isinstance(value, dict) else ():
            if isinstance(member, dict | list):
                waiting.append(member)
            elif member is not None:
                yield Fact(ANY, name.replace("_", " "), str(member)[:_MAX_RETURNED])


def _facts(text: str, role: str) -> Iterator[Fact]:
    if role == "system" and (found := _SELF.search(text)) is not None:
        yield Fact(MODEL, "name", found.group("value"))
    for sentence in sentences(text):
        if is_question(sentence):
            continue
        for pattern, fixed in _FACTS:
            if fixed == "note" and role == "assistant":
                continue  # "I will remember that …" is no new thing to remember
            for found in pattern.finditer(sentence):
                fact = _fact(found, fixed, role)
                if fact is not None:
                    yield fact


def _fact(found: re.Match[str], fixed: str, role: str) -> Fact | None:
    groups = found.groupdict()
    value = _tidy(groups["value"])
    name = fixed or groups["name"].lower()
    owner = (groups.get("owner") or ("my" if fixed and fixed != "note" else "")).lower()
    if not value or (fixed == "name" and value.lower().split()[0] in _NOT_NAMES):
        return None
    if re.match(r"(?:what|who|which|where|how|why|when)\b", name):
        return None
    if owner in ("my", "your"):
        is_models = (owner == "my") == (role == "assistant")
        if role == "system" and owner == "my":
            is_models = False
        return Fact(MODEL if is_models else USER, name, value)
    is_users = owner in ("the user's", "the customer's", "the caller's", "user's")
    return Fact(USER if is_users or fixed == "name" else ANY, name, value)


def is_question(sentence: str) -> bool:
    """Tell whether a sentence asks, and so tells nothing."""
    asks = re.match(
        r"(?:and |but |so |ok(?:ay)?,? |please,? |hey,? |now,? )*(?:what|who|which|where|when|how|do you|can you tell|could you tell|tell me|is|are|was|did)\b",
        sentence,
        re.IGNORECASE,
    )
    return sentence.endswith("?") and asks is not None


def _tidy(value: str) -> str:
    value = re.sub(
        r"\s+(?:please|for me|for later|okay|ok|in mind|as well|too)$",
        "",
        value.strip(),
        flags=re.IGNORECASE,
    )
    quoted = re.match(r"""["'](.{1,100}?)["']""", value)
    return quoted.group(1) if quoted is not None else value.strip(" \"'.,:")


@dataclass(frozen=True, slots=True)
class Memory:
    """A conversation as something to be asked."""

    said: Sequence[Said]
    """All before the question, the oldest first."""
    instructions: str = ""

    def facts(self) -> Iterator[Fact]:
        """Yield facts, the newest first; what the instructions tell comes last."""
        for said in reversed(self.said[-MAX_SAID:]):
            if said.text:
                yield from reversed(facts_in(said.text, said.role))
        if self.instructions:
            yield from reversed(facts_in(self.instructions, "system"))

    def about(self, name: str, owner: str = ANY) -> str:
        """Return the value of the fact that a name fits best, the newest of equals; ``""`` where none does."""
        wanted = _key(name)
        best, value = 0.0, ""
        for fact in self.facts():
            score = _fit(wanted, fact)
            if owner and fact.owner and fact.owner != owner:
                score -= 2.0
            if score > best:
                best, value = score, fact.value
        return value

    def everything_of(self, name: str) -> list[str]:
        """Return all values of facts with exactly a name, the oldest first."""
        values = [fact.value for fact in self.facts() if fact.name == name]
        return list(reversed(list(dict.fromkeys(values))))

    def last(self, role: str, back: int = 0) -> str:
        """Return what a role said last, or ``back`` times before that; ``""`` where it did not."""
        texts = [said.text for said in reversed(self.said) if said.role == role and said.text]
        return cut(texts[back]) if back < len(texts) else ""

    def first(self, role: str) -> str:
        """Return what a role said first."""
        return next((cut(said.text) for said in self.said if said.role == role and said.text), "")

    def sentence_about(self, question: str, least: float = 0.5) -> Reply | None:
        """Return the sentence that shares most words with a question, as told back to the user; None where none does.

        Args:
            question: what is asked.
            least: which share of its words must be in the sentence.
        """
        wanted = set(content(question))
        best, chosen, speaker = 0.0, "", ""
        for age, said in enumerate(reversed(self.said[-MAX_SAID:])):
            for sentence in sentences(cut(said.text)):
                shared = wanted & set(content(sentence))
                score = sum(1.0 + 0.05 * len(word) for word in shared) - age * 1e-4
                if shared and not is_question(sentence) and score > best:
                    best, chosen, speaker = score, sentence, said.role
        if not chosen and self.instructions:
            found = Memory([Said("system", self.instructions)]).sentence_about(question)
            return found if found is not None and best == 0 and wanted else None
        enough = max(1.0, least * len(wanted))
        if not chosen or best < enough:
            return None
        short = salient(question, chosen)
        told = turned(chosen) if speaker == "user" else chosen
        head = (
            "You told me: " if speaker == "user" else "I said: " if speaker == "assistant" else ""
        )
        return Reply(f"{head}{told[:1].upper()}{told[1:]}", short)


def salient(question: str, sentence: str) -> str:
    """Return the word of a sentence that a question most likely asks for."""
    asked = question.lower()
    numbers = re.findall(r"\d[\w.:,-]*\w|\d", with_digits(sentence))
    if numbers and re.search(
        r"\bhow (?:many|much|old|long|far|tall)|number|code|when|what time|year|price|cost", asked
    ):
        return str(numbers[0])
    quoted = re.search(r"""["']([^"']{1,60})["']""", sentence)
    if quoted is not None:
        return str(quoted.group(1))
    known = set(content(question))
    names = [name for name in named(sentence) if not set(content(name)) & known]
    if names:
        return names[-1]
    fresh = [
        word
        for word in re.findall(r"[\w'-]+", sentence)
        if content(word) and stem(word) not in known
    ]
    return fresh[-1] if fresh else ""


def _key(name: str) -> list[str]:
    return [stem(word) for word in re.findall(r"[\w'-]+", name.lower()) if stem(word) not in _EMPTY]


_EMPTY_TEXT = "the a an my your of you it is was that this exact again"
_EMPTY = frozenset(_EMPTY_TEXT.split())
_GENERIC = frozenset({"word", "code", "number", "secret", "nam", "name", "favorite", "color"})


def _fit(wanted: list[str], fact: Fact) -> float:
    """Return how well a fact's name fits: the head word counts most, a bare note hardly."""
    have = _key(fact.name)
    if not wanted or not have:
        return 0.0
    if fact.name == "note":
        shared = set(wanted) & set(content(fact.value))
        return 0.4 + len(shared) if shared or set(wanted) <= _NOTES else 0.0
    shared = set(wanted) & set(have)
    if not shared:
        return 0.0
    score = len(shared) / max(len(set(wanted)), len(set(have))) + 0.5 * len(shared)
    if wanted[-1] in have:
        score += 1.0
    extra = set(wanted) - set(have) - _GENERIC
    return score if not extra or len(shared) > len(extra) else 0.0


_NOTES = frozenset(
    {"number", "word", "code", "secret", "thing", "message", "fact", "item", "sentenc"}
)
