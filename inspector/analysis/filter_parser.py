"""A recursive-descent parser for filter expressions.

either  = both { "|" both }
both    = not { not }
not     = "!" not | "(" either ")" | "~" regex "~" | quoted | word
word    = field ":" value | comparison operator number | flag | text

The fields, comparisons and flags are defined in ``filter_words``.
"""

from __future__ import annotations

import re
from typing import Any

from inspector.analysis.filter_words import OPERATORS, WORDS, Bound, FilterWord, Form, WordTerm
from inspector.analysis.terms import And, Everything, Not, Or, Term
from inspector.analysis.text_terms import ContainsText, Regex
from inspector.errors import FilterError

MAX_DEPTH = 50
"""The limit of nested brackets and exclamation marks: more than any real filter has, and far below Python's recursion limit."""

_FIELD = re.compile(r"([A-Za-z_]+):")
_COMPARED = (name for name, word in WORDS.items() if word.form is Form.COMPARISON)
_COMPARISON = re.compile(rf"({'|'.join(_COMPARED)})({'|'.join(OPERATORS)})")
_WORD = re.compile(r'[^\s|()"]+')
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s|()"]*)', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REGEX = re.compile(r"~((?:[^~\\]|\\.)*)~", re.DOTALL)


def parse_term(text: str) -> tuple[Term, tuple[Regex, ...]]:
    """Parse a filter; return its term, and the regular expressions in it.

    Raises:
        FilterError: if it is not a valid filter.
    """
    parser = _Parser(text)
    return parser.parse(), tuple(parser.patterns)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.patterns: list[Regex] = []

    def parse(self) -> Term:
        if not self._peek():
            return Everything()
        term = self._either()
        if self._peek():
            raise self._error(
                "this ) closes nothing", hint='put the text in quotes to search for it: ")"'
            )
        return term

    def _peek(self) -> str:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _error(self, message: str, *, at: int | None = None, hint: str = "") -> FilterError:
        return FilterError(message, position=self._at if at is None else at, hint=hint)

    def _either(self) -> Term:
        terms = [self._both()]
        while self._peek() == "|":
            self._at += 1
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else Or(_flat(terms, Or))

    def _both(self) -> Term:
        terms: list[Term] = []
        while self._peek() not in ("", "|", ")"):
            terms.append(self._not())
        if not terms:
            raise self._error("a search term is missing here", hint="for example: err | ~timeout~")
        return terms[0] if len(terms) == 1 else And(_flat(terms, And))

    def _not(self) -> Term:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("brackets are nested too deeply")
        try:
            match self._peek():
                case "!":
                    return self._negated()
                case "(":
                    return self._bracketed()
                case "~":
                    return self._regex()
                case '"':
                    return self._quoted()
                case _:
                    return self._word()
        finally:
            self._depth -= 1

    def _negated(self) -> Term:
        self._at += 1
        if self._peek() in ("", "|", ")"):
            raise self._error("nothing follows the !", hint="for example: !type:*.delta")
        return Not(self._not())

    def _bracketed(self) -> Term:
        start = self._at
        self._at += 1
        term = self._either()
        if self._peek() != ")":
            raise self._error("this ( is not closed", at=start)
        self._at += 1
        return term

    def _regex(self) -> Term:
        start = self._at
        found = _REGEX.match(self._text, start)
        if found is None:
            raise self._error("a regular expression ends with ~", hint="for example: ~resp_[0-9]+~")
        term = Regex(found.group(1))
        try:
            term.check()
        except (
            Exception
        ) as error:  # not ``regex.error``: importing regex here would slow down every filter
            place = getattr(error, "pos", None) or 0
            raise self._error(f"not a regular expression: {error}", at=start + 1 + place) from error
        self._at = found.end()
        self.patterns.append(term)
        return term

    def _quoted(self) -> Term:
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            raise self._error("the quotes are not closed", hint='write \\" for a quote inside')
        if not found.group(1):
            raise self._error("the quoted text is empty")
        self._at = found.end()
        return ContainsText(_unescape(found.group(1)))

    def _word(self) -> Term:
        comparison = _COMPARISON.match(self._text, self._at)
        if comparison is not None:
            return self._compare(comparison)
        field = _FIELD.match(self._text, self._at)
        if field is not None:
            return self._field(field)
        found = _WORD.match(self._text, self._at)
        name = found.group() if found is not None else self._text[self._at]
        self._at += len(name)
        word = WORDS.get(name)
        return (
            ContainsText(name)
            if word is None or word.form is not Form.FLAG
            else WordTerm(word, None)
        )

    def _field(self, found: re.Match[str]) -> Term:
        name = found.group(1)
        word = WORDS.get(name)
        if word is None or word.form is not Form.FIELD:
            fields = ", ".join(w.prefix for w in WORDS.values() if w.form is Form.FIELD)
            raise self._error(
                f"unknown field {name}:",
                hint=f'fields are {fields}; to search for the text, quote it: "{name}:…"',
            )
        self._at = found.end()
        value = _VALUE.match(self._text, self._at)
        quoted, bare = value.groups() if value is not None else (None, "")
        text = _unescape(quoted) if quoted is not None else bare
        if not text.strip(","):
            raise self._error(f"{name}: needs a value", hint=f"for example: {word.example}")
        term = WordTerm(word, self._read(word, text))
        self._at = value.end() if value is not None else self._at
        return term

    def _compare(self, found: re.Match[str]) -> Term:
        name, operator = found.groups()
        self._at = found.end()
        number = _WORD.match(self._text, self._at)
        text = number.group() if number is not None else ""
        bound = Bound(OPERATORS[operator], self._read(WORDS[name], text))
        self._at += len(text)
        return WordTerm(WORDS[name], bound)

    def _read(self, word: FilterWord, text: str) -> Any:
        """Read a value at the current position; move the position of an error in it to the whole expression."""
        try:
            return word.read(text)
        except FilterError as error:
            raise self._error(
                f"{word.name}: {error.message}",
                at=self._at + error.position,
                hint=error.hint or f"for example: {word.example}",
            ) from error


def _flat(terms: list[Term], kind: type[And | Or]) -> tuple[Term, ...]:
    """Return the terms with nested ones of the same kind replaced by their own terms."""
    flat: list[Term] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, kind) else (term,))
    return tuple(flat)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
