"""The bars: the action taken stands out, all of them fit, zero has its place."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.bars import BarRange, draw_bars, probabilities
from inspector.draw.layout import lay_out
from inspector.draw.palette import ACCENT, PANEL

DIRECTIONS = "UP RIGHT LEFT DOWN UPRIGHT UPLEFT DOWNRIGHT DOWNLEFT".split()
NAMES = ("NOOP", "FIRE", *DIRECTIONS, *(f"{direction}FIRE" for direction in DIRECTIONS))


def panel(count: int) -> NDArray[np.uint8]:
    rect = lay_out((210, 160), 4, count, explain=True).bars
    return np.full((rect.height, rect.width, 3), PANEL, np.uint8)


def drawn(count: int, taken: int, values: NDArray[np.float64] | None = None, **more: object) -> NDArray[np.uint8]:
    picture = panel(count)
    values = np.linspace(0.1, 0.9, count) if values is None else values
    bounds = (min(0.0, values.min()), max(1.0, values.max()))
    draw_bars(picture, NAMES[:count], values, bounds=bounds, unit="probability", taken=taken, **more)  # type: ignore[arg-type]
    return picture


def rows_of(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.intp]:
    return np.nonzero((picture == colour).all(axis=2).any(axis=1))[0]


@pytest.mark.parametrize("count", [2, 4, 6, 9, 18])
def test_the_row_of_the_action_taken_has_the_accent_and_no_other(count: int) -> None:
    spans = [rows_of(drawn(count, taken), ACCENT) for taken in range(count)]
    assert all(span.size for span in spans)
    assert all(one.max() < two.min() for one, two in pairwise(spans))


@pytest.mark.parametrize("count", range(1, 19))
def test_all_actions_fit_inside_their_panel(count: int) -> None:
    picture = drawn(count, count - 1)
    used = np.nonzero((picture != PANEL).any(axis=2))
    assert used[0].max() < len(picture) - 4
    assert used[1].min() >= 8
    assert used[1].max() < picture.shape[1] - 8


def test_a_longer_bar_is_a_greater_probability() -> None:
    picture = drawn(4, 1, np.array([0.0, 0.25, 0.5, 0.25]))
    other = drawn(4, 1, np.array([0.0, 0.75, 0.0, 0.25]))
    lengths = [(each == ACCENT).all(axis=2).sum(axis=1).max() for each in (picture, other)]
    assert lengths[0] == pytest.approx(216 / 4, abs=1)
    assert lengths[1] == pytest.approx(216 * 3 / 4, abs=1)


@pytest.mark.parametrize("count", [4, 18])
def test_negative_values_go_left_of_zero_and_positive_ones_right(count: int) -> None:
    values = np.where(np.arange(count) % 2, 1.0, -1.0)
    spans = []
    for taken in (0, 1):
        columns = np.nonzero((drawn(count, taken, values) == ACCENT).all(axis=2).sum(axis=0) >= 2)[0]
        spans.append(columns)
    assert spans[0].max() <= 120 + 40
    assert spans[1].max() >= 225


def test_the_explained_action_is_marked_when_it_is_another() -> None:
    plain, marked = drawn(4, 0), drawn(4, 0, explained=2)
    changed = np.nonzero((plain != marked).any(axis=(1, 2)))[0]
    rows = rows_of(drawn(4, 2), ACCENT)
    assert changed.size
    assert rows.min() - 6 <= changed.min()
    assert changed.max() <= rows.max() + 6


def test_values_that_are_no_numbers_draw_no_bar() -> None:
    picture = panel(4)
    values = np.full(4, np.nan)
    draw_bars(picture, NAMES[:4], values, bounds=(0.0, 1.0), unit="probability", taken=1)
    assert (picture == ACCENT).all(axis=2).sum(axis=1).max() < 60


def test_probabilities_are_those_of_the_logits() -> None:
    logits = np.array([1000.0, 999.0, 0.0], np.float32)
    assert probabilities(logits) == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0])


def test_the_range_of_q_values_holds_zero_widens_at_once_and_narrows_slowly() -> None:
    bar_range = BarRange()
    assert bar_range.update(np.array([2.0, 3.0])) == (0.0, 3.0)
    assert bar_range.update(np.array([-1.0, np.nan])) == pytest.approx((-1.0, 2.97))
    low, high = bar_range.update(np.array([0.5, 0.5]))
    assert -1.0 < low < -0.9
    assert 2.9 < high < 3.0
