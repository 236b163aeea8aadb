"""Outlines around regions: outside of what they show, one line around boxes that touch, broken where unsure."""

import numpy as np

from inspector.draw.outlines import draw_outlines
from inspector.records import Region

RED, GREEN = (255, 0, 0), (0, 255, 0)
SCREEN = (210, 160)


def drawn(*regions: Region, factor: int = 3) -> np.ndarray:
    view = np.zeros((210 * factor, 160 * factor, 3), np.uint8)
    draw_outlines(view, regions, (RED, GREEN)[: len(regions)], SCREEN)
    return view


def test_a_line_stands_around_the_region_and_not_on_it() -> None:
    view = drawn(Region("ball", ((50, 100, 2, 4),)))
    inside = view[300:312, 150:156]
    assert not inside.any()
    rows, columns = np.nonzero(view[:, :, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (298, 313, 148, 157)
    assert not view[:, :, 1:].any()


def test_boxes_that_touch_share_one_line() -> None:
    apart = drawn(Region("wall", ((10, 10, 8, 6), (18, 10, 8, 6))))
    whole = drawn(Region("wall", ((10, 10, 16, 6),)))
    assert np.array_equal(apart, whole)


def test_what_is_hidden_has_no_line_and_the_edge_of_the_screen_cuts_none_off() -> None:
    assert not drawn(Region("ball")).any()
    view = drawn(Region("all", ((0, 0, 160, 210),)))
    assert view[0].any() and view[-1].any() and view[:, 0].any() and view[:, -1].any()


def test_what_is_not_sure_has_a_broken_line() -> None:
    sure, unsure = (drawn(Region("box", ((40, 40, 40, 40),), sure=sure)) for sure in (True, False))
    count = np.count_nonzero(sure[:, :, 0])
    assert 0.4 * count < np.count_nonzero(unsure[:, :, 0]) < 0.6 * count


def test_the_earlier_region_is_drawn_over_the_later() -> None:
    box = ((40, 40, 10, 10),)
    view = drawn(Region("one", box), Region("other", box))
    assert view[:, :, 0].any() and not view[:, :, 1].any()
