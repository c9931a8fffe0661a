"""LabPane: the VAD lab: a drawing of the microphone's sound, below it the server's turns beside those of the settings that are tried.

Settings change with a key, and the drawing follows at once: probabilities are known, and applying settings takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip

from inspector.analysis.server_vad import VadSettings
from inspector.analysis.vad_lab import (
    ComparedTurn,
    TurnFate,
    VadLab,
    VadOutcome,
    agreement_words,
    no_lab_reason,
    outcome_words,
    semantic_words,
)
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.common.list_pane import ListPane
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.common.wrapping import Run, wrapped
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.messages import DetectionProposed, RowRequested
from inspector.tui.views.sound.lab_drawing import (
    LABEL,
    LabWindow,
    TrackPicture,
    drawn_lanes,
    track_picture,
)
from inspector.tui.views.view import LabReading

THRESHOLD, PADDING, SILENCE = "threshold", "padding_ms", "silence_ms"
SETTINGS: Mapping[str, tuple[str, float, float, float, str]] = {
    THRESHOLD: ("threshold", 0.05, 0.0, 1.0, ""),
    PADDING: ("padding", 50, 0, 5000, " ms"),
    SILENCE: ("silence", 50, 0, 10_000, " ms"),
}
"""What can be changed: name on the screen, step, least and most value, and unit."""
SPAN_CELLS = 19
LAB_WORDS = "The lab re-runs server_vad over the microphone's sound with other settings: what they would have saved, cut in two or missed."


class LabPane(ListPane):
    """Other settings of server_vad beside what the server did."""

    DEFAULT_CSS = """
    LabPane > .list--client { background: $background; color: $client; }
    LabPane > .list--server { background: $background; color: $server; }
    """
    COMPONENT_CLASSES = {"list--client", "list--server"}
    HEAD_LINES = 11
    """The settings, those in force, waveform (3), probability (2), both lanes of turns, the axis, the names of the columns."""
    BINDINGS = [
        *movement_keys("lab", "go(0)", "go(-1)"),
        Binding("right", "setting(1)", "next setting", show=False, id="lab.right"),
        Binding("left", "setting(-1)", "previous setting", show=False, id="lab.left"),
        Binding("plus,equals_sign", "change(1)", "more", id="lab.more"),
        Binding("minus", "change(-1)", "less", id="lab.less"),
        Binding("0", "restore", "as in force", show=False, id="lab.restore"),
        Binding(
            "enter", "form", "use", id="lab.form", tooltip="Put the settings into the session form"
        ),
        Binding("E", "events", "its event", show=False, id="lab.events"),
        Binding("z", "zoom(-1)", "zoom in", show=False, id="lab.closer"),
        Binding("Z", "zoom(1)", "zoom out", show=False, id="lab.wider"),
        Binding("V", "detector", "next detector", show=False, id="lab.detector"),
        Binding("v", "other_page", "measures", id="lab.bench"),
    ]

    class BenchRequested(Message):
        """The figures should be shown."""

    def __init__(
        self,
        glyphs: Glyphs,
        *,
        key: Key | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        has_form: bool = True,
    ) -> None:
        """Show nothing yet; see ``ListPane``. Without ``has_form`` the session cannot be changed, and settings are only copied."""
        super().__init__(glyphs, key=key, id=id)
        self._has_form = has_form
        self._reading: LabReading | None = None
        self._lab: VadLab | None = None
        self._seen: tuple[object, ...] = ()
        self._picture: TrackPicture | None = None
        self._outcome: VadOutcome | None = None
        self._tried: VadSettings | None = None
        """None until the user changes a setting: as in force."""
        self._setting = SILENCE
        self._window = LabWindow()
        self._is_fitting = True
        """Until the user zooms, all of the sound is shown."""

    # What is shown

    @property
    def settings(self) -> VadSettings:
        """Return the settings that are tried."""
        in_force = self._lab.track.in_force if self._lab is not None else None
        return self._tried or in_force or VadSettings()

    def show(self, reading: LabReading) -> None:
        """Show what is known of the speech, where that has changed."""
        self._reading = reading
        seen = reading.revision, id(reading.lab), round(reading.progress, 2)
        if seen != self._seen:
            self._seen, self._lab = seen, reading.lab
            self._picture = None if self._lab is None else track_picture(self._lab.track)
            self._fill()

    def select_seq(self, seq: int) -> bool:
        """Select the turn that an event begins or ends; return False if it is none's."""
        for place, turn in enumerate(self._turns):
            if seq in (turn.server.seq, turn.server.stop_seq):
                self._select(place)
                return True
        return False

    @property
    def _turns(self) -> tuple[ComparedTurn, ...]:
        return () if self._outcome is None else self._outcome.turns

    @property
    def _count(self) -> int:
        return len(self._turns)

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self.HEAD_LINES - len(self._foot()))

    @property
    def _columns(self) -> int:
        return max(1, self.size.width - LABEL - 1)

    @property
    def _reason(self) -> str:
        """Return why there is nothing to try; ``""`` if there is."""
        if self._lab is None:
            return "" if self._reading is None else "listening …"
        reason = no_lab_reason(self._lab.track)
        is_reading = self._reading is not None and self._reading.is_due
        return "listening …" if is_reading and not self._lab.track.windows else reason

    def _fill(self) -> None:
        """Apply the settings again."""
        lab = self._lab
        self._outcome = None if lab is None or self._reason else lab.outcome(self.settings)
        self.cursor = max(0, min(self.cursor, self._count - 1))
        if lab is not None and self._is_fitting:
            self._window.fit(lab.track.length_ms, self._columns)
        self._reveal()
        self.refresh()

    def _is_selected(self) -> None:
        if not self._is_fitting:
            self._window.reveal(self._turns[self.cursor].server.start_ms, self._columns)

    # How it is drawn

    def _all_lines(self) -> list[Strip]:
        if self._outcome is None or self._picture is None or self._lab is None:
            return self._empty()
        selected = self._turns[self.cursor].server.number if self._turns else 0
        lanes = drawn_lanes(
            self._picture,
            self._outcome,
            self.settings.threshold,
            self._window,
            self._columns,
            self._glyphs,
            selected,
        )
        head = [self._settings_line(), self._keys_line(), *lanes, self._names_line()]
        return [*map(self._line, head), *self._row_strips(), *map(self._line, self._foot())]

    def _empty(self) -> list[Strip]:
        width = max(8, self.size.width - 4)
        words = (self._reason, LAB_WORDS)
        lines = [line for text in words for line in wrapped([(text, "dim")], width)]
        return [self._line([]), *(self._line([("  ", "dim"), *line]) for line in lines)]

    def _settings_line(self) -> list[Run]:
        runs: list[Run] = [(" ", "base")]
        for name, (title, *_) in SETTINGS.items():
            tone = "column" if name == self._setting else "head"
            runs += [(f"{title} {self._value(self.settings, name)}", tone), ("   ", "base")]
        in_force = self._lab.track.in_force if self._lab is not None else None
        assumed = " (assumed)" if self._lab is not None and self._lab.track.is_assumed else ""
        if in_force is None:
            kinds = self._lab.track.kinds if self._lab is not None else ()
            runs.append((f"in force {', '.join(kinds) or 'unknown'}", "dim"))
        elif in_force == self.settings:
            runs.append((f"as in force{assumed}", "dim"))
        else:
            values = f"{in_force.threshold:.2f}, {in_force.padding_ms}, {in_force.silence_ms} ms"
            runs.append((f"in force {values}{assumed}", "dim"))
        return runs

    def _keys_line(self) -> list[Run]:
        keys = {
            "lab.left": "",
            "lab.right": "setting",
            "lab.less": "",
            "lab.more": "change",
            "lab.restore": "as in force",
            "lab.form": "to the session form" if self._has_form else "copy as session.update",
            "lab.closer": "zoom",
            "lab.detector": "detector",
            "lab.bench": "measures",
        }
        text = " "
        for name, words in keys.items():
            text += f"{self._key(name)} {words}   " if words else f"{self._key(name)} "
        return [(fitted(text, max(8, self.size.width)), "dim")]

    @staticmethod
    def _value(settings: VadSettings, name: str) -> str:
        value = getattr(settings, name)
        return f"{value:.2f}" if name == THRESHOLD else f"{value:,}{SETTINGS[name][-1]}"

    def _names_line(self) -> list[Run]:
        if not self._turns:
            return [("", "dim")]
        return [(f"    turn  {'server':>{SPAN_CELLS}}  {'tried':>{SPAN_CELLS}}  {'saved':>9}", "dim")]  # fmt: skip

    def _row_strip(self, place: int) -> Strip:
        turn, is_here = self._turns[place], place == self.cursor
        mark = f" {self._glyphs.related} " if is_here else "   "
        server, found = turn.server, turn.found
        tried = _span(found[0].start_ms, found[-1].stop_ms) if found else ""
        saved = "" if turn.saved_ms is None else f"{turn.saved_ms:+,.0f} ms".replace("-", "−")
        remark = "" if turn.fate is TurnFate.SAME else str(turn.fate)
        if turn.fate is TurnFate.CUT:
            remark = f"cut into {len(found)}"
        kind = "" if server.kind == "server_vad" else f"{server.kind}  "
        tone = "warning" if turn.fate not in (TurnFate.SAME, TurnFate.OPEN) else "dim"
        strip = self._line(
            [
                (mark, "kin"),
                (f"{server.number:>5}  ", "base"),
                (f"{_span(server.start_ms, server.stop_ms):>{SPAN_CELLS}}  ", "server"),
                (f"{tried:>{SPAN_CELLS}}  ", "client"),
                (f"{saved:>9}  ", "base"),
                (kind, "dim"),
                (remark, tone),
            ]
        )
        return self._under_cursor_strip(strip) if is_here else strip

    def _foot(self) -> list[list[Run]]:
        lab, outcome = self._lab, self._outcome
        if lab is None or outcome is None:
            return []
        width = max(8, self.size.width - 2)
        words = outcome_words(outcome, lab.track.in_force)
        lines = wrapped([(words, "head")], width)
        progress = self._reading.progress if self._reading is not None else 1.0
        remarks = (
            (f"listening … {progress:.0%}" if progress < 1 else "", "warning"),
            (semantic_words(lab.track), "dim"),
            (agreement_words(lab.agreement, lab.track.detector_name), "dim"),
        )
        told = [(text, tone) for text, tone in remarks if text]
        if self.size.height < self.EXPLAINS_FROM:  # the turns need the lines more
            lines += [[(fitted(text, width), tone)] for text, tone in told[:1]]
        else:
            lines += [line for text, tone in told for line in wrapped([(text, tone)], width)]
        return [self._rule(width), *([(" ", "base"), *line] for line in lines)]

    # Keys

    def action_setting(self, step: int) -> None:
        """Select another setting."""
        names = list(SETTINGS)
        at = names.index(self._setting) + step
        self._setting = names[max(0, min(at, len(names) - 1))]
        self.refresh()

    def action_change(self, step: int) -> None:
        """Change the selected setting by a step."""
        name, settings = self._setting, self.settings
        _, width, least, most, _ = SETTINGS[name]
        value = max(least, min(most, round(getattr(settings, name) + step * width, 2)))
        change = partial(replace, settings)
        self._tried = change(threshold=value) if name == THRESHOLD else change(**{name: int(value)})
        self._fill()

    def action_restore(self) -> None:
        """Return to the settings in force."""
        self._tried = None
        self._fill()

    def action_zoom(self, step: int) -> None:
        """Zoom around the selected turn."""
        if self._lab is None:
            return
        self._is_fitting = False
        around_ms = self._turns[self.cursor].server.start_ms if self._turns else 0.0
        self._window.zoom(2.0**step, around_ms, self._lab.track.length_ms, self._columns)
        self.refresh()

    def action_form(self) -> None:
        """Put the settings into the session form, as edits that are not sent yet."""
        if self._outcome is not None:
            self.post_message(DetectionProposed(self.settings.detection))

    def action_events(self) -> None:
        """Show the event with which the selected turn begins."""
        if self._turns:
            self.post_message(RowRequested(self._turns[self.cursor].server.seq - 1))

    def action_detector(self) -> None:
        """Listen with another detector."""
        if self._reading is not None:
            self.notify(f"speech by {self._reading.next_detector()}", timeout=2)

    def action_other_page(self) -> None:
        """Show the figures."""
        self.post_message(self.BenchRequested())


def _span(start_ms: float, stop_ms: float | None) -> str:
    stop = "…" if stop_ms is None else f"{stop_ms / 1000:,.3f}"
    return f"{start_ms / 1000:,.3f} to {stop}"
