"""Every key of the program: what it does, where, under which id it can be remapped, and what is wrong with a user's own.

Loads every screen, so nothing that the first frame needs may import it.
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
)
"""The widgets of every workspace."""
_EDITOR = "sending.send_editor:SendEditor"
_SENDING = "sending.sending_part:Sending"
_FORM = "form.form_control:FormControl"


@dataclass(frozen=True, slots=True)
class KeyContext:
    """A screen as the user knows it."""

    name: str
    screen: str
    """Its class, as ``module:Class`` below ``inspector.tui``."""
    parts: tuple[str, ...] = ()
    """What stands around the views of a workspace; their keys come before the screen's."""
    widgets: tuple[str, ...] = ()
    """Whose keys come first, while they have the focus."""


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
        "session of an app",
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
"""Every screen."""
WIDGET_NAMES: Mapping[str, str] = {
    "EventPane": "event pane",
    "DetailPane": "detail",
    "ConversationPane": "conversation",
    "TextPage": "page",
    "Timeline": "timeline",
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
    """A binding as the user may know it."""

    id: str
    keys: tuple[str, ...]
    """In Textual's spelling, as they come with the program."""
    what: str
    where: str
    is_priority: bool = False

    def keys_by(self, keymap: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keys under a user's keymap."""
        own = keymap.get(self.id, "")
        return tuple(spelled(key) for key in own.split(",")) if own else self.keys


@cache
def all_bindings() -> tuple[KeyBinding, ...]:
    """Return every binding of the program, each once, by place."""
    found: dict[str, KeyBinding] = {}
    for place in PLACES:
        for owner in (*place.parts, place.screen, *place.widgets):
            for binding in bindings_of(_load(owner), _name_in(place, owner)):
                found.setdefault(binding.id, binding)
    return tuple(found.values())


def bindings_of(owner: type[DOMNode], where: str) -> tuple[KeyBinding, ...]:
    """Return what a screen, a widget or the app binds; Textual's own bindings have no ids of ours and are left out."""
    found: dict[str, KeyBinding] = {}
    for kind in owner.__mro__:
        declared = (
            kind.__dict__.get("BINDINGS", ()) if kind.__module__.startswith("inspector.") else ()
        )
        for binding in declared:
            keys = tuple(spelled(key) for key in binding.key.split(","))
            made = KeyBinding(binding.id or "", keys, binding.description, where, binding.priority)
            found.setdefault(made.id, made)
    return tuple(found.values())


def bindings_on(place: KeyContext) -> list[tuple[str, list[tuple[KeyBinding, ...]]]]:
    """Return who may have the focus on a screen, each with the bindings that then count, the nearest first."""
    behind = [
        *(bindings_of(_load(owner), place.name) for owner in (*place.parts, place.screen)),
        bindings_of(_load(PLACES[0].screen), PLACES[0].name),
    ]
    names = {owner: _name_in(place, owner) for owner in place.widgets}
    in_widgets = [(name, [bindings_of(_load(w), name), *behind]) for w, name in names.items()]
    return [(place.name, behind), *in_widgets]


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a user's keys, a sentence each: unknown ids, invalid keys, and clashes."""
    known = {binding.id: binding for binding in all_bindings()}
    problems = []
    for name, keys in keymap.items():
        binding = known.get(name)
        if binding is None:
            near = difflib.get_close_matches(name, known, 1)
            meant = f"; {near[0]!r} is one" if near else ""
            problems.append(
                f"[keys]: there is no binding {name!r}{meant}; inspector keys lists all"
            )
            continue
        for key in map(spelled, keys.split(",")):
            if not _is_key(key):
                problems.append(
                    f"[keys] {name}: {key!r} is not a valid key; write it like ctrl+k, f9 or x"
                )
            elif binding.is_priority and len(format_key(key)) == 1:
                problems.append(
                    f"[keys] {name}: {key!r} could then not be typed into a text; use ctrl+ or an F key"
                )
    return [*problems, *_clashes({n: k for n, k in keymap.items() if n in known})]


def _clashes(keymap: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each key that a user gave to a binding and that does something else as well."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for place in PLACES:
        for _, groups in bindings_on(place):
            bindings = [binding for group in groups for binding in group]
            for holder, other, key in _sharing(bindings, keymap):
                mine = other if other.id in keymap else holder
                its = holder if mine is other else other
                is_new = mine.id in keymap and not (key in mine.keys and key in its.keys)
                if is_new:
                    found.setdefault((mine.id, key), {})[its.id] = (
                        f"{its.what} ({its.id}, {its.where})"
                    )
    for (name, key), others in found.items():
        yield f"[keys] {name}: {key_words(key)} is taken by {', '.join(others.values())}"


def _sharing(
    bindings: list[KeyBinding], keymap: Mapping[str, str]
) -> Iterator[tuple[KeyBinding, KeyBinding, str]]:
    """Yield pairs of bindings that have a key in common; the one that gets it comes first."""
    holders: dict[str, KeyBinding] = {}
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
    *modifiers, last = key.split("+") if key != "+" else [key]
    return _MODIFIERS.issuperset(modifiers) and (last in _KNOWN_KEYS or len(format_key(last)) == 1)
