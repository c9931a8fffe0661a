"""The non-ASCII characters that the screens draw, with an ASCII set for terminals without UTF-8."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One character per field, except ``spinner``, ``wave`` and ``silence``."""

    client: str = "→"
    server: str = "←"
    local: str = "·"
    to_api: str = "⇢"
    """Marks a frame that the proxy injected or changed, toward the API; ``to_app``: toward the app."""
    to_app: str = "⇠"
    dropped: str = "✕"
    related: str = "›"
    mark: str = "◆"
    folded: str = "▸"
    unfolded: str = "▾"
    below: str = "▾"
    """More events below, which a paused list does not show."""
    bracket_open: str = "┌"
    bracket: str = "│"
    bracket_close: str = "└"
    dot: str = "●"
    ring: str = "○"
    good: str = "✓"
    bad: str = "✗"
    caution: str = "⚠"
    record: str = "⏺"
    play: str = "▶"
    pause: str = "⏸"
    rule: str = "─"
    thumb: str = "▐"
    track: str = "│"
    bar_full: str = "━"
    bar_empty: str = "─"
    cut: str = "✂"
    wave: str = "".join(chr(0x2800 + dots) for dots in range(256))
    """Waveform cells by the bits of their dots: 256 for 2 by 4 dots (the order of Unicode's braille block), or 4 for 1 by 2."""
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    meter_open: str = "▐"
    meter_full: str = "█"
    meter_half: str = "▌"
    meter_empty: str = "░"
    meter_peak: str = "│"
    meter_close: str = "▌"
    minus: str = "−"
    silence: str = "−∞"


UNICODE = Glyphs()
ASCII = Glyphs(
    client=">",
    server="<",
    local=".",
    to_api=">",
    to_app="<",
    dropped="x",
    related=">",
    mark="*",
    folded="+",
    unfolded="-",
    below="v",
    bracket_open=",",
    bracket="|",
    bracket_close="`",
    dot="*",
    ring="o",
    good="+",
    bad="x",
    caution="w",
    record="*",
    play=">",
    pause="=",
    rule="-",
    thumb="#",
    track="|",
    bar_full="=",
    bar_empty="-",
    cut="%",
    wave=" '.|",
    spinner="|/-\\",
    meter_open="[",
    meter_full="#",
    meter_half="=",
    meter_empty=".",
    meter_peak="|",
    meter_close="]",
    minus="-",
    silence="-inf",
)
