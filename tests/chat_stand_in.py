"""A fake chat completions endpoint: an HTTP server on loopback, in threads, with scripted answers."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 10.0
"""Time after which a test has failed."""
Json = dict[str, Any]


def words(*texts: str) -> list[Json]:
    """Return chunks with text."""
    return [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]


def calling(name: str, *arguments: str, index: int = 0, call_id: str = "c1") -> list[Json]:
    """Return chunks with a function call whose arguments come in pieces."""
    head = {"index": index, "id": call_id, "type": "function"}
    parts = [{**head, "function": {"name": name, "arguments": ""}}]
    parts += [{"index": index, "function": {"arguments": piece}} for piece in arguments]
    return [{"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]} for part in parts]


def over(reason: str = "stop") -> list[Json]:
    """Return the chunk that ends an answer."""
    return [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}]


def counted(given: int, made: int) -> list[Json]:
    """Return the chunk with the usage."""
    return [{"choices": [], "usage": {"prompt_tokens": given, "completion_tokens": made}}]


class Exchange:
    """One request, and methods to send its response."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: Json) -> None:
        self.body = body
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.path = handler.path
        self.has_left = threading.Event()
        """Set after the client has disconnected."""
        self._handler = handler

    def begin(self, status: int = 200, kind: str = "text/event-stream") -> None:
        """Send the head of a response that ends with the connection."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        """Send bytes unchanged."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def stream(self, *parts: list[Json]) -> None:
        """Send chunks as server-sent events."""
        for chunk in (chunk for part in parts for chunk in part):
            self.send(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def wait_for_the_client_to_leave(self) -> None:
        """Wait until the client closes the connection."""
        connection = self._handler.connection
        readable, _, _ = select.select([connection], [], [], PATIENCE_S)
        if readable and not connection.recv(1):
            self.has_left.set()


class StandIn:
    """The server, and the requests that it received."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.exchanges: list[Exchange] = []


@contextmanager
def stand_in(*answers: Callable[[Exchange], None]) -> Iterator[StandIn]:
    """Run a server that gives the answers in order, and repeats the last one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            exchange = Exchange(self, json.loads(self.rfile.read(size)))
            found.exchanges.append(exchange)
            answers[min(len(found.exchanges), len(answers)) - 1](exchange)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base has it
            """Suppress the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = StandIn(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
