"""The table of known event types: direction, short name, summary and folding, one row each.

Sources: the event unions of openai-python 3.52.0 (``types/realtime``), the API reference's client-events and
server-events pages, and recorded sessions. An unknown type is handled like any other; it only lacks a short name and a summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Vocabulary(StrEnum):
    """Whose vocabulary an event type belongs to."""

    GA = "ga"
    BETA = "beta"
    TRANSLATION = "translation"
    LIVE = "gpt-live"
    VOICE_LIVE = "voice-live"
    XAI = "xai"
    QWEN = "qwen"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type, with the facts that views, folds and filters use."""

    name: str
    """Value of the event's ``type``."""
    direction: str
    """Sender: ``client``, ``server`` or ``local``."""
    short: str
    """The name on the screen, at most 24 cells."""
    summary: str
    """What it means, in one sentence."""
    dialect: Vocabulary = Vocabulary.GA
    """Whose vocabulary it belongs to."""
    is_delta: bool = False
    """True if the event carries an increment of a content part."""
    increment: str = ""
    """Field that carries the increment, for a delta."""
    done: str = ""
    """Type that ends the increments, for a delta."""
    whole: str = ""
    """Field of the ``done`` event that repeats the whole value; ``""`` if it does not (audio)."""
    severity: str = ""
    """``error`` or ``warning`` if the type alone reports a failure."""
    ga: tuple[str, ...] = ()
    """For another dialect's type: the GA types that replace it."""


def _rows(
    direction: str, dialect: Vocabulary, rows: Iterable[tuple[str, str, str]]
) -> list[EventType]:
    return [EventType(name, direction, short, summary, dialect) for name, short, summary in rows]


def _delta(
    name: str,
    short: str,
    summary: str,
    done: str,
    whole: str,
    dialect: Vocabulary = Vocabulary.GA,
    ga: tuple[str, ...] = (),
) -> EventType:
    return EventType(name, "server", short, summary, dialect, True, "delta", done, whole, "", ga)


_CLIENT = _rows(
    "client",
    Vocabulary.GA,
    [
        (
            "session.update",
            "session.update",
            "Changes the fields of the session that it names; rejected whole if one is wrong.",
        ),
        (
            "input_audio_buffer.append",
            "input.append",
            "Adds base64 audio to the input buffer; it has no reply.",
        ),
        (
            "input_audio_buffer.commit",
            "input.commit",
            "Makes a user item of the buffered audio (at least 100 ms); starts no response.",
        ),
        ("input_audio_buffer.clear", "input.clear", "Discards the buffered input audio."),
        (
            "output_audio_buffer.clear",
            "output.clear",
            "Stops the server's playback (WebRTC and SIP only).",
        ),
        (
            "conversation.item.create",
            "item.create",
            "Adds an item to the conversation: a message, a function output, an approval.",
        ),
        (
            "conversation.item.retrieve",
            "item.retrieve",
            "Asks for the server's copy of an item, audio included.",
        ),
        (
            "conversation.item.truncate",
            "item.truncate",
            "Cuts an assistant item's audio to what the user heard and drops its transcript.",
        ),
        ("conversation.item.delete", "item.delete", "Removes an item from the conversation."),
        (
            "response.create",
            "response.create",
            "Asks the model to answer, with the session's settings or its own.",
        ),
        ("response.cancel", "response.cancel", "Stops a response that is in progress."),
    ],
)

_SERVER = _rows(
    "server",
    Vocabulary.GA,
    [
        (
            "session.created",
            "session.created",
            "The session exists; carries its whole effective configuration.",
        ),
        (
            "session.updated",
            "session.updated",
            "An update was accepted; carries the whole effective configuration.",
        ),
        ("rate_limits.updated", "rate_limits", "What is left of the rate limits after a response."),
        (
            "conversation.created",
            "conversation.created",
            "A conversation exists (typed, but OpenAI's GA server does not send it).",
        ),
        (
            "conversation.item.created",
            "item.created",
            "An item was added (legacy name of item.added and item.done).",
        ),
        (
            "conversation.item.added",
            "item.added",
            "An item took its place in the conversation; its content may still grow.",
        ),
        ("conversation.item.done", "item.done", "An item of the conversation is complete."),
        ("conversation.item.deleted", "item.deleted", "An item was removed."),
        ("conversation.item.retrieved", "item.retrieved", "The server's copy of an item."),
        (
            "conversation.item.truncated",
            "item.truncated",
            "An assistant item was cut to the given milliseconds.",
        ),
        (
            "conversation.item.input_audio_transcription.completed",
            "input.transcript",
            "The transcript of a user item is complete.",
        ),
        (
            "conversation.item.input_audio_transcription.segment",
            "input.segment",
            "A speaker's segment of a user item's transcript.",
        ),
        (
            "input_audio_buffer.committed",
            "input.committed",
            "The buffered audio became a user item.",
        ),
        ("input_audio_buffer.cleared", "input.cleared", "The buffered audio was discarded."),
        (
            "input_audio_buffer.speech_started",
            "input.speech_started",
            "Voice activity began; the item id is that of the coming user item.",
        ),
        ("input_audio_buffer.speech_stopped", "input.speech_stopped", "Voice activity ended."),
        (
            "input_audio_buffer.timeout_triggered",
            "input.timeout",
            "The user was silent for idle_timeout_ms; the model is prompted to speak.",
        ),
        (
            "input_audio_buffer.dtmf_event_received",
            "input.dtmf",
            "The caller pressed a telephone key.",
        ),
        (
            "output_audio_buffer.started",
            "output.started",
            "The server began to play a response (WebRTC and SIP).",
        ),
        (
            "output_audio_buffer.stopped",
            "output.stopped",
            "The server has played a response to its end.",
        ),
        ("output_audio_buffer.cleared", "output.cleared", "The server stopped its playback."),
        ("response.created", "response.created", "The model began a response."),
        (
            "response.done",
            "response.done",
            "A response ended: completed, cancelled, incomplete or failed; carries the usage.",
        ),
        ("response.output_item.added", "output_item.added", "A response opened an output item."),
        ("response.output_item.done", "output_item.done", "A response finished an output item."),
        ("response.content_part.added", "part.added", "An output item opened a content part."),
        ("response.content_part.done", "part.done", "A content part is complete."),
        ("response.output_text.done", "text.done", "The whole text of a content part."),
        (
            "response.output_audio.done",
            "audio.done",
            "The last audio of a content part was sent; it may not have been heard yet.",
        ),
        (
            "response.output_audio_transcript.done",
            "transcript.done",
            "The whole transcript of a spoken content part.",
        ),
        (
            "response.function_call_arguments.done",
            "args.done",
            "The whole arguments of a function call; answer it with a function_call_output.",
        ),
        (
            "response.mcp_call_arguments.done",
            "mcp.args.done",
            "The whole arguments of an MCP call.",
        ),
        ("response.mcp_call.in_progress", "mcp.call", "An MCP call is running."),
        (
            "response.mcp_call.completed",
            "mcp.call.done",
            "An MCP call succeeded; send response.create to have the model continue.",
        ),
        ("mcp_list_tools.in_progress", "mcp.list", "The tools of an MCP server are being listed."),
        ("mcp_list_tools.completed", "mcp.list.done", "The tools of an MCP server are known."),
    ],
)

_FAILURES = [
    EventType(
        "error",
        "server",
        "error",
        "A client event was refused, or the server failed; not fatal unless a close follows.",
        severity="error",
    ),
    EventType(
        "conversation.item.input_audio_transcription.failed",
        "server",
        "input.transcript.failed",
        "A user item could not be transcribed; the response is not affected.",
        severity="error",
    ),
    EventType(
        "response.mcp_call.failed",
        "server",
        "mcp.call.failed",
        "An MCP call failed.",
        severity="error",
    ),
    EventType(
        "mcp_list_tools.failed",
        "server",
        "mcp.list.failed",
        "The tools of an MCP server could not be listed.",
        severity="error",
    ),
    EventType(
        "warning",
        "server",
        "warning",
        "The server reports a problem that it tolerated.",
        Vocabulary.VOICE_LIVE,
        severity="warning",
    ),
]

_DELTAS = [
    _delta(
        "response.output_text.delta",
        "text.delta",
        "More of the answer's text.",
        "response.output_text.done",
        "text",
    ),
    _delta(
        "response.output_audio.delta",
        "audio.delta",
        "More of the answer's audio, base64.",
        "response.output_audio.done",
        "",
    ),
    _delta(
        "response.output_audio_transcript.delta",
        "transcript.delta",
        "More of what the answer's audio says.",
        "response.output_audio_transcript.done",
        "transcript",
    ),
    _delta(
        "response.function_call_arguments.delta",
        "args.delta",
        "More of a function call's arguments.",
        "response.function_call_arguments.done",
        "arguments",
    ),
    _delta(
        "response.mcp_call_arguments.delta",
        "mcp.args.delta",
        "More of an MCP call's arguments.",
        "response.mcp_call_arguments.done",
        "arguments",
    ),
    _delta(
        "conversation.item.input_audio_transcription.delta",
        "input.transcript.delta",
        "More of a user item's transcript.",
        "conversation.item.input_audio_transcription.completed",
        "transcript",
    ),
    _delta(
        "response.text.delta",
        "text.delta",
        "More of the answer's text (beta name).",
        "response.text.done",
        "text",
        Vocabulary.BETA,
        ("response.output_text.delta",),
    ),
    _delta(
        "response.audio.delta",
        "audio.delta",
        "More of the answer's audio (beta name).",
        "response.audio.done",
        "",
        Vocabulary.BETA,
        ("response.output_audio.delta",),
    ),
    _delta(
        "response.audio_transcript.delta",
        "transcript.delta",
        "More of what the answer's audio says (beta name).",
        "response.audio_transcript.done",
        "transcript",
        Vocabulary.BETA,
        ("response.output_audio_transcript.delta",),
    ),
    _delta(
        "session.input_transcript.delta",
        "input.transcript.delta",
        "More of what the speaker said.",
        "",
        "",
        Vocabulary.TRANSLATION,
    ),
    _delta(
        "session.output_transcript.delta",
        "transcript.delta",
        "More of what the output says.",
        "",
        "",
        Vocabulary.TRANSLATION,
    ),
    _delta(
        "session.output_audio.delta",
        "audio.delta",
        "More output audio, base64.",
        "",
        "",
        Vocabulary.TRANSLATION,
    ),
    _delta(
        "transcription.delta",
        "transcription.delta",
        "More of a transcript (vLLM).",
        "transcription.done",
        "text",
        Vocabulary.OTHER,
    ),
    _delta(
        "response.animation_blendshapes.delta",
        "blendshapes.delta",
        "Facial animation frames.",
        "response.animation_blendshapes.done",
        "",
        Vocabulary.VOICE_LIVE,
    ),
    _delta(
        "response.animation_viseme.delta",
        "viseme.delta",
        "A mouth shape and its time.",
        "response.animation_viseme.done",
        "",
        Vocabulary.VOICE_LIVE,
    ),
    _delta(
        "response.audio_timestamp.delta",
        "timestamp.delta",
        "When a word is spoken.",
        "response.audio_timestamp.done",
        "",
        Vocabulary.VOICE_LIVE,
    ),
    _delta(
        "response.video.delta", "video.delta", "More avatar video.", "", "", Vocabulary.VOICE_LIVE
    ),
]

_BETA = [
    EventType(
        "response.text.done",
        "server",
        "text.done",
        "The whole text (beta name).",
        Vocabulary.BETA,
        ga=("response.output_text.done",),
    ),
    EventType(
        "response.audio.done",
        "server",
        "audio.done",
        "The last audio was sent (beta name).",
        Vocabulary.BETA,
        ga=("response.output_audio.done",),
    ),
    EventType(
        "response.audio_transcript.done",
        "server",
        "transcript.done",
        "The whole transcript (beta name).",
        Vocabulary.BETA,
        ga=("response.output_audio_transcript.done",),
    ),
    EventType(
        "transcription_session.update",
        "client",
        "transcription.update",
        "Changes a transcription session (beta name).",
        Vocabulary.BETA,
        ga=("session.update",),
    ),
    EventType(
        "transcription_session.updated",
        "server",
        "transcription.updated",
        "A transcription session was changed (beta name).",
        Vocabulary.BETA,
        ga=("session.updated",),
    ),
    EventType(
        "transcription_session.created",
        "server",
        "transcription.created",
        "A transcription session exists (beta name).",
        Vocabulary.BETA,
        ga=("session.created",),
    ),
]

_TRANSLATION = [
    *_rows(
        "client",
        Vocabulary.TRANSLATION,
        [
            (
                "session.input_audio_buffer.append",
                "input.append",
                "Adds 24 kHz PCM16 audio to be translated; keep sending silence.",
            ),
            (
                "session.close",
                "session.close",
                "Ends the session; the server answers with session.closed.",
            ),
        ],
    ),
    *_rows(
        "server",
        Vocabulary.TRANSLATION,
        [("session.closed", "session.closed", "The session has ended.")],
    ),
]

_GPT_LIVE = [
    *_rows(
        "client",
        Vocabulary.LIVE,
        [
            ("session.start", "session.start", "Starts a GPT-Live session, a separate protocol."),
            ("session.input_audio.append", "input.append", "Adds audio to a GPT-Live session."),
            ("session.input_audio.mute", "input.mute", "Stops listening."),
            ("session.input_audio.unmute", "input.unmute", "Listens again."),
            (
                "session.thinking.append",
                "thinking.append",
                "Adds to the model's thinking.",
            ),
            ("session.commentary.append", "commentary.append", "Adds commentary for the model."),
            ("session.instructions.append", "instructions.append", "Adds to the instructions."),
            (
                "response.item.create",
                "response.item.create",
                "Adds an item to a delegated response.",
            ),
            ("transport.dtmf.send", "dtmf.send", "Presses a telephone key."),
        ],
    ),
    *_rows(
        "server",
        Vocabulary.LIVE,
        [
            ("session.started", "session.started", "The GPT-Live session exists."),
            (
                "session.delegation.created",
                "delegation.created",
                "The model handed work to a backend model.",
            ),
            ("response.event", "response.event", "An event of a delegated response."),
            ("session.thinking.appended", "thinking.appended", "Thinking was added."),
            ("session.commentary.appended", "commentary.appended", "Commentary was added."),
            ("session.instructions.appended", "instructions.appended", "Instructions were added."),
            ("session.input_audio.muted", "input.muted", "The server does not listen."),
            ("session.input_audio.unmuted", "input.unmuted", "The server listens again."),
            ("session.usage.updated", "usage.updated", "Seconds used so far."),
            ("info", "info", "A remark of the server."),
        ],
    ),
]

_VOICE_LIVE = [
    *_rows(
        "client",
        Vocabulary.VOICE_LIVE,
        [
            ("input_audio.turn.start", "turn.start", "Opens a turn by hand."),
            ("input_audio.turn.append", "turn.append", "Adds audio to an open turn."),
            ("input_audio.turn.end", "turn.end", "Ends an open turn."),
            ("input_audio.turn.cancel", "turn.cancel", "Drops an open turn."),
            ("input_audio.clear", "input.clear", "Discards the input audio."),
            ("session.avatar.connect", "avatar.connect", "Connects an avatar's video."),
            ("input_text.delta", "input_text.delta", "Streams text to be spoken."),
            ("input_text.done", "input_text.done", "Ends streamed text."),
        ],
    ),
    *_rows(
        "server",
        Vocabulary.VOICE_LIVE,
        [
            (
                "session.avatar.connecting",
                "avatar.connecting",
                "The avatar's video is being connected.",
            ),
            ("session.avatar.switch_to_speaking", "avatar.speaking", "The avatar speaks."),
            ("session.avatar.switch_to_idle", "avatar.idle", "The avatar is idle."),
            ("response.audio_timestamp.done", "timestamp.done", "All word times were sent."),
            ("response.animation_viseme.done", "viseme.done", "All mouth shapes were sent."),
            (
                "response.animation_blendshapes.done",
                "blendshapes.done",
                "All animation frames were sent.",
            ),
            (
                "response.audio_transcript.annotation.added",
                "annotation.added",
                "A source was cited.",
            ),
        ],
    ),
]

_OTHERS = [
    *_rows(
        "server",
        Vocabulary.XAI,
        [
            ("ping", "ping", "The server is alive (xAI, every 10 s)."),
            (
                "conversation.item.input_audio_transcription.updated",
                "input.transcript.sofar",
                "The whole transcript so far (xAI).",
            ),
            ("item.replayed", "item.replayed", "An item of a resumed conversation (xAI)."),
        ],
    ),
    *_rows(
        "client",
        Vocabulary.XAI,
        [
            ("conversation.item.commit", "item.commit", "Commits the input (older xAI documents)."),
        ],
    ),
    *_rows(
        "client",
        Vocabulary.QWEN,
        [
            ("input_image_buffer.append", "image.append", "Adds an image to the input (Qwen)."),
            ("session.finish", "session.finish", "Asks the server to end the session (Qwen)."),
        ],
    ),
    *_rows(
        "server",
        Vocabulary.QWEN,
        [("session.finished", "session.finished", "The session has ended (Qwen).")],
    ),
    *_rows(
        "client",
        Vocabulary.OTHER,
        [
            (
                "input_audio_buffer.append_video_frame",
                "video.append",
                "Adds a video frame to the input (GLM).",
            ),
        ],
    ),
    *_rows(
        "server",
        Vocabulary.OTHER,
        [
            ("heartbeat", "heartbeat", "The server is alive (GLM)."),
            ("transcription.done", "transcription.done", "The whole transcript (vLLM)."),
            ("response.listen", "response.listen", "The model chose to listen (vLLM-Omni)."),
        ],
    ),
]

_LOCAL = [
    *_rows(
        "local",
        Vocabulary.OTHER,
        [
            (
                "inspector.opened",
                "opened",
                "The connection is open; carries the handshake, secrets masked.",
            ),
            (
                "inspector.closed",
                "closed",
                "The connection ended; carries code, reason and who closed.",
            ),
            ("inspector.note", "note", "A note by the user."),
            ("inspector.mark", "mark", "A mark set by the user."),
            ("inspector.fault", "fault", "A fault that the user injected into the simulator."),
            ("inspector.playing", "playing", "Playback of an item's audio started or resumed."),
            (
                "inspector.played",
                "played",
                "Playback of an item's audio stopped; carries how much was heard, and why it stopped.",
            ),
            (
                "inspector.sound",
                "sound",
                "The microphone or the speaker was opened, closed or failed.",
            ),
            (
                "inspector.recorder_resumed",
                "recorder resumed",
                "Writing the recording works again; no event is missing.",
            ),
            ("inspector.held", "held", "A breakpoint paused a frame; it is logged when forwarded."),
            (
                "inspector.released",
                "released",
                "Paused frames were forwarded because their sender disconnected.",
            ),
            (
                "inspector.altered",
                "altered",
                "A frame was changed, dropped or delayed; carries the original.",
            ),
            (
                "inspector.injected",
                "injected",
                "The next frame in that direction was added by the inspector.",
            ),
        ],
    ),
    *(
        EventType(name, "local", short, summary, Vocabulary.OTHER, severity="warning")
        for name, short, summary in [
            (
                "inspector.degraded",
                "not read",
                "A frame could not be read or logged; its bytes were forwarded unchanged.",
            ),
            (
                "inspector.undelivered",
                "undelivered",
                "A frame paused at a breakpoint lost its receiver; carries the original.",
            ),
            ("inspector.rule_failed", "rule failed", "A rule could not be applied to a frame."),
        ]
    ),
    *(
        EventType(name, "local", short, summary, Vocabulary.OTHER, severity="error")
        for name, short, summary in [
            ("inspector.connect_failed", "connect failed", "The connection could not be opened."),
            ("inspector.send_failed", "send failed", "An event could not be sent."),
            (
                "inspector.recorder_failed",
                "recorder failed",
                "The recording cannot be written; events are kept in memory.",
            ),
            (
                "inspector.fold_failed",
                "view failed",
                "A part of the inspector failed and was switched off; the session continues.",
            ),
        ]
    ),
]

EVENT_TYPES: Mapping[str, EventType] = {
    row.name: row
    for table in (
        _CLIENT,
        _SERVER,
        _FAILURES,
        _DELTAS,
        _BETA,
        _TRANSLATION,
        _GPT_LIVE,
        _VOICE_LIVE,
        _OTHERS,
        _LOCAL,
    )
    for row in table
}
"""Every known event type by its name."""

DELTA_OF_DONE: Mapping[str, EventType] = {row.done: row for row in _DELTAS if row.done}
"""The delta type that a ``done`` type ends."""

ACCEPTED_BY_SERVER = (
    "session.update",
    "session.close",
    "input_audio_buffer.append",
    "session.input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "response.create",
    "response.cancel",
)
"""Client event types in the order in which OpenAI's server lists them when it rejects an unknown type."""
