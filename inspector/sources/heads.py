"""Heads of HTTP/1.1 messages, parsed without changing a byte. Pure.

A relay must not normalize: order, case and spacing of headers pass through. So a head keeps its original lines, and a change
replaces single lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from inspector.errors import ConnectError

HEAD_END = b"\r\n\r\n"
MAX_HEAD_BYTES = 64 << 10
"""More than common servers accept (8 to 32 KiB): a browser sends the cookies of all apps on localhost."""

TLS_HELLO = b"\x16\x03"
"""How a TLS handshake begins in place of a head: record type 22, major version 3 (RFC 8446 section 5.1)."""

NOT_PASSED_ON = frozenset({"proxy-authorization", "proxy-authenticate", "proxy-connection"})
"""Headers for the proxy itself, which are not forwarded (RFC 9110, 7.6.1 and 11.7)."""
_OF_THE_UPGRADE = frozenset({"upgrade", "keep-alive", "close"})
"""Tokens of ``Connection`` in an upgrade that are forwarded."""

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) (HTTP/1\.[01])")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and the headers of a request or a response (RFC 9112 section 2)."""

    start: bytes
    """The first line, without its line end."""
    lines: tuple[bytes, ...]
    """The header lines, unchanged, without line ends."""

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]]) -> Head:
        """Return a request for ``/`` with these headers, for checks that look at headers only."""
        lines = (f"{name}: {value}".encode("latin-1", "replace") for name, value in headers)
        return cls(b"GET / HTTP/1.1", tuple(lines))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return (name, value) pairs, with names unchanged and values stripped."""
        pairs = (line.partition(b":") for line in self.lines)
        return [
            (name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in pairs
        ]

    def values(self, name: str) -> list[str]:
        """Return the values of a header, given its lower-case name."""
        return [value for known, value in self.headers if known.lower() == name]

    def value(self, name: str) -> str:
        """Return the values of a header joined by commas, given its lower-case name; ``""`` if it is absent."""
        return ", ".join(self.values(name))

    def tokens(self, name: str) -> list[str]:
        """Return the comma-separated members of a header, given its lower-case name."""
        return [part.strip() for part in self.value(name).split(",") if part.strip()]

    @property
    def raw(self) -> bytes:
        """Return the bytes of the head, including the empty line at its end."""
        return b"\r\n".join((self.start, *self.lines)) + HEAD_END

    @property
    def method(self) -> str:
        """Return the method of a request."""
        return self._request()[0]

    @property
    def target(self) -> str:
        """Return the target of a request (path and query)."""
        return self._request()[1]

    @property
    def status(self) -> int:
        """Return the status of a response; 0 for a request."""
        found = _STATUS_LINE.fullmatch(self.start)
        return int(found.group(1)) if found else 0

    @property
    def phrase(self) -> str:
        """Return the reason phrase of a response."""
        found = _STATUS_LINE.fullmatch(self.start)
        return (found.group(2) or b"").decode("latin-1") if found else ""

    @property
    def is_upgrade(self) -> bool:
        """Return True if a request is a WebSocket upgrade."""
        return self.method == "GET" and "websocket" in [
            token.lower() for token in self.tokens("upgrade")
        ]

    def with_target(self, target: str) -> Head:
        """Return the request with another target."""
        method, _, version = self.start.split(b" ")
        return Head(b" ".join((method, target.encode("latin-1"), version)), self.lines)

    def with_header(self, name: str, value: str) -> Head:
        """Return the head with a header set: in the place and spelling of an existing one, else at the end."""
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
        removed = {name.lower().encode() for name in names}
        kept = tuple(line for line in self.lines if line.partition(b":")[0].lower() not in removed)
        return Head(self.start, kept)

    def end_to_end(self) -> Head:
        """Return an upgrade without hop-by-hop headers, except ``Connection`` and ``Upgrade``."""
        named = {token.lower() for token in self.tokens("connection")}
        return self.without(NOT_PASSED_ON | (named - _OF_THE_UPGRADE))

    def _request(self) -> tuple[str, str]:
        found = _REQUEST_LINE.fullmatch(self.start)
        if found is None:
            return "", ""
        return found.group(1).decode("latin-1"), found.group(2).decode("latin-1")


def parse_head(data: bytes) -> Head:
    """Return the parsed head of a request or response.

    Args:
        data: the head, with or without the empty line at its end.

    Raises:
        ConnectError: the head is not valid HTTP/1.1, or two parsers could read it differently.
    """
    start, *lines = data.removesuffix(HEAD_END).split(b"\r\n")
    if not (_REQUEST_LINE.fullmatch(start) or _STATUS_LINE.fullmatch(start)):
        raise ConnectError("the first line is not HTTP/1.1", code="bad_handshake")
    for line in lines:
        problem = _line_problem(line)
        if problem:
            raise ConnectError(f"a header is malformed: {problem}", code="bad_handshake")
    return Head(start, tuple(lines))


def request_problem(head: Head) -> str:
    """Return why a request must not be forwarded, because two parsers could read it differently; ``""`` if it may be.

    Args:
        head: a head from ``parse_head``.
    """
    method, target = head.method, head.target
    lengths, codings = head.values("content-length"), head.values("transfer-encoding")
    problems = {
        "this is a response, not a request": not method,
        # The target is appended to the server's address: "@host" or ":port" would name another server, which would get the key.
        f"the target of {method} must start with /, but is {target[:100]}: this proxy serves one server; "
        "set it as the app's base URL, not as HTTP_PROXY": not target.startswith("/"),
        "the target must be ASCII, with other characters percent-encoded": not target.isascii(),
        "the target must not have a fragment (#…)": "#" in target,
        "the request has both Content-Length and Transfer-Encoding": bool(lengths and codings),
        "the request has more than one Content-Length": len(lengths) > 1,
        f"the Content-Length is not a number: {lengths}": not all(
            length.isascii() and length.isdecimal() for length in lengths
        ),
        f"the Transfer-Encoding must be chunked, in HTTP/1.1: {codings}": bool(codings)
        and ([coding.lower() for coding in codings] != ["chunked"] or head.start.endswith(b"1.0")),
    }
    return next((problem for problem, applies in problems.items() if applies), "")


def _line_problem(line: bytes) -> str:
    """Return what is wrong with a header line, ``""`` if nothing; each problem is a known way of request smuggling."""
    name, colon, value = line.partition(b":")
    if b"\n" in line or b"\r" in line:
        return "a line must end with CR and LF"
    if line[:1] in (b" ", b"\t"):
        return "it is folded over several lines"
    if not colon or not name or name != name.strip():
        return "it must be a name, directly followed by a colon, and a value"
    return "it contains a NUL" if b"\0" in value else ""
