"""Heads of HTTP/1.1 messages, read without changing a byte of them. Pure.

A relay may not normalise: the order, the case and the spacing of headers pass through. So a head keeps its lines as they
came, and a change replaces single lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from inspector.errors import ConnectError

HEAD_END = b"\r\n\r\n"
MAX_HEAD_BYTES = 64 << 10
"""Twice what common servers take; cookies of a browser on localhost can be long."""

TLS_HELLO = b"\x16\x03"
"""How a TLS handshake begins in place of a head: record type 22, major version 3 (RFC 8446 section 5.1)."""

NOT_PASSED_ON = frozenset({"proxy-authorization", "proxy-authenticate", "proxy-connection"})
"""For the proxy itself, and never for the server behind it (RFC 9110 sections 7.6.1 and 11.7)."""
_OF_THE_UPGRADE = frozenset({"upgrade", "keep-alive", "close"})
"""What ``Connection`` may name in an upgrade and the server must see."""

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) (HTTP/1\.[01])")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and the headers of a request or a response (RFC 9112 section 2)."""

    start: bytes
    """The first line, without its end."""
    lines: tuple[bytes, ...]
    """Header lines as they came, without line ends."""

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]]) -> Head:
        """Return a request for the root with these headers, for those who ask about headers alone."""
        lines = (f"{name}: {value}".encode("latin-1", "replace") for name, value in headers)
        return cls(b"GET / HTTP/1.1", tuple(lines))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return names as they came and values without the space around them."""
        pairs = (line.partition(b":") for line in self.lines)
        return [
            (name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in pairs
        ]

    def values(self, name: str) -> list[str]:
        """Return the values of a header, in any case of its name."""
        return [value for known, value in self.headers if known.lower() == name]

    def value(self, name: str) -> str:
        """Return the values of a header, joined; ``""`` where there is none."""
        return ", ".join(self.values(name))

    def tokens(self, name: str) -> list[str]:
        """Return the comma-separated members of a header, as they came."""
        return [part.strip() for part in self.value(name).split(",") if part.strip()]

    @property
    def raw(self) -> bytes:
        """Return the bytes of the head, with the empty line that ends it."""
        return b"\r\n".join((self.start, *self.lines)) + HEAD_END

    @property
    def method(self) -> str:
        """Return the method of a request."""
        return self._request()[0]

    @property
    def target(self) -> str:
        """Return the target of a request: path and query."""
        return self._request()[1]

    @property
    def status(self) -> int:
        """Return the status of a response; 0 where it is none."""
        found = _STATUS_LINE.fullmatch(self.start)
        return int(found.group(1)) if found else 0

    @property
    def phrase(self) -> str:
        """Return the reason phrase of a response."""
        found = _STATUS_LINE.fullmatch(self.start)
        return (found.group(2) or b"").decode("latin-1") if found else ""

    @property
    def is_upgrade(self) -> bool:
        """Tell whether a request asks for a WebSocket."""
        return self.method == "GET" and "websocket" in [
            token.lower() for token in self.tokens("upgrade")
        ]

    def with_target(self, target: str) -> Head:
        """Return the request for another target."""
        method, _, version = self.start.split(b" ")
        return Head(b" ".join((method, target.encode("latin-1"), version)), self.lines)

    def with_header(self, name: str, value: str) -> Head:
        """Return the head with a header set: in its place and under its name where it is there already, else at the end."""
        lines: list[bytes] = []
        is_set = False
        for line in self.lines:
            known = line.partition(b":")[0]
            if known.lower() != name.lower().encode():
                lines.append(line)
            elif not is_set:
                is_set = True
                lines.append(known + b": " + value.encode("latin-1"))
        if not is_set:
            lines.append(f"{name}: {value}".encode("latin-1"))
        return Head(self.start, tuple(lines))

    def without(self, names: Iterable[str]) -> Head:
        """Return the head without some headers."""
        gone = {name.lower().encode() for name in names}
        kept = tuple(line for line in self.lines if line.partition(b":")[0].lower() not in gone)
        return Head(self.start, kept)

    def end_to_end(self) -> Head:
        """Return an upgrade without the headers that are for this hop alone; ``Connection`` and ``Upgrade`` stay."""
        named = {token.lower() for token in self.tokens("connection")}
        return self.without(NOT_PASSED_ON | (named - _OF_THE_UPGRADE))

    def _request(self) -> tuple[str, str]:
        found = _REQUEST_LINE.fullmatch(self.start)
        if found is None:
            return "", ""
        return found.group(1).decode("latin-1"), found.group(2).decode("latin-1")


def parse_head(data: bytes) -> Head:
    """Read a head.

    Args:
        data: everything up to the empty line, which may be left out.

    Raises:
        ConnectError: it is no head of HTTP/1.1, or one that two readers could take for different things.
    """
    start, *lines = data.removesuffix(HEAD_END).split(b"\r\n")
    if not (_REQUEST_LINE.fullmatch(start) or _STATUS_LINE.fullmatch(start)):
        raise ConnectError("what came is no HTTP/1.1", code="bad_handshake")
    for line in lines:
        problem = _line_problem(line)
        if problem:
            raise ConnectError(f"a header that came is malformed: {problem}", code="bad_handshake")
    return Head(start, tuple(lines))


def request_problem(head: Head) -> str:
    """Return why a request is not passed on, ``""`` where it may be: what two readers could take for different requests.

    Args:
        head: a head that ``parse_head`` has taken.
    """
    method, target = head.method, head.target
    lengths, codings = head.values("content-length"), head.values("transfer-encoding")
    problems = {
        "this is an answer and no request": not method,
        # The target is put behind the server's address: "@host" or ":port" would name another server, which would get the key.
        f"{method} asks for a path that begins with /, and not for {target[:100]}: the proxy stands for one server; "
        "point the app's base URL at it, not HTTP_PROXY": not target.startswith("/"),
        "a target is ASCII, with everything else percent-encoded": not target.isascii(),
        "a fragment (#…) is never sent to a server": "#" in target,
        "there is a Content-Length and a Transfer-Encoding": bool(lengths and codings),
        "there is more than one Content-Length": len(lengths) > 1,
        f"the Content-Length is no number: {lengths}": not all(
            length.isascii() and length.isdecimal() for length in lengths
        ),
        f"the only Transfer-Encoding taken is chunked, in HTTP/1.1: {codings}": bool(codings)
        and ([coding.lower() for coding in codings] != ["chunked"] or head.start.endswith(b"1.0")),
    }
    return next((problem for problem, is_so in problems.items() if is_so), "")


def _line_problem(line: bytes) -> str:
    """Return what is wrong with a header line: each is a way to smuggle a request past a proxy."""
    name, colon, value = line.partition(b":")
    if b"\n" in line or b"\r" in line:
        return "a line end is CR and LF, both of them"
    if line[:1] in (b" ", b"\t"):
        return "a header is not folded over several lines"
    if not colon or not name or name != name.strip():
        return "a header is a name, a colon right after it, and a value"
    return "there is a NUL in it" if b"\0" in value else ""
