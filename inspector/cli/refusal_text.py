"""What a printed event says of a refusal: on an error the event that it refuses, on a client event the error."""

from __future__ import annotations

from typing import Any

import orjson

from inspector.analysis.sanitize import sanitized
from inspector.core.causes import CausesFold


def blame_words(causes: CausesFold, seq: int) -> str:
    """Return what a row says; ``""`` where the event is about no refusal that is known yet."""
    blamed = causes.blamed.get(seq)
    if blamed is not None:
        running = f", lost against {sanitized(blamed.running_id)}" if blamed.running_id else ""
        return f"({blamed.confidence.adverb}caused by #{blamed.seq}{running})"
    refused = causes.rejected.get(seq)
    if refused is None:
        return ""
    adverb = refused.confidence.adverb
    return f"({adverb}refused by #{refused.error_seq}: {sanitized(refused.code)})"


def with_blame(line: bytes, causes: CausesFold, seq: int) -> bytes:
    """Return a JSON object's text with what is known of a refusal as its last member, the rest verbatim.

    ``caused_by`` on an error has ``seq`` of the client event, ``confidence`` (certain, likely, possible) and, where a response
    was refused because of another, ``running``; ``refused_by`` on a client event has ``seq`` of the error, ``confidence``, ``code``.
    """
    blamed, refused = causes.blamed.get(seq), causes.rejected.get(seq)
    if blamed is not None:
        facts: dict[str, Any] = {"seq": blamed.seq, "confidence": blamed.confidence}
        facts |= {"running": blamed.running_id} if blamed.running_id else {}
        return _with_member(line, b"caused_by", facts)
    if refused is not None:
        facts = {"seq": refused.error_seq, "confidence": refused.confidence, "code": refused.code}
        return _with_member(line, b"refused_by", facts)
    return line


def _with_member(line: bytes, name: bytes, value: dict[str, Any]) -> bytes:
    end = line.rindex(b"}")
    return b'%b,"%b":%b%b' % (line[:end], name, orjson.dumps(value), line[end:])
