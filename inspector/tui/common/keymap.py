"""Every key binding of the program, by screen, and the check of a user's keymap against them.

Imports every screen, so nothing that the first frame needs may import this module.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from textual.dom import DOMNode
from textual.keys import Keys, format_key

from inspector.tui.common.keycaps import key_words, spelled

_WORKSPACE = "workspace.workspace:Workspace"
_VIEWS = (
    "views.events.event_pane:EventPane",
    "views.events.detail:DetailPane",
    "views.conversation.conversation_pane:ConversationPane",
    "common.text_page:TextPage",
    "views.timeline.timeline:Timeline",
    "views.turns.turns_pane:TurnsPane",
    "views.findings.findings_pane:FindingsPane",
    "views.usage.usage_pane:UsagePane",
    "views.sound.bench_pane:BenchPane",
    "views.sound.lab_pane:LabPane",
    "views.events.filter_line:FilterLine",
    "workspace.command_line:CommandLine",
)
"""Widgets in every workspace."""
_EDITOR = "sending.send_editor:SendEditor"
_SENDING = "sending.sending_part:Sending"
_FORM = "form.form_control:FormControl"


@dataclass(frozen=True, slots=True)
class KeyContext:
    """A screen, under the name that the user knows."""

    name: str
    screen: str
    """Its class, as ``module:Class`` relative to ``inspector.tui``."""
    parts: tuple[str, ...] = ()
    """The parts around the views of a workspace; their keys are tried before the screen's."""
    widgets: tuple[str, ...] = ()
    """Widgets whose keys are tried first while they have the focus."""


PLACES: tuple[KeyContext, ...] = (
    KeyContext("everywhere", "app:InspectorApp"),
    KeyContext("home", "home.home_screen:HomeScreen"),
    KeyContext(
        "session",
        _WORKSPACE,
        (
            _SENDING,
            _FORM,
            "session.sound_controls:SoundControls",
            "session.live_workspace:ConnectionControls",
        ),
        (*_VIEWS, _EDITOR),
    ),
    KeyContext("replay", _WORKSPACE, ("session.replay_workspace:ReplayTransport", _FORM), _VIEWS),
    KeyContext(
        "proxied session",
        _WORKSPACE,
        (_SENDING, _FORM, "proxy.proxied_workspace:BreakpointControls"),
        (*_VIEWS, _EDITOR),
    ),
    KeyContext("proxy", "proxy.proxy_screen:ProxyScreen", widgets=("common.text_page:TextPage",)),
    KeyContext(
        "held frames",
        "proxy.paused_frames:PausedFramesScreen",
        widgets=("common.text_page:TextPage",),
    ),
    KeyContext(
        "session form",
        "form.form_screen:SessionFormScreen",
        widgets=(
            "form.session_form:SessionForm",
            "form.choices:ChoiceEditor",
            "form.choices:SwitchEditor",
            "form.choices:TogglesEditor",
            "form.choices:JsonEditor",
            "form.typed:NumberEditor",
        ),
    ),
    KeyContext("JSON dialog", "form.dialogs:JsonDialog"),
    KeyContext("choice dialog", "form.dialogs:ChoiceDialog"),
    KeyContext("page dialog", "form.dialogs:PageDialog", widgets=("common.text_page:TextPage",)),
    KeyContext("dialog", "common.dialog:FormDialog"),
    KeyContext("help", "common.help:HelpScreen", widgets=("common.text_page:TextPage",)),
    KeyContext("audio devices", "session.devices:DevicesDialog"),
    KeyContext("themes", "home.theme_dialog:ThemeDialog"),
)
"""Every screen of the program."""
WIDGET_NAMES: Mapping[str, str] = {
    "EventPane": "event pane",
    "DetailPane": "detail",
    "ConversationPane": "conversation",
    "TextPage": "page",
    "Timeline": "timeline",
    "TurnsPane": "turns",
    "FindingsPane": "findings",
    "UsagePane": "usage",
    "BenchPane": "sound",
    "LabPane": "VAD lab",
    "FilterLine": "filter",
    "CommandLine": "command line",
    "SendEditor": "send editor",
    "SessionForm": "form",
    "ChoiceEditor": "form: choice",
    "SwitchEditor": "form: switch",
    "TogglesEditor": "form: switches",
    "JsonEditor": "form: JSON",
    "NumberEditor": "form: number",
}
_KNOWN_KEYS = frozenset(key.value for key in Keys)
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """A binding, as listed by ``inspector keys``."""

    id: str
    keys: tuple[str, ...]
    """Default keys in Textual's spelling."""
    what: str
    where: str
    is_priority: bool = False

    def keys_by(self, keymap: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keys under a user's keymap."""
        own = keymap.get(self.id, "")
        return tuple(spelled(key) for key in own.split(",")) if own else self.keys


@cache
def all_bindings() -> tuple[KeyBinding, ...]:
    """Return every binding of the program once, by screen."""
    found: dict[str, KeyBinding] = {}
    for place in PLACES:
        for owner in (*place.parts, place.screen, *place.widgets):
            for binding in bindings_of(_load(owner), _name_in(place, owner)):
                found.setdefault(binding.id, binding)
    return tuple(found.values())


def bindings_of(owner: type[DOMNode], where: str) -> tuple[KeyBinding, ...]:
    """Return the bindings of a screen, a widget or the app; those that Textual declares are left out."""
    found: dict[str, KeyBinding] = {}
    for kind in owner.__mro__:
        declared = (
            kind.__dict__.get("BINDINGS", ()) if kind.__module__.startswith("inspector.") else ()
        )
        for binding in declared:
            keys = tuple(spelled(key) for key in binding.key.split(","))
            entry = KeyBinding(binding.id or "", keys, binding.description, where, binding.priority)
            found.setdefault(entry.id, entry)
    return tuple(found.values())


def bindings_on(place: KeyContext) -> list[tuple[str, list[tuple[KeyBinding, ...]]]]:
    """Return each possible focus on a screen with the bindings that apply to it, nearest first."""
    behind = [
        *(bindings_of(_load(owner), place.name) for owner in (*place.parts, place.screen)),
        bindings_of(_load(PLACES[0].screen), PLACES[0].name),
    ]
    names = {owner: _name_in(place, owner) for owner in place.widgets}
    in_widgets = [(name, [bindings_of(_load(w), name), *behind]) for w, name in names.items()]
    return [(place.name, behind), *in_widgets]


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """Return the problems of a user's keymap, one sentence each: unknown ids, invalid keys, and conflicts."""
    known = {binding.id: binding for binding in all_bindings()}
    problems = []
    for name, keys in keymap.items():
        binding = known.get(name)
        if binding is None:
            near = difflib.get_close_matches(name, known, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ";"
            problems.append(
                f"[keys]: unknown binding {name!r}{meant} run inspector keys to list all"
            )
            continue
        for key in map(spelled, keys.split(",")):
            if not _is_key(key):
                problems.append(
                    f"[keys] {name}: {key!r} is not a valid key; write it like ctrl+k, f9 or x"
                )
            # Priority bindings take a key even from a focused text field.
            elif binding.is_priority and len(format_key(key)) == 1:
                problems.append(
                    f"[keys] {name}: {key!r} could then not be typed into a text field; use ctrl+ or an F key"
                )
    return [*problems, *_clashes({n: k for n, k in keymap.items() if n in known})]


def _clashes(keymap: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each key in the keymap that another binding on the same screen also has."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for place in PLACES:
        for _, groups in bindings_on(place):
            bindings = [binding for group in groups for binding in group]
            for holder, other, key in _sharing(bindings, keymap):
                mine = other if other.id in keymap else holder
                its = holder if mine is other else other
                # Two bindings may share a default key on purpose: the nearer one wins.
                is_new = mine.id in keymap and not (key in mine.keys and key in its.keys)
                if is_new:
                    found.setdefault((mine.id, key), {})[its.id] = (
                        f"{its.what} ({its.id}, {its.where})"
                    )
    for (name, key), others in found.items():
        yield f"[keys] {name}: {key_words(key)} is already used for {', '.join(others.values())}"


def _sharing(
    bindings: list[KeyBinding], keymap: Mapping[str, str]
) -> Iterator[tuple[KeyBinding, KeyBinding, str]]:
    """Yield pairs of bindings with a key in common, the one that takes effect first."""
    holders: dict[str, KeyBinding] = {}
    # Textual tries priority bindings first.
    for binding in sorted(bindings, key=lambda b: not b.is_priority):
        for key in binding.keys_by(keymap):
            holder = holders.setdefault(key, binding)
            if holder.id != binding.id:
                yield holder, binding, key


def _name_in(place: KeyContext, owner: str) -> str:
    return WIDGET_NAMES[owner.partition(":")[2]] if owner in place.widgets else place.name


def _load(name: str) -> type[DOMNode]:
    module, _, kind = name.partition(":")
    found: type[DOMNode] = getattr(import_module(f"inspector.tui.{module}"), kind)
    return found


def _is_key(key: str) -> bool:
    # The key "+" itself would be split into two empty texts.
    *modifiers, last = key.split("+") if key != "+" else [key]
    return _MODIFIERS.issuperset(modifiers) and (last in _KNOWN_KEYS or len(format_key(last)) == 1)
