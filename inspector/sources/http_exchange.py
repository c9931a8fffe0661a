"""The summary of a plain HTTP exchange, and error responses of the proxy itself.

The errors have the shape of the API's errors, so that SDKs show the message.
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
    """One request and its outcome, with secrets masked."""

    method: str
    """``""`` if the app sent no valid request."""
    target: str
    """Path and query."""
    status: int
    """0 if the server was not reached."""
    request_bytes: int
    """Length of the request's body."""
    response_bytes: int
    """Length of the response's body."""
    duration_s: float
    """Time from the request to the end of the response."""
    problem: str = ""
    """Why the response is missing or incomplete; ``""`` otherwise."""
    refusal: str = ""
    """Error code if the proxy refused the request without forwarding it; ``""`` otherwise."""

    def __str__(self) -> str:
        if not self.method:
            return f"refused an invalid request: {self.problem}"
        if self.refusal:
            return f"refused {self.method} {self.target} with {self.status}: {self.problem}"
        words = f"{self.method} {self.target} {self.status or 'failed'}"
        sizes = f"{self.request_bytes} B sent, {self.response_bytes} B received"
        problem = f": {self.problem}" if self.problem else ""
        return f"{words} in {self.duration_s * 1000:.0f} ms, {sizes}{problem}"


def refused(head: Head, refusal: AccessRefusal) -> HttpExchange:
    """Return the summary of a request that the proxy refused."""
    # Secrets are masked while they are referenced, and the message may quote one.
    secrets = secrets_of(head.headers, head.target)
    target, problem = mask_url(head.target), mask_text(refusal.message)
    del secrets
    return HttpExchange(head.method, target, refusal.status, 0, 0, 0.0, problem, refusal.code)


def problem_body(code: str, message: str) -> bytes:
    """Return the JSON body of an error."""
    error = {"type": "inspector_proxy", "code": code, "message": message, "param": None}
    return orjson.dumps({"error": error})


def problem_response(status: int, code: str, message: str) -> bytes:
    """Return the bytes of an error response that announces the end of the connection."""
    body = problem_body(code, message)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
