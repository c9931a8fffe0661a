"""Directions as people write them: values of keys, arrows, and words before an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inspector.core.event import Direction
from inspector.spec.events import EVENT_TYPES

DIRECTION_KEYS = (
    "dir",
    "direction",
    "source",
    "sender",
    "origin",
    "from",
    "side",
    "type",
    "kind",
    "event_type",
    "way",
    "flow",
)
"""Keys under which loggers store the direction, most likely first; values that are not known words are ignored."""
RECEIVER_KEYS = ("to", "dest", "destination", "target", "receiver")
"""Keys that name the side that gets the frame."""
_CLIENT, _SERVER = Direction.CLIENT, Direction.SERVER
_SIDES = {
    _CLIENT: "client user app browser caller frontend me local outgoing_client raw_client_event client_event clientevent c>s c->s c=>s c→s c2s "
    "client->server client>server client→server client_to_server clienttoserver to_server toserver to_openai app->openai up upstream_bound",
    _SERVER: "server openai azure api model assistant remote backend raw_server_event server_event serverevent s>c s->c s=>c s→c s2c "
    "server->client server>client server→client server_to_client servertoclient from_server fromserver from_openai openai->app down",
}
_WAYS = {
    _CLIENT: "out outgoing outbound sent send sending tx egress write > >> >>> -> --> => ==> → ⇒ ↑ ⬆ ➡ request",
    _SERVER: "in incoming inbound received receive receiving recv rcvd rx ingress read < << <<< <- <-- <= <== ← ⇐ ↓ ⬇ ⬅ response",
}
_WORDS: Mapping[str, tuple[Direction, bool]] = {
    word: (direction, is_absolute)
    for table, is_absolute in ((_SIDES, True), (_WAYS, False))
    for direction, words in table.items()
    for word in words.split()
}
"""Word to direction, and whether the word names a side rather than a way."""
_RECEIVERS = {
    "server": _CLIENT,
    "openai": _CLIENT,
    "azure": _CLIENT,
    "api": _CLIENT,
    "upstream": _CLIENT,
    "client": _SERVER,
    "app": _SERVER,
    "browser": _SERVER,
}

_THE_SERVER = r"(?:server|openai|azure|api|upstream|model|realtime|xai|llm)"
_THE_CLIENT = r"(?:client|browser|app|user|caller|frontend)"
_ARROW = r"\s*(?:[-=]+>|→|⇒|>|2|\bto\b)\s*(?:the\s+)?"
_BACK = r"\s*(?:<[-=]+|←|⇐)\s*"
# A sign counts only where it stands alone: < and > also enclose names. Prompts and quotations look like it, so that an event's
# known type outweighs it.
_LABELS: tuple[tuple[re.Pattern[str], Direction], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), direction)
    for pattern, direction in (
        (
            rf"\bC{_ARROW}S\b|\b{_THE_CLIENT}{_ARROW}{_THE_SERVER}\b|\b{_THE_SERVER}{_BACK}{_THE_CLIENT}\b",
            _CLIENT,
        ),
        (
            rf"\bS{_ARROW}C\b|\b{_THE_SERVER}{_ARROW}{_THE_CLIENT}\b|\b{_THE_CLIENT}{_BACK}{_THE_SERVER}\b",
            _SERVER,
        ),
        (rf"\b(?:from|by)\s+(?:the\s+)?{_THE_CLIENT}\b|\bto\s+(?:the\s+)?{_THE_SERVER}\b", _CLIENT),
        (rf"\b(?:from|by)\s+(?:the\s+)?{_THE_SERVER}\b|\bto\s+(?:the\s+)?{_THE_CLIENT}\b", _SERVER),
        (r"\b(?:request|client)[ _-]?(?:event|message)\b", _CLIENT),
        (r"\b(?:response|server)[ _-]?(?:event|message)\b", _SERVER),
        (
            r"\b(?:sent|send|sends|sending|tx|outgoing|outbound|egress|emit\w*|writ(?:e|es|ing)|wrote|publish\w*|dispatch\w*|ws_send|out(?=\W*$))\b|(?:^|[\s\[(|:])(?:>{1,3}|[-=]{1,3}>|→|⇒|⟶|➡️?|📤|↑|⬆️?|⇧)(?=[\s\])|:]|$)",
            _CLIENT,
        ),
        (
            r"\b(?:received?|receives|receiving|recv|recvd|rcvd|rx|incoming|inbound|ingress|got|read|reads|on_?message|in(?=\W*$))\b|(?:^|[\s\[(|:])(?:<{1,3}|<[-=]{1,3}|←|⇐|⟵|⬅️?|📥|↓|⬇️?|⇩)(?=[\s\])|:]|$)",
            _SERVER,
        ),
        (rf"\b{_THE_CLIENT}\b\W*$", _CLIENT),
        (rf"\b{_THE_SERVER}\b\W*$", _SERVER),
    )
)
"""Patterns of labels before an event, most telling first, in pairs; of a pair the one nearer to the event counts."""
_DIGITS = re.compile(r"\d+")
_DIRECTION_OF = {name: Direction(known.direction) for name, known in EVENT_TYPES.items()}
MOST_LABELS = 4096
"""Labels that are remembered; a log has a few that differ but for their numbers."""


def said_direction(value: object) -> tuple[Direction, bool] | None:
    """Return the direction that a value means, and whether it names a side; None if it is no known word."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    return _WORDS.get(value.strip().lower().replace(" ", "_")) or _WORDS.get(
        value.replace(" ", "").lower()
    )


def tagged_direction(record: Mapping[str, Any]) -> tuple[Direction, bool] | None:
    """Return the direction that a logger stored beside an event; None if it stored none."""
    for key in DIRECTION_KEYS:
        if key in record:
            found = said_direction(record[key])
            if found is not None:
                return found
    for key in RECEIVER_KEYS:
        value = record.get(key)
        if isinstance(value, str) and value.lower() in _RECEIVERS:
            return _RECEIVERS[value.lower()], True
    flag = record.get("from_client", record.get("fromClient"))
    if isinstance(flag, bool):
        return (_CLIENT if flag else _SERVER), True
    return None


class LabelReader:
    """Reads the direction from the text before an event, and remembers what it has read."""

    def __init__(self) -> None:
        self._known: dict[str, Direction | None] = {}

    def direction(self, label: str) -> Direction | None:
        """Return the direction that a label means; None if it means none."""
        if label in self._known:
            return self._known[label]
        if len(self._known) >= MOST_LABELS:
            self._known.clear()
        shape = _DIGITS.sub("0", label)
        if shape not in self._known:
            self._known[shape] = label_direction(shape)
        found = self._known[label] = self._known[shape]
        return found


def label_direction(label: str) -> Direction | None:
    """Return the direction that a text before an event means; None if it means none."""
    pairs = zip(_LABELS[::2], _LABELS[1::2], strict=True)
    for pair in pairs:
        ends = {
            direction: max((found.end() for found in pattern.finditer(label)), default=-1)
            for pattern, direction in pair
        }
        if ends[_CLIENT] != ends[_SERVER]:
            return max(ends, key=lambda each: ends[each])
    return None


def known_direction(name: str) -> Direction | None:
    """Return the direction in which events of a type go; None if the type is unknown."""
    return _DIRECTION_OF.get(name)
