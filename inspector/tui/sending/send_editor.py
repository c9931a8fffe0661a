"""SendEditor: writing an event by hand. It warns, and never forbids: the text goes out exactly as it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from inspector.analysis.complete import EditorCompletion, complete
from inspector.analysis.sanitize import sanitized
from inspector.analysis.validate import check
from inspector.core.codec import decode
from inspector.spec.templates import TEMPLATES
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.terminal.text_box import TextBox

MAX_HISTORY = 200
MAX_PROPOSALS = 60
LARGE_TEXT = 64_000
"""Above this a text is not checked on every key, only when asked to be sent."""


@dataclass(frozen=True, slots=True)
class DraftVerdict:
    """What the editor says of its text."""

    words: str
    style: str
    """``good``, ``warning`` or ``error``."""


class SendEditor(Vertical):
    """A text area with templates, completion, checks and history."""

    BINDINGS = [
        Binding("f5,ctrl+enter,alt+enter", "send", "send", id="send.send", priority=True),
        Binding("ctrl+space,ctrl+@", "complete", "complete", id="send.complete", priority=True),
        Binding("ctrl+t", "templates", "templates", id="send.templates", priority=True),
        Binding("ctrl+up", "history(-1)", "earlier", show=False, id="send.earlier", priority=True),
        Binding("ctrl+down", "history(1)", "later", show=False, id="send.later", priority=True),
        Binding("f3", "pretty", "format", id="send.pretty", priority=True),
        Binding("f4", "external", "$EDITOR", id="send.external", priority=True),
        Binding("escape", "close", "close", id="send.close", priority=True),
        Binding("enter,tab", "accept", "take", show=False, id="send.accept", priority=True),
        Binding("down", "choose(1)", "next", show=False, id="send.next", priority=True),
        Binding("up", "choose(-1)", "previous", show=False, id="send.previous", priority=True),
    ]

    class SendRequested(Message):
        """The user wants the text sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ExternalEditRequested(Message):
        """The user wants to go on in an editor of their own."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The user is done here."""

    def __init__(self, key: Key | None = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Prepare the editor; ``key`` names keys, which are called as they come without it."""
        super().__init__(id=id)
        self._key = key or partial(default_keycap, (SendEditor,))
        self._history: list[str] = []
        self._at = 0
        self._draft = ""
        """What was written before going through the history."""
        self._is_translation = False
        self._proposals: list[EditorCompletion] = []
        self._is_choosing_template = False

    def compose(self) -> ComposeResult:
        """Lay out title, text, proposals, verdict and outcome."""
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
            tab_behavior="indent",
        )
        yield OptionList(id="completions", markup=False)
        yield Static("", id="verdict", classes="line", markup=False)
        yield Static("", id="outcome", classes="line", markup=False)

    @property
    def text(self) -> str:
        """Return what is written."""
        return self.query_one(TextArea).text

    def load(self, text: str) -> None:
        """Put a text into the editor, such as a past event."""
        self.query_one(TextArea).text = text
        self._check()

    def set_translation(self, *, is_translation: bool) -> None:
        """Say whether events are for a translation session, which is configured differently."""
        if self._is_translation != is_translation:
            self._is_translation = is_translation
            self._check()

    def focus_text(self) -> None:
        """Put the cursor into the text."""
        self.query_one(TextArea).focus()

    def show_outcome(self, words: str, style: str = "") -> None:
        """Say what became of what was sent."""
        outcome = self.query_one("#outcome", Static)
        outcome.set_classes(f"line {style}")
        outcome.update(sanitized(words))

    def remember(self, text: str) -> None:
        """Keep a text that was sent."""
        if not self._history or self._history[-1] != text:
            self._history.append(text)
            del self._history[:-MAX_HISTORY]
        self._at = len(self._history)

    def on_mount(self) -> None:
        """Check the first template."""
        self._check()

    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._hide_proposals()
        if len(self.text) < LARGE_TEXT:
            self._check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Let enter, tab and the arrows work on the proposals while they are shown, and on the text otherwise."""
        if action in ("accept", "choose"):
            return bool(self.query("#completions.shown"))
        return True

    def action_accept(self) -> None:
        """Take the highlighted proposal."""
        self.query_one("#completions", OptionList).action_select()

    def action_choose(self, step: int) -> None:
        """Highlight another proposal."""
        proposals = self.query_one("#completions", OptionList)
        proposals.action_cursor_down() if step > 0 else proposals.action_cursor_up()

    def action_send(self) -> None:
        """Send the text as it stands."""
        self._hide_proposals()
        self.post_message(self.SendRequested(self.text))

    def action_complete(self) -> None:
        """Show what could stand at the cursor."""
        area = self.query_one(TextArea)
        offset = index_of(area.text, area.cursor_location)
        found = complete(area.text, offset, is_translation=self._is_translation)
        self._proposals = found[:MAX_PROPOSALS]
        self._is_choosing_template = False
        self._show_proposals([f"{found.label:<34} {found.detail}" for found in self._proposals])
        if not self._proposals:
            self.show_outcome("nothing to propose here")

    def action_templates(self) -> None:
        """Show the templates."""
        self._is_choosing_template = True
        self._show_proposals([template.name for template in TEMPLATES])

    def action_history(self, step: int) -> None:
        """Go through what was sent before; after the last comes what was being written."""
        newest = len(self._history)
        if self._at == newest:
            self._draft = self.text
        self._at = max(0, min(newest, self._at + step))
        if newest:
            self.load(self._history[self._at] if self._at < newest else self._draft)

    def action_pretty(self) -> None:
        """Indent the text, if it is JSON."""
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            self.show_outcome("not JSON, so it cannot be formatted", "warning")
            return
        self.load(json.dumps(value, ensure_ascii=False, indent=2))

    def action_external(self) -> None:
        """Go on in $EDITOR."""
        self.post_message(self.ExternalEditRequested(self.text))

    def action_close(self) -> None:
        """Hide the proposals, or else the editor."""
        if self.query_one("#completions").has_class("shown"):
            self._hide_proposals()
        else:
            self.post_message(self.Closed())

    @on(OptionList.OptionSelected, "#completions")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        index = event.option_index
        if self._is_choosing_template:
            self.load(json.dumps(TEMPLATES[index].body, ensure_ascii=False, indent=2))
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

    def _check(self) -> None:
        verdict = judged(self.text, is_translation=self._is_translation)
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


def judged(text: str, *, is_translation: bool = False) -> DraftVerdict:
    """Return what there is to say about a text before it is sent, to a translation session or another."""
    _, body, problem = decode(text.encode("utf-8", "replace"))
    if problem is not None:
        return DraftVerdict(f"⚠ {sanitized(problem.message)} — it would be sent as it is", "error")
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
