"""Relevance at the network input, carried to the native pixels of the screen and laid over it.

A network input is made from a screen by area averaging. Relevance goes back the way the averaging came: each input
pixel hands its relevance to the screen pixels that it averaged, in proportion to their part in it. So no relevance is
gained or lost on the way, and no interpolation smears it to where the network had nothing from.
"""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.colormap import GreyVeil
from inspector.draw.palette import GROUND
from inspector.records import Box

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]

NOT_EXPLAINED = "not explained"
NOT_FINITE = "no finite relevance"
NO_RELEVANCE = "no relevance reaches the input"

_QUIET_WHITE = (106, 110, 118)
_PEAK_SHARE = 0.002


def area_matrix(source: int, target: int) -> NDArray[np.float64]:
    """Area averaging of one axis as a matrix, as OpenCV's INTER_AREA shrinks.

    Args:
        source: Number of pixels that are averaged.
        target: Number of averages.

    Returns:
        (target, source), each row summing to 1: the part that every source pixel has in an average.
    """
    left = np.arange(target)[:, None] * source / target
    right = (np.arange(target)[:, None] + 1) * source / target
    pixel = np.arange(source)[None, :]
    overlap = np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


def part_matrix(source: int, target: int, begin: float, length: float) -> NDArray[np.float64]:
    """Area averaging of a part of an axis as a matrix; see `area_matrix`.

    Args:
        source: Number of pixels of the whole axis.
        target: Number of averages that the part is made into.
        begin: Where the part begins, in pixels.
        length: How long it is, in pixels.

    Returns:
        (target, source), each row summing to 1, less what leaves the axis.
    """
    edges = np.linspace(begin, begin + length, target + 1)[:, None]  # the last is the part's own end, unrounded
    pixel = np.arange(source)[None, :]
    overlap = np.clip(np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel), 0, None)
    return np.asarray(overlap / (length / target))


class Projection:
    """Carries maps from the network input to the screen, sum for sum: the transpose of area averaging.

    Args:
        input_size: (height, width) of the network input.
        screen_size: (height, width) of the screen that it was made from.
        box: The part of the screen that it was made from, in pixels of the screen; None is the whole.
    """

    def __init__(self, input_size: tuple[int, int], screen_size: tuple[int, int], box: Box | None = None):
        (rows, columns), (height, width) = input_size, screen_size
        if box is None:
            self._rows, self._columns = _parts(area_matrix(height, rows)), _parts(area_matrix(width, columns))
        else:
            self._rows = _parts(part_matrix(height, rows, box[1], box[3]))
            self._columns = _parts(part_matrix(width, columns, box[0], box[2]))

    def __call__(self, relevance: Map) -> Map:
        """Carry one map to the screen.

        Args:
            relevance: (height, width) of the network input; stacked maps are summed before.

        Returns:
            Relevance of every screen pixel, (height, width) of the screen; its sum is that of `relevance`.
        """
        tall = _spread(relevance.astype(np.float32, copy=False), self._rows, 0)
        return _spread(tall, self._columns, 1)


_Parts = tuple[tuple[NDArray[np.intp], Map], ...]


def _parts(averaging: NDArray[np.float64]) -> _Parts:
    """Of which pixels of the input, and to what part of each, the screen's pixels are made: the first, the second ...

    A screen that is larger than the input needs two; a product with the whole matrix would take longer.
    """
    matrix = averaging.T
    target, source = matrix.shape
    first = np.argmax(matrix > 0, axis=1)
    rows, parts = np.arange(target), []
    for further in range(int(np.count_nonzero(matrix, axis=1).max())):
        pixel = np.minimum(first + further, source - 1)
        part = np.where(first + further < source, matrix[rows, pixel], 0.0)
        parts.append((pixel, part.astype(np.float32)))
    return tuple(parts)


def _spread(values: Map, parts: _Parts, axis: int) -> Map:
    """Multiply one axis by the transposed `area_matrix`."""
    shape = (-1, 1) if axis == 0 else (1, -1)
    (pixel, part), *others = parts
    spread = values.take(pixel, axis) * part.reshape(shape)
    for pixel, part in others:
        spread += values.take(pixel, axis) * part.reshape(shape)
    return spread


class RunningScale:
    """What relevance counts as full strength: follows loud moments soon and forgets them slowly, by seconds of play.

    A map's own peak is the mean of its largest 0.2 % of pixels by size, so that no single pixel sets it. Upwards the
    scale goes two thirds of the way to the peaks within a second, so that a flash does not set it either; downwards it
    goes half of the way in 25 seconds. So a quiet half minute after a loud moment looks quiet, whatever the frame skip.
    At its beginning, where it knows only the first moments, it forgets faster: its half-life is never longer than the
    time that it has watched. Deterministic: the same maps in the same order give the same scales.

    Args:
        maps_per_second: Maps that make a second of play, more than 0.
        rise_seconds: Time in which 63 % of the way to steady higher peaks is gone.
        half_life: Time in which half of the way to steady lower peaks is gone, in seconds.
    """

    def __init__(self, maps_per_second: float = 15.0, rise_seconds: float = 1.0, half_life: float = 25.0):
        self._rise = 1 - float(np.exp(-1 / (maps_per_second * rise_seconds)))
        self._half_life = maps_per_second * half_life
        self._watched = 0
        self.value: float | None = None

    def update(self, relevance: Map) -> float:
        """Take one more map into account.

        Args:
            relevance: A finite map of any shape.

        Returns:
            The relevance that is full strength now; more than 0. A map of zeros changes nothing.
        """
        peak = _peak(relevance)
        if peak > 0:
            self._watched += 1
            if self.value is None:
                self.value = peak
            self.value += (self._rise if peak > self.value else self._fall()) * (peak - self.value)
        return self.value or 1.0

    def _fall(self) -> float:
        """Part of the way to a lower peak that is gone at this map."""
        return float(1 - 0.5 ** (1 / min(self._half_life, self._watched)))


def _peak(relevance: Map) -> float:
    size = np.abs(relevance, dtype=np.float32).ravel()
    count = max(1, round(_PEAK_SHARE * size.size))
    return float(np.partition(size, size.size - count)[-count:].mean())


def quiet(screen: Picture) -> Picture:
    """Turn a screen grey and dim, so that colour laid over it is alone in having colour.

    Args:
        screen: uint8 (height, width, 3), RGB, or (height, width), grey.

    Returns:
        uint8 (height, width, 3).
    """
    return np.take(_QUIET, np.asarray(_grey(screen), np.intp), axis=0)


def lay_over(screen: Picture, relevance: Map, full_strength: float) -> Picture:
    """Lay relevance over the quiet screen.

    Args:
        screen: uint8 (height, width, 3) or (height, width).
        relevance: Signed relevance of each of its pixels, finite, (height, width).
        full_strength: Relevance painted at full strength, more than 0; see `RunningScale`.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    return _veil()(_grey(screen), relevance / np.float32(full_strength))


def silence(relevance: Map | None, *, finite: bool) -> str | None:
    """Say why there is no map to show.

    Args:
        relevance: The map, or None if none was made.
        finite: False if the map or its input held NaN or infinity.

    Returns:
        A line for the viewer; None if the map can be shown.
    """
    if relevance is None:
        return NOT_EXPLAINED
    if not finite or not np.isfinite(relevance).all():
        return NOT_FINITE
    return None if relevance.any() else NO_RELEVANCE


def _grey(screen: Picture) -> Picture:
    return screen if screen.ndim == 2 else np.asarray(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY), np.uint8)


@cache
def _veil() -> GreyVeil:
    return GreyVeil(_QUIET)


def _quiet_table(white: Sequence[int]) -> Picture:
    luma = np.linspace(0, 1, 256)[:, None]
    table = np.asarray(GROUND) * 0.5 * (1 - luma) + np.asarray(white) * luma
    return np.rint(table).astype(np.uint8)


_QUIET = _quiet_table(_QUIET_WHITE)
