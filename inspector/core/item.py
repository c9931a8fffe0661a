"""Item: one entry of the conversation, and how a server's description of it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.core.groups import base64_size
from inspector.core.image import image_facts
from inspector.core.read import Body, object_at, objects_at, text_at

MAX_PARTS = 256
"""Content parts of one item that are kept; a hostile ``content_index`` must not allocate."""
_TEXTS = (
    "type",
    "role",
    "status",
    "phase",
    "name",
    "call_id",
    "server_label",
    "approval_request_id",
)


@dataclass(slots=True)
class ContentPart:
    """One content part of a message. Source: the ``content`` of the SDK's ``RealtimeConversationItem…Message`` types."""

    kind: str = ""
    """``input_text``, ``input_audio``, ``input_image``, ``text`` or ``audio`` (output parts without their prefix)."""
    text: str = ""
    """Text, or transcript of audio, or size and type of an image."""
    audio_bytes: int = 0
    """Audio received, decoded size in bytes."""
    is_done: bool = False
    """True once the server has said the whole of it."""
    is_grown: bool = False
    """True while ``text`` is the sum of deltas, not yet a whole value."""
    error: str = ""
    """Why the transcription failed."""


@dataclass(slots=True)
class Item:
    """One item of the conversation. Source: the SDK's ``ConversationItem`` union; times are nanoseconds of session time."""

    id: str
    """The server's, or the client's own."""
    owner: object
    """The fold that may change it; others clone it first."""
    type: str = "message"
    """``message``, ``function_call``, ``function_call_output`` or one of ``mcp_*``."""
    role: str = ""
    """``user``, ``assistant`` or ``system``; ``""`` for what is no message."""
    status: str = ""
    """``in_progress``, ``completed`` or ``incomplete``; ``""`` where the server does not say."""
    phase: str = ""
    """``commentary`` or ``final_answer``, of models that tell."""
    parts: list[ContentPart] = field(default_factory=list)
    """The content of a message, by its index."""
    name: str = ""
    """Function or tool name."""
    call_id: str = ""
    """What ties a function call to its output."""
    arguments: str = ""
    """JSON text, as far as it has come."""
    output: str = ""
    """What a function or tool returned."""
    response_id: str = ""
    """The response that made it; ``""`` for an item of the client."""
    first_seq: int = 0
    """The event that named it first."""
    last_seq: int = 0
    """The event that changed it last."""
    t_ns: int | None = None
    """When it was first named, session time; None where the recording does not say."""
    truncated_ms: int | None = None
    """``audio_end_ms`` of its truncation; None where it was not truncated."""
    is_committed: bool = False
    """True once the server took its sound from the input buffer: all that still comes to it is its transcript."""
    is_deleted: bool = False
    """True once the server confirmed that."""
    is_mismatched: bool = False
    """True where what the deltas added up to differs from the ``done`` value."""
    server_label: str = ""
    """The MCP server that it is about."""
    tools: tuple[str, ...] = ()
    """Names in a list of MCP tools."""
    approval_request_id: str = ""
    """The request that an MCP call or an approval belongs to."""
    is_approved: bool | None = None
    """The answer to an MCP approval request; None before there is one."""
    error: str = ""
    """Why an MCP call or list failed."""

    @property
    def text(self) -> str:
        """Return the words of all parts."""
        return "\n".join(part.text for part in self.parts if part.text)

    @property
    def audio_bytes(self) -> int:
        """Return the audio received for all parts, in bytes."""
        return sum(part.audio_bytes for part in self.parts)


def describe(item: Item, described: Body) -> None:
    """Take in what an event says of an item; what it leaves out stays as it was."""
    for name in _TEXTS:
        value = text_at(described, name)
        if value:
            setattr(item, name, value)
    if text_at(described, "arguments"):
        whole = text_at(described, "arguments")
        item.is_mismatched |= (
            bool(item.arguments) and item.status == "completed" and item.arguments != whole
        )
        item.arguments = whole
    item.output = text_at(described, "output") or item.output
    if item.type.startswith("mcp_"):
        _describe_mcp(item, described)
    for index, content in enumerate(objects_at(described, "content")[:MAX_PARTS]):
        if len(item.parts) <= index:
            item.parts.append(ContentPart())
        _describe_part(item.parts[index], content)


def _describe_mcp(item: Item, described: Body) -> None:
    names = (text_at(tool, "name") for tool in objects_at(described, "tools"))
    item.tools = tuple(name for name in names if name) or item.tools
    verdict = described.get("approve")
    item.is_approved = verdict if isinstance(verdict, bool) else item.is_approved
    error = object_at(described, "error")
    words = (text_at(error, "type"), text_at(error, "message"))
    item.error = (
        ": ".join(word for word in words if word) or text_at(described, "error") or item.error
    )


def _describe_part(part: ContentPart, content: Body) -> None:
    kind = text_at(content, "type")
    part.kind = kind.removeprefix("output_") or part.kind
    if kind == "input_image":
        part.text = str(image_facts(text_at(content, "image_url")))
        return
    words = text_at(content, "text") or text_at(content, "transcript")
    if words:
        part.text, part.is_grown = words, False
    audio = text_at(content, "audio")
    if audio:
        part.audio_bytes = base64_size(audio)
