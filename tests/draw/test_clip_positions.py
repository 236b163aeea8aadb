"""The share of relevance at each position of the clip, as bars against the even share."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.clip_positions import PositionsPanel
from inspector.draw.palette import BRIGHT, GROUND, PANEL, frame_colours

COLOUR = frame_colours(1)[0]
PLOT = (slice(58, 144), slice(56, 260))


def drawn(panel: PositionsPanel, positions: NDArray[np.floating] | None) -> NDArray[np.uint8]:
    picture = np.full((176, 272, 3), PANEL, np.uint8)
    panel.draw_still(picture)
    panel.draw(picture, positions)
    return picture[PLOT]


def heights(plot: NDArray[np.uint8]) -> NDArray[np.int_]:
    """Of the bars, column by column; the line takes a row of each, or stands above it."""
    is_bar = (plot == COLOUR).all(axis=2)
    return np.asarray(np.where(is_bar.any(axis=0), len(plot) - np.argmax(is_bar, axis=0), 0))


@pytest.mark.parametrize("frames", [1, 2, 16, 64])
def test_there_is_a_bar_for_every_position(frames: int) -> None:
    plot = drawn(PositionsPanel(176, 272, frames), np.full(frames, 1 / frames))
    filled = (plot[-1] == COLOUR).all(axis=1)
    assert np.count_nonzero(np.diff(filled.astype(int), prepend=0) == 1) == frames


def test_bars_are_as_high_as_their_shares() -> None:
    shares = np.full(16, 0.4 / 14)
    shares[[0, 15]] = 0.4, 0.2
    found = heights(drawn(PositionsPanel(176, 272, 16), shares))
    assert found[3] == pytest.approx(2 * found[200], abs=2)
    assert found[3] > 60


def test_the_line_stands_at_the_even_share() -> None:
    plot = drawn(PositionsPanel(176, 272, 16), np.full(16, 1 / 16))
    line = np.nonzero((plot == BRIGHT).all(axis=(1, 2)))[0]
    assert line.tolist() == [round(86 * (1 - (1 / 16) / 0.2))]
    assert abs(len(plot) - line[0] - heights(plot)[3]) <= 1


def test_the_scale_holds_while_shares_settle() -> None:
    panel, rng, tops = PositionsPanel(176, 272, 16), np.random.default_rng(0), set()
    for count in range(1, 60):
        shares = 1 / 16 + 0.05 / count * rng.normal(size=16)
        shares = np.abs(shares) / np.abs(shares).sum()
        plot = drawn(panel, shares)
        tops.add(int(np.nonzero((plot == BRIGHT).all(axis=(1, 2)))[0][0]))
    assert len(tops) == 1


@pytest.mark.parametrize("positions", [None, np.full(16, np.nan)])
def test_without_shares_the_plot_is_empty(positions: NDArray[np.floating] | None) -> None:
    assert (drawn(PositionsPanel(176, 272, 16), positions) == GROUND).all()


def test_more_positions_than_columns_are_borne_and_their_highest_is_seen() -> None:
    shares = np.full(400, 0.6 / 399)
    shares[123] = 0.4
    assert heights(drawn(PositionsPanel(176, 272, 400), shares)).max() > 50
