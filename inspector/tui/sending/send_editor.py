"""SendEditor: an editor for events. It warns but never blocks: the text is sent exactly as written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option
from textual.widgets.text_area import Selection

from inspector.analysis.complete import EditorCompletion, complete
from inspector.analysis.sanitize import sanitized
from inspector.analysis.validate import check
from inspector.core.codec import decode
from inspector.spec.templates import TEMPLATES
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.common.measures import LARGE_TEXT
from inspector.tui.sending.typing_place import typing_place
from inspector.tui.terminal.text_box import TextBox

MAX_HISTORY = 200
MAX_PROPOSALS = 60


_CARET = "▏"
_JSON_PLACE = re.compile(r"line (\d+) column (\d+)")


@dataclass(frozen=True, slots=True)
class DraftVerdict:
    """The editor's judgement of its text."""

    words: str
    style: str
    """``good``, ``warning`` or ``error``."""


class SendEditor(Vertical):
    """A text area with templates, completion, validation and history."""

    BINDINGS = [
        Binding("f5,ctrl+enter,alt+enter", "send", "send", id="send.send", priority=True),
        # Terminals send ctrl+space as NUL, which Textual calls ctrl+@.
        Binding("ctrl+space,ctrl+@", "complete", "complete", id="send.complete", priority=True),
        Binding("ctrl+t", "templates", "templates", id="send.templates", priority=True),
        Binding("ctrl+up", "history(-1)", "earlier", show=False, id="send.earlier", priority=True),
        Binding("ctrl+down", "history(1)", "later", show=False, id="send.later", priority=True),
        Binding("f3", "pretty", "format", id="send.pretty", priority=True),
        Binding("f4", "external", "$EDITOR", id="send.external", priority=True),
        Binding("escape", "close", "close", id="send.close", priority=True),
        Binding("enter,tab", "accept", "accept", show=False, id="send.accept", priority=True),
        Binding("down", "choose(1)", "next", show=False, id="send.next", priority=True),
        Binding("up", "choose(-1)", "previous", show=False, id="send.previous", priority=True),
    ]

    class SendRequested(Message):
        """The text should be sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ExternalEditRequested(Message):
        """The text should be edited in an external editor."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The editor should be hidden."""

    def __init__(self, key: Key | None = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Create the editor; ``key`` returns key names, by default those of the default keymap."""
        super().__init__(id=id)
        self._key = key or partial(default_keycap, (SendEditor,))
        self._history: list[str] = []
        self._at = 0
        self._draft = ""
        """The unsent text, kept while going through the history."""
        self._is_translation = False
        self._proposals: list[EditorCompletion] = []
        self._templates = list(TEMPLATES)
        """The templates in the list."""
        self._wanted: str | None = None
        """What has been typed to narrow the list of templates; None while that is not shown."""

    def compose(self) -> ComposeResult:
        """Lay out title, text, completions, verdict and outcome."""
        key = self._key
        yield Static(
            f"Send   {key('send.send')} send · {key('send.close')} close · {key('send.complete')} complete"
            f" · {key('send.templates')} templates · {key('send.external')} $EDITOR · {key('send.earlier')} history",
            classes="line",
            markup=False,
        )
        yield TextBox(
            json.dumps(TEMPLATES[0].body, ensure_ascii=False, indent=2),
            soft_wrap=True,
            # Tab must not leave the editor: the next letter would run a command.
            tab_behavior="indent",
        )
        yield OptionList(id="completions", markup=False)
        yield Static("", id="verdict", classes="line", markup=False)
        yield Static("", id="outcome", classes="line", markup=False)

    @property
    def text(self) -> str:
        """Return the current text."""
        return self.query_one(TextArea).text

    def load(self, text: str) -> None:
        """Replace the text, for example by a past event."""
        self.query_one(TextArea).text = text
        self._check()

    def load_to_write(self, text: str) -> None:
        """Replace the text by one to complete, and select the value to type in it."""
        self.load(text)
        self._select_value()

    def _select_value(self) -> None:
        area = self.query_one(TextArea)
        place = typing_place(area.text)
        if place is not None:
            area.selection = Selection(*(location_of(area.text, offset) for offset in place))

    def set_translation(self, *, is_translation: bool) -> None:
        """Choose the schema for validation and completion: a translation session has events of its own."""
        if self._is_translation != is_translation:
            self._is_translation = is_translation
            self._check()

    def focus_text(self) -> None:
        """Focus the text."""
        self.query_one(TextArea).focus()

    def show_outcome(self, words: str, style: str = "") -> None:
        """Show the result of what was sent."""
        outcome = self.query_one("#outcome", Static)
        outcome.set_classes(f"line {style}")
        outcome.update(sanitized(words))

    def remember(self, text: str) -> None:
        """Add a sent text to the history."""
        if not self._history or self._history[-1] != text:
            self._history.append(text)
            del self._history[:-MAX_HISTORY]
        self._at = len(self._history)

    def on_mount(self) -> None:
        """Check the first template, and select the value to type in it."""
        self._check()
        self._select_value()

    @on(TextArea.Changed)
    def _changed(self) -> None:
        if self.query("#completions.shown") and self._wanted is None:
            self._propose()
        else:
            self._hide_proposals()
        if len(self.text) < LARGE_TEXT:
            self._check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Reserve enter, tab and the arrows for the completions while these are shown."""
        if action in ("accept", "choose"):
            return bool(self.query("#completions.shown"))
        return True

    def action_accept(self) -> None:
        """Insert the highlighted completion."""
        self.query_one("#completions", OptionList).action_select()

    def action_choose(self, step: int) -> None:
        """Highlight another completion."""
        proposals = self.query_one("#completions", OptionList)
        proposals.action_cursor_down() if step > 0 else proposals.action_cursor_up()

    def action_send(self) -> None:
        """Send the text as written."""
        self._hide_proposals()
        self.post_message(self.SendRequested(self.text))

    def action_complete(self) -> None:
        """Show completions for the cursor's position; they narrow as the user types."""
        self._propose()
        if not self._proposals:
            self.show_outcome("no completions here")

    def _propose(self) -> None:
        area = self.query_one(TextArea)
        offset = index_of(area.text, area.cursor_location)
        found = complete(area.text, offset, is_translation=self._is_translation)
        self._proposals = found[:MAX_PROPOSALS]
        self._wanted = None
        self._show_proposals([f"{found.label:<34} {found.detail}" for found in self._proposals])

    def action_templates(self) -> None:
        """Show the list of templates; what is typed then narrows it."""
        self._narrow("")
        self.query_one("#completions").focus()

    def on_key(self, event: events.Key) -> None:
        """Narrow the list of templates by what is typed."""
        if self._wanted is None:
            return
        if event.is_printable and event.character is not None:
            self._narrow(self._wanted + event.character)
        elif event.key == "backspace":
            self._narrow(self._wanted[:-1])
        else:
            return
        event.stop()

    def _narrow(self, wanted: str) -> None:
        """Show the templates whose names contain each of the typed words; ignore a letter that leaves none."""
        found = [one for one in TEMPLATES if all(word in one.name for word in wanted.split())]
        if found:
            self._wanted, self._templates = wanted, found
            self._show_proposals([template.name for template in found])
            self.show_outcome(f"templates: {wanted}{_CARET}   type to narrow the list")

    def action_history(self, step: int) -> None:
        """Step through the sent texts; after the last comes the unsent one."""
        newest = len(self._history)
        if self._at == newest:
            self._draft = self.text
        self._at = max(0, min(newest, self._at + step))
        if step < 0 and self._at and self._history[self._at] == self.text:
            self._at -= 1  # the editor still shows the text that was just sent
        if newest:
            self.load(self._history[self._at] if self._at < newest else self._draft)

    def action_pretty(self) -> None:
        """Indent the text if it is valid JSON."""
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            self.show_outcome("cannot format: the text is not valid JSON", "warning")
            return
        self.load(json.dumps(value, ensure_ascii=False, indent=2))

    def action_external(self) -> None:
        """Edit the text in $EDITOR."""
        self.post_message(self.ExternalEditRequested(self.text))

    def action_close(self) -> None:
        """Hide the completions if shown, else the editor."""
        if self.query_one("#completions").has_class("shown"):
            self._hide_proposals()
        else:
            self.post_message(self.Closed())

    @on(OptionList.OptionSelected, "#completions")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        index = event.option_index
        if self._wanted is not None:
            body = self._templates[index].body
            self.load_to_write(json.dumps(body, ensure_ascii=False, indent=2))
        elif index < len(self._proposals):
            self._insert(self._proposals[index])
        self._hide_proposals()
        self.focus_text()

    def _insert(self, found: EditorCompletion) -> None:
        area = self.query_one(TextArea)
        start = location_of(area.text, found.start)
        end = location_of(area.text, found.end)
        area.replace(found.insert, start, end)

    def _show_proposals(self, labels: list[str]) -> None:
        proposals = self.query_one("#completions", OptionList)
        proposals.clear_options()
        proposals.add_options([Option(sanitized(label)) for label in labels])
        proposals.set_class(bool(labels), "shown")
        if labels:
            proposals.highlighted = 0

    def _hide_proposals(self) -> None:
        self.query_one("#completions").remove_class("shown")
        if self._wanted is not None:
            self._wanted = None
            self.show_outcome("")
            self.focus_text()

    def _check(self) -> None:
        verdict = judge_text(self.text, is_translation=self._is_translation)
        line = self.query_one("#verdict", Static)
        line.set_classes(f"line {verdict.style}")
        line.update(verdict.words)


def index_of(text: str, location: tuple[int, int]) -> int:
    """Return the offset of a (row, column) in a text."""
    row, column = location
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[:row]) + column


def location_of(text: str, offset: int) -> tuple[int, int]:
    """Return the (row, column) of an offset in a text."""
    before = text[:offset]
    return before.count("\n"), offset - (before.rfind("\n") + 1)


def judge_text(text: str, *, is_translation: bool = False) -> DraftVerdict:
    """Return the judgement of a text before it is sent to a session of either kind."""
    _, body, problem = decode(text.encode("utf-8", "replace"))
    if problem is not None:
        place = _JSON_PLACE.search(problem.message)
        where = f" (line {place[1]}, column {place[2]})" if place else ""
        what = f"not valid JSON{where}" if problem.code == "invalid_json" else problem.message
        return DraftVerdict(f"⚠ {sanitized(what)}: will be sent as is", "error")
    problems = check(body, is_translation=is_translation)
    if not problems:
        return DraftVerdict("✓ valid", "good")
    first = problems[0]
    more = f"   and {len(problems) - 1} more" if len(problems) > 1 else ""
    hint = f"   ({first.hint})" if first.hint else ""
    at = f"   at {first.pointer}" if first.path else ""
    return DraftVerdict(
        f"⚠ {sanitized(first.message[:160])}{sanitized(hint)}{sanitized(at)}{more}", "warning"
    )
