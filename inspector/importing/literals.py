"""Objects as programs print them: Python's ``repr`` (also of model classes), JavaScript's ``util.inspect``, and JSON that was cut.

A small parser of all of them at once. What a printer has left out (``[Object]``, ``…``, ``... 12 more items``) becomes a string
that says so, and is counted; nothing is made up in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_LEVELS = 100
"""The limit of nesting, as everywhere."""
_SPACE = re.compile(r"[\s▶▸▼]*")
# Unrolled and possessive: a string may hold megabytes of audio.
_STRING = re.compile(
    r"""(?P<prefix>[rbuRBU]{0,2})(?:"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"|'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'|`(?P<back>[^`\\]*+(?:\\.[^`\\]*+)*+)`)""",
    re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?n?|Infinity|inf|nan|NaN)\b")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")
_NAME = re.compile(r"[A-Za-z_$][\w$.]*")
_LEFT_OUT = re.compile(
    r"\[(?:Object|Array|Function|AsyncFunction|Circular|Getter|Class|Symbol|Date)[^\[\]{}\n]*\]|<(?:ref \*\d+>\s*(?=[{\[]))?|\.\.\.(?: \d+ more (?:items?|bytes?|characters?))?|…"
)
_MORE = re.compile(r"\.\.\. ?\d+ more characters?|\.\.\. ?\[?\d+ (?:more )?(?:chars|bytes)\]?")
_ANGLES = re.compile(r"<[^<>\n]{1,200}>")
CUT = re.compile(
    r"\.\.\.|…|\[?(?:\.\.\.)?\(?(?:truncated|trimmed|omitted|elided|snip)", re.IGNORECASE
)
"""Marks by which loggers say that they have cut a text."""
BEFORE_STOP, AFTER_STOP = 120, 40
"""Characters around the position at which reading stops, among which a mark must stand."""
_WORDS: dict[str, Any] = {
    "None": None,
    "null": None,
    "nil": None,
    "undefined": None,
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "NotGiven": None,
    "NOT_GIVEN": None,
}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(\r?\n)|(.))",
    re.DOTALL,
)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}


class LiteralError(ValueError):
    """A text is not an object that a program prints."""

    def __init__(self, at: int) -> None:
        super().__init__(f"not a literal at {at}")


@dataclass(frozen=True, slots=True)
class Literal:
    """An object that was read."""

    value: dict[str, Any]
    end: int
    """Position behind it."""
    is_elided: bool


def read_literal(text: str, at: int = 0, *, may_be_cut: bool = False) -> Literal:
    """Read one object.

    Args:
        text: the text.
        at: position of its brace, or of the name of its class.
        may_be_cut: return what there is where a mark says that the logger has cut the rest.

    Raises:
        LiteralError: it is not an object.
    """
    reader = _LiteralReader(text, at)
    root: dict[str, Any] = {}
    try:
        reader.begin(root)
    except (LiteralError, ValueError, OverflowError) as error:
        stopped = reader.at
        begin = max(at, stopped - BEFORE_STOP)
        # Where reading stops, not anywhere: somebody may have said an ellipsis.
        if not (may_be_cut and root and CUT.search(text, begin, stopped + AFTER_STOP)):
            raise LiteralError(stopped) from error
        return Literal(root, len(text), True)
    return Literal(root, reader.at, reader.is_elided)


def unescaped(text: str) -> str:
    """Return the characters of a string literal, without its quotes."""
    if "\\" not in text:
        return text
    # JavaScript writes a character beyond U+FFFF as two escapes; a lone one is not a character.
    plain = _ESCAPE.sub(_character, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _inside(found: re.Match[str]) -> str:
    return found["double"] or found["single"] or found["back"] or ""


def _character(found: re.Match[str]) -> str:
    code = found.group(1) or found.group(2) or found.group(3) or found.group(4)
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if found.group(5):
        return chr(int(found.group(5), 8))
    if found.group(6):
        return ""
    return _SIMPLE.get(found.group(7), found.group(7))


def bytes_literal(text: str) -> str:
    r"""Return the text of a bytes literal, whose ``\x`` escapes are UTF-8."""
    return unescaped(text).encode("latin-1", "replace").decode("utf-8", "replace")


class _LiteralReader:
    """One pass over a text."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.is_elided = False
        self._levels = 0

    def begin(self, root: dict[str, Any]) -> None:
        self._skip_class_name()
        if not self._fill_named(root):
            raise LiteralError(self.at)

    def _fill_named(self, into: dict[str, Any]) -> bool:
        """Read an object after the name of its class, if any; return whether there was one."""
        opened = self.text[self.at : self.at + 1]
        if opened == "{":
            self._members(into, "}")
        elif opened == "(":
            self._members(into, ")")
        else:
            return False
        return True

    def _skip_class_name(self) -> None:
        self._space()
        found = _NAME.match(self.text, self.at)
        if found is not None:
            end = _space_end(self.text, found.end())
            if self.text[found.end() : found.end() + 1] == "(" or self.text[end : end + 1] == "{":
                self.at = end

    def _space(self) -> None:
        self.at = _space_end(self.text, self.at)

    def _peek(self) -> str:
        self._space()
        return self.text[self.at : self.at + 1]

    def _enter(self) -> None:
        self._levels += 1
        if self._levels > MAX_LEVELS:
            raise LiteralError(self.at)
        self.at += 1

    def _members(self, into: dict[str, Any], close: str) -> None:
        for is_left_out in self._elements(close):
            if is_left_out:
                into.setdefault("…", "…")
                continue
            key = self._key()
            if self._peek() not in (":", "="):
                raise LiteralError(self.at)
            # Ruby separates with =>.
            self.at += 2 if self.text.startswith("=>", self.at) else 1
            self._value(into, key)

    def _key(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return unescaped(_inside(found))
        name = _NAME.match(self.text, self.at)
        if name is None:
            raise LiteralError(self.at)
        self.at = name.end()
        return name.group()

    def _items(self, into: list[Any], close: str) -> None:
        for is_left_out in self._elements(close):
            if is_left_out:
                into.append("…")
            else:
                self._value(into, None)

    def _elements(self, close: str) -> Iterator[bool]:
        """Yield before each element of a container, which the caller then reads; True for an omission, which is read already."""
        self._enter()
        while self._peek() != close:
            yield self._left_out()
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != close:
                raise LiteralError(self.at)
        self.at += 1
        self._levels -= 1

    def _left_out(self) -> bool:
        """Pass over what a printer wrote in place of members; return whether there was something."""
        found = _LEFT_OUT.match(self.text, self.at)
        if found is None or found.group()[0] not in ".…":
            return False
        self.is_elided = True
        self.at = found.end()
        return True

    def _value(self, into: dict[str, Any] | list[Any], key: str | None) -> None:
        first = self._peek()
        child: dict[str, Any] | list[Any]
        if first == "[" and _LEFT_OUT.match(self.text, self.at) is None:
            child = []
            _put(into, key, child)
            self._items(child, "]")
            return
        if first == "{":
            child = {}
            _put(into, key, child)
            self._members(child, "}")
            return
        _put(into, key, self._scalar(first))

    def _scalar(self, first: str) -> Any:
        if first in ('"', "'", "`") or (first in "rbuRBU" and _STRING.match(self.text, self.at)):
            return self._strings()
        if first == "(":
            return self._parenthesised()
        left_out = _LEFT_OUT.match(self.text, self.at)
        if left_out is not None and first != "<":
            self.is_elided = True
            self.at = left_out.end()
            return left_out.group()
        if first == "<":
            return self._angles()
        for pattern in (_DATE, _NUMBER):
            found = pattern.match(self.text, self.at)
            if found is not None:
                self.at = found.end()
                return found.group() if pattern is _DATE else _number(found.group())
        return self._word()

    def _strings(self) -> str:
        """Read a string; several in a row are one, as Python's pprint and JavaScript's ``+`` break long ones."""
        parts = []
        while True:
            found = _STRING.match(self.text, self.at)
            if found is None:
                break
            is_bytes = "b" in found["prefix"].lower()
            parts.append((bytes_literal if is_bytes else unescaped)(_inside(found)))
            self.at = found.end()
            more = _MORE.match(self.text, _space_end(self.text, self.at))
            if more is not None:
                self.is_elided = True
                self.at = more.end()
                parts.append("…")
            after = _space_end(self.text, self.at)
            if self.text[after : after + 1] == "+":
                after = _space_end(self.text, after + 1)
            if self.text[after : after + 1] not in ('"', "'", "`"):
                break
            self.at = after
        if not parts:
            raise LiteralError(self.at)
        return "".join(parts)

    def _parenthesised(self) -> Any:
        items: list[Any] = []
        self._items(items, ")")
        return items[0] if len(items) == 1 else items

    def _angles(self) -> str:
        found = _ANGLES.match(self.text, self.at)
        if found is None:
            raise LiteralError(self.at)
        self.at = found.end()
        # Python prints a member of an enumeration as <Role.USER: 'user'>.
        member = re.fullmatch(r"<[\w.]+: '([^']*)'>", found.group())
        if member is not None:
            return member.group(1)
        self.is_elided = True
        return found.group()

    def _word(self) -> Any:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise LiteralError(self.at)
        word = found.group()
        if word in _WORDS:
            self.at = found.end()
            return _WORDS[word]
        end = _space_end(self.text, found.end())
        opened = self.text[end : end + 1]
        if opened == "{" or (opened == "(" and end == found.end()):
            self.at = end
            if opened == "(":
                return self._call()
            child: dict[str, Any] = {}
            self._members(child, "}")
            return child
        raise LiteralError(self.at)

    def _call(self) -> Any:
        """Read what a class prints of itself: ``Session(id='x')`` as an object, ``Array(2) [ … ]`` and others as they are."""
        start = self.at
        child: dict[str, Any] = {}
        try:
            self._members(child, ")")
        except LiteralError:
            self.at = start
            found = re.compile(r"\((\d*)\)\s*(?=[\[{])").match(self.text, self.at)
            if found is not None:
                self.at = found.end()
                into: list[Any] = []
                self._value(into, None)
                return into[0]
            items: list[Any] = []
            self._items(items, ")")
            return items
        return child


def _put(into: dict[str, Any] | list[Any], key: str | None, value: Any) -> None:
    if isinstance(into, list):
        into.append(value)
    elif key is not None:
        into[key] = value


def _space_end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def _number(text: str) -> int | float | None:
    text = text.replace("_", "").rstrip("n") if not text.endswith("nan") else text
    try:
        return int(text)
    except ValueError:
        pass
    number = float(text.replace("Infinity", "inf"))
    # JSON has neither; the printers show what was not a number in the first place.
    return number if abs(number) < float("inf") else None
