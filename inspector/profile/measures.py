"""Where in the clip relevance lies: shares per position and of the marked region, their intervals, their null."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inspector.profile.places import border, centre, mean_in
from inspector.sweep import Arrays
from inspector.track.measures import draw_episodes, interval

KINDS = ("absolute", "positive")
"""Signs that count: the size of all relevance, or what speaks for the class alone."""

LEAST_NETWORKS = 19
"""With fewer networks of random weights, one more would lie above all of them by chance more than once in 20, and as
often below."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over videos.

    Attributes:
        mean: The mean.
        low: Lower end of its 95 % interval, by drawing videos anew; NaN of a single video.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Profile:
    """Shares of the relevance per position in the clip, at one stride.

    Attributes:
        shares: Of every video that counts, (videos, frames); each adds up to 1.
        networks: The mean over videos under each of some networks with random weights, (networks, frames).
        like_networks: Whether the agent differs from these by its weights alone; else they say nothing of it.
    """

    shares: Numbers
    networks: Numbers
    like_networks: bool = True

    @cached_property
    def mean(self) -> Numbers:
        """Over videos, (frames,)."""
        return np.asarray(self.shares.mean(0))

    @cached_property
    def interval(self) -> tuple[Numbers, Numbers]:
        """95 % intervals of the mean, by drawing videos anew, (frames,) each."""
        return interval(self.resampled, np.full(self.shares.shape[1], len(self.shares)))

    @cached_property
    def resampled(self) -> Numbers:
        """The mean with videos drawn anew, (resamples, frames)."""
        return np.asarray(draw_episodes(len(self.shares)) @ self.shares / len(self.shares))

    @cached_property
    def ratio(self) -> Estimate:
        """Border to centre: the mean share of a border position over that of a centre one."""
        return estimate(float(ratio_of(self.mean)), ratio_of(self.resampled), len(self.shares))

    @cached_property
    def network_ratios(self) -> Numbers:
        """The same of each network with random weights, (networks,)."""
        return ratio_of(self.networks)

    @property
    def null_ratio(self) -> float:
        """Their geometric mean: what the network's shape alone makes of it; 0 or infinite if one of them is."""
        with np.errstate(divide="ignore"):
            return float(np.exp(np.log(self.network_ratios).mean()))

    @cached_property
    def excess(self) -> Estimate:
        """How many times the null ratio the ratio is. The interval is of the videos; the null is taken as it is.

        NaN where the null ratio is 0 or infinite, and where the agent is not like the random networks.
        """
        null = self.null_ratio if self.like_networks and 0 < self.null_ratio < np.inf else np.nan
        return Estimate(*(end / null for end in (self.ratio.mean, self.ratio.low, self.ratio.high)))

    @property
    def verdict(self) -> str:
        """`border`, `centre` or `even`: whether the whole interval of the ratio lies beyond every random network's.

        `few` where there are too few of these to tell, `fresh` where the agent is not like them.
        """
        if not self.like_networks:
            return "fresh"
        return {1: "border", -1: "centre", 0: "even", None: "few"}[_beyond(self.ratio, self.network_ratios)]


@dataclass(frozen=True, eq=False)
class Change:
    """How the border-to-centre ratio changes from the smallest stride to another, over the same videos.

    Attributes:
        ratio: How many times that at the smallest stride it is.
        networks: The same of each network with random weights, (networks,): what makes it uneven whatever the stride
            cancels out. NaN where both of its ratios are 0 or infinite.
        like_networks: As in `Profile`.
    """

    ratio: Estimate
    networks: Numbers
    like_networks: bool = True

    @property
    def null(self) -> tuple[float, float] | None:
        """The least and the most of the networks with random weights; None if there are none."""
        return _ends(self.networks)

    @property
    def verdict(self) -> str:
        """`less`, `more` or `even`: whether the whole interval lies beyond every random network's change.

        Or `few` or `fresh`, as in `Profile`.
        """
        if not self.like_networks:
            return "fresh"
        return {1: "more", -1: "less", 0: "even", None: "few"}[_beyond(self.ratio, self.networks)]


@dataclass(frozen=True, eq=False)
class RegionShare:
    """Share of the relevance in what masks mark, at one stride, over the videos that have masks.

    Attributes:
        share: Of all relevance of a clip.
        area: Of the network input: what relevance that fell anywhere alike would give.
        density: How many times the mean pixel one of the region holds: mean share over mean area; NaN of masks that
            mark nothing.
        networks: The share under each network with random weights, (networks,); NaN where it has none on these videos.
        by_position: Within each position, (frames,); NaN where there is no relevance.
        videos: How many have masks.
    """

    share: Estimate
    area: Estimate
    density: Estimate
    networks: Numbers
    by_position: Numbers
    videos: int

    @property
    def null(self) -> tuple[float, float] | None:
        """The least and the most of the networks with random weights; None if there are none."""
        return _ends(self.networks)


def _beyond(found: Estimate, networks: Numbers) -> int | None:
    """1 if a whole interval lies above all random networks, -1 if below, 0 if neither; None of too few networks."""
    known, ends = np.count_nonzero(~np.isnan(networks)), _ends(networks)
    if known < LEAST_NETWORKS or ends is None:
        return None
    return int(found.low > ends[1]) - int(found.high < ends[0])


def _ends(networks: Numbers) -> tuple[float, float] | None:
    known = networks[~np.isnan(networks)]
    return (float(known.min()), float(known.max())) if len(known) else None


def ratio_of(shares: Numbers) -> Numbers:
    """Mean share of border positions over that of centre ones, (..., frames) to (...); infinite without any there."""
    frames = shares.shape[-1]
    outer, inner = mean_in(shares, border(frames)), mean_in(shares, centre(frames))
    found: Numbers = np.divide(outer, inner, out=np.full(np.shape(outer), np.inf), where=inner > 0)
    return found


def estimate(mean: float, resampled: Numbers, videos: int) -> Estimate:
    """A mean with the interval of what came out with videos drawn anew, (resamples,)."""
    low, high = interval(resampled[:, None], np.array([videos]))
    return Estimate(mean, float(low[0]), float(high[0]))


def change_of(first: Profile, other: Profile) -> Change:
    """From one stride to another, of the same videos: they are drawn anew together."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a ratio may be 0 or infinite: what comes of it says so
        resampled = ratio_of(other.resampled) / ratio_of(first.resampled)
        mean = float(np.divide(other.ratio.mean, first.ratio.mean))
        networks = other.network_ratios / first.network_ratios
    return Change(estimate(mean, resampled, len(first.shares)), networks, other.like_networks)


def counted(own: Sequence[Arrays], kind: str) -> NDArray[np.bool_]:
    """Which videos count: those whose map is finite, and not empty, at every stride.

    Args:
        own: What was found at each stride, one row a video.
        kind: One of `KINDS`.
    """
    found: NDArray[np.bool_] = np.all([one["finite"] & (one[kind].sum(1) > 0) for one in own], 0)
    return found


def profile_of(
    own: Arrays, counts: NDArray[np.bool_], networks: Sequence[Arrays], kind: str, *, like_networks: bool = True
) -> Profile:
    """Shares per position.

    Args:
        own: What was found at one stride, one row a video.
        counts: Which of them count.
        networks: The same under networks with random weights, of fewer videos; each has relevance of this kind.
        kind: One of `KINDS`.
        like_networks: Whether the agent differs from these by its weights alone.
    """
    return Profile(_shares(own[kind][counts]), np.array([_mean_share(one, kind) for one in networks]), like_networks)


def _shares(amounts: Numbers) -> Numbers:
    return np.asarray(amounts / amounts.sum(1, keepdims=True), np.float64)


def _mean_share(network: Arrays, kind: str) -> Numbers:
    return np.asarray(_shares(network[kind][counted([network], kind)]).mean(0))


def region_of(
    own: Arrays,
    counts: NDArray[np.bool_],
    masked: NDArray[np.bool_],
    networks: Sequence[Arrays],
    random_masked: NDArray[np.bool_],
    kind: str,
) -> RegionShare | None:
    """Share of what masks mark; None where no video that counts has any.

    Args:
        own: What was found at one stride, one row a video.
        counts: Which of them count.
        masked: Which have masks.
        networks: The same under networks with random weights, of fewer videos.
        random_masked: Which of those have masks.
        kind: One of `KINDS`.
    """
    rows = counts & masked
    if not rows.any():
        return None
    share, area = _region_share(own, rows, kind), own["area"][rows].mean(1)
    draws = draw_episodes(len(share)) / len(share)
    shares, areas = draws @ share, draws @ area
    density = _divided(share.mean(keepdims=True), area.mean(keepdims=True))
    inside = _divided(own[f"region_{kind}"][rows], own[kind][rows])
    return RegionShare(
        share=estimate(float(share.mean()), shares, len(share)),
        area=estimate(float(area.mean()), areas, len(area)),
        density=estimate(float(density[0]), _divided(shares, areas), len(share)),
        networks=np.array([_mean(_region_share(one, counted([one], kind) & random_masked, kind)) for one in networks]),
        by_position=np.array([_mean(column[np.isfinite(column)]) for column in inside.T]),
        videos=len(share),
    )


def _mean(values: Numbers) -> float:
    """NaN of none."""
    return float(values.mean()) if len(values) else np.nan


def _region_share(found: Arrays, rows: NDArray[np.bool_], kind: str) -> Numbers:
    return np.asarray(found[f"region_{kind}"][rows].sum(1) / found[kind][rows].sum(1), np.float64)


def _divided(above: Numbers, below: Numbers) -> Numbers:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
