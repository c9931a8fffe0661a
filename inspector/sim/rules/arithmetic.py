"""Sums, written with digits or words: an expression is found in the text, parsed, and reckoned."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice

from inspector.sim.rules.words import MAX_NUMBER, Reply, plain_number, with_digits

_MAX_TOKENS, _MAX_TRIES = 60, 10
_N = r"-?\d{1,12}(?:\.\d{1,6})?"
_WORDED: tuple[tuple[str, str], ...] = (
    (rf"\badd ({_N}) (?:and|to|plus) ({_N})", r"\1 + \2"),
    (rf"\bsubtract ({_N}) from ({_N})", r"\2 - \1"),
    (rf"\bmultiply ({_N}) (?:by|and|with|times) ({_N})", r"\1 * \2"),
    (rf"\bdivide ({_N}) by ({_N})", r"\1 / \2"),
    (rf"\bsum of ({_N})(?:,? and|,) ({_N})", r"\1 + \2"),
    (rf"\bproduct of ({_N}) and ({_N})", r"\1 * \2"),
    (rf"\bdifference (?:between|of) ({_N}) and ({_N})", r"\1 - \2"),
    (rf"\b({_N}) (?:more than|added to) ({_N})", r"\2 + \1"),
    (rf"\b({_N}) less than ({_N})", r"\2 - \1"),
    (rf"\b({_N}) ?(?:%|percent) of ({_N})", r"\1 * \2 / 100"),
    (rf"\bhalf (?:of )?({_N})", r"\1 / 2"),
    (rf"\b(?:double|twice) ({_N})", r"2 * \1"),
    (rf"\btriple ({_N})", r"3 * \1"),
    (rf"\bsquare root of ({_N})", r"\1 ^ 0.5"),
    (rf"\b({_N}) squared", r"\1 ^ 2"),
    (rf"\b({_N}) cubed", r"\1 ^ 3"),
    (rf"\b({_N}) to the power of ({_N})", r"\1 ^ \2"),
    (r"\bmultiplied by\b|\btimes\b|[×·]|(?<=\d)\s?x\s?(?=\d)", " * "),
    (r"\bdivided by\b|\bover\b(?= \d)|÷", " / "),
    (r"\bplus\b", " + "),
    (r"\bminus\b|−", " - "),
    (r"\*\*", "^"),
)
_REWRITES = tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in _WORDED)
_EXPRESSION = re.compile(
    r"(?<![\w.])[(\s]{0,8}-?\d{1,12}(?:\.\d{1,6})?[)\s]{0,8}(?:[-+*/^][(\s]{0,8}-?\d{1,12}(?:\.\d{1,6})?[)\s]{0,8}){1,20}"
)
_THAT = re.compile(
    r"\b(?:add|plus) (?P<plus>\d+)(?: (?:to|more))?\b|\b(?:subtract|minus|take away) (?P<minus>\d+)\b|"
    r"\b(?:multiply|times)(?: (?:that|it|the result|this))?(?: by)? (?P<times>\d+)\b|"
    r"\bdivide (?:that|it|the result|this) by (?P<over>\d+)\b|\b(?P<double>double) (?:it|that)\b|\b(?P<half>halve|half of) (?:it|that)\b",
    re.IGNORECASE,
)


def sum_in(text: str) -> Reply | None:
    """Return the result of the expression in a text; None where there is none."""
    shown = with_digits(text)
    for pattern, to in _REWRITES:
        shown = pattern.sub(to, shown)
    for found in islice(_EXPRESSION.finditer(shown), _MAX_TRIES):
        expression = " ".join(found.group().split())
        if _is_no_sum(expression, text):
            continue
        try:
            value = _Parser(expression).value()
        except ZeroDivisionError:
            return Reply("I cannot divide by zero.", "undefined")
        except (ValueError, OverflowError):
            continue
        result = plain_number(value)
        return Reply(f"{_spoken(text, expression)} is {result}.", result)
    return None


def follow_up(text: str, before: float) -> Reply | None:
    """Return the result of a sum that goes on from the last one: ``now double that``."""
    found = _THAT.search(with_digits(text))
    if found is None or len(text) > 120:
        return None
    name = str(found.lastgroup)
    operand = float(found.group(name)) if name not in ("double", "half") else 2.0
    if name == "over" and operand == 0:
        return Reply("I cannot divide by zero.", "undefined")
    result = plain_number(_FOLLOW[name](before, operand))
    return Reply(f"That makes {result}.", result)


_FOLLOW: Mapping[str, Callable[[float, float], float]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "double": lambda a, b: a * b,
    "over": lambda a, b: a / b,
    "half": lambda a, b: a / b,
}


def _is_no_sum(expression: str, text: str) -> bool:
    """Tell whether it only looks like one: a date, a telephone number, a range without spaces."""
    if not re.fullmatch(r"\d+(?:[-/]\d+)+", expression.replace(" ", "")):
        return False
    asks = re.search(
        r"\b(?:what|how much|calculate|compute|solve|equals?)\b|=", text, re.IGNORECASE
    )
    is_dense = " " not in expression
    return is_dense and (expression.count("-") + expression.count("/") > 1 or not asks)


def _spoken(text: str, expression: str) -> str:
    """Return the sum in the user's own words where those are few, else the expression."""
    found = re.search(
        r"(?:what(?:'s| is)|how much is|calculate|compute|solve)\s+([^?.!]{1,60}?)\s*(?:\?|=|$|[.!](?:\s|$))",
        text,
        re.IGNORECASE,
    )
    words = found.group(1) if found is not None else expression
    return words[:1].upper() + words[1:]


class _Parser:
    """Reckons an expression of numbers, brackets and ``+ - * / ^`` by precedence."""

    def __init__(self, expression: str) -> None:
        self._tokens = re.findall(r"\d+(?:\.\d+)?|[-+*/^()]", expression)[:_MAX_TOKENS]
        opened, closed = self._tokens.count("("), self._tokens.count(")")
        self._tokens = (
            ["("] * max(0, closed - opened) + self._tokens + [")"] * max(0, opened - closed)
        )
        self._at = 0

    def value(self) -> float:
        """Return the result.

        Raises:
            ValueError: it is no expression, or its result is too large.
            ZeroDivisionError: it divides by zero.
        """
        result = self._terms()
        if self._at < len(self._tokens) or not abs(result) < MAX_NUMBER:
            raise ValueError("no expression")
        return result

    def _terms(self) -> float:
        result = self._factors()
        while self._peek() in ("+", "-"):
            sign = 1 if self._next() == "+" else -1
            result += sign * self._factors()
        return result

    def _factors(self) -> float:
        result = self._power()
        while self._peek() in ("*", "/"):
            result = result * self._power() if self._next() == "*" else result / self._power()
        return result

    def _power(self) -> float:
        base = self._atom()
        if self._peek() != "^":
            return base
        self._next()
        exponent = self._power()
        if base < 0 or abs(exponent) > 64 or abs(base) > MAX_NUMBER:
            raise ValueError("out of range")
        return float(base**exponent)

    def _atom(self) -> float:
        symbol = self._next()
        if symbol == "-":
            return -self._atom()
        if symbol == "(":
            result = self._terms()
            if self._next() != ")":
                raise ValueError("no bracket")
            return result
        return float(symbol)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token
