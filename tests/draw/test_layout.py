"""Everything has its place, none on another's."""

from dataclasses import fields
from itertools import combinations

import pytest

from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Layout, Rect, fit_screen, lay_out, map_grid

SCREENS = [
    (210, 160),
    (250, 160),
    (192, 160),
    (84, 84),
    (96, 96),
    (480, 640),
    (400, 600),
    (64, 64),
    (1080, 1920),
    (900, 100),
]


def places(layout: Layout) -> dict[str, Rect]:
    found = {field.name: getattr(layout, field.name) for field in fields(layout)}
    return {name: rect for name, rect in found.items() if isinstance(rect, Rect)}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize(("stack", "actions"), [(4, 4), (1, 2), (12, 18), (4, 18)])
def test_places_lie_on_the_page_and_on_no_other(
    screen: tuple[int, int], explain: bool, stack: int, actions: int
) -> None:
    rects = places(lay_out(screen, stack, actions, explain=explain))
    for name, rect in rects.items():
        assert rect.x >= 0 and rect.x + rect.width <= PAGE_WIDTH, name
        assert rect.y >= 0 and rect.y + rect.height <= PAGE_HEIGHT, name
        assert rect.width > 0 and rect.height > 0, name
    for (name, one), (other, two) in combinations(rects.items(), 2):
        apart_x = one.x + one.width <= two.x or two.x + two.width <= one.x
        apart_y = one.y + one.height <= two.y or two.y + two.height <= one.y
        assert apart_x or apart_y, (name, other)


@pytest.mark.parametrize("screen", SCREENS)
def test_both_screens_have_one_size(screen: tuple[int, int]) -> None:
    layout = lay_out(screen, 4, 4, explain=True)
    assert layout.overlay is not None
    assert (layout.screen.width, layout.screen.height) == (layout.overlay.width, layout.overlay.height)
    assert (layout.screen.width, layout.screen.height) == (layout.fit.shown_width, layout.fit.shown_height)


def test_a_console_screen_is_shown_near_its_true_shape() -> None:
    explained = lay_out((210, 160), 4, 4, explain=True).fit
    alone = lay_out((210, 160), 4, 4, explain=False).fit
    assert (explained.x_factor, explained.y_factor) == (3, 2)
    assert (alone.x_factor, alone.y_factor) == (5, 3)


def test_other_screens_have_square_pixels() -> None:
    fit = fit_screen(84, 84, 500, 480)
    assert (fit.height, fit.width, fit.y_factor, fit.x_factor) == (84, 84, 5, 5)


@pytest.mark.parametrize("screen", [(480, 640), (1080, 1920), (900, 100)])
def test_a_screen_too_large_is_shrunk_in_its_shape(screen: tuple[int, int]) -> None:
    fit = fit_screen(*screen, 500, 480)
    assert fit.shown_height <= 500
    assert fit.shown_width <= 480
    assert fit.width / fit.height == pytest.approx(screen[1] / screen[0], rel=0.02)


@pytest.mark.parametrize("stack", range(1, 13))
def test_small_maps_fit_their_room(stack: int) -> None:
    columns, side = map_grid(stack, 216, 264)
    rows = -(-stack // columns)
    assert columns * side + (columns - 1) * 8 <= 216
    assert rows * (side + 24) + (rows - 1) * 8 <= 264
    assert side >= 40
