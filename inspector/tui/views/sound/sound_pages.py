"""SoundPages: the two pages of the Sound view, of which one is shown: the figures, and the VAD lab."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.worker import Worker, get_current_worker

from inspector.tui.views.sound.bench_pane import BenchPane
from inspector.tui.views.sound.lab_pane import LabPane
from inspector.tui.views.view import BackgroundReading, ViewContext

REST_FRAMES = 30
"""Frames between two readings of a live session: a second."""


class SoundPages(Container):
    """Shows a page, and lets its reading go on in a thread while it is shown."""

    DEFAULT_CSS = """
    SoundPages { height: 1fr; width: 1fr; }
    """

    def __init__(self, context: ViewContext, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        """Create both pages; the figures are shown first."""
        super().__init__(id=id)
        self._given = context
        self.bench = BenchPane(context.glyphs, key=context.key(BenchPane), id="bench")
        self.lab = LabPane(
            context.glyphs, key=context.key(LabPane), id="lab", has_form=context.can_answer
        )
        self.lab.display = False
        self._readers: dict[str, Worker[None]] = {}
        self._told: set[str] = set()
        self._rest = 0

    def compose(self) -> ComposeResult:
        """Lay out both pages."""
        yield self.bench
        yield self.lab

    def on_unmount(self) -> None:
        """Stop both readings."""
        for reading in (self._given.bench, self._given.vad_lab):
            reading.close()

    @property
    def page(self) -> BenchPane | LabPane:
        """Return the page that is shown."""
        return self.lab if self.lab.display else self.bench

    def pull(self) -> None:
        """Show what has been worked out, and go on with what is due."""
        context = self._given
        if self.lab.display:
            self.lab.show(context.vad_lab)
            self._go_on("lab", context.vad_lab)
        else:
            self.bench.show(context.bench)
            self._go_on("bench", context.bench)

    def turn_to(self, page: BenchPane | LabPane) -> None:
        """Show a page."""
        self.bench.display, self.lab.display = page is self.bench, page is self.lab
        self._rest = 0
        page.focus()
        self.pull()

    @on(BenchPane.LabRequested)
    def _show_lab(self) -> None:
        self.turn_to(self.lab)

    @on(LabPane.BenchRequested)
    def _show_bench(self) -> None:
        self.turn_to(self.bench)

    def _go_on(self, name: str, reading: BackgroundReading) -> None:
        worker = self._readers.get(name)
        if worker is not None and (not worker.is_finished or worker.error is not None):
            self._tell(name, worker)
            return
        self._rest -= 1
        # What has not been read at all, as with another detector, does not wait.
        if not reading.is_due or (self._rest > 0 and reading.progress):
            return
        self._rest = REST_FRAMES

        def work() -> None:
            reading.compute(lambda: get_current_worker().is_cancelled)

        self._told.discard(name)
        self._readers[name] = self.run_worker(
            work, thread=True, group=f"sound-{name}", exit_on_error=False
        )

    def _tell(self, name: str, worker: Worker[None]) -> None:
        """Say once that a reading has failed, as when a recording cannot be read any more; it is not tried again."""
        if worker.error is not None and name not in self._told:
            self._told.add(name)
            self.notify(f"the sound cannot be read: {worker.error}", severity="error")
