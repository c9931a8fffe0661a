"""What an event says went wrong: whole, in the server's words, and safe for a terminal."""

from __future__ import annotations

import pytest

from inspector.analysis.trouble import trouble_of
from inspector.core.event import Event
from tests.support import local, server

LONG = "You exceeded your current quota, please check your plan and billing details. " * 4
FAILED = {
    "status": "failed",
    "status_details": {
        "type": "failed",
        "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": LONG},
    },
}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            server("error", error={"type": "e", "code": "c", "param": "p.q", "message": LONG}),
            [LONG, "c  p.q"],
        ),
        (server("error", error={"type": "server_error"}), ["server_error"]),
        (server("error"), []),
        (server("response.done", response=FAILED), [f"failed: insufficient_quota: {LONG}"]),
        (server("response.done", response={"status": "completed"}), []),
        (server("response.done", response={"status": "incomplete"}), ["incomplete"]),
        (
            server("response.done", response={"status": "cancelled", "status_details": "stopped"}),
            ["cancelled: stopped"],
        ),
        (
            server(
                "conversation.item.input_audio_transcription.failed",
                error={"code": "DeploymentNotFound", "message": "no such deployment"},
            ),
            ["no such deployment", "DeploymentNotFound"],
        ),
        (
            local(
                "inspector.closed",
                code=1006,
                meaning="lost without a close frame",
                next_step="check the network",
            ),
            ["1006  lost without a close frame", "check the network"],
        ),
        (local("inspector.closed", code=1000, meaning="closed normally"), []),
        (local("inspector.connect_failed", message="refused", next_step="start it"), ["refused", "start it"]),
        (server("session.created", session={}), []),
        (server("error", error={"message": "red \x1b[31m"}), ["red \\x1b[31m"]),
    ],
)  # fmt: skip
def test_the_words_are_whole_and_the_most_important_first(event: Event, told: list[str]) -> None:
    assert trouble_of(event) == told
