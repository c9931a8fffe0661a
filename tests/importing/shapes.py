"""Three events in the shapes in which people keep sessions."""

from __future__ import annotations

import csv
import io
import json
import pprint
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]
CREATED: Event = {
    "type": "session.created",
    "event_id": "event_1",
    "session": {
        "type": "realtime",
        "id": "sess_1",
        "model": "gpt-realtime",
        "tools": [],
        "prompt": None,
    },
}
UPDATE: Event = {
    "type": "session.update",
    "session": {"type": "realtime", "instructions": 'Don\'t say "…", say {ü}\n[ok].'},
}
DELTA: Event = {
    "type": "response.output_text.delta",
    "event_id": "event_3",
    "response_id": "resp_1",
    "item_id": "item_1",
    "output_index": 0,
    "content_index": 0,
    "delta": " wait... <b>",
}
EVENTS: tuple[tuple[str, Event], ...] = (("server", CREATED), ("client", UPDATE), ("server", DELTA))
BEGAN = datetime(2026, 11, 20, 10, 0, 0, 250_000, UTC)
STEP_MS = 130


def moment(index: int) -> datetime:
    """Return the time of an event."""
    return BEGAN + timedelta(milliseconds=STEP_MS * index)


def lines(form: Callable[[int, str, Event], str]) -> str:
    """Return a line for each event."""
    return "".join(f"{form(i, d, e)}\n" for i, (d, e) in enumerate(EVENTS))


def way(direction: str, sent: str, received: str) -> str:
    """Return the word for a direction."""
    return sent if direction == "client" else received


def console(value: Any) -> str:
    """Return a value as JavaScript prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {console(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(console, value)) + "]"
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{plain}'"
    return "undefined" if value is None else json.dumps(value)


def model(value: Any) -> str:
    """Return a value as a model class prints it."""
    if isinstance(value, dict):
        return "Model(" + ", ".join(f"{key}={model(each)}" for key, each in value.items()) + ")"
    return repr(value)


def table(names: list[str], row: Callable[[int, str, Event], list[Any]]) -> str:
    """Return CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(row(i, d, e) for i, (d, e) in enumerate(EVENTS))
    return text.getvalue()


def yaml_of(value: Any, indent: str = "") -> str:
    """Return YAML in blocks."""
    parts = []
    for key, each in value.items():
        if isinstance(each, dict):
            parts.append(f"{indent}{key}:\n{yaml_of(each, indent + '  ')}")
        else:
            parts.append(f"{indent}{key}: {json.dumps(each)}\n")
    return "".join(parts)


def har(sockets: list[tuple[str, list[dict[str, Any]]]], *, messages_first: bool = False) -> str:
    """Return a HAR file with sockets: address and messages."""
    entries = []
    for url, messages in sockets:
        handshake = {
            "startedDateTime": "2026-11-20T10:00:00.000Z",
            "request": {
                "url": url,
                "headers": [
                    {"name": "Cookie", "value": "session=planted-cookie"},
                    {"name": "Authorization", "value": "Bearer sk-planted-0123456789"},
                    {
                        "name": "Sec-WebSocket-Protocol",
                        "value": "realtime, openai-insecure-api-key.ek_planted1",
                    },
                ],
            },
            "response": {"status": 101, "headers": [{"name": "X-Request-Id", "value": "r"}]},
        }
        listed = {"_webSocketMessages": messages}
        entries.append({**listed, **handshake} if messages_first else {**handshake, **listed})
    page = {
        "request": {"url": "https://x"},
        "response": {"content": {"text": '"_webSocketMessages": ['}},
    }
    return json.dumps({"log": {"version": "1.2", "entries": [page, *entries]}}, indent=2)


def har_messages() -> list[dict[str, Any]]:
    """Return the messages of a socket."""
    return [
        {
            "type": way(d, "send", "receive"),
            "time": moment(i).timestamp(),
            "opcode": 1,
            "data": json.dumps(e),
        }
        for i, (d, e) in enumerate(EVENTS)
    ]


def tnet(value: Any) -> bytes:
    """Return a tnetstring."""
    if isinstance(value, bool):
        data, sign = str(value).lower().encode(), b"!"
    elif isinstance(value, int):
        data, sign = str(value).encode(), b"#"
    elif isinstance(value, float):
        data, sign = repr(value).encode(), b"^"
    elif isinstance(value, bytes):
        data, sign = value, b","
    elif isinstance(value, str):
        data, sign = value.encode(), b";"
    elif isinstance(value, list):
        data, sign = b"".join(map(tnet, value)), b"]"
    elif isinstance(value, dict):
        data, sign = b"".join(tnet(k) + tnet(v) for k, v in value.items()), b"}"
    else:
        data, sign = b"", b"~"
    return b"%d:%b%b" % (len(data), data, sign)


def flow(url_path: str = "/v1/realtime?model=m") -> bytes:
    """Return a flow of mitmproxy."""
    messages = [
        [1, d == "client", json.dumps(e).encode(), moment(i).timestamp(), False, False]
        for i, (d, e) in enumerate(EVENTS)
    ]
    return tnet(
        {
            "websocket": {
                "messages": messages,
                "close_code": 1000,
                "close_reason": "bye",
                "closed_by_client": True,
                "timestamp_end": moment(9).timestamp(),
            },
            "response": {"status_code": 101, "headers": [], "timestamp_end": BEGAN.timestamp()},
            "request": {
                "scheme": b"https",
                "host": "api.openai.com",
                "port": 443,
                "path": url_path.encode(),
                "headers": [[b"Authorization", b"Bearer sk-planted-0123456789"]],
            },
        }
    )


SHAPES: Mapping[str, tuple[str, str]] = {
    "python-logging": (
        lines(
            lambda i, d, e: (
                f"{moment(i):%Y-%m-%d %H:%M:%S},{moment(i):%f} DEBUG app - {way(d, 'Sending', 'Received')} event: {e!r}"
            )
        ),
        "relative",
    ),
    "openai-sdk": (
        lines(
            lambda i, d, e: (
                f"[{moment(i):%Y-%m-%d %H:%M:%S} - openai:5 - DEBUG] {way(d, 'Sending event', 'Received WebSocket message')}: {json.dumps(e).encode()!r}"
            )
        ),
        "relative",
    ),
    "livekit": (
        lines(
            lambda i, d, e: (
                f'{moment(i):%H:%M:%S.%f} DEBUG livekit.plugins.openai {way(d, ">>>", "<<<")} {e!r} {{"pid": 1}}'
            )
        ),
        "relative",
    ),
    "livekit-json": (
        lines(
            lambda i, d, e: json.dumps(
                {
                    "message": f"{way(d, '>>>', '<<<')} {e!r}",
                    "level": "DEBUG",
                    "timestamp": moment(i).isoformat(),
                }
            )
        ),
        "absolute",
    ),
    "pipecat-in-colour": (
        lines(
            lambda i, d, e: (
                f"\x1b[32m{moment(i):%Y-%m-%d %H:%M:%S.%f}\x1b[0m | \x1b[1mDEBUG\x1b[0m | ws:1 - \x1b[34m{way(d, 'Sending', 'Received')} {json.dumps(e)}\x1b[0m"
            )
        ),
        "relative",
    ),
    "pino": (
        lines(
            lambda i, d, e: json.dumps(
                {
                    "level": 20,
                    "time": int(moment(i).timestamp() * 1000),
                    "msg": way(d, "ws send", "ws received"),
                    "event": e,
                }
            )
        ),
        "absolute",
    ),
    "docker": (
        lines(
            lambda i, d, e: json.dumps(
                {
                    "log": f"{way(d, 'Sent', 'Received')}: {json.dumps(e)}\n",
                    "stream": "stdout",
                    "time": f"{moment(i):%Y-%m-%dT%H:%M:%S.%f}123Z",
                }
            )
        ),
        "absolute",
    ),
    "kubernetes": (
        lines(
            lambda i, d, e: (
                f"{moment(i):%Y-%m-%dT%H:%M:%S.%f}123Z stdout F {way(d, '[client->server]', '[server->client]')} {json.dumps(e)}"
            )
        ),
        "absolute",
    ),
    "cloudwatch": (
        json.dumps(
            {
                "events": [
                    {
                        "timestamp": int(moment(i).timestamp() * 1000),
                        "message": f"{way(d, 'OUT', 'IN')} {json.dumps(e)}",
                    }
                    for i, (d, e) in enumerate(EVENTS)
                ]
            },
            indent=2,
        ),
        "absolute",
    ),
    "csv-log-column": (
        table(
            ["timestamp", "message"],
            lambda i, d, e: [
                moment(i).isoformat(),
                f"{way(d, 'sent', 'received')} {json.dumps(e)}",
            ],
        ),
        "absolute",
    ),
    "csv-columns": (
        table(
            ["id", "direction", "payload", "created_at"],
            lambda i, d, e: [
                i,
                way(d, "outbound", "inbound"),
                json.dumps(e),
                moment(i).isoformat(),
            ],
        ),
        "absolute",
    ),
    "wscat": (
        "Connected (press CTRL+C to quit)\n"
        + lines(lambda _, d, e: f"{way(d, '>', '<')} {json.dumps(e)}")
        + "Disconnected (code: 1000)\n",
        "none",
    ),
    "console-copy": (
        lines(lambda i, d, e: f"app.js:{i} {way(d, 'send', 'recv')} ▶ {console(e)}"),
        "none",
    ),
    "arrows": (
        lines(lambda i, d, e: f"[{i * 0.13:9.3f}] {way(d, 'C->S', 'S->C')} {json.dumps(e)}"),
        "relative",
    ),
    "browser-messages": (
        lines(lambda i, d, e: f"{way(d, '⬆', '⬇')}\t{json.dumps(e)}\t895\t{moment(i):%H:%M:%S.%f}"),
        "relative",
    ),
    "go": (
        lines(
            lambda i, d, e: (
                f"{moment(i):%Y/%m/%d %H:%M:%S.%f} {way(d, 'write', 'read')}: {json.dumps(e)}"
            )
        ),
        "relative",
    ),
    "relay": (
        lines(
            lambda i, d, e: (
                f"{moment(i):%H:%M:%S.%f} {way(d, 'received from client', 'forwarding to client')} {json.dumps(e)}"
            )
        ),
        "relative",
    ),
    "websockets": (
        lines(
            lambda _, d, e: (
                f"DEBUG:websockets.client:{way(d, '>', '<')} TEXT {json.dumps(e)!r} [9 bytes]"
            )
        ),
        "none",
    ),
    "postman": (
        json.dumps(
            [
                {
                    "type": way(d, "outgoing", "incoming"),
                    "message": json.dumps(e),
                    "timestamp": int(moment(i).timestamp() * 1000),
                }
                for i, (d, e) in enumerate(EVENTS)
            ]
        ),
        "absolute",
    ),
    "agents-demo": (
        json.dumps(
            [
                {
                    "id": i,
                    "direction": d,
                    "eventName": e["type"],
                    "eventData": e,
                    "timestamp": f"{moment(i):%I:%M:%S.%f %p}",
                    "expanded": False,
                }
                for i, (d, e) in enumerate(EVENTS)
            ],
            indent=1,
        ),
        "relative",
    ),
    "pprint": (
        lines(lambda _, d, e: f"{way(d, 'sent', 'received')}:\n{pprint.pformat(e)}"),
        "none",
    ),
    "two-lines": (
        lines(
            lambda i, d, e: (
                f"{moment(i).isoformat()} [{way(d, 'CLIENT', 'SERVER')}]\n{json.dumps(e, indent=2)}"
            )
        ),
        "absolute",
    ),
    "one-line-container": (
        json.dumps(
            {
                "log": {
                    "frames": [
                        {"t": i * 0.13, "from": d, "body": e} for i, (d, e) in enumerate(EVENTS)
                    ]
                }
            }
        ),
        "relative",
    ),
    "rust-tracing": (
        lines(
            lambda i, d, e: json.dumps(
                {
                    "timestamp": moment(i).isoformat(),
                    "fields": {"direction": way(d, "tx", "rx"), "payload": json.dumps(e)},
                }
            )
        ),
        "absolute",
    ),
    "tagged-in-other-words": (
        lines(
            lambda i, d, e: json.dumps(
                {"ts": moment(i).timestamp(), "direction": way(d, "c2s", "s2c"), "event": e}
            )
        ),
        "absolute",
    ),
    "yaml-cassette": (
        "version: 1\ninteractions:\n"
        + "".join(
            f"- direction: {way(d, 'sent', 'received')}\n  at: {i * 0.13}\n  data:\n{yaml_of(e, '    ')}"
            for i, (d, e) in enumerate(EVENTS)
        ),
        "relative",
    ),
    "har": (har([("wss://api.openai.com/v1/realtime?model=m", har_messages())]), "absolute"),
    "har-messages-first": (
        har([("wss://api.openai.com/v1/realtime?model=m", har_messages())], messages_first=True),
        "absolute",
    ),
}
"""Name to the text, and the kind of its times; all say the direction of each event."""
WITHOUT_DIRECTIONS: Mapping[str, str] = {
    "server-sent-events": lines(lambda _, d, e: f"event: message\ndata: {json.dumps(e)}\n"),
    "json-strings": lines(lambda _, d, e: json.dumps(json.dumps(e))),
    "models-over-lines": lines(
        lambda _, d, e: model(e).replace("(", "(\n    ", 1).removesuffix(")") + "\n)"
    ),
    "ruby": lines(lambda _, d, e: json.dumps(e).replace('": ', '"=>').replace("null", "nil")),
    "compose": "".join(
        f"app-1  | {each}\n" for _, e in EVENTS for each in json.dumps(e, indent=2).splitlines()
    ),
    "journal": "".join(
        f"Nov 20 10:00:0{i} host app[{i}]: {each}\n"
        for i, (_, e) in enumerate(EVENTS)
        for each in json.dumps(e, indent=2).splitlines()
    ),
    "models": lines(lambda _, d, e: model(e)),
    "yaml-documents": "".join(f"---\n{yaml_of(e)}" for _, e in EVENTS),
    "concatenated": "".join(json.dumps(e, indent=4) for _, e in EVENTS),
    "array-on-one-line": json.dumps([e for _, e in EVENTS]),
    "prose": "I see\n\n```json\n"
    + "\n".join(json.dumps(e, indent=2) for _, e in EVENTS)
    + "\n```\nand no {answer}. Why?",
}
