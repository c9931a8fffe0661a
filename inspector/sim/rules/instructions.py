"""Instructions that the brain follows: text to say word for word, and the form of answers (one word, JSON, a language)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from inspector.sim.rules.english import Reply, cut, sentences, with_digits

_PHRASES = {
    "spanish": {"hello": "Hola", "goodbye": "Adiós", "thank you": "Gracias", "yes": "Sí", "no": "No",
                "_hello": "¡Hola! ¿En qué puedo ayudarte?", "_said": "Has dicho: {}", "_answer": "La respuesta es {}."},
    "french": {"hello": "Bonjour", "goodbye": "Au revoir", "thank you": "Merci", "yes": "Oui", "no": "Non",
               "_hello": "Bonjour ! Comment puis-je vous aider ?", "_said": "Vous avez dit : {}",
               "_answer": "La réponse est {}."},
    "german": {"hello": "Hallo", "goodbye": "Auf Wiedersehen", "thank you": "Danke", "yes": "Ja", "no": "Nein",
               "_hello": "Hallo! Wie kann ich dir helfen?", "_said": "Du hast gesagt: {}", "_answer": "Die Antwort ist {}."},
    "italian": {"hello": "Ciao", "goodbye": "Arrivederci", "thank you": "Grazie", "yes": "Sì", "no": "No",
                "_hello": "Ciao! Come posso aiutarti?", "_said": "Hai detto: {}", "_answer": "La risposta è {}."},
    "japanese": {"hello": "こんにちは", "goodbye": "さようなら", "thank you": "ありがとう", "yes": "はい", "no": "いいえ",
                 "_hello": "こんにちは！ご用件は何でしょうか。", "_said": "「{}」とおっしゃいましたね。",
                 "_answer": "答えは{}です。"},
}  # fmt: skip
"""A few words, and templates for everything else; enough for a test to tell that the language was honored."""
_LANGUAGES = "|".join(_PHRASES)
_VERB = r"(?:say|repeat|reply|respond|answer|output|print|write|echo|return|speak|read|utter|state|recite|type)"
_FILLER = (
    r"(?: (?:back|out loud|aloud|to me|after me|only|just|exactly|simply|verbatim|precisely|word for word|with|by saying|saying|"
    r"this|these|the following|following|text|sentence|phrase|words?|message|line|string|literally|nothing but|a single|single|"
    r"the|exact|token|number|letter|name|something like))*"
)
_SAY = re.compile(
    rf"(?:^|[.!?,;:] |\n|\b(?:please|just|simply|only|then|and|you|now|must|should|always|to|ok|okay|can you|could you|would you|will you|hey) )"
    rf"{_VERB}(?P<filler>{_FILLER})(?P<colon>:)?\s+(?P<what>.+)",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"^(?:that|it|this|what (?:i|you)|yourself|your|again|my|everything)\b", re.IGNORECASE
)
_NOT_VERBATIM = re.compile(
    r"^(?:in\b|as\b|to (?:the|my|this|me|each|every|any|all|user|questions?)\b|something|anything|nothing\b|a (?:very|short|brief|few|random|long|greeting|story|poem|joke|word|sentence|number|complete|detailed|fun|paragraph|one|single|yes|list|about|bit|little|different)|an? \w+ (?:about|to)|"
    r"one (?:word|short|sentence)|\d+ words?|two words|the (?:question|user|result|answer|sum|alphabet|number of|capital|days|months|secret|code|password|opposite|weather|name|first|last|same|correct|color|colour)\b|"
    r"(?:the )?(?:code|word|name|number|color|colour|answer|value|digits?|result|city|secret|letter)(?: only| alone)?[.!]?$|"
    r"(?:the )?(?:\w+ ){0,2}?(?:i|we|you) (?:told|said|gave|mentioned|asked|just|chose|picked|shared)\b|"
    r"(?:your|my|his|her|their|our|its|whether|what|who|how|why|when|where|if|about|for|from|only|just|briefly|concisely|politely|naturally|quickly|slowly|politely|using|word|words|number|more|less|it|its|json|valid|yes or no|true or false|either|short|brief|concise|always|user)\b)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:,? (?:in (?:one|a single) word|and (?:nothing|not anything) else|and (?:only|just) that|nothing (?:else|more)|only|exactly|please|verbatim|word for word|to me|out loud|for me|back to me|"
    r"without (?:any|adding)[^.]{0,60}|with no[^.]{0,60}|and (?:then )?(?:stop|wait)[^.]{0,60}|as your (?:full|entire|only|whole)[^.]{0,40}|in (?:your|a) [^.]{0,40}))+[.!]?$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""^["'`](?P<what>.{1,600}?)["'`](?=$|[\s.,!?;)])""")
_GREET = re.compile(
    r"^(?P<word>hi|hello|hey|goodbye|good morning|thanks|thank you)\b(?: (?:to|for)) (?P<who>[\w' ]{1,40})",
    re.IGNORECASE,
)
_IN_LANGUAGE = re.compile(rf"\b(?:in|speak|use|only) (?P<language>{_LANGUAGES})\b", re.IGNORECASE)
_RULE = re.compile(
    r"\b(?:when(?:ever)?|if|each time|every time|any time) (?:i|the user|user|someone|anyone|they|the caller|a user) "
    r"(?:says?|asks?(?: (?:you|about|for))*|mentions?|types?|writes?|sends?|tells? you|greets? you with) (?P<cue>[^,]{1,80}?),? (?:then )?(?:you )?(?:(?:should|must|will|always|only|just|please|have to) )*"
    r"(?:say|reply|respond|answer|return|output)(?: (?:with|only|exactly|by saying|just))*:? (?P<what>[^\n]{1,200})",
    re.IGNORECASE,
)
_ALWAYS = re.compile(
    rf"\b(?:always|only|no matter what|to (?:everything|every|all|any)|under all circumstances|every time)\b[^.\n]{{0,60}}?\b{_VERB}(?: (?:only|with|exactly|by saying|just|the|word|words|phrase|a single|single))*:? (?P<what>[\"'].{{1,200}}?[\"']|(?-i:[A-Z]{{2,}})\b)"
    rf"|\b{_VERB} to (?:everything|every|all|any|whatever)[^.\n]{{0,50}}? (?:with|by saying)(?: (?:only|exactly|just|the|word|words|phrase))*:? (?P<other>[^\n.]{{1,100}})",
    re.IGNORECASE,
)
_YES_OR_NO = r"\byes[ -]or[ -]no\b"
_FORMS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("word", rf"{_YES_OR_NO}|\b(?:answer|reply|respond)(?: with)? (?:only|just) (?:the|his|her|my|its|their) \w+(?: \w+)?(?=[.!]|$)"),
        ("word", r"\b(?:in|with|using|use|only|just|exactly|be)? ?(?:only |just |exactly |a |one ){0,3}(?:one|single|1)[- ]word\b(?! problem)|\bone word (?:only|answer|reply|response)\b|\bwith (?:just|only) the (?:word|name|city|color|colour|answer|value|code|number|result|secret)\b|\b(?:only|just|nothing but) the (?:word|name|city|color|colour|answer|value|code|secret word|secret|number|digits?|result|final answer)\b|\b(?:answer|reply|respond) with (?:the )?(?:number|digits?|name|word|color|city) only\b|\b(?:number|name|word|digit|answer|color|city) only\b|\b(?:a|one|single) (?:number|digit)\b(?= ?(?:only|[.,!]|$))"),
        ("upper", r"\b(?:in|using|all|only) (?:all )?(?:upper ?case|caps|capital letters|capitals|block letters)\b|\buppercase\b"),
        ("lower", r"\b(?:in|using|all|only) (?:all )?(?:lower ?case|small letters)\b"),
        ("json", r"\bjson\b"),
    )
)  # fmt: skip
_END = re.compile(
    r"\b(?:end|finish|close|conclude|sign off) (?:all |each |every |your |of |the )*(?:answers?|repl(?:y|ies)|responses?|sentences?|messages?|turns?|statements?)? ?(?:with|by saying)(?: the)?(?: (?:words?|phrase|exact phrase|text|sentence|emoji))?:? (?P<what>[\"'][^\"'\n]{1,120}[\"']|[^\n.,;]{1,60}[!?]?)",
    re.IGNORECASE,
)
_BEGIN = re.compile(
    r"\b(?:start|begin|prefix|open|preface) (?:all |each |every |your |of |the )*(?:answers?|repl(?:y|ies)|responses?|sentences?|messages?|turns?|statements?)? ?(?:with|by saying)(?: the)?(?: (?:words?|phrase|exact phrase|text|sentence|emoji))?:? (?P<what>[\"'][^\"'\n]{1,120}[\"']|[^\n.,;]{1,60}[!?]?)",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"\b(?:in|with|under|at most|within|most|exactly|than|no more than|using) (?P<count>\d{1,2}) words?\b(?! problem)"
)


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """The form of an answer."""

    is_one_word: bool = False
    is_upper: bool = False
    is_lower: bool = False
    is_json: bool = False
    language: str = ""
    begins: str = ""
    ends: str = ""
    max_words: int = 0

    def also(self, other: ReplyForm) -> ReplyForm:
        """Return both forms combined; where both set something, the other one wins."""
        return ReplyForm(
            **{name: getattr(other, name) or getattr(self, name) for name in ReplyForm.__slots__}
        )


def form_of(text: str) -> ReplyForm:
    """Return the form of answers that a text requests."""
    text = cut(text)
    if not text:
        return ReplyForm()
    forms = {name for name, pattern in _FORMS if pattern.search(text)}
    language = _IN_LANGUAGE.search(text)
    words = _WORDS.search(with_digits(text))
    return ReplyForm(
        is_one_word="word" in forms,
        is_upper="upper" in forms,
        is_lower="lower" in forms,
        is_json="json" in forms,
        language=language.group("language").lower() if language is not None else "",
        begins=_what(_BEGIN, text),
        ends=_what(_END, text),
        max_words=int(words.group("count")) if words is not None else 0,
    )


def asks_yes_or_no(text: str) -> bool:
    """Return True if a text requests a yes or no."""
    return re.search(_YES_OR_NO, text, re.IGNORECASE) is not None


def _what(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group("what").strip(" \"'") if found is not None else ""


def verbatim_order(text: str) -> str:
    """Return the words that a text orders to say verbatim; ``""`` if it has no such order."""
    text = cut(text)
    for start in _clauses(text):
        found = _SAY.search(start)
        if found is None or re.match(
            r"(?:when|whenever|if|each time|every time)\b", start, re.IGNORECASE
        ):
            continue
        words = _verbatim(found)
        if words and not _means_the_answer(found, text):
            return words
    return ""


def _clauses(text: str) -> Iterator[str]:
    """Yield the rest of a text from each sentence on: the words to say may span several sentences."""
    at = 0
    for sentence in sentences(text)[:20]:
        at = text.find(sentence, at)
        yield text[at:]


def _means_the_answer(found: re.Match[str], text: str) -> bool:
    """Return True if "reply with just the animal" follows a question: it then asks for the answer, not for these words."""
    is_the = found.group("filler").lower().endswith(" the")
    is_noun = re.fullmatch(r"[a-z]+(?: [a-z]+)?[.!]?", found.group("what")) is not None
    return is_the and is_noun and "?" in text


def _verbatim(found: re.Match[str]) -> str:
    what, has_colon = found.group("what").strip(), found.group("colon") is not None
    quoted = _QUOTED.match(what)
    if quoted is not None:
        return quoted.group("what")
    inner = re.search(r""":\s*["'](?P<what>[^"']{1,600})["']""", what[:80] + what[80:680])
    if inner is not None and len(what[: inner.start()].split()) <= 6:
        return inner.group("what")
    led = re.match(r"(?:\w+ ){0,5}\w+: (?P<what>.+)", what)
    if led is not None and not has_colon and not re.search(r"[.?!]", what[: led.start("what")]):
        what, has_colon = led.group("what"), True
    greeting = _GREET.match(what)
    if greeting is not None:
        who = greeting.group("who").strip()
        is_name = re.match(r"(?:me|us|the|everyone|them|my|our)\b", who, re.IGNORECASE) is None
        return f"{greeting.group('word').capitalize()}{f', {who}' if is_name else ''}!"
    if not has_colon and (_NOT_VERBATIM.match(what) or _AGAIN.match(what)):
        return ""
    if not has_colon:
        what = sentences(what)[0] if _has_more_orders(what) else what
    return _TAIL.sub("", what).strip(" \"'`")


def _has_more_orders(what: str) -> bool:
    rest = sentences(what)[1:]
    return any(
        re.match(
            r"(?:do not|don't|nothing|no |only|just|then|and|please|keep|without|never|be |that|this|i |you |use )",
            one,
            re.IGNORECASE,
        )
        for one in rest
    )


def rule_for(question: str, rules: str) -> str:
    """Return the reply that a rule like "when I say ping, say pong" sets for a question; ``""`` if none applies."""
    words = _bare(question)
    for found in _RULE.finditer(rules[-4_000:]):
        cue = _bare(found.group("cue"))
        if cue and (cue == words or f" {cue} " in f" {words} "):
            return _first(found.group("what"))
    return ""


def constant_reply(instructions: str) -> str:
    """Return the reply that instructions set for every input ("always say ..."); ``""`` if they set none."""
    found = _ALWAYS.search(cut(instructions))
    return _first(found.group("what") or found.group("other")) if found is not None else ""


def _first(what: str) -> str:
    what = what.strip()
    quoted = _QUOTED.match(what)
    if quoted is not None:
        return quoted.group("what")
    return _TAIL.sub("", sentences(what)[0]).strip(" \"'`").removesuffix(".")


_FORM_FIRST = re.compile(
    rf"^(?:please )?(?:(?:answer|reply|respond|tell me|say)(?: to)?(?: this| me)? )?(?:in|using|with) (?:only |just )?(?:one|a single|1|uppercase|upper case|all caps|lowercase|{_LANGUAGES})(?: words?| letters)?(?: only)?[,:] +",
    re.IGNORECASE,
)


def without_form(text: str) -> str:
    """Return a text without a leading form such as "in one word:"."""
    return _FORM_FIRST.sub("", text)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower().strip("'\"")))


def formatted_reply(reply: Reply, form: ReplyForm) -> str:
    """Return the text of a reply in the requested form."""
    text = reply.text
    if form.language:
        text = _in_language(reply, form.language)
    if form.is_json:
        return json.dumps({"answer": reply.short or text}, ensure_ascii=False)
    if form.is_one_word:
        text = one_word(reply)
    elif form.max_words:
        words = text.split()
        text = (
            text
            if len(words) <= form.max_words
            else " ".join((reply.short or text).split()[: form.max_words])
        )
    if form.begins and not text.startswith(form.begins):
        text = f"{form.begins} {text}"
    if form.ends and form.ends not in text:
        text = f"{text} {form.ends}"
    return text.upper() if form.is_upper else text.lower() if form.is_lower else text


def one_word(reply: Reply) -> str:
    """Return a reply's value, or its last word."""
    if reply.short:
        return reply.short
    words = re.findall(r"[\w'-]+", reply.text)
    return words[-1] if words else reply.text


def _in_language(reply: Reply, language: str) -> str:
    phrases = _PHRASES[language]
    plain = re.sub(rf" in (?:{_LANGUAGES})$", "", reply.text.lower().strip(" .!?"))
    if plain in phrases and not plain.startswith("_"):
        return phrases[plain]
    if plain.startswith(("hello", "hi")):
        return phrases["_hello"]
    short = phrases.get(reply.short.lower(), reply.short)
    if short:
        return phrases["_answer"].format(short)
    return phrases["_said"].format(reply.text.removeprefix("You said: "))
