"""ThemeDialog: a list of themes; each is applied while the cursor is on it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from inspector.analysis.sanitize import sanitized
from inspector.tui.common.dialog import DIALOG_STYLES
from inspector.tui.common.keycaps import keycap

SAMPLES = (
    ("client", "> response.create"),
    ("server", "< response.output_audio.delta"),
    ("warning", "~ response.done   incomplete"),
    ("error", "! error   invalid_value"),
    ("kin", "related events"),
    ("dim", "secondary text"),
)
"""Theme token and sample text, for judging whether a session is readable."""
OWN_FIRST = ("inspector-", "high-contrast", "colour-blind", "phosphor")


class ThemeDialog(ModalScreen[bool]):
    """A list of theme names; dismissed with whether the theme has changed."""

    CSS_PATH = DIALOG_STYLES

    BINDINGS = [
        Binding("escape,q", "cancel", "cancel", id="themes.cancel"),
        Binding("j", "move(1)", "next", show=False, id="themes.next"),
        Binding("k", "move(-1)", "previous", show=False, id="themes.previous"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._before = ""
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out list, samples and key hints."""
        with Vertical(id="themes"):
            yield Static("Themes", classes="title", markup=False)
            yield OptionList(id="names", markup=False)
            with Vertical(id="samples"):
                for token, words in SAMPLES:
                    yield Static(words, classes=token, markup=False)
            yield Static(
                f"enter keep · {keycap(self.app, (ThemeDialog,), 'themes.cancel')} cancel",
                classes="keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Put the cursor on the current theme."""
        self._before = self.app.theme
        self._names = sorted(
            # Textual's ANSI themes take the terminal's colours, which our tokens cannot rely on.
            (name for name in self.app.available_themes if not name.startswith("textual-ansi")),
            key=lambda name: (not name.startswith(OWN_FIRST), name),
        )
        names = self.query_one("#names", OptionList)
        names.add_options(
            [Option(f" {sanitized(name)}", id=f"theme-{at}") for at, name in enumerate(self._names)]
        )
        names.highlighted = self._names.index(self._before) if self._before in self._names else 0
        names.focus()

    def action_move(self, step: int) -> None:
        """Move the cursor by one theme."""
        names = self.query_one("#names", OptionList)
        names.action_cursor_down() if step > 0 else names.action_cursor_up()

    def action_cancel(self) -> None:
        """Restore the previous theme and close."""
        self.app.theme = self._before
        self.dismiss(False)

    @on(OptionList.OptionHighlighted, "#names")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._names[event.option_index]

    @on(OptionList.OptionSelected, "#names")
    def _accepted(self, event: OptionList.OptionSelected) -> None:
        self.app.theme = self._names[event.option_index]
        self.dismiss(self.app.theme != self._before)
