"""Notes on rejections for printed events: an error names the event that it rejects, a client event the error."""

from __future__ import annotations

from typing import Any

import orjson

from inspector.analysis.sanitize import sanitized
from inspector.core.causes import CausesFold


def blame_words(causes: CausesFold, seq: int) -> str:
    """Return the note for a row; ``""`` if the event is not part of a known rejection."""
    blamed = causes.blamed.get(seq)
    if blamed is not None:
        running = f", {sanitized(blamed.running_id)} still in progress" if blamed.running_id else ""
        return f"({blamed.confidence.adverb}caused by #{blamed.seq}{running})"
    refused = causes.rejected.get(seq)
    if refused is None:
        return ""
    adverb = refused.confidence.adverb
    return f"({adverb}rejected by #{refused.error_seq}: {sanitized(refused.code)})"


def with_blame(line: bytes, causes: CausesFold, seq: int) -> bytes:
    """Return the text of a JSON object with the rejection as its last member, the rest verbatim.

    An error gets ``caused_by`` with the client event's ``seq``, the ``confidence`` (certain, likely, possible), and ``running`` if
    another response was in progress. A client event gets ``refused_by`` with the error's ``seq``, ``confidence`` and ``code``.
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
