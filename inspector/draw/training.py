"""Attention over training as the strip of the film shows it, and its axis: frames trained, by powers of ten."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ZERO_GAP = 0.07
"""Part of the axis from 0 frames to the first checkpoint after it: a logarithm has no place for 0."""

_MANTISSAS = ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9))


@dataclass(frozen=True, slots=True)
class TrainingWords:
    """What the film over training calls its things.

    Attributes:
        unit: What training time is counted in.
        result: Which number says how well a checkpoint does.
        caption: The same in short, under a picture; braces stand for the number.
        side: Lines beside the large pictures.
        legend: What the colours of maps mean; braces stand for what maps hold.
    """

    unit: str = "frames"
    result: str = "mean return of own games"
    caption: str = "return {}"
    side: tuple[str, ...] = (
        "right: relevance and regions,",
        "in the colours of the list below;",
        "fainter: in earlier frames",
    )
    legend: str = "part of a map's {}, stacked frames summed; one scale for all maps"


PLAY = TrainingWords()
"""Of an agent that plays."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFacts:
    """Attention over training, as the strip shows it.

    Attributes:
        frames: Frames trained of every checkpoint, ascending, (checkpoints,).
        names: Regions, bottom first.
        share: (checkpoints, regions); over the regions they add up to 1. NaN where no state counts.
        low: Lower end of the 95 % interval, likewise.
        high: Upper end.
        area: The share by area, (regions,).
        random: What 19 of 20 untrained networks stay below, likewise.
        onsets: Frames trained by the onset of each region; None where there is none, or none for certain.
        early: Whether the onset may lie before the first checkpoint, where nobody looked, for each region.
        returns: Mean return of own games, (checkpoints,); NaN where none were played.
        title: What the shares are.
        return_name: What the line is.
        words: What things are called.
    """

    frames: NDArray[np.int64]
    names: tuple[str, ...]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    area: NDArray[np.float64]
    random: NDArray[np.float64]
    onsets: tuple[int | None, ...]
    early: tuple[bool, ...]
    returns: NDArray[np.float64]
    title: str
    return_name: str
    words: TrainingWords = PLAY


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis.

    Attributes:
        place: Where, 0 (left end) to 1.
        text: What stands at it; empty for a small mark.
    """

    place: float
    text: str


class TrainingAxis:
    """Where numbers of frames stand on an axis from 0 (left) to 1; 0 frames have a place of their own.

    Args:
        frames: Frames trained of all checkpoints, at least one.
    """

    def __init__(self, frames: Iterable[int]) -> None:
        known = np.unique(np.array(list(frames), np.int64))
        self.has_zero = bool(known[0] == 0)
        trained = known[known > 0]
        self.first, self.last = (int(trained[0]), int(trained[-1])) if len(trained) else (1, 1)
        self.start = ZERO_GAP if self.has_zero else 0.0

    def place(self, frames: ArrayLike) -> NDArray[np.float64]:
        """Places of some numbers of frames; what lies beyond the ends stands at the ends."""
        numbers = np.asarray(frames, np.float64)
        span = np.log10(self.last / self.first)
        way = np.log10(np.maximum(numbers, 1) / self.first) / span if span else np.ones_like(numbers)
        return np.asarray(np.where(numbers == 0, 0.0, self.start + (1 - self.start) * way.clip(0, 1)))

    def ticks(self, most: int = 7) -> list[Tick]:
        """Marks with round numbers: 0 if there is a checkpoint of it, and at most so many others, at least 2."""
        found = [Tick(float(self.place(number)), tick_text(number)) for number in self._round_numbers(most)]
        return [Tick(0.0, "0"), *found] if self.has_zero else found

    def small_ticks(self) -> list[Tick]:
        """Marks without numbers, nine to a power of ten."""
        return [Tick(float(self.place(number)), "") for number in self._numbers(_MANTISSAS[-1])]

    def _round_numbers(self, most: int) -> list[int]:
        sets = [self._numbers(mantissas) for mantissas in _MANTISSAS]
        fitting = [numbers for numbers in sets if 2 <= len(numbers) <= most]
        if fitting:
            return fitting[-1]
        powers = sets[0]
        return powers[:: -(-len(powers) // most)] if len(powers) > most else self._even_numbers(most)

    def _even_numbers(self, most: int) -> list[int]:
        """Of a short run: steps of equal size, or both ends where no round number lies between."""
        step = 10 ** int(np.log10(max(self.last - self.first, 1)))
        for part in (step, max(step // 2, 1), max(step // 5, 1)):
            numbers = list(range(-(-self.first // part) * part, self.last + 1, part))
            if 2 <= len(numbers) <= most:
                return numbers
        return sorted({self.first, self.last})

    def _numbers(self, mantissas: Iterable[int]) -> list[int]:
        powers = range(int(np.log10(self.first)), int(np.log10(self.last)) + 1)
        numbers = (mantissa * 10**power for power in powers for mantissa in mantissas)
        return [number for number in numbers if self.first <= number <= self.last]


def tick_text(frames: int) -> str:
    """A round number of frames: 500, 20 k, 1.5 M."""
    for size, unit in ((1_000_000, " M"), (1000, " k")):
        if frames >= size:
            return f"{frames / size:.4g}{unit}"
    return str(frames)
