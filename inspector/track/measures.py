"""Measures of attention: from sums by region to a mean with its interval, and the frames from which on it exceeds.

Every measure of a region is a sum over states divided by another sum, so that one way of resampling serves all.
States of one episode resemble each other: whole episodes are drawn anew, never single states.
"""

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from inspector.regions import RegionSums

SHARES = ("positive_share", "absolute_share")
"""Measures that add up to 1 over the regions."""

MEASURES = (*SHARES, "density", "per_relevant_pixel")
"""What is measured of a region.

positive_share: Share of the positive relevance; over the regions it adds up to 1.
absolute_share: Share of the size of the relevance; likewise.
density: How many times the share by area the absolute share is, where the region is there: a small ball compares
    with a wide wall.
per_relevant_pixel: Positive relevance per pixel of the region whose relevance, of either sign, is not zero, in the unit
    of the explained score, where there is such a pixel: the mean R of an object in ATOMs (Beylier et al. 2024,
    arXiv:2406.14324), of one map.
"""

RESAMPLES = 1000
_KNOWN = 0.9
"""Part of the draws in which a region has to be there for an interval."""

LEAST_AREA = 2e-3
"""Fewer pixels of a network input than this are what rounding leaves of a background that regions cover wholly."""

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

    @property
    def episodes(self) -> NDArray[np.int64]:
        """Number of episodes behind it, (regions,)."""
        counts: NDArray[np.int64] = (self.below > 0).sum(0)
        return counts

    def resampled(self, draws: Numbers) -> Numbers:
        """The measure with episodes drawn anew, (resamples, regions).

        Args:
            draws: How often each episode was drawn, (resamples, episodes).
        """
        return _divided(draws @ self.above, draws @ self.below)


def draw_episodes(count: int) -> Numbers:
    """How often each of some episodes is drawn when as many are drawn anew, (resamples, episodes); always the same."""
    generator = np.random.default_rng(0)
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
    amounts = sums.positive if measure in ("positive_share", "per_relevant_pixel") else sums.absolute
    some, whole = amounts[:, :, part].sum(2), amounts.sum((1, 2))[:, None]
    share, ones = _divided(some, whole), np.ones_like(some)
    if measure in SHARES:
        above, below, there = share, ones, ones > 0
    elif measure == "density":
        above, below, there = share, area / sums.area.sum((1, 2))[:, None], area > LEAST_AREA
    elif measure == "per_relevant_pixel":
        above, below, there = _divided(some, relevant), ones, relevant > LEAST_AREA
    else:
        raise ValueError(f"there is no measure {measure!r}: choose one of {', '.join(MEASURES)}")
    counts = finite[:, None] & (whole > 0) & there
    return Ratios(
        by_episode(np.where(counts, above, 0.0), episodes),
        by_episode(np.where(counts, below, 0.0), episodes),
        counts.sum(0),
    )


def area_shares(sums: RegionSums, episodes: NDArray[np.int64]) -> Ratios:
    """The share of every region by its area: what it would have if relevance fell anywhere alike."""
    area = sums.area.sum(2) / sums.area.sum((1, 2))[:, None]
    states = np.full(area.shape[1], len(area))
    return Ratios(by_episode(area, episodes), by_episode(np.ones_like(area), episodes), states)


def interval(resampled: Numbers, episodes: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Ends of the 95 % interval of each of some resampled numbers; NaN where there is none.

    A draw without any state in which a region is there tells nothing of it; a few of them are left out. One episode
    tells nothing of how episodes differ.

    Args:
        resampled: With episodes drawn anew, (resamples, numbers).
        episodes: How many are behind each number, (numbers,).

    Returns:
        Lower and upper ends, (numbers,) each.
    """
    ends: Numbers = np.full((2, resampled.shape[1]), np.nan)
    known = (np.isfinite(resampled).mean(0) >= _KNOWN) & (episodes > 1)
    for number in np.flatnonzero(known):
        tail = _tail(int(episodes[number]))
        ends[:, number] = np.nanquantile(resampled[:, number], [tail, 1 - tail])
    return ends[0], ends[1]


@cache
def _tail(episodes: int) -> float:
    """Which part of the draws lies beyond each end of a 95 % interval: 0.025 of many episodes, less of few.

    Draws of a few episodes vary too little, by their number over the same less 1, and the ends are those of a normal
    distribution where Student's is due: of 15 episodes 2.5 % would cover 91 % only. The remedy is the expanded
    percentile of Hesterberg 2015, doi:10.1080/00031305.2015.1089789. Student's quantile is by the expansion of
    Abramowitz and Stegun 26.7.5, low by 3 % for three episodes, where the ends are the outermost draws anyway.
    """
    normal, freedom = NormalDist(), episodes - 1
    z = normal.inv_cdf(0.975)
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    student += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return normal.cdf(-student * math.sqrt(episodes / freedom))


def untrained_level(shares: Numbers, *, has_rest: bool = True) -> Numbers:
    """The level of each region that 19 of 20 untrained networks stay below, in all regions at once.

    One network in 20 that has learned nothing exceeds it, in one region or more. The levels of all regions lie equally
    far above their means, counted in standard deviations over the networks; shares are compared as the arcsine of
    their roots, whose deviation depends little on the mean. Measured on Nature networks: see docs/attention.md.

    Args:
        shares: Of each network, the background last, (networks, ..., regions).
        has_rest: Whether the last is the background.

    Returns:
        The levels, (..., regions); of the background too, which has no part in how far they lie.

    Source: the single-step max-T of Westfall and Young 1993, with a normal's mean and deviation for its resampling.
    """
    evened = np.arcsin(np.sqrt(shares.clip(0, 1)))
    mean, deviation = evened.mean(0), evened.std(0, ddof=min(1, len(evened) - 1))
    far = np.divide(evened - mean, deviation, out=np.zeros_like(evened), where=deviation > 0)
    farthest = np.sort((far[..., :-1] if has_rest else far).max(-1, initial=0.0), axis=0)
    enough = min(math.ceil(0.95 * (len(evened) + 1)), len(evened))  # the network to come counts as one more
    levels: Numbers = np.sin((mean + farthest[enough - 1][..., None] * deviation).clip(0, np.pi / 2)) ** 2
    return levels


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


def onset(frames: NDArray[np.int64], excess: Numbers, resampled: Numbers, episodes: NDArray[np.int64]) -> Onset:
    """When a share exceeds its null line for good.

    The interval holds every checkpoint that the intervals of the excess allow: from where none lies wholly below 0 any
    more, and one that is not known does not, to where all lie wholly above it. (How onsets scatter when episodes are
    drawn anew is no interval: each draw adds noise of its own, dips somewhere, and has its onset too late.)

    Args:
        frames: Frames trained of each checkpoint, ascending, (checkpoints,).
        excess: Share less null line at each, (checkpoints,). NaN, of a checkpoint without relevance, exceeds nothing.
        resampled: The same with episodes drawn anew, (resamples, checkpoints).
        episodes: Number of episodes behind each, (checkpoints,).
    """
    low, high = interval(resampled, episodes)
    numbers = [_first_for_good(exceeds) for exceeds in (excess > 0, ~(high <= 0), low > 0)]
    return Onset(*(int(frames[number]) if number < len(frames) else None for number in numbers))


def _first_for_good(exceeds: NDArray[np.bool_]) -> int:
    """Index from which on all are true; the length if the last is not."""
    below = np.flatnonzero(~exceeds)
    return int(below[-1]) + 1 if len(below) else 0


def by_episode(values: Numbers, episodes: NDArray[np.int64]) -> Numbers:
    """Sums over the states of each episode, (episodes, numbers)."""
    sums = np.zeros((int(episodes.max()) + 1, values.shape[1]))
    np.add.at(sums, episodes, values)
    return sums


def _divided(above: Numbers, below: Numbers) -> Numbers:
    nothing: Numbers = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.divide(above, below, out=nothing, where=below > 0)
