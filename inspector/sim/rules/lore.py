"""Answers about words, lists and the world; from tables, with nothing of the conversation."""

from __future__ import annotations

import re

from inspector.sim.rules import knowledge
from inspector.sim.rules.recall import Answering, Question
from inspector.sim.rules.words import Reply, content, stem, turned, with_digits

_MAX_COUNT = 300


def capital(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with the capital of a country."""
    place = found.group("place").lower().removeprefix("the ").strip()
    city = knowledge.CAPITALS.get(place)
    name = place.title() if len(place) > 3 else place.upper()
    return Reply(f"The capital of {name} is {city}.", city) if city else None


def is_capital(found: re.Match[str], question: Question) -> Reply | None:
    """Answer with whether a city is a capital."""
    reply = capital(found, question)
    if reply is None:
        return None
    holds = reply.short.lower() == found.group("city").lower()
    return Reply(f"{'Yes' if holds else 'No'}. {reply.text}", "Yes" if holds else "No")


def country_of(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with which country a capital is in."""
    city = found.group("city").lower().strip()
    country = next((c for c, name in knowledge.CAPITALS.items() if name.lower() == city), "")
    return Reply(f"{city.title()} is in {country.title()}.", country.title()) if country else None


def color(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with the color of a thing."""
    thing = found.group("thing").lower().removesuffix("s")
    known = [thing, *thing.split()]
    thing = next((name for name in known if name in knowledge.COLORS), "")
    color = knowledge.COLORS.get(thing)
    return Reply(f"The {thing} is {color}.", color.capitalize()) if color else None


def is_color(found: re.Match[str], question: Question) -> Reply | None:
    """Answer with whether a thing has a color."""
    reply = color(found, question)
    if reply is None:
        return None
    holds = reply.short.lower() == found.group("color").lower()
    return Reply(f"{'Yes' if holds else 'No'}. {reply.text}", "Yes" if holds else "No")


def opposite(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with the opposite of a word."""
    word = found.group("word").lower()
    other = knowledge.OPPOSITES.get(word)
    return Reply(f"The opposite of {word} is {other}.", other) if other else None


def spelling(found: re.Match[str], _: Question) -> Reply:
    """Answer with a word, letter by letter."""
    spelled = "-".join(found.group("word").upper())
    return Reply(f"{spelled}.", spelled)


def letters(found: re.Match[str], _: Question) -> Reply:
    """Answer with how many letters a word has, or how many of one."""
    word, letter = found.group("word"), (found.groupdict().get("letter") or "").lower()
    count = word.lower().count(letter) if letter else len(word)
    what = (
        f"{count} time{'s' if count != 1 else ''} {letter.upper()}"
        if letter
        else f"{count} letters"
    )
    return Reply(f'"{word}" has {what}.', str(count))


def end_letter(found: re.Match[str], _: Question) -> Reply:
    """Answer with the first or last letter of a word."""
    word, is_first = found.group("word"), found.group("which").lower() == "first"
    letter = (word[0] if is_first else word[-1]).upper()
    return Reply(f"The {found.group('which').lower()} letter of {word} is {letter}.", letter)


def plural(found: re.Match[str], _: Question) -> Reply:
    """Answer with the plural of a word."""
    word = found.group("word").lower()
    if word in knowledge.PLURALS:
        many = knowledge.PLURALS[word]
    elif re.search(r"(?:s|x|z|ch|sh)$", word):
        many = f"{word}es"
    else:
        many = f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"
    return Reply(f"The plural of {word} is {many}.", many)


def backwards(found: re.Match[str], _: Question) -> Reply:
    """Answer with a word from back to front."""
    return Reply(found.group("word")[::-1], found.group("word")[::-1])


def neighbor(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with what comes before or after a day, month, number or letter."""
    name, step = (
        found.group("name").capitalize(),
        1 if found.group("step").lower() in ("after", "follows") else -1,
    )
    for cycle in (knowledge.DAYS, knowledge.MONTHS):
        if name in cycle:
            other = cycle[(cycle.index(name) + step) % len(cycle)]
            return Reply(f"It is {other}.", other)
    if name.isdigit():
        return Reply(f"It is {int(name[:15]) + step}.", str(int(name[:15]) + step))
    if len(name) == 1 and name in knowledge.ALPHABET:
        letter = knowledge.ALPHABET[(knowledge.ALPHABET.index(name) + step) % 26]
        return Reply(f"It is {letter}.", letter)
    return None


def listed(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with some things of a kind."""
    asked = found.group("count") or ""
    kind = found.group("kind").lower()
    words = kind.split()
    name = next(
        (
            " ".join(words[:size])
            for size in range(len(words), 0, -1)
            if _singular(" ".join(words[:size])) in knowledge.KINDS
        ),
        "",
    )
    if not name:
        return None
    all_of = knowledge.KINDS[_singular(name)].split(", ")
    plain = with_digits(asked.strip().lower() or ("1" if _singular(name) == name else "all"))
    count = (
        len(all_of)
        if plain in ("all", "the", "all the")
        else min(len(all_of), int(plain))
        if plain.isdigit()
        else 1
    )
    chosen = all_of[: max(1, count)]
    if len(chosen) == 1:
        return Reply(f"{chosen[0][:1].upper()}{chosen[0][1:]}.", chosen[0])
    return Reply(f"{', '.join(chosen[:-1])} and {chosen[-1]}.", chosen[0])


def _singular(name: str) -> str:
    name = name.replace("colour", "color")
    if name.startswith("days of"):
        return "day of the week"
    if name.startswith("months of"):
        return "month"
    if name in knowledge.KINDS:
        return name
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def count(_: re.Match[str], question: Question) -> Reply | None:
    """Answer with the numbers that are counted."""
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


def alphabet(_: re.Match[str], __: Question) -> Reply:
    """Answer with the alphabet."""
    return Reply(", ".join(knowledge.ALPHABET) + ".", "Z")


def story(found: re.Match[str], question: Question) -> Reply:
    """Answer with a long story."""
    subject = re.search(r"\b(?:about|of|on) ([^.,!?;]{1,60})", question.text[found.start() :])
    return Reply(knowledge.story(subject.group(1).strip() if subject is not None else ""))


def essay(found: re.Match[str], question: Question) -> Reply:
    """Answer with many words about a subject."""
    subject = re.search(
        r"\b(?:about|of|on|explain|describe)(?: how| why| what)? ([^.,!?;]{1,60}?)(?= in (?:great |as much |full )?detail|[.,!?;]|$)",
        question.text[found.start() :],
        re.IGNORECASE,
    )
    return Reply(knowledge.essay(subject.group(1).strip() if subject is not None else ""))


def translation(found: re.Match[str], _: Question) -> Reply | None:
    """Answer with a word in another language."""
    phrases = knowledge.PHRASES.get(found.group("language").lower(), {})
    what = found.group("what").strip(" \"'").lower().removeprefix("the word ").strip(" \"'")
    translated = phrases.get(what)
    return Reply(translated, translated) if translated else None


def known(_: re.Match[str], question: Question) -> Reply | None:
    """Answer with a piece of general knowledge."""
    asked = {*content(question.text), *(stem(word) for word in question.text.lower().split())}
    for words, sentence, short in knowledge.FACTS:
        if all(stem(word) in asked for word in words.split()):
            return Reply(sentence, short)
    return None


def always(text: str, short: str) -> Answering:
    """Return what gives one answer."""
    return lambda _, __: Reply(text, short)


def ability(found: re.Match[str], _: Question) -> Reply:
    """Answer with a request that needs no more than a yes."""
    return Reply(f"Yes, I can {turned(found.group('what')).strip()}.", "Yes")
