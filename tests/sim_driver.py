"""A driver for simulated sessions whose clock jumps from one due time to the next."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from inspector.sim.faults import RaisedFault
from inspector.sim.server import CloseSocket, ConnectRequest, Seams, SendText, SimSession
from inspector.sim.settings import SimSettings

REALTIME = {"model": "gpt-realtime"}
Body = dict[str, Any]


class SimDriver:
    """A client of one simulated session, in manual time."""

    def __init__(
        self,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        subprotocols: tuple[str, ...] = (),
        settings: SimSettings | None = None,
        seams: Seams | None = None,
        seed: int = 7,
        path: str = "/v1/realtime",
        dialect: str = "",
        faults: Sequence[RaisedFault] = (),
    ) -> None:
        request = ConnectRequest(
            path, REALTIME if query is None else query, headers or {}, subprotocols
        )
        self.session = SimSession(
            request,
            started_unix_s=1_760_000_000,
            seed=seed,
            settings=settings,
            seams=seams,
            dialect=dialect,
            faults=faults,
        )
        self.now_ns = 0
        self.events: list[Body] = []
        """All received events, in order."""
        self.times_ms: list[float] = []
        """The times of ``events``."""
        self.garbled: list[bytes] = []
        """Received frames that are not valid JSON."""
        self.close: CloseSocket | None = None

    def send(self, event: Body | bytes, *, is_text: bool = True) -> None:
        """Send one frame now."""
        data = event if isinstance(event, bytes) else orjson.dumps(event)
        self.session.receive(data, is_text=is_text, now_ns=self.now_ns)

    def run(self, seconds: float = 60.0) -> list[Body]:
        """Advance the time until nothing is due within ``seconds``; return the received events."""
        first = len(self.events)
        until_ns = self.now_ns + int(seconds * 1e9)
        while not self.session.is_closed:
            due_ns = self.session.next_due_ns
            at_ns = until_ns if due_ns is None else min(until_ns, due_ns)
            self.now_ns = max(self.now_ns, at_ns)
            for output in self.session.due(self.now_ns):
                if isinstance(output, SendText):
                    self._take(output.data)
                else:
                    self.close = output
            if self.now_ns >= until_ns:
                break
        return self.events[first:]

    def _take(self, data: bytes) -> None:
        try:
            self.events.append(orjson.loads(data))
        except ValueError:
            self.garbled.append(data)
        else:
            self.times_ms.append(self.now_ns / 1e6)

    def raise_fault(self, name: str) -> None:
        """Inject a fault now."""
        self.session.raise_fault(name, self.now_ns)

    def run_to(self, kind: str, seconds: float = 60.0) -> list[Body]:
        """Advance the time until an event of a type is received; return the received events.

        Raises:
            AssertionError: it did not come within ``seconds``.
        """
        first, until_ns = len(self.events), self.now_ns + int(seconds * 1e9)
        while not any(event["type"] == kind for event in self.events[first:]):
            due_ns = self.session.next_due_ns
            if due_ns is None or due_ns > until_ns:
                raise AssertionError(f"no {kind} in {types(self.events[first:])}")
            self.run(max(0, due_ns - self.now_ns) / 1e9)
        return self.events[first:]

    def ask(self, *events: Body) -> list[Body]:
        """Send events; return the events that follow."""
        for event in events:
            self.send(event)
        return self.run()

    def stream(self, pcm: bytes, chunk_ms: int = 100, bytes_per_ms: int = 48) -> list[Body]:
        """Append audio at the speed of a microphone; return the events received meanwhile."""
        first, size = len(self.events), chunk_ms * bytes_per_ms
        for start in range(0, len(pcm), size):
            self.send(append(pcm[start : start + size]))
            self.run(chunk_ms / 1000)
        return self.events[first:]


def types(events: list[Body]) -> list[str]:
    """Return the types of events, with consecutive deltas of a type as one."""
    names: list[str] = []
    for event in events:
        if not names or names[-1] != event["type"] or not event["type"].endswith("delta"):
            names.append(event["type"])
    return names


def of_type(events: list[Body], kind: str) -> list[Body]:
    """Return the events of one type."""
    return [event for event in events if event["type"] == kind]


def only(events: list[Body], kind: str) -> Body:
    """Return the only event of a type."""
    (found,) = of_type(events, kind)
    return found


def error(events: list[Body]) -> Body:
    """Return the payload of the only ``error``."""
    found: Body = only(events, "error")["error"]
    return found


def answer(events: list[Body]) -> str:
    """Return the text or transcript of the only response."""
    (item,) = only(events, "response.done")["response"]["output"]
    (part,) = item["content"]
    return str(part.get("text", part.get("transcript")))


def user(text: str, item_id: str = "") -> Body:
    """Return the event that adds a user's text message."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return {
        "type": "conversation.item.create",
        "item": {**({"id": item_id} if item_id else {}), **item},
    }


def update(**session: Any) -> Body:
    """Return an update of a realtime session."""
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def create(**response: Any) -> Body:
    """Return a ``response.create``."""
    return {"type": "response.create", "response": response}


def append(data: bytes) -> Body:
    """Return an append of audio."""
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}


def buzz(ms: int, level: int = 6000, rate_hz: int = 24_000) -> bytes:
    """Return PCM16 that is loud enough to count as speech; silence with ``level`` 0."""
    cycle = level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)
    return cycle * (rate_hz * ms // 2000)


CREATE: Body = {"type": "response.create"}
COMMIT: Body = {"type": "input_audio_buffer.commit"}
TEXT_SESSION: Body = update(output_modalities=["text"])
PUSH_TO_TALK: Body = update(audio={"input": {"turn_detection": None}})
WEATHER: Body = {
    "type": "function",
    "name": "get_weather",
    "description": "Look up the weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
