"""Numbers from a relevance map: how much, in which frame, where, how far spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.records import Region
from inspector.regions import Cover, RegionSummer


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """Summary of one relevance map. None where nothing is relevant, or where the map is not finite.

    Attributes:
        positive: Sum of the relevance above zero, in the unit of the explained score.
        negative: Sum of the relevance below zero; at most 0.
        frame_shares: Share of the absolute relevance in each stacked frame, oldest first, float32 (stack,); adds to 1.
        centre_row: Row of the centre of absolute relevance, in pixels of the network input, 0 at the top.
        centre_column: Its column, 0 at the left.
        spread: Root mean square distance from that centre, in pixels of the network input.
    """

    positive: float | None
    negative: float | None
    frame_shares: NDArray[np.float32] | None
    centre_row: float | None
    centre_column: float | None
    spread: float | None


@dataclass(frozen=True, slots=True, eq=False)
class RegionShares:
    """Where the relevance of one decision lies, by region.

    Attributes:
        regions: The regions on the screen that was decided on, without the background.
        absolute: Share of the absolute relevance, one a region and the background last, float32; adds to 1. None where
            there is no relevance, or none that is finite.
        positive: Share of the relevance above zero, likewise.
    """

    regions: tuple[Region, ...]
    absolute: NDArray[np.float32] | None
    positive: NDArray[np.float32] | None


def share_out(values: NDArray[np.float32], covers: Sequence[Cover], regions: tuple[Region, ...]) -> RegionShares:
    """Share out one relevance map among regions.

    Args:
        values: Signed relevance (stack, height, width).
        covers: What the regions cover of each stacked frame, at its own time.
        regions: The regions on the screen that was decided on.
    """
    if not np.isfinite(values).all():
        return RegionShares(regions, None, None)
    sums = RegionSummer([covers], (values.shape[1], values.shape[2]))(values[None])
    absolute, positive = (amounts[0].sum(axis=1) for amounts in (sums.absolute, sums.positive))

    def shares(amounts: NDArray[np.float64]) -> NDArray[np.float32] | None:
        return (amounts / amounts.sum()).astype(np.float32) if amounts.sum() > 0 else None

    return RegionShares(regions, shares(absolute), shares(positive))


NOTHING = Attention(None, None, None, None, None, None)


def attend(values: NDArray[np.float32]) -> Attention:
    """Summarise the relevance of one decision.

    Args:
        values: Signed relevance (stack, height, width).

    Returns:
        Its summary; `NOTHING` if a value is NaN or infinite; shares and places are None if every value is 0.
    """
    size = np.abs(values)
    each = size.sum(axis=(1, 2), dtype=np.float64)
    total = each.sum()  # float32 cannot make it overflow
    if not np.isfinite(total):
        return NOTHING
    net = values.sum(dtype=np.float64)
    positive, negative = max(float(total + net) / 2, 0.0), min(float(net - total) / 2, 0.0)
    if total == 0.0:
        return Attention(positive, negative, None, None, None, None)
    place = size.sum(axis=0, dtype=np.float64) / total
    rows, columns = np.arange(place.shape[0]), np.arange(place.shape[1])
    along_rows, along_columns = place.sum(axis=1), place.sum(axis=0)
    row, column = float(along_rows @ rows), float(along_columns @ columns)
    variance = along_rows @ (rows - row) ** 2 + along_columns @ (columns - column) ** 2
    return Attention(positive, negative, (each / total).astype(np.float32), row, column, float(np.sqrt(variance)))
