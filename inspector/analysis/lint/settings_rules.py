"""Rules about the session's settings: updates without effect, with side effects, or never sent; names of the beta API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    as_json,
    at_time,
    counted,
    error_words,
    ga_hint,
    in_ga,
    is_flat,
    listed,
    put,
    quoted,
    ref,
    refs,
    seconds,
    session_update,
    shortened,
)
from inspector.analysis.lint.reference_links import CLIENT_EVENTS, CONVERSATIONS, VAD
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import UPDATES, Confidence, Refusal
from inspector.core.event import Direction, Event, Origin
from inspector.core.read import Body, object_at, text_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS
from inspector.spec.beta_names import GA_FIELDS

MAX_UPDATES = 64
"""Updates that a rule remembers."""
MAX_FINDINGS = 32
"""Findings of one kind that a rule keeps."""
UPDATE_PATIENCE_MS = 3000
"""Servers answer an update within a tenth of a second."""
NEAR_MS = 1000
"""A commit of the app's and one of the server's within this time are about the same words."""
DEFAULT_INSTRUCTIONS = "Your knowledge cutoff is"
"""How the instructions begin that OpenAI's servers use if the app gives none."""
FIXED = frozenset({"model", "tracing", "client_secret", "expires_at", "id", "object"})
"""Members of a session that no update can change; ``tracing`` only once it is on."""
_VOLATILE = frozenset({"id", "object", "expires_at", "client_secret", "model", "type"})
"""Members that a server may describe differently at any time."""
_COMMIT = "input_audio_buffer.commit"


class _Void(NamedTuple):
    """A refused update."""

    seq: int
    refusal: Refusal
    session: Body
    """What it carried."""
    strays: tuple[str, ...]
    """Settings that stand beside ``type`` instead of in ``session``."""


def leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the members of nested objects with their dotted paths; lists and empty objects count as values."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else str(name))
    elif path:
        yield path, value


def value_at(body: Body, path: str) -> Any:
    """Return the value at a dotted path; None if it is absent."""
    here: Any = body
    for name in path.split("."):
        if not isinstance(here, dict):
            return None
        here = here.get(name)
    return here


def settings_of(event: Event) -> Body:
    """Return the settings that an update carries."""
    return object_at(event.body or {}, "session")


class _RefusedUpdates(LintRule):
    """What the rules about refused updates share."""

    types = frozenset({*UPDATES, "error"})
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._updates: dict[int, Body] = {}
        self._void: list[_Void] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember updates, and which of them were refused."""
        if event.type != "error":
            if event.direction is Direction.CLIENT and event.body is not None:
                self._updates[event.seq] = event.body
                if len(self._updates) > MAX_UPDATES:
                    del self._updates[next(iter(self._updates))]
            return
        refusal = state.causes.blamed.get(event.seq)
        update = self._updates.get(refusal.seq) if refusal is not None else None
        if refusal is not None and update is not None and len(self._void) < MAX_FINDINGS:
            session = object_at(update, "session")
            strays = tuple(name for name in update if name not in ("type", "event_id", "session"))
            self._void.append(_Void(refusal.seq, refusal, session, strays))


def is_about_fixed_member(error: Body) -> bool:
    """Return whether an update was refused because of a setting that cannot change."""
    first, _, member = text_at(error, "param").partition(".")
    return text_at(error, "code") == "cannot_update_voice" or (
        first == "session" and member.partition(".")[0] in FIXED
    )


def _lost(void: _Void, state: SessionState) -> list[str]:
    """Return the settings of a refused update that are not in force now."""
    wanted = void.session or dict.fromkeys(void.strays, True)
    lost = []
    for name, value in wanted.items():
        if name == "type":
            continue
        if any(not _is_in_force(path, leaf, state) for path, leaf in leaves({name: value})):
            lost.append(name)
    return lost


def _is_in_force(path: str, value: Any, state: SessionState) -> bool:
    first, _, rest = path.partition(".")
    moved = GA_FIELDS.get(first, first)
    places = (path, f"{moved}.{rest}" if rest else moved)
    found = [value_at(state.session.config, place) for place in places]
    if isinstance(value, list):
        names = {_name_of(entry) for entry in value}
        return any(isinstance(one, list) and names <= {_name_of(e) for e in one} for one in found)
    return value in found


def _name_of(entry: object) -> str:
    return str(entry.get("name", entry)) if isinstance(entry, dict) else str(entry)


def _corrected(void: _Void, state: SessionState) -> str:
    """Return the update without what was refused: names of the beta moved to their places, the unknown member left out."""
    strays = dict.fromkeys(void.strays, "…")
    session = dict(void.session or strays)
    if not is_flat(state):
        session = {"type": state.session.kind, **in_ga(session)}
    if isinstance(session.get("tools"), list):
        session["tools"] = [_flat_tool(tool) for tool in session["tools"]]
    error = void.refusal.error
    param = text_at(error, "param").removeprefix("session.").partition(".")[0]
    is_unknown = text_at(error, "code") in ("unknown_parameter", "cannot_update_voice")
    if param in FIXED or (is_unknown and param not in GA_FIELDS):
        session.pop(param, None)
    return as_json({"type": "session.update", "session": shortened(session)})


def _flat_tool(tool: Any) -> Any:
    """Return a tool without the nesting of Chat Completions, which the Realtime API refuses."""
    inner = tool.get("function") if isinstance(tool, dict) else None
    return {"type": "function", **inner} if isinstance(inner, dict) else tool


def _voids(rule: LintRule, voids: Iterable[_Void], state: SessionState) -> Iterator[Finding]:
    """Yield a finding for each kind of refusal; an app may well send the same update again and again."""
    kinds: dict[str, list[_Void]] = {}
    for void in voids:
        kinds.setdefault(error_words(void.refusal.error), []).append(void)
    for same in kinds.values():
        void = same[-1]
        error, lost = void.refusal.error, _lost(void, state)
        if void.session or not void.strays:
            reason = f"{error_words(error)}{ga_hint(error)}"
        else:
            reason = f"it has no session object; {listed(void.strays)} stand beside type"
        if lost:
            effect = f"{listed(lost)} {'is' if len(lost) == 1 else 'are'} not in force"
        else:
            effect = "a later update has set the same"
        seqs = [one.seq for one in same]
        was = "was" if len(same) == 1 else f"and {len(same) - 1:,} more were"
        yield rule.found(
            Severity.ERROR if lost else Severity.NOTE,
            (void.refusal.error_seq, *seqs),
            f"the session.update {ref(void.seq)} {was} refused as a whole: {reason.rstrip('.')}. {effect[0].upper()}{effect[1:]}",
            _corrected(void, state) if lost else "",
            void.refusal.confidence,
        )


class UpdateVoid(_RefusedUpdates):
    """An update that was refused, with the settings that are therefore not in force."""

    id = "update-void"
    title = "a session.update had no effect"
    severity = Severity.ERROR
    why = (
        "One wrong member voids the whole update: instructions, tools, voice and everything else in it. The session goes on with the "
        "settings that it had, and apps that do not look at error events never notice."
    )
    links = (CLIENT_EVENTS, "https://github.com/TanStack/ai/issues/586")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report refused updates, those repeated correctly as a note."""
        voids = (one for one in self._void if not is_about_fixed_member(one.refusal.error))
        return _voids(self, voids, moment.state)


class ImmutableField(_RefusedUpdates):
    """An update that was refused because it carries what cannot change."""

    id = "immutable-field"
    title = "an update carries a setting that cannot change"
    severity = Severity.ERROR
    why = (
        "Model and tracing are fixed when the session begins, the voice once the assistant has spoken. An update that carries them is "
        "refused as a whole, with all else that it carries."
    )
    links = (CLIENT_EVENTS, "https://github.com/openai/openai-agents-python/issues/1661")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report refused updates."""
        voids = (one for one in self._void if is_about_fixed_member(one.refusal.error))
        return _voids(self, voids, moment.state)


class UpdateOmits(LintRule):
    """Manual commits under turn detection that no update has ever mentioned."""

    id = "update-omits"
    title = "no update turns turn detection off"
    severity = Severity.WARNING
    why = (
        "Turn detection is on unless an update sets it to null. Many SDKs drop members that are None or undefined, so that "
        "turn_detection=None in the code never reaches the server; then the server commits and answers as well as the app."
    )
    links = (VAD, "https://github.com/livekit/agents/issues/3398")
    types = frozenset({*UPDATES, _COMMIT})
    needs = frozenset({Sight.APP, Sight.SETTINGS})

    def __init__(self) -> None:
        self._updates: list[int] = []
        self._mentions = False
        self._commits: list[int] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Look whether an update mentions turn detection, and at manual commits while it is on."""
        if event.direction is not Direction.CLIENT:
            return
        if event.type == _COMMIT:
            session = state.session
            if session.turn_detection and len(self._commits) < MAX_FINDINGS:
                self._commits.append(event.seq)
            return
        settings = settings_of(event)
        self._mentions |= "turn_detection" in settings
        self._mentions |= "turn_detection" in object_at(object_at(settings, "audio"), "input")
        if len(self._updates) < MAX_UPDATES:
            self._updates.append(event.seq)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report manual commits if no update mentions turn detection."""
        state = moment.state
        commits = [seq for seq in self._commits if seq not in state.causes.rejected]
        if self._mentions or not self._updates or not commits:
            return
        detection = state.session.turn_detection
        yield self.found(
            Severity.WARNING,
            (*commits, *self._updates),
            f"turn_detection was not in your session.update ({refs(self._updates)}), so {detection or 'turn detection'} is still on; "
            f"you commit by hand ({refs(commits)}) while it commits and answers by itself. SDKs drop None: send an explicit null",
            session_update(state, {"audio.input.turn_detection": None}),
            Confidence.LIKELY,
        )


class ManualUnderVad(LintRule):
    """Commits of the app beside those of the server."""

    id = "manual-under-vad"
    title = "the app and turn detection both commit"
    severity = Severity.WARNING
    why = (
        "With turn detection the server commits and answers by itself. A commit of the app at about the same time finds an empty "
        "buffer or cuts a sentence in two, and its response.create collides."
    )
    links = (VAD, "https://github.com/goodroot/hyprwhspr/issues/63")
    types = frozenset({_COMMIT, "input_audio_buffer.committed"})
    needs = frozenset({Sight.APP, Sight.SETTINGS, Sight.TIMES})

    def __init__(self) -> None:
        self._commit: tuple[int, int | None] = (0, None)
        self._committed: tuple[int, int | None] = (0, None)
        self._near: list[tuple[int, int, float]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare the app's commits with the server's."""
        if not state.session.turn_detection:
            return
        if event.type == _COMMIT:
            self._commit = event.seq, event.t_ns
            self._compare(event, self._committed)
        elif event.seq not in state.causes.cause_of:
            self._committed = event.seq, event.t_ns
            self._compare(event, self._commit)

    def _compare(self, event: Event, other: tuple[int, int | None]) -> None:
        seq, t_ns = other
        if not seq or t_ns is None or event.t_ns is None or len(self._near) >= MAX_FINDINGS:
            return
        apart_ms = abs(event.t_ns - t_ns) / NS_PER_MS
        if apart_ms < NEAR_MS:
            self._near.append((event.seq, seq, apart_ms))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the pairs."""
        if not self._near:
            return
        first, other, apart_ms = self._near[0]
        state = moment.state
        more = f", and {counted(len(self._near) - 1, 'time')} more" if len(self._near) > 1 else ""
        yield self.found(
            Severity.WARNING,
            [seq for near in self._near for seq in near[:2]],
            f"{state.session.turn_detection or 'turn detection'} commits by itself, and the app commits as well: {ref(first)} and "
            f"{ref(other)} are {seconds(apart_ms)} apart{more}",
            f"leave input_audio_buffer.commit out, or: {session_update(state, {'audio.input.turn_detection': None})}",
        )


class UpdateSideEffect(LintRule):
    """An update after which settings differ that it did not carry."""

    id = "update-side-effect"
    title = "an update changed settings that it did not carry"
    severity = Severity.WARNING
    why = (
        "An update should leave alone what it does not mention. Some servers and gateways set other members back to defaults, so that "
        "formats or the voice change with an update of the tools."
    )
    links = (CLIENT_EVENTS,)
    types = frozenset({*UPDATES, "session.created", "session.updated"})
    needs = frozenset({Sight.APP, Sight.SETTINGS})

    def __init__(self) -> None:
        self._config: Body = {}
        self._carried: dict[int, tuple[str, ...]] = {}
        """Updates without an answer to the paths that they carry."""
        self._effects: list[tuple[int, int, tuple[tuple[str, Any, Any], ...]]] = []

    def apply(self, event: Event, state: SessionState) -> None:
        """Compare the session before and after an update."""
        if event.direction is Direction.CLIENT:
            paths = tuple(path for path, _ in leaves(dict(settings_of(event))))
            self._carried[event.seq] = paths
            if len(self._carried) > MAX_UPDATES:
                del self._carried[next(iter(self._carried))]
            return
        before, self._config = self._config, state.session.config
        update = state.causes.cause_of.get(event.seq, 0)
        carried = [path for seq, paths in self._carried.items() if seq <= update for path in paths]
        self._carried = {seq: paths for seq, paths in self._carried.items() if seq > update}
        is_same = text_at(before, "id") == text_at(self._config, "id")
        if event.type != "session.updated" or not before or not update or not is_same:
            return
        changed = tuple(_changes(before, self._config, carried))
        if changed and len(self._effects) < MAX_FINDINGS:
            self._effects.append((event.seq, update, changed))

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report each update with the settings that it changed on the side."""
        for seq, update, changed in self._effects:
            words = listed(f"{path} ({_short(old)} → {_short(new)})" for path, old, new in changed)
            session: dict[str, Any] = {} if is_flat(moment.state) else {"type": "realtime"}
            for path, old, _ in changed:
                put(session, path, old)
            yield self.found(
                Severity.WARNING,
                (seq, update),
                f"the session.update {ref(update)} also changed {words}, which it does not carry",
                as_json({"type": "session.update", "session": shortened(session)}),
            )


def _changes(before: Body, after: Body, carried: Iterable[str]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the settings that differ and that no path of the updates covers."""
    sent = tuple(carried)
    old, new = dict(leaves(dict(before))), dict(leaves(dict(after)))
    for path in dict.fromkeys((*old, *new)):
        if path not in old or path not in new:
            continue  # a server that describes more, or less, has changed nothing
        is_sent = any(_overlaps(path, one) or _overlaps(path, _moved(one)) for one in sent)
        if old[path] != new[path] and path.partition(".")[0] not in _VOLATILE and not is_sent:
            yield path, old[path], new[path]


def _moved(path: str) -> str:
    """Return the GA path of a path that begins with a name of the beta."""
    first, dot, rest = path.partition(".")
    return f"{GA_FIELDS.get(first, first)}{dot}{rest}"


def _overlaps(path: str, other: str) -> bool:
    # Another type of something, such as of turn detection, brings other defaults with it.
    other = other.removesuffix(".type")
    return f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else as_json(value)
    return text if len(text) <= 24 else f"{text[:23]}…"


class NeverConfigured(LintRule):
    """A session that answers on the server's default instructions."""

    id = "never-configured"
    title = "the session runs on the server's default settings"
    severity = Severity.WARNING
    why = (
        "Every connection begins with the server's own instructions and voice; nothing is kept from the connection before. An app that "
        "configures only its first connection loses persona, tools and history with each reconnect."
    )
    links = (CONVERSATIONS, "https://github.com/openai/openai-realtime-api-beta/issues/23")
    types = frozenset(
        {
            *UPDATES,
            "response.create",
            "response.created",
            "conversation.item.create",
        }
    )
    reads_appends = True
    needs = frozenset({Sight.APP, Sight.SETTINGS})

    def __init__(self, lost_items: int | None = None) -> None:
        """Begin a connection.

        Args:
            lost_items: items that the app created on the connection before, if it configured that one.
        """
        self._lost_items = lost_items
        self._has_updated = self._has_own_instructions = False
        self._items = 0
        self._first: tuple[int, int | None] = (0, None)
        """The first answer on default instructions."""
        self._voice = ""

    def next_session(self) -> LintRule:
        """Return the rule for the next connection, which remembers whether this one was configured."""
        return type(self)(self._items if self._has_updated else None)

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at the settings in force when the first answer begins."""
        if event.type == "response.created":
            self._begin(event, state)
        elif event.direction is not Direction.CLIENT:
            return
        elif event.origin is not Origin.WIRE:
            # A user who drives the session by hand from here knows its settings.
            self._has_own_instructions = True
        elif event.type == "response.create":
            response = object_at(event.body or {}, "response")
            self._has_own_instructions |= "instructions" in response or "prompt" in response
        elif event.type == "conversation.item.create":
            self._items += 1
            role = text_at(object_at(event.body or {}, "item"), "role")
            # A system message instructs the model just as well.
            self._has_own_instructions |= role == "system"
        else:
            self._has_updated = True

    def _begin(self, event: Event, state: SessionState) -> None:
        config = state.session.config
        is_default = text_at(config, "instructions").startswith(DEFAULT_INSTRUCTIONS)
        is_told = self._has_own_instructions or self.appended.is_by_hand
        is_own = self._has_updated or is_told or bool(config.get("prompt"))
        if is_default and not is_own and not self._first[0]:
            self._first = event.seq, event.t_ns
            self._voice = text_at(object_at(object_at(config, "audio"), "output"), "voice")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the first answer on default instructions."""
        seq, t_ns = self._first
        if not seq:
            return
        voice = f" and the default voice {quoted(self._voice)}" if self._voice else ""
        text = f"the first answer{at_time(t_ns)} runs on the server's default instructions{voice}: no session.update was sent on this connection"
        if self._lost_items is not None:
            text += f". The connection before had one, and {counted(self._lost_items, 'item')} of the app's"
        yield self.found(
            Severity.WARNING,
            (seq,),
            text,
            f"{session_update(moment.state, {'instructions': '…'})} first, then wait for session.updated; replay earlier items as text",
            Confidence.CERTAIN if self._lost_items is not None else Confidence.LIKELY,
        )


class UpdateUnanswered(LintRule):
    """An update that the server neither confirms nor refuses."""

    id = "update-unanswered"
    title = "a session.update got no answer"
    severity = Severity.WARNING
    why = "The server confirms every update with session.updated or refuses it with an error. Without either, the settings in force are unknown."
    links = (CLIENT_EVENTS,)
    types = frozenset(UPDATES)
    needs = frozenset({Sight.APP, Sight.SERVER, Sight.SETTINGS, Sight.TIMES})

    def __init__(self) -> None:
        self._last: tuple[int, int | None] = (0, None)

    def apply(self, event: Event, state: SessionState) -> None:
        """Remember the last update."""
        if event.direction is Direction.CLIENT:
            self._last = event.seq, event.t_ns

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report an update that has waited too long."""
        seq, t_ns = self._last
        waited_ms = moment.waited_ms(t_ns)
        is_late = waited_ms is not None and waited_ms >= UPDATE_PATIENCE_MS
        if seq and waited_ms is not None and is_late and moment.state.causes.awaits_update:
            yield self.found(
                Severity.WARNING,
                (seq,),
                f"the session.update {ref(seq)} has had no answer for {seconds(waited_ms)}, neither session.updated nor an error",
                "send it again with an event_id, and wait for session.updated before you go on",
                Confidence.LIKELY,
            )


RULES: tuple[type[LintRule], ...] = (
    UpdateVoid,
    ImmutableField,
    UpdateOmits,
    ManualUnderVad,
    NeverConfigured,
    UpdateSideEffect,
    UpdateUnanswered,
)
"""Rules about settings."""
