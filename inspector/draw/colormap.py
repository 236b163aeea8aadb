"""From signed relevance to colour: warm for, cool against, and nothing at zero.

The map is a veil over a quiet picture. Its opacity grows with the strength of relevance and its colour lightens towards
full strength, alike on both sides: equal strength looks equally strong, whichever its sign.
"""

import numpy as np
from numpy.typing import NDArray

from inspector.draw.palette import AGAINST, AGAINST_GLOW, FOR, FOR_GLOW, Colour

Picture = NDArray[np.uint8]

_STEPS = 255
_OPACITY_POWER = 0.6
_GLOW_FROM = 0.55


def veil(picture: Picture, level: NDArray[np.float32]) -> Picture:
    """Lay relevance over a picture.

    Args:
        picture: The quiet picture beneath, uint8 (height, width, 3).
        level: Relevance in units of full strength, (height, width): 1 is fully for, -1 fully against. What lies
            beyond is shown as full strength.

    Returns:
        The picture under the veil, uint8 (height, width, 3).

    Raises:
        ValueError: If a level is not a number: such a map must be said, not painted.
    """
    return _blended(picture, _steps(level))


class GreyVeil:
    """Veils pictures that were coloured by their grey alone: all that can come out is worked out once.

    Args:
        colours: What every grey becomes beneath, uint8 (256, 3).
    """

    def __init__(self, colours: Picture) -> None:
        every = np.broadcast_to(np.arange(2 * _STEPS + 1), (256, 2 * _STEPS + 1))
        beneath = np.broadcast_to(colours[:, None], (*every.shape, 3))
        packed = np.zeros((*every.shape, 4), np.uint8)  # a pixel in one word is fetched at once
        packed[..., :3] = _blended(beneath, every)
        self._words = packed.view(np.uint32).ravel()

    def __call__(self, grey: Picture, level: NDArray[np.float32]) -> Picture:
        """As `veil` over the coloured picture.

        Args:
            grey: uint8 (height, width).
            level: See `veil`.
        """
        index = _steps(level)
        index += grey.astype(np.intp) * (2 * _STEPS + 1)
        return np.take(self._words, index)[..., None].view(np.uint8)[..., :3]


def _steps(level: NDArray[np.float32]) -> NDArray[np.intp]:
    """Levels as rows of the tables."""
    if not np.isfinite(level).all():
        raise ValueError("relevance that is not finite cannot be painted")
    return np.rint(np.clip(level, -1, 1) * _STEPS).astype(np.intp) + _STEPS


def _blended(picture: Picture, index: NDArray[np.intp]) -> Picture:
    blended = picture * np.take(_CLEAR, index)[..., None] + np.take(_TINT, index, axis=0)
    return (blended + 0.5).astype(np.uint8)


def legend(width: int, height: int, ground: Colour) -> Picture:
    """Draw the veil from fully against (left) over zero (middle) to fully for (right).

    Args:
        width: Columns of the legend.
        height: Rows of the legend.
        ground: Colour beneath the veil.

    Returns:
        The legend, uint8 (height, width, 3).
    """
    level = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32), (height, width))
    return veil(np.full((height, width, 3), ground, np.uint8), level)


def _side(colour: Colour, glow: Colour) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    strength = np.linspace(0, 1, _STEPS + 1, dtype=np.float32)
    lightness = np.clip((strength - _GLOW_FROM) / (1 - _GLOW_FROM), 0, 1)[:, None]
    tint = np.asarray(colour, np.float32) * (1 - lightness) + np.asarray(glow, np.float32) * lightness
    return strength**_OPACITY_POWER, tint


def _tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    opacity_for, tint_for = _side(FOR, FOR_GLOW)
    opacity_against, tint_against = _side(AGAINST, AGAINST_GLOW)
    opacity = np.concatenate([opacity_against[:0:-1], opacity_for])
    tint = np.concatenate([tint_against[:0:-1], tint_for])
    return (1 - opacity).astype(np.float32), (tint * opacity[:, None]).astype(np.float32)


_CLEAR, _TINT = _tables()
