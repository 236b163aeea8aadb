"""The border effect in one number: relevance at either end of the clip by that in its middle."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.profile.places import LEAST_FRAMES, border, centre, mean_in
from inspector.track.measures import Numbers, draw_episodes, interval
from inspector.track.plan import text_of
from inspector.track.result import Curve, Explained

_MIDDLE = (0.025, 0.975)
"""Of untrained networks these parts lie below what is told of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Border:
    """Mean share of a position at the border of the clip by that of one in its centre; 1 where all are alike.

    Attributes:
        ratio: Of every checkpoint, (checkpoints,); NaN without relevance.
        low: Lower end of the 95 % interval by drawing videos anew, likewise.
        high: Upper end.
        untrained: Of every untrained network, (networks,).
    """

    ratio: Numbers
    low: Numbers
    high: Numbers
    untrained: Numbers

    @property
    def by_chance(self) -> tuple[float, float]:
        """Between which ratios 95 of 100 untrained networks lie; NaN if none has any relevance."""
        known = self.untrained[np.isfinite(self.untrained)]
        low, high = np.quantile(known, _MIDDLE) if len(known) else (np.nan, np.nan)
        return float(low), float(high)

    @property
    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        numbers = {"ratio": self.ratio, "low": self.low, "high": self.high}
        return {name: values.tolist() for name, values in numbers.items()} | {"untrained": list(self.by_chance)}


def border_of(checkpoints: Sequence[Explained], networks: Sequence[Explained]) -> Border | None:
    """The border effect of a series; None if its clips are too short to have a border.

    Args:
        checkpoints: The same clips under every checkpoint.
        networks: And under untrained networks.
    """
    if checkpoints[0].sums.positive.shape[2] < LEAST_FRAMES:
        return None
    shares = [one.by_frame().ratios("positive_share") for one in checkpoints]
    draws = draw_episodes(len(shares[0].above))
    ends = [interval(border_ratio(one.resampled(draws))[:, None], one.episodes[:1]) for one in shares]
    low, high = np.array(ends)[:, :, 0].T
    untrained = np.array([border_ratio(one.by_frame().ratios("positive_share").mean) for one in networks])
    return Border(np.array([border_ratio(one.mean) for one in shares]), low, high, untrained)


def border_text(border: Border, curve: Curve) -> str:
    """The border effect at the first and the last checkpoint, as a person reads it.

    Args:
        border: It.
        curve: Of the same checkpoints.
    """

    def at(number: int) -> str:
        if np.isnan(border.ratio[number]):
            return f"no relevance at {text_of(int(curve.frames[number]), curve.unit)}"
        ends = f" ({border.low[number]:.2f} to {border.high[number]:.2f})" if np.isfinite(border.low[number]) else ""
        return f"{border.ratio[number]:.2f}{ends} at {text_of(int(curve.frames[number]), curve.unit)}"

    low, high = border.by_chance
    chance = f"{low:.2f} to {high:.2f}" if np.isfinite(low) else "none has any relevance"
    return f"border to centre: {at(0)}, {at(-1)}; of untrained networks {chance}"


def border_ratio(share: Numbers) -> NDArray[np.float64]:
    """Mean share of a position at the border by that of one in the centre.

    Args:
        share: By position, (..., positions), at least `LEAST_FRAMES` of them.
    """
    frames = share.shape[-1]
    outer, middle = mean_in(share, border(frames)), mean_in(share, centre(frames))
    nothing = np.full(np.shape(outer), np.nan)
    return np.asarray(np.divide(outer, middle, out=nothing, where=middle > 0))
