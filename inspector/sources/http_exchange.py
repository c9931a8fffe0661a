"""Plain HTTP: what is kept of an exchange, and answers in the server's place.

Those have the shape of the API's own errors, so that SDKs show the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import orjson

from inspector.secret import mask_text, mask_url, secrets_of
from inspector.sources.access_control import AccessRefusal
from inspector.sources.heads import Head


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One request and what became of it, without secrets."""

    method: str
    """``""`` for an app that did not get so far as to send a request."""
    target: str
    """Path and query, secrets masked."""
    status: int
    """0 where the server was not reached."""
    request_bytes: int
    """Of the body."""
    response_bytes: int
    """Of the body."""
    duration_s: float
    """From the request to the end of the answer."""
    problem: str = ""
    """Why there was no whole answer; ``""`` where there was."""
    refusal: str = ""
    """Code of the reason why it was refused here, so that the server never heard of it; ``""`` where it was passed on."""

    def __str__(self) -> str:
        if not self.method:
            return f"refused what an app sent: {self.problem}"
        if self.refusal:
            return f"refused {self.method} {self.target} with {self.status}: {self.problem}"
        words = f"{self.method} {self.target} {self.status or 'failed'}"
        sizes = f"{self.request_bytes} B sent, {self.response_bytes} B received"
        problem = f": {self.problem}" if self.problem else ""
        return f"{words} in {self.duration_s * 1000:.0f} ms, {sizes}{problem}"


def refused(head: Head, refusal: AccessRefusal) -> HttpExchange:
    """Return what is kept of a request that was refused here."""
    known = secrets_of(
        head.headers, head.target
    )  # alive, and so masked, while it is put into words
    target, problem = mask_url(head.target), mask_text(refusal.message)
    del known
    return HttpExchange(head.method, target, refusal.status, 0, 0, 0.0, problem, refusal.code)


def problem_body(code: str, message: str) -> bytes:
    """Return the body of an error."""
    error = {"type": "inspector_proxy", "code": code, "message": message, "param": None}
    return orjson.dumps({"error": error})


def problem_response(status: int, code: str, message: str) -> bytes:
    """Return a whole response after which the connection is closed."""
    body = problem_body(code, message)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
