"""Tasks in the instructions of one response ("tell the user their balance"), told apart from rules about style."""

from __future__ import annotations

import re

from inspector.sim.rules.english import cut, sentences

_VERBS = (
    "tell|inform|let|write|narrate|count|list|name|translate|spell|explain|describe|give|recite|introduce|calculate|compute|"
    "add|subtract|multiply|divide|summari[sz]e|call|use|invoke|look|check|find|book|get|ask|greet|make|sing|what|who|which|"
    "where|when|how|welcome|thank|apologi[sz]e|classify|categori[sz]e|determine|analy[sz]e"
)
_TASK = re.compile(rf"(?:please |now |then |first,? |just )*(?:{_VERBS})\b", re.IGNORECASE)
_MANNER = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|respon(?:d|ses?)|tone|style|manner|voice|accent|whenever|always|never|each|every|"
    r"if the (?:user|customer|caller)|when (?:the (?:user|customer|caller)|they|asked))\b",
    re.IGNORECASE,
)
_USER = r"the (?:user|customer|caller|client)"
_AS_USER = tuple(
    (re.compile(pattern, re.IGNORECASE), to)
    for pattern, to in (
        (rf"\b{_USER}['’]s\b", "my"),
        (rf"\b(did|does|do|has|had|can|could|will|would|should) {_USER}\b", r"\1 I"),
        (rf"\bis {_USER}\b", "am I"),
        (rf"\bwas {_USER}\b", "was I"),
        (
            rf"\b{_USER} (?=(?:said|told|asked|mentioned|wants?|likes?|lives?|is|was|has|had)\b)",
            "I ",
        ),
        (rf"\b{_USER}\b", "me"),
        (r"\bdoes I\b", "do I"),
        (r"\bhas I\b", "have I"),
    )
)
_TELL = re.compile(
    rf"(?:please )?(?:tell|inform|let) (?:{_USER}|them|me)(?: know)? that (?P<what>.+)",
    re.IGNORECASE,
)
_ASK = re.compile(
    rf"(?:please )?ask (?:{_USER}|them|me) (?P<link>for|to|about)? ?(?P<what>.+)", re.IGNORECASE
)


def task_in(order: str) -> str:
    """Return the tasks in the instructions of a response, as if the user had asked; ``""`` if they only set a style."""
    tasks = [one for one in sentences(cut(order))[:20] if _is_task(one)]
    text = " ".join(tasks)
    for pattern, to in _AS_USER:
        text = pattern.sub(to, text)
    return text


def message_in(order: str) -> str:
    """Return the message or question to the user that instructions order ("tell the user that ..."); ``""`` for neither."""
    for one in sentences(cut(order))[:20]:
        tell = _TELL.match(one)
        if tell is not None:
            what = _to_user(tell.group("what"))
            return what[:1].upper() + what[1:]
        ask = _ASK.match(one)
        if ask is not None:
            return _question(ask.group("link") or "", _to_user(ask.group("what").strip(" .?!")))
    return ""


def _is_task(sentence: str) -> bool:
    if _MANNER.search(sentence):
        return False
    return sentence.endswith("?") or _TASK.match(sentence) is not None


def _question(link: str, what: str) -> str:
    match link.lower():
        case "to":
            return f"Could you {what}, please?"
        case "about":
            return f"Could you tell me about {what}?"
    return f"Could you tell me {what}?"


def _to_user(text: str) -> str:
    for pattern, to in _TO_USER:
        text = pattern.sub(to, text)
    return text


_TO_USER = tuple(
    (re.compile(pattern, re.IGNORECASE), to)
    for pattern, to in (
        (rf"\b(?:{_USER}['’]s|their)\b", "your"),
        (rf"\b(?:{_USER}|they) (?:is|are)\b", "you are"),
        (rf"\b(?:{_USER}|they) (?:has|have)\b", "you have"),
        (rf"\b(?:{_USER}|they|them)\b", "you"),
    )
)
