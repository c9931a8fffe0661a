"""The lanes of a timeline as characters: dots of braille, or two above each other in ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from inspector.analysis.waveform import WaveLane

Cells = npt.NDArray[np.uint32]
"""Code points."""


def dots_in(wave: str) -> tuple[int, int]:
    """Return how many dots a cell has beside each other and above each other; ``wave`` is that of ``Glyphs``."""
    return (2, 4) if len(wave) == 256 else (1, 2)


def wave_cells(lanes: Sequence[WaveLane], height: int, wave: str) -> Cells:
    """Draw lanes as characters, shape (lanes, height, cells): the root of the loudness, so that quiet speech is seen."""
    dots_x, dots_y = dots_in(wave)
    weights, characters = _WEIGHTS[len(wave)], _characters(wave)
    middle = (height * dots_y - 1) / 2
    edges = np.array([(lane.high, lane.low) for lane in lanes])
    top, bottom = np.moveaxis(
        np.rint(middle - np.copysign(np.sqrt(np.abs(edges)), edges) * middle), 1, 0
    )[:, :, None]
    dots = np.arange(height * dots_y)[:, None]
    is_set = (dots >= top) & (dots <= np.maximum(bottom, top))
    is_set &= np.array([lane.is_there for lane in lanes])[:, None]
    grid = is_set.reshape(len(lanes), height, dots_y, -1, dots_x)
    return np.asarray(characters[np.einsum("lydxc,dc->lyx", grid, weights)], np.uint32)


@cache
def _characters(wave: str) -> Cells:
    # An empty braille cell is drawn as dots by some fonts.
    return np.array([ord(character) for character in f" {wave[1:]}"], np.uint32)


_WEIGHTS = {
    256: np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8),
    4: np.array([[1], [2]], np.uint8),
}
