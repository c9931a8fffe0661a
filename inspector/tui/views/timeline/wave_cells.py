"""Drawing of audio lanes as characters: braille dots, or two dots above each other in ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from inspector.analysis.waveform import WaveLane

Cells = npt.NDArray[np.uint32]
"""Code points."""


def dots_in(wave: str) -> tuple[int, int]:
    """Return the columns and rows of dots in a cell; ``wave`` is the field of ``Glyphs``."""
    return (2, 4) if len(wave) == 256 else (1, 2)


def wave_cells(lanes: Sequence[WaveLane], height: int, wave: str) -> Cells:
    """Draw lanes as characters, shape (lanes, height, cells), by the root of the amplitude so that quiet speech is visible."""
    dots_x, dots_y = dots_in(wave)
    weights, characters = _WEIGHTS[len(wave)], _characters(wave)
    middle = (height * dots_y - 1) / 2
    edges = np.array([(lane.high, lane.low) for lane in lanes])
    top, bottom = np.moveaxis(
        np.rint(middle - np.copysign(np.sqrt(np.abs(edges)), edges) * middle), 1, 0
    )[:, :, None]
    dots = np.arange(height * dots_y)[:, None]
    # The maximum sets one dot for silence, so that audio differs from no audio.
    is_set = (dots >= top) & (dots <= np.maximum(bottom, top))
    is_set &= np.array([lane.has_audio for lane in lanes])[:, None]
    grid = is_set.reshape(len(lanes), height, dots_y, -1, dots_x)
    # Adds up the bits of the dots in each cell.
    return np.asarray(characters[np.einsum("lydxc,dc->lyx", grid, weights)], np.uint32)


@cache
def _characters(wave: str) -> Cells:
    # Some fonts draw the empty braille cell as hollow dots, so a space takes its place.
    return np.array([ord(character) for character in f" {wave[1:]}"], np.uint32)


_WEIGHTS = {
    # Bits of the dots in Unicode's braille block: the eighth row was added later, hence 0x40 and 0x80.
    256: np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8),
    4: np.array([[1], [2]], np.uint8),
}
