"""Measures of attention: from sums by region to a mean with its interval, and the frames from which on it exceeds.

Every measure of a region is a sum over states divided by another sum, so that one way of resampling serves all.
States of one episode resemble each other: whole episodes are drawn anew, never single states.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.regions import RegionSums

MEASURES = ("positive_share", "absolute_share", "density", "per_relevant_pixel")
"""What is measured of a region.

positive_share: Share of the positive relevance; over the regions it adds up to 1.
absolute_share: Share of the size of the relevance; likewise.
density: How many times the share by area the absolute share is, where the region is there: a small ball compares
    with a wide wall.
per_relevant_pixel: Positive relevance per pixel of the region that has any, in the unit of the explained score, where
    the region is there: the mean R of an object in ATOMs (Beylier et al. 2024, arXiv:2406.14324), of one map.
"""

RESAMPLES = 1000
_KNOWN = 0.9
"""Part of the draws in which a region has to be there for an interval."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """A measure of every region as sums over the states of each episode.

    Attributes:
        above: What is summed, (episodes, regions).
        below: What it is divided by, likewise.
        states: Number of states behind it, (regions,).
    """

    above: Numbers
    below: Numbers
    states: NDArray[np.int64]

    @property
    def mean(self) -> Numbers:
        """The measure, (regions,); NaN where there is nothing to divide by."""
        return _divided(self.above.sum(0), self.below.sum(0))

    def resampled(self, draws: Numbers) -> Numbers:
        """The measure with episodes drawn anew, (resamples, regions).

        Args:
            draws: How often each episode was drawn, (resamples, episodes).
        """
        return _divided(draws @ self.above, draws @ self.below)


def draw_episodes(count: int, seed: int = 0) -> Numbers:
    """How often each of some episodes is drawn when as many are drawn anew, (resamples, episodes)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)


def measured(
    measure: str, sums: RegionSums, finite: NDArray[np.bool_], episodes: NDArray[np.int64], frame: int | None = None
) -> Ratios:
    """A measure of every region.

    Args:
        measure: One of `MEASURES`.
        sums: Of every state, (states, regions, stack).
        finite: Which states count, (states,).
        episodes: Number of each state's episode, (states,).
        frame: Counts one stacked frame alone, as a part of the whole map; None counts all.

    Raises:
        ValueError: If there is no such measure.
    """
    part = slice(None) if frame is None else slice(frame, frame + 1)
    area, relevant = sums.area[:, :, part].sum(2), sums.relevant_area[:, :, part].sum(2)
    signed = measure in ("positive_share", "per_relevant_pixel")
    amounts = sums.positive if signed else sums.absolute
    some, whole = amounts[:, :, part].sum(2), amounts.sum((1, 2))[:, None]
    counts = finite[:, None] & (whole > 0)
    if measure in ("positive_share", "absolute_share"):
        above, below = _divided(some, whole), np.ones_like(some)
        counts = counts & np.ones_like(some, bool)
    elif measure == "density":
        above, below = _divided(some, whole), area / sums.area.sum((1, 2))[:, None]
        counts = counts & (area > 0)
    elif measure == "per_relevant_pixel":
        above, below = _divided(some, relevant), np.ones_like(some)
        counts = counts & (relevant > 0)
    else:
        raise ValueError(f"there is no measure {measure!r}: choose one of {', '.join(MEASURES)}")
    return Ratios(
        _by_episode(np.where(counts, above, 0.0), episodes),
        _by_episode(np.where(counts, below, 0.0), episodes),
        counts.sum(0),
    )


def area_shares(sums: RegionSums, episodes: NDArray[np.int64]) -> Ratios:
    """The share of every region by its area: what it would have if relevance fell anywhere alike."""
    area = sums.area.sum(2) / sums.area.sum((1, 2))[:, None]
    states = np.full(area.shape[1], len(area))
    return Ratios(_by_episode(area, episodes), _by_episode(np.ones_like(area), episodes), states)


def interval(resampled: Numbers) -> tuple[Numbers, Numbers]:
    """Ends of the 95 % interval of some resampled measures, (regions,) each; NaN where there is none.

    A draw without any state in which a region is there tells nothing of it; a few of them are left out.
    """
    known = np.isfinite(resampled).mean(0) >= _KNOWN
    low, high = np.full(resampled.shape[1], np.nan), np.full(resampled.shape[1], np.nan)
    low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return low, high


@dataclass(frozen=True, slots=True)
class Onset:
    """From which checkpoint on a region has more than the null line, for good.

    Attributes:
        frames: Frames trained by then; None if it never has.
        low: Lower end of the 95 % interval by resampling; None if it is beyond the last checkpoint.
        high: Upper end; likewise.
    """

    frames: int | None
    low: int | None
    high: int | None


def onset(
    frames: NDArray[np.int64], share: Numbers, null: Numbers, resampled: Numbers, resampled_null: Numbers
) -> Onset:
    """When a share exceeds its null line for good.

    Args:
        frames: Frames trained of each checkpoint, ascending, (checkpoints,).
        share: At each checkpoint, (checkpoints,).
        null: The null line there, likewise.
        resampled: The share with episodes drawn anew, (resamples, checkpoints).
        resampled_null: The null line likewise, with the same draws.
    """
    last = len(frames)
    firsts = np.array([_first_for_good(row) for row in resampled > resampled_null])
    low, high = np.percentile(firsts, [2.5, 97.5], method="closest_observation").astype(int)
    numbers = [_first_for_good(share > null), low, high]
    return Onset(*(int(frames[number]) if number < last else None for number in numbers))


def _first_for_good(exceeds: NDArray[np.bool_]) -> int:
    """Index from which on all are true; the length if the last is not."""
    below = np.flatnonzero(~exceeds)
    return int(below[-1]) + 1 if len(below) else 0


def _by_episode(values: Numbers, episodes: NDArray[np.int64]) -> Numbers:
    sums = np.zeros((int(episodes.max()) + 1, values.shape[1]))
    np.add.at(sums, episodes, values)
    return sums


def _divided(above: Numbers, below: Numbers) -> Numbers:
    nothing: Numbers = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.divide(above, below, out=nothing, where=below > 0)
