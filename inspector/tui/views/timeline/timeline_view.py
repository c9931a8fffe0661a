"""TimelineView: the tab with the session's audio over time, and the marks between the two sides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget

from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.view import View

if TYPE_CHECKING:
    from inspector.tui.views.timeline.timeline import Timeline


class TimelineView(View):
    """The timeline; created when first shown, since it imports numpy and reads the whole log once."""

    id = "timeline"
    title = "Timeline"
    short = "Time"
    key = "4"
    is_eager = False

    @cached_property
    def widget(self) -> Timeline:
        """The lanes of audio and marks."""
        from inspector.analysis.waveform import Waveform
        from inspector.tui.views.timeline.timeline import Timeline

        context = self.context
        waveform, key = Waveform(context.log), context.key(Timeline)
        return Timeline(
            waveform,
            context.now_us,
            context.glyphs,
            key=key,
            turns=lambda: context.state().turns.all,
            proofs=context.proofs,
            is_whole=context.is_recording,
            id=self.id,
        )

    def frame(self) -> Sequence[tuple[Widget, Sequence[CellUpdate]]]:
        """Return the columns that have changed since the last frame."""
        return [(self.widget, self.widget.pull())]
