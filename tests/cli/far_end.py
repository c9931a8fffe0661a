"""A WebSocket server for the commands to connect to, in a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

Handler = Callable[[ServerConnection], None]


@contextmanager
def server(handler: Handler, **options: Any) -> Iterator[str]:
    with serve(handler, "127.0.0.1", 0, compression=None, **options) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}"
        finally:
            listening.shutdown()
            thread.join()


def closing(code: int, reason: str, *frames: str) -> Handler:
    def handler(connection: ServerConnection) -> None:
        for frame in frames:
            connection.send(frame)
        connection.close(code, reason)

    return handler


def echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        for frame in connection:
            connection.send(frame)


def objects(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
