"""Regions of the screen as a person sees it, on the grid that the network sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import Region

BACKGROUND = "background"
"""What belongs to no region."""

Size = tuple[int, int]

_AT_ONCE = 16


class Cover(NamedTuple):
    """What the regions cover of one frame of a network input; the background is the rest.

    Attributes:
        pixels: Which pixels, int32, row after row, one region behind the other in the order of their names.
        weights: Which part of each its region covers, float32, above 0 and at most 1.
        counts: How many of them are of each region.
    """

    pixels: NDArray[np.int32]
    weights: NDArray[np.float32]
    counts: tuple[int, ...]


def label_screen(regions: Sequence[Region], size: Size) -> NDArray[np.uint16]:
    """Give every pixel of a native screen to one region.

    Args:
        regions: Where two overlap, the earlier one has the pixel.
        size: Height and width of the screen, in pixels.

    Returns:
        For each pixel the number of its region, uint16 (height, width); that of the background comes after the last.
    """
    labels = np.full(size, len(regions), np.uint16)  # a grid that a user draws may have hundreds
    for number in reversed(range(len(regions))):
        for left, top, width, height in regions[number].boxes:
            rows = slice(max(round(top), 0), max(round(top + height), 0))
            labels[rows, max(round(left), 0) : max(round(left + width), 0)] = number
    return labels


def cover_frame(regions: Sequence[Region], screen: Size, size: Size) -> Cover:
    """How much of every pixel of a network input each region covers.

    The input is taken to be the whole screen, shrunk by area, as Atari agents have it.

    Args:
        regions: At the time of that frame.
        screen: Height and width of the native screen, in pixels.
        size: Height and width of the network input, in pixels.
    """
    labels = label_screen(regions, screen)
    parts = [_part(labels, number, region, size) for number, region in enumerate(regions) if region.boxes]
    if not parts:
        return cover_nothing(len(regions))
    counts = iter([len(pixels) for pixels, _ in parts])
    pixels, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Cover(pixels, weights, tuple(next(counts) if region.boxes else 0 for region in regions))


def _part(
    labels: NDArray[np.uint16], number: int, region: Region, size: Size
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What one region covers; only the blocks of screen and input are looked at that it can reach."""
    left, top, right, bottom = (pick(edges) for pick, edges in zip((min, min, max, max), _edges(region), strict=True))
    rows, input_rows = _blocks(top, bottom, labels.shape[0], size[0])
    columns, input_columns = _blocks(left, right, labels.shape[1], size[1])
    mask = (labels[rows, columns] == number).astype(np.float32)
    shape = input_columns.stop - input_columns.start, input_rows.stop - input_rows.start
    weights = cv2.resize(mask, shape, interpolation=cv2.INTER_AREA).reshape(shape[1], shape[0])
    y, x = np.nonzero(weights)
    pixels = (y + input_rows.start) * size[1] + x + input_columns.start
    return pixels.astype(np.int32), weights[y, x]


def _edges(region: Region) -> tuple[list[float], list[float], list[float], list[float]]:
    boxes = region.boxes
    rights, bottoms = [left + width for left, _, width, _ in boxes], [top + height for _, top, _, height in boxes]
    return [box[0] for box in boxes], [box[1] for box in boxes], rights, bottoms


def _blocks(first: float, last: float, length: int, target: int) -> tuple[slice, slice]:
    """The whole blocks between two places of an axis, on the screen and on the input: 5 rows are 2 for 210 and 84."""
    count = math.gcd(length, target)
    step, input_step = length // count, target // count
    begin = min(max(math.floor((first - 1) / step), 0), count - 1)
    end = max(min(math.ceil((last + 1) / step), count), begin + 1)
    return slice(begin * step, end * step), slice(begin * input_step, end * input_step)


def cover_nothing(count: int) -> Cover:
    """The cover of a frame that shows nothing: all of it is background."""
    return Cover(np.empty(0, np.int32), np.empty(0, np.float32), (0,) * count)


@dataclass(frozen=True, slots=True, eq=False)
class RegionSums:
    """Relevance of some maps by region and stacked frame; all shares come from these sums.

    Each is float64 (batch, regions, stack), the background last.

    Attributes:
        positive: Relevance above zero, in the unit of the explained score.
        absolute: Size of the relevance, likewise.
        area: Pixels of the network input that the region covers; parts of pixels count as parts.
        relevant_area: Those of them whose relevance is not zero.
    """

    positive: NDArray[np.float64]
    absolute: NDArray[np.float64]
    area: NDArray[np.float64]
    relevant_area: NDArray[np.float64]


class RegionSummer:
    """Adds up relevance maps by regions.

    Args:
        covers: Of every stacked frame of every map: batch, stack.
        size: Height and width of the network input, in pixels.
    """

    def __init__(self, covers: Sequence[Sequence[Cover]], size: Size) -> None:
        self._pixel_count = pixel_count = size[0] * size[1]
        frames = [cover for stacked in covers for cover in stacked]
        self._shape = len(covers), len(covers[0]), len(frames[0].counts)
        sizes = np.array([cover.counts for cover in frames], np.int64).ravel()
        self._filled = np.flatnonzero(sizes)
        self._starts = (np.cumsum(sizes) - sizes)[self._filled]
        pixels = [cover.pixels + number * pixel_count for number, cover in enumerate(frames)]
        self._pixels = np.concatenate(pixels).astype(np.intp)  # which numpy would make of them at every call
        self._weights = np.concatenate([cover.weights for cover in frames])
        self._area = self._summed(self._weights)

    def __call__(self, values: NDArray[np.float32]) -> RegionSums:
        """Add up.

        Args:
            values: Signed relevance, finite, (batch, stack, height, width).
        """
        positive, absolute, relevant = self._by_region(values.reshape(-1).take(self._pixels))
        raised, net, nonzero = (sums.reshape(self._shape[:2]) for sums in _by_frame(values))
        return RegionSums(
            self._with_rest(positive, raised),
            self._with_rest(absolute, 2 * raised - net),
            self._with_rest(self._area, np.full(self._shape[:2], float(self._pixel_count))),
            self._with_rest(relevant, nonzero),
        )

    def _by_region(self, inside: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
        """Of what lies in regions: the positive, the absolute, and the relevant area, (batch, stack, regions) each."""
        weighed = inside * self._weights
        net, size = self._summed(weighed), self._summed(np.abs(weighed, out=weighed))
        np.not_equal(inside, 0, out=weighed, casting="unsafe")
        return (size + net) / 2, size, self._summed(np.multiply(weighed, self._weights, out=weighed))

    def _summed(self, amounts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sums of each region's pixels, (batch, stack, regions)."""
        sums = np.zeros(int(np.prod(self._shape)))
        if len(self._filled):
            sums[self._filled] = np.add.reduceat(amounts, self._starts, dtype=np.float64)
        return sums.reshape(self._shape)

    def _with_rest(self, sums: NDArray[np.float64], whole: NDArray[np.generic]) -> NDArray[np.float64]:
        """The sums (batch, regions, stack), and behind them what the whole has beside."""
        rest = np.maximum(whole - sums.sum(2), 0.0)
        return np.concatenate([sums, rest[..., None]], axis=2).transpose(0, 2, 1)


def _by_frame(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of every frame whole: its positive relevance, all of it, and its pixels that have any, (3, frames).

    A few frames at a time stay in the processor's cache.
    """
    frames = values.reshape(-1, values.shape[2] * values.shape[3])
    ones = np.ones(frames.shape[1], np.float32)  # a product with it adds up faster than `sum`
    sums, room = np.empty((3, len(frames))), np.empty((_AT_ONCE, len(ones)), np.float32)
    for start in range(0, len(frames), _AT_ONCE):
        some, found = frames[start : start + _AT_ONCE], sums[:, start : start + _AT_ONCE]
        shown = room[: len(some)]
        found[0] = np.maximum(some, 0, out=shown) @ ones
        found[1] = some @ ones
        found[2] = np.not_equal(some, 0, out=shown, casting="unsafe") @ ones
    return sums
