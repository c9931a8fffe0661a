"""Runs a simulated session to its end on a clock that jumps from one due time to the next."""

from __future__ import annotations

from typing import Any

import orjson

from inspector.sim.server import CloseSocket, ConnectRequest, SendText, SimSession
from inspector.sim.settings import SimSettings

REALTIME = {"model": "gpt-realtime"}


class SimDriver:
    """A client of one simulated session, with time in its hands."""

    def __init__(
        self,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        settings: SimSettings | None = None,
    ) -> None:
        request = ConnectRequest(
            "/v1/realtime", REALTIME if query is None else query, headers or {}
        )
        self.session = SimSession(request, started_unix_s=1_760_000_000, seed=7, settings=settings)
        self.now_ns = 0
        self.events: list[dict[str, Any]] = []
        self.close: CloseSocket | None = None

    def send(self, event: dict[str, Any] | bytes, *, is_text: bool = True) -> None:
        """Send one frame at the present time."""
        data = event if isinstance(event, bytes) else orjson.dumps(event)
        self.session.receive(data, is_text=is_text, now_ns=self.now_ns)

    def run(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Let time pass until nothing is due within ``seconds``; return what came."""
        new: list[dict[str, Any]] = []
        until_ns = self.now_ns + int(seconds * 1e9)
        while True:
            due_ns = self.session.next_due_ns
            if due_ns is None and self.session.is_closed:
                break
            self.now_ns = max(self.now_ns, min(until_ns, until_ns if due_ns is None else due_ns))
            for output in self.session.due(self.now_ns):
                if isinstance(output, SendText):
                    new.append(orjson.loads(output.data))
                else:
                    self.close = output
            if self.now_ns >= until_ns or self.session.is_closed:
                break
        self.events += new
        return new

    def ask(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Send events, and return what comes of them."""
        for event in events:
            self.send(event)
        return self.run()


def types(events: list[dict[str, Any]]) -> list[str]:
    """Return the types of events, runs of one delta type as one."""
    names: list[str] = []
    for event in events:
        if not names or names[-1] != event["type"] or not event["type"].endswith("delta"):
            names.append(event["type"])
    return names


def user(text: str) -> dict[str, Any]:
    """Return the event that adds a user's text message."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return {"type": "conversation.item.create", "item": item}


CREATE = {"type": "response.create"}
TEXT_SESSION = {
    "type": "session.update",
    "session": {"type": "realtime", "output_modalities": ["text"]},
}
