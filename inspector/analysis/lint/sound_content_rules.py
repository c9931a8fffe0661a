"""Rules about the content of appends: files, and other encodings, in place of bare samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from inspector.analysis.lint.appended_sound import LEAST_VOTES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import counted, ref, session_update
from inspector.analysis.lint.reference_links import CLIENT_EVENTS
from inspector.analysis.lint.sound_in_rules import PCM_LIKE, named_format
from inspector.analysis.lint.visibility import Sight
from inspector.core.audio_formats import AudioFormat
from inspector.core.error_attribution import Confidence
from inspector.core.state import SessionState

VOTE_SHARE = 0.65
"""Share of the pieces that must look like another encoding."""
_ENCODING_WORDS = {
    "pcm16": "PCM16",
    "pcm16 big-endian": "PCM16 with its bytes swapped (big-endian)",
    "float32": "float32 samples",
    "pcmu": "G.711 μ-law",
    "pcma": "G.711 A-law",
}


class InputContent(LintRule):
    """Appends that are not bare samples in the session's format."""

    id = "input-content"
    title = "the user's audio is not bare samples in the session's format"
    severity = Severity.ERROR
    why = (
        "audio must be base64 of bare samples: no file with a header, no other encoding. The server takes whatever bytes come for "
        "samples, so that the model hears noise, and no error is reported."
    )
    links = (CLIENT_EVENTS, "https://github.com/akdeb/ElatoAI/issues/25")
    reads_appends = True
    # The beginning of an append is enough, if a recorder has cut the rest off.
    needs = frozenset({Sight.APP})

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report odd appends, halves of samples, and another encoding."""
        if self.appended.files:
            yield self._containers(moment.state)
        yield from self._other_encoding(moment.state)
        halves = self.appended.halves
        if halves:
            count = len(halves)
            yield self.found(
                Severity.NOTE,
                halves,
                f"{counted(count, 'append')} of PCM16 {'has' if count == 1 else 'have'} an odd number of bytes, first "
                f"{ref(halves[0])}: if the server does not join them, what follows is noise",
                "cut the stream at whole samples: an even number of bytes in each append",
                Confidence.POSSIBLE,
            )

    def _containers(self, state: SessionState) -> Finding:
        rejected = state.causes.rejected
        # Alike ones are named once: a recorder that sends files sends only files.
        files = self.appended.files
        firsts = {one.words: one for one in reversed(files)}
        named = sorted(firsts.values())
        words = "; ".join(
            f"append {one.number} ({ref(one.seq)}) {one.words}"
            + (", refused" if one.seq in rejected else "")
            for one in named[:4]
        )
        total = f"{len(files)} of {counted(self.appended.count, 'append')} are not bare samples: "
        errors = [rejected[one.seq].error_seq for one in files if one.seq in rejected]
        return self.found(
            Severity.ERROR,
            (*(one.seq for one in files), *errors),
            f"{total if len(files) > len(named) else ''}{words}",
            "; ".join(dict.fromkeys(one.fix for one in named)),
        )

    def _other_encoding(self, state: SessionState) -> Iterator[Finding]:
        form, encoding = state.input_audio.format, self.appended.encoding
        votes = encoding.votes
        others = {name: count for name, count in votes.items() if name != form.encoding}
        # Both laws give a wave of either: which of them it is cannot be heard in a few samples.
        if form.encoding != "pcm16":
            others = {n: count for n, count in others.items() if n not in ("pcmu", "pcma")}
        count = max(others.values(), default=0)
        if count < LEAST_VOTES or count < VOTE_SHARE * votes.total():
            return
        name = max(others, key=lambda one: others[one])
        yield self.found(
            Severity.ERROR,
            (encoding.first_wrong_seq,),
            f"the session reads {named_format(form)}, and what is appended looks like {_ENCODING_WORDS[name]} "
            f"({count} of {counted(votes.total(), 'piece')} looked at): the model hears noise",
            _encoding_fix(state, name, form),
            Confidence.LIKELY,
        )


def _encoding_fix(state: SessionState, name: str, form: AudioFormat) -> str:
    if name in ("pcmu", "pcma") or (name == "pcm16" and form.encoding != "pcm16"):
        kind: dict[str, Any] = {"type": PCM_LIKE[name]}
        if name == "pcm16":
            kind["rate"] = 24000
        return (
            f"say so before the first append: {session_update(state, {'audio.input.format': kind})}"
        )
    if name == "float32":
        return "convert: int16 = round(max(-1, min(1, x)) * 32767), little-endian"
    return "swap the bytes of each sample: little-endian"


RULES: tuple[type[LintRule], ...] = (InputContent,)
"""Rules about the content of the user's sound."""
