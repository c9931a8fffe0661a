"""Phrases of findings: numbers with units, references to events, JSON as it would be sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from inspector.core.read import Body, text_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS
from inspector.spec.beta_names import GA_FIELDS, GA_FORMATS

MOST_QUOTED = 160
"""Characters of the server's or the app's text that a finding repeats."""
MOST_NAMED = 4
"""Entries of a list that a finding names."""
FLAT_DIALECTS = frozenset({"beta", "azure-preview", "voice-live", "qwen"})
"""Dialects whose session has the beta's flat shape."""
LONG_CHARS = 60
"""Longer strings are cut in a fix that repeats a request: what matters are the names."""
GA_DIALECTS = frozenset({"openai", "azure", "transcription"})
"""Dialects whose server is known to reject the beta's names."""


_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Return the words of a text without case, to compare what was said."""
    return _WORD.findall(text.casefold())


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 answer``, ``3 answers``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def seconds(ms: float) -> str:
    """Return a length of time for reading: ``82 ms``, ``5.3 s``."""
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.1f} s"


def at_time(t_ns: int | None) -> str:
    """Return `` at 0.861 s`` with a leading space; ``""`` if the time is unknown."""
    return "" if t_ns is None else f" at {t_ns / NS_PER_MS / 1000:,.3f} s"


def ref(seq: int) -> str:
    """Return a reference to an event."""
    return f"#{seq}"


def refs(seqs: Sequence[int]) -> str:
    """Return references to events: the first few, and how many more."""
    named = ", ".join(map(ref, seqs[:MOST_NAMED]))
    more = len(seqs) - MOST_NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words: ``a, b and c``, at most ``MOST_NAMED`` of them."""
    known = list(dict.fromkeys(names))
    if len(known) > MOST_NAMED:
        return f"{', '.join(known[:MOST_NAMED])} and {len(known) - MOST_NAMED:,} more"
    return " and ".join(filter(None, (", ".join(known[:-1]), *known[-1:])))


def quoted(text: str) -> str:
    """Return the beginning of somebody else's text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_QUOTED else f"{line[: MOST_QUOTED - 1]}…"


def as_json(value: Any) -> str:
    """Return a value as compact JSON for copying."""
    return json.dumps(value, ensure_ascii=False)


ASK = as_json({"type": "response.create"})
"""What asks for an answer."""


def is_flat(state: SessionState) -> bool:
    """Return whether the session has the beta's flat shape."""
    return state.dialect.dialect in FLAT_DIALECTS


def session_update(state: SessionState, settings: Mapping[str, Any]) -> str:
    """Return a ``session.update`` as JSON in the shape of this session.

    Args:
        state: supplies the dialect.
        settings: values by their dotted GA path.
    """
    if is_flat(state):
        beta = {ga: name for name, ga in GA_FIELDS.items()}
        session: dict[str, Any] = {
            beta.get(path, path.rpartition(".")[2]): value for path, value in settings.items()
        }
    else:
        session = {"type": state.session.kind}
        for path, value in settings.items():
            put(session, path, value)
    return as_json({"type": "session.update", "session": session})


def put(into: dict[str, Any], path: str, value: Any) -> None:
    """Set a member at a dotted path, and create the objects around it."""
    *around, last = path.split(".")
    here = into
    for name in around:
        inner = here.get(name)
        here[name] = here = dict(inner) if isinstance(inner, dict) else {}
    here[last] = value


def in_ga(settings: Body) -> dict[str, Any]:
    """Return a session or response with the beta's members moved to their places in GA, and removed ones left out."""
    found: dict[str, Any] = {
        name: value for name, value in settings.items() if name not in GA_FIELDS
    }
    for name, path in GA_FIELDS.items():
        if name in settings and " " not in path:
            put(found, path, _ga_value(name, settings[name]))
    return found


def _ga_value(name: str, value: Any) -> Any:
    if name == "modalities" and isinstance(value, list):
        # GA answers in audio, with its transcript, or in text; never in both.
        return ["audio"] if "audio" in value else ["text"]
    if name.endswith("_audio_format") and isinstance(value, str):
        return dict(GA_FORMATS.get(value, {})) or value
    return value


def error_words(error: Body) -> str:
    """Return the server's words on an error: its message, else its code."""
    return quoted(text_at(error, "message") or text_at(error, "code") or text_at(error, "type"))


def beta_field(error: Body) -> str:
    """Return the field of the beta API that an error rejects; ``""`` if it is about anything else."""
    param = text_at(error, "param")
    name = param.removeprefix("session.").removeprefix("response.")
    return name if name in GA_FIELDS else ""


def ga_hint(error: Body) -> str:
    """Return `` In GA: output_modalities.`` with a leading space for an error about a name of the beta; else ``""``."""
    name = beta_field(error)
    return f" In GA: {GA_FIELDS[name]}." if name else ""


def shortened(value: Any) -> Any:
    """Return a JSON value with its long strings cut."""
    if isinstance(value, str):
        return value if len(value) <= LONG_CHARS else f"{value[:LONG_CHARS]}…"
    if isinstance(value, dict):
        return {name: shortened(member) for name, member in value.items()}
    return [shortened(one) for one in value] if isinstance(value, list) else value
