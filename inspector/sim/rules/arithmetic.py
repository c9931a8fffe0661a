"""Sums in digits or words: find an expression in a text, parse it and evaluate it."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from itertools import islice

from inspector.sim.rules.english import MAX_NUMBER, Reply, plain_number, with_digits

_MAX_TRIES = 10
_N = r"-?\d{1,12}(?:\.\d{1,6})?"
_WORDED: tuple[tuple[str, str], ...] = (
    (rf"\badd ({_N}) (?:and|to|plus) ({_N})", r"\1 + \2"),
    (rf"\bsubtract ({_N}) from ({_N})", r"\2 - \1"),
    (rf"\bmultiply ({_N}) (?:by|and|with|times) ({_N})", r"\1 * \2"),
    (rf"\bdivide ({_N}) by ({_N})", r"\1 / \2"),
    (rf"\bsum of ({_N})(?:,? and|,) ({_N})", r"\1 + \2"),
    (rf"\bproduct of ({_N}) and ({_N})", r"\1 * \2"),
    (rf"\bdifference (?:between|of) ({_N}) and ({_N})", r"\1 - \2"),
    (rf"\b({_N}) ?(?:%|percent) of ({_N})", r"\1 * \2 / 100"),
    (rf"\bsquare root of ({_N})", r"\1 ^ 0.5"),
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


def sum_in(text: str) -> Reply | None:
    """Return the result of the first expression in a text; None if it has no expression."""
    rewritten = with_digits(text)
    for pattern, to in _REWRITES:
        rewritten = pattern.sub(to, rewritten)
    for found in islice(_EXPRESSION.finditer(rewritten), _MAX_TRIES):
        expression = " ".join(found.group().split())
        if _looks_like_number(expression, text):
            continue
        try:
            value = _value(expression)
        except ZeroDivisionError:
            return Reply("I cannot divide by zero.", "undefined")
        except (ValueError, OverflowError):
            continue
        result = plain_number(value)
        return Reply(f"{_wording(text, expression)} is {result}.", result)
    return None


def _looks_like_number(expression: str, text: str) -> bool:
    """Return True for a date, telephone number or range such as ``10-12``, which only looks like an expression."""
    if not re.fullmatch(r"\d+(?:[-/]\d+)+", expression.replace(" ", "")):
        return False
    asks = re.search(
        r"\b(?:what|how much|calculate|compute|solve|equals?)\b|=", text, re.IGNORECASE
    )
    is_dense = " " not in expression
    return is_dense and (expression.count("-") + expression.count("/") > 1 or not asks)


def _wording(text: str, expression: str) -> str:
    """Return the sum in the user's own words if they are few, else the expression."""
    found = re.search(
        r"(?:what(?:'s| is)|how much is|calculate|compute|solve)\s+([^?.!]{1,60}?)\s*(?:\?|=|$|[.!](?:\s|$))",
        text,
        re.IGNORECASE,
    )
    words = found.group(1) if found is not None else expression
    return words[:1].upper() + words[1:]


def _value(expression: str) -> float:
    """Return the result of an expression of numbers, brackets and ``+ - * / ^``.

    Raises:
        ValueError: the text is not an expression, or its result is too large.
        ZeroDivisionError: the expression divides by zero.
    """
    # The pattern may cut off brackets at the ends: add the missing ones.
    opened, closed = expression.count("("), expression.count(")")
    balanced = "(" * max(0, closed - opened) + expression + ")" * max(0, opened - closed)
    # As floats: Python rejects integer literals with leading zeros, and integer powers could grow without limit.
    plain = re.sub(r"\d+(?:\.\d+)?", lambda found: repr(float(found.group())), balanced)
    try:
        result = _evaluated(ast.parse(plain.replace("^", "**"), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):  # deep nesting raises the last two
        raise ValueError("not an expression") from None
    if not abs(result) < MAX_NUMBER:
        raise ValueError("out of range")
    return result


def _evaluated(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](_evaluated(left), _evaluated(right))
    raise ValueError("not an expression")


def _power(base: float, exponent: float) -> float:
    if base < 0 or abs(exponent) > 64 or abs(base) > MAX_NUMBER:
        raise ValueError("out of range")
    return float(base**exponent)


_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: _power,
}
