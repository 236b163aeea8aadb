"""Relevance over the part of a frame that the network sees: nothing lost, nothing smeared."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.draw.clip_overlay import ClipOverlay
from inspector.draw.layout import Fit
from inspector.draw.overlay import Projection, area_matrix, part_matrix, quiet


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_part_that_is_the_whole_is_averaged_as_the_whole(source: int, target: int) -> None:
    assert np.allclose(part_matrix(source, target, 0.0, float(source)), area_matrix(source, target))


@given(st.integers(4, 60), st.integers(1, 30), st.floats(0, 0.5), st.floats(0.1, 0.5))
@example(15, 15, 0.1, 0.1)
def test_relevance_of_a_part_keeps_its_sum_and_stays_in_it(side: int, rows: int, begin: float, length: float) -> None:
    box = (begin * side, begin * side, length * side, length * side)
    relevance = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
    carried = Projection((rows, 3), (side, side), box)(relevance)
    assert carried.sum(dtype=np.float64) == pytest.approx(relevance.sum(dtype=np.float64), abs=1e-4)
    outside = np.ones((side, side), bool)
    inner = slice(int(box[0]), int(np.ceil(box[0] + box[2])))
    outside[inner, inner] = False
    assert not carried[outside].any()


def test_a_network_input_finer_than_the_video_keeps_its_detail() -> None:
    """A 2x2 video shown 50 times as large: each pixel of a 4x4 network input is seen by itself."""
    fit, screen = Fit(2, 2, 50, 50), np.full((100, 100, 3), 90, np.uint8)
    relevance = np.zeros((4, 4), np.float32)
    relevance[1, 3] = 1
    view = np.zeros_like(screen)
    ClipOverlay(fit, (2, 2), (0.0, 0.0, 2.0, 2.0), 25.0).draw(view, screen, relevance)
    rows, columns = np.nonzero((view != quiet(screen)).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (25, 49, 75, 99)


def test_a_network_input_coarser_than_the_video_is_painted_on_its_pixels() -> None:
    fit, screen = Fit(20, 20, 5, 5), np.full((100, 100, 3), 90, np.uint8)
    view = np.zeros_like(screen)
    relevance = np.random.default_rng(0).uniform(0.5, 1, size=(7, 7)).astype(np.float32)
    ClipOverlay(fit, (20, 20), (0.0, 0.0, 20.0, 20.0), 25.0).draw(view, screen, relevance)
    assert np.array_equal(view, view[::5, ::5].repeat(5, axis=0).repeat(5, axis=1))
    assert (view[::5, ::5] != quiet(screen)[::5, ::5]).any(axis=2).all()


def test_a_network_input_of_another_shape_has_its_own_projection() -> None:
    overlay, screen = (
        ClipOverlay(Fit(20, 20, 5, 5), (20, 20), (0.0, 0.0, 20.0, 20.0), 25.0),
        np.zeros((100, 100, 3), np.uint8),
    )
    views = [np.zeros_like(screen) for _ in range(2)]
    for view, side in zip(views, (4, 10), strict=True):
        relevance = np.zeros((side, side), np.float32)
        relevance[0, 0] = 1
        overlay.draw(view, screen, relevance)
    lit = [int((view != quiet(screen)).any(axis=2).sum()) for view in views]
    assert lit == [25 * 25, 10 * 10]
