"""Item: one entry of the conversation, and the code that updates it from an item object in an event."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.core.groups import base64_size
from inspector.core.image import image_facts
from inspector.core.read import Body, object_at, objects_at, text_at

MAX_PARTS = 256
"""Content parts kept per item: a hostile ``content_index`` must not allocate memory without bound."""
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
    """Text, transcript of audio, or type and size of an image."""
    audio_bytes: int = 0
    """Audio received, decoded size in bytes."""
    is_done: bool = False
    """True once the server has sent its whole value."""
    is_grown: bool = False
    """True while ``text`` is the sum of deltas, not yet a whole value."""
    error: str = ""
    """Why the transcription failed."""


@dataclass(slots=True)
class Item:
    """One item of the conversation. Source: the SDK's ``ConversationItem`` union; times are nanoseconds of session time."""

    id: str
    """Id given by the server or the client."""
    owner: object
    """Token of the fold that may change it in place; see ``fold.owned``."""
    type: str = "message"
    """``message``, ``function_call``, ``function_call_output`` or one of ``mcp_*``."""
    role: str = ""
    """``user``, ``assistant`` or ``system``; ``""`` for items other than messages."""
    status: str = ""
    """``in_progress``, ``completed`` or ``incomplete``; ``""`` if the server does not say."""
    phase: str = ""
    """``commentary`` or ``final_answer``, for models that report it."""
    parts: list[ContentPart] = field(default_factory=list)
    """The content of a message, by ``content_index``."""
    name: str = ""
    """Function or tool name."""
    call_id: str = ""
    """Id that links a function call to its output."""
    arguments: str = ""
    """JSON text received so far."""
    output: str = ""
    """Result of a function or tool."""
    response_id: str = ""
    """The response that produced it; ``""`` for an item of the client."""
    first_seq: int = 0
    """The event that named it first."""
    last_seq: int = 0
    """The event that changed it last."""
    t_ns: int | None = None
    """Session time at which it was first named; None if the recording has no time for it."""
    truncated_ms: int | None = None
    """``audio_end_ms`` of its truncation; None if it was not truncated."""
    is_committed: bool = False
    """True once the server has committed its audio; only its transcript may still follow."""
    is_deleted: bool = False
    """True once the server has confirmed its deletion."""
    is_mismatched: bool = False
    """True if the sum of the deltas differs from the ``done`` value."""
    server_label: str = ""
    """Label of the MCP server."""
    tools: tuple[str, ...] = ()
    """Names in a list of MCP tools."""
    approval_request_id: str = ""
    """The approval request to which an MCP call or an approval response belongs."""
    is_approved: bool | None = None
    """The decision in an MCP approval response; None for other items."""
    error: str = ""
    """Why an MCP call or list failed."""

    @property
    def text(self) -> str:
        """Return the texts of all parts, one per line."""
        return "\n".join(part.text for part in self.parts if part.text)

    @property
    def audio_bytes(self) -> int:
        """Return the audio received for all parts, in bytes."""
        return sum(part.audio_bytes for part in self.parts)


def describe(item: Item, described: Body) -> None:
    """Update an item from the item object in an event; members that the object lacks keep their values."""
    for name in _TEXTS:
        value = text_at(described, name)
        if value:
            setattr(item, name, value)
    if text_at(described, "arguments"):
        whole = text_at(described, "arguments")
        # While a call is in progress, its item may repeat only a part of the arguments.
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
    # Checked by type: a missing member must not read as a denial.
    verdict = described.get("approve")
    item.is_approved = verdict if isinstance(verdict, bool) else item.is_approved
    error = object_at(described, "error")
    words = (text_at(error, "type"), text_at(error, "message"))
    item.error = (
        ": ".join(word for word in words if word) or text_at(described, "error") or item.error
    )


def _describe_part(part: ContentPart, content: Body) -> None:
    kind = text_at(content, "type")
    # GA says output_text and output_audio where the beta says text and audio.
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
