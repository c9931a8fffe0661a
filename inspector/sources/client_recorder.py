"""Recording of one client of the simulator's port, in the usual recording format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from inspector import __version__
from inspector.clock import Clock
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.recording.format import Header, render, render_header
from inspector.recording.writer import RecordingFile
from inspector.secret import FrameMask, Secret
from inspector.sources.base import Closed, Handshake


class ClientRecorder:
    """Record one client's frames. Each frame is recorded before it is handled or sent, so that causes precede effects."""

    def __init__(
        self,
        recording: RecordingFile,
        clock: Clock,
        url: str,
        model: str,
        secrets: Sequence[Secret] = (),
    ) -> None:
        """Start a recording.

        Args:
            recording: the file; ``close`` closes it.
            clock: supplies the times of frames.
            url: the server's URL, with secrets masked.
            model: the model that the client requested.
            secrets: the client's keys, which are masked in the recording.
        """
        self._recording = recording
        self._clock = clock
        self._secrets = (
            secrets  # referenced, and so masked everywhere, as long as the client is served
        )
        self._mask = FrameMask(secrets)
        self._start_ns = clock.now_ns()
        self._seq = 0
        started_at = clock.utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        recording.append(render_header(Header(started_at, "sim", url, model, __version__)))

    def open(self, handshake: Handshake) -> None:
        """Record the client's handshake."""
        self._add_local("inspector.opened", handshake.facts())

    def add(self, direction: Direction, data: bytes, *, is_text: bool) -> None:
        """Record a frame."""
        self._seq += 1
        t_ns = self._clock.now_ns() - self._start_ns
        data = self._mask.masked(data)  # an app may send its key within an event
        name, body, problem = decode(data, is_text=is_text)
        event = Event(self._seq, t_ns, direction, Origin.WIRE, name, data, is_text, body, problem)
        self._recording.append(render(event))

    def close(self, closed: Closed) -> None:
        """Record how the connection ended, and close the file."""
        facts = {"code": closed.code, "reason": closed.reason, "by": closed.by.value}
        self._add_local("inspector.closed", {**facts, "meaning": closed.meaning})
        self._recording.close()

    def _add_local(self, name: str, facts: Mapping[str, Any]) -> None:
        data = orjson.dumps({"type": name, **facts})
        self.add(Direction.LOCAL, data, is_text=True)
