"""Rules about the sound of answers: audio that comes too late to be played without gaps."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import counted, ref, seconds
from inspector.analysis.lint.reference_links import SERVER_EVENTS
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

LEAST_GAP_MS = 300.0
"""Players hold back some audio against shorter gaps; this is the length of one delta."""


class AnswerStutters(LintRule):
    """Answers whose audio comes slower than it plays."""

    id = "answer-stutters"
    title = "an answer's audio came slower than it plays"
    severity = Severity.WARNING
    why = (
        "Audio usually comes several times faster than it plays. If it comes slower, the player runs dry and the user hears gaps, "
        "which may be taken for the end of the answer. The network or an overloaded app delays it, or the server does."
    )
    links = (SERVER_EVENTS,)
    types = frozenset({"response.done"})
    needs = frozenset({Sight.TIMES, Sight.ANSWER_SOUND})

    def apply(self, event: Event, state: SessionState) -> None:
        """Nothing: the gaps are a fold's."""

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the gaps of all answers as one."""
        items = [
            (item, gaps)
            for item in moment.state.output_audio.items.values()
            if len(item.resumes) > 1
            and (
                gaps := [
                    gap
                    for gap in item.underruns
                    if gap.to_ns - gap.from_ns >= LEAST_GAP_MS * NS_PER_MS
                ]
            )
        ]
        if not items:
            return
        lengths = [(gap.to_ns - gap.from_ns) / NS_PER_MS for _, gaps in items for gap in gaps]
        seqs = [gap.seq for _, gaps in items for gap in gaps]
        yield self.found(
            Severity.WARNING,
            seqs,
            f"{counted(len(items), 'answer')} stopped {counted(len(lengths), 'time')} because audio came too late, "
            f"{seconds(sum(lengths))} in all, first at {ref(seqs[0])}",
            "look at the network and at what else the receiving task does; play only once some hundred milliseconds have come",
            Confidence.LIKELY,
        )


RULES: tuple[type[LintRule], ...] = (AnswerStutters,)
"""Rules about the sound of answers."""
