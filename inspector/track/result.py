"""What a track found: tables of attention and of games, and what a person reads out of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.regions import BACKGROUND, RegionSums
from inspector.sweep import Arrays
from inspector.track.measures import (
    MEASURES,
    SHARES,
    Numbers,
    Onset,
    Ratios,
    area_shares,
    draw_episodes,
    interval,
    measured,
    onset,
    untrained_level,
)
from inspector.track.work import Explaining

ATTENTION = pa.schema(
    [
        pa.field("series", pa.string(), nullable=False),
        pa.field("frames", pa.int64()),  # trained; null for a null line
        # probe or play; and for comparison area, random (the mean of untrained networks) and null (the null line)
        pa.field("source", pa.string(), nullable=False),
        pa.field("composite", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("region", pa.string(), nullable=False),  # atom_combinatorial: `ball + paddle`, or `none`
        pa.field("measure", pa.string(), nullable=False),
        pa.field("stacked_frame", pa.int8()),  # oldest 0; null for all of them
        pa.field("mean", pa.float64()),
        pa.field("low", pa.float64()),  # of the 95 % interval, by drawing episodes anew
        pa.field("high", pa.float64()),
        pa.field("states", pa.int64()),  # behind the mean; null for the null line
        pa.field("episodes", pa.int64()),
    ]
)

GAMES = pa.schema(
    [
        pa.field("series", pa.string(), nullable=False),
        pa.field("frames", pa.int64(), nullable=False),  # trained
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("return", pa.float64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),  # decisions
        pa.field("finished", pa.bool_(), nullable=False),
    ]
)

EVERYWHERE = "all"
"""Stands for the region where a stacked frame is meant as a whole."""

_SUMS = ("positive", "absolute", "area", "relevant_area")


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Explained states of one checkpoint, or of some together.

    Attributes:
        sums: By region, (states, regions, stack).
        finite: Which states count.
        episodes: Number of each state's episode.
    """

    sums: RegionSums
    finite: NDArray[np.bool_]
    episodes: NDArray[np.int64]

    @classmethod
    def of(cls, arrays: Arrays, episodes: NDArray[np.int64]) -> "Explained":
        """Out of what a unit gave."""
        sums = RegionSums(*(arrays[name] for name in _SUMS))
        return cls(sums, arrays["finite"], episodes)

    def ratios(self, measure: str, frame: int | None = None) -> Ratios:
        """A measure of every region."""
        return measured(measure, self.sums, self.finite, self.episodes, frame)

    def by_frame(self) -> "Explained":
        """The same with stacked frames in the place of regions: all the relevance of each."""
        sums = (getattr(self.sums, name).sum(1)[:, :, None] for name in _SUMS)
        return Explained(RegionSums(*sums), self.finite, self.episodes)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A share over training under one explanation, on the same states, with its null lines.

    Attributes:
        explaining: What explains.
        frames: Frames trained, (checkpoints,).
        names: Regions, the background last.
        share: (checkpoints, regions).
        low: Lower end of the 95 % interval, likewise.
        high: Upper end.
        area: The share by area, (regions,).
        random: The share that 19 of 20 untrained networks stay below, in all regions at once, (regions,).
        onsets: When each region's share exceeds both null lines for good, by its name.
        unit: What training time is counted in.
    """

    explaining: Explaining
    frames: NDArray[np.int64]
    names: tuple[str, ...]
    share: Numbers
    low: Numbers
    high: Numbers
    area: Numbers
    random: Numbers
    onsets: Mapping[str, Onset]
    unit: str = "frames"


@dataclass(slots=True)
class Attention:
    """Collects the rows of `attention.parquet`.

    Attributes:
        names: Regions, the background last.
        rows: What was added.
    """

    names: tuple[str, ...]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, explained: Explained, stack: int, **about: Any) -> None:
        """Every measure of every region, over all stacked frames and of each."""
        for measure in MEASURES:
            for frame in (None, *range(stack)) if measure in SHARES else (None,):
                self.add_ratios(explained.ratios(measure, frame), measure, frame, **about)

    def add_by_frame(self, explained: Explained, **about: Any) -> None:
        """The shares of every stacked frame as a whole."""
        for measure in SHARES:
            ratios = explained.by_frame().ratios(measure)
            low, high = interval(ratios.resampled(draw_episodes(len(ratios.above))), ratios.episodes)
            for frame, (mean, least, most) in enumerate(zip(ratios.mean, low, high, strict=True)):
                counts = {"states": int(ratios.states[frame]), "episodes": int(ratios.episodes[frame])}
                ends = {"low": _number(least), "high": _number(most)}
                self._add(EVERYWHERE, measure, frame, mean, **ends, **counts, **about)

    def add_null_by_frame(self, curve: "Curve", **about: Any) -> None:
        """The null line of every stacked frame as a whole."""
        for frame, level in enumerate(np.maximum(curve.area, curve.random)):
            self._add(EVERYWHERE, "positive_share", frame, level, source="null", frames=None, **about)

    def add_null(self, curve: "Curve", area: Ratios, **about: Any) -> None:
        """What shares are compared with: the share by area, and the null line."""
        self.add_ratios(area, "positive_share", None, source="area", frames=None, **about)
        for name, level in zip(self.names, np.maximum(curve.area, curve.random), strict=True):
            self._add(name, "positive_share", None, level, source="null", frames=None, **about)

    def add_ratios(
        self, ratios: Ratios, measure: str, frame: int | None, names: Sequence[str] | None = None, **about: Any
    ) -> None:
        """One measure of every region, or of what else is named."""
        low, high = interval(ratios.resampled(draw_episodes(len(ratios.above))), ratios.episodes)
        numbers = zip(names or self.names, ratios.mean, low, high, ratios.states, ratios.episodes, strict=True)
        for name, mean, least, most, states, episodes in numbers:
            counts = {"states": int(states), "episodes": int(episodes)}
            self._add(name, measure, frame, mean, low=_number(least), high=_number(most), **counts, **about)

    def _add(self, name: str, measure: str, frame: int | None, mean: float, **about: Any) -> None:
        one = {"region": name, "measure": measure, "stacked_frame": frame, "mean": _number(mean)}
        self.rows.append({"low": None, "high": None, "states": None, "episodes": None, **one, **about})

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_pylist(self.rows, schema=ATTENTION)


def curve_of(
    explaining: Explaining,
    frames: Sequence[int],
    names: tuple[str, ...],
    checkpoints: Sequence[Explained],
    random: Sequence[Explained],
    unit: str = "frames",
) -> Curve:
    """The share of positive relevance over training, with its null lines and onsets.

    Args:
        explaining: What explains.
        frames: Frames trained of every checkpoint, ascending.
        names: Regions, the background last; or what else stands in their place, without one.
        checkpoints: The same states under every checkpoint.
        random: And under networks with random weights, at least one.
        unit: What training time is counted in.
    """
    has_rest = names[-1] == BACKGROUND
    draws = draw_episodes(int(checkpoints[0].episodes.max()) + 1)
    ratios = [one.ratios("positive_share") for one in checkpoints]
    nets = [one for one in (each.ratios("positive_share") for each in random) if np.isfinite(one.mean).all()]
    area = area_shares(checkpoints[0].sums, checkpoints[0].episodes)
    share, by_chance = (
        np.stack([one.mean for one in ratios]),
        _untrained([one.mean for one in nets], area.mean, has_rest=has_rest),
    )
    resampled = np.stack([one.resampled(draws) for one in ratios])  # (checkpoints, resamples, regions)
    drawn_area = area.resampled(draws)
    chance = _untrained([one.resampled(draws) for one in nets], drawn_area, has_rest=has_rest)
    null = np.maximum(drawn_area, chance)
    ends = [interval(drawn, one.episodes) for drawn, one in zip(resampled, ratios, strict=True)]
    low, high = (np.stack(end) for end in zip(*ends, strict=True))
    trained, episodes = np.array(frames, np.int64), np.stack([one.episodes for one in ratios])
    excess, resampled = share - np.maximum(area.mean, by_chance), resampled - null
    onsets = {
        name: onset(trained, excess[:, number], resampled[:, :, number].T, episodes[:, number])
        for number, name in enumerate(names)
        if name != BACKGROUND
    }
    return Curve(explaining, trained, names, share, low, high, area.mean, by_chance, onsets, unit)


def _untrained(networks: Sequence[Numbers], otherwise: Numbers, *, has_rest: bool) -> Numbers:
    """The level of untrained networks; another where none of them has any relevance."""
    return untrained_level(np.stack(networks), has_rest=has_rest) if networks else otherwise


def sort_by_onset(onsets: Mapping[str, Onset]) -> list[tuple[str, Onset]]:
    """Regions with an onset, the first one first."""
    known = [(name, one) for name, one in onsets.items() if one.frames is not None]
    return sorted(known, key=lambda pair: (pair[1].frames or 0, pair[1].high or 0))


def joined(parts: Iterable[Explained], *, same_states: bool = False) -> Explained:
    """Several together.

    Args:
        parts: Each brings episodes of its own.
        same_states: They are the same states under several networks, and so of the same episodes.
    """
    parts = list(parts)
    count, episodes = 0, []
    for part in parts:
        episodes.append(part.episodes + count)
        count += 0 if same_states else int(part.episodes.max()) + 1
    sums = RegionSums(*(np.concatenate([getattr(part.sums, name) for part in parts]) for name in _SUMS))
    return Explained(sums, np.concatenate([part.finite for part in parts]), np.concatenate(episodes))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
