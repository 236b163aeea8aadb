"""Everything on the page of clips has its place, whatever the shape of the video."""

from dataclasses import fields
from itertools import combinations

import pytest

from inspector.draw.clip_layout import ClipLayout, fit_frame, lay_out_clip
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH, Rect

SCREENS = [(1080, 1920), (64, 64), (1920, 1080), (7, 5), (16, 4096), (4096, 16), (240, 320), (210, 160), (1, 1)]


def places(layout: ClipLayout) -> dict[str, Rect]:
    found = {field.name: getattr(layout, field.name) for field in fields(layout)}
    pictures = ("screen", "overlay")
    return {name: rect for name, rect in found.items() if isinstance(rect, Rect) and name not in pictures}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("explain", [True, False])
def test_places_lie_on_the_page_and_on_no_other(screen: tuple[int, int], explain: bool) -> None:
    rects = places(lay_out_clip(screen, explain=explain))
    for name, rect in rects.items():
        assert rect.x >= 0 and rect.x + rect.width <= PAGE_WIDTH, name
        assert rect.y >= 0 and rect.y + rect.height <= PAGE_HEIGHT, name
    for (name, one), (other, two) in combinations(rects.items(), 2):
        apart_x = one.x + one.width <= two.x or two.x + two.width <= one.x
        apart_y = one.y + one.height <= two.y or two.y + two.height <= one.y
        assert apart_x or apart_y, (name, other)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("explain", [True, False])
def test_pictures_stand_within_their_stages(screen: tuple[int, int], explain: bool) -> None:
    layout = lay_out_clip(screen, explain=explain)
    for picture, stage in ((layout.screen, layout.screen_stage), (layout.overlay, layout.overlay_stage)):
        assert (picture is None) == (stage is None)
        if picture is not None and stage is not None:
            assert stage.x <= picture.x and picture.x + picture.width <= stage.x + stage.width
            assert stage.y <= picture.y and picture.y + picture.height <= stage.y + stage.height


@pytest.mark.parametrize("screen", [(1080, 1920), (64, 64), (1920, 1080), (7, 5), (210, 160), (240, 320)])
def test_pixels_stay_square(screen: tuple[int, int]) -> None:
    fit = lay_out_clip(screen, explain=True).fit
    assert fit.x_factor == fit.y_factor
    assert fit.shown_width / fit.shown_height == pytest.approx(screen[1] / screen[0], rel=0.01)


def test_a_small_frame_is_enlarged_by_a_whole_factor_and_a_large_one_is_shrunk() -> None:
    assert (fit_frame(64, 64, 374, 464).shown_height, fit_frame(64, 64, 374, 464).y_factor) == (320, 5)
    assert (fit_frame(1080, 1920, 374, 464).height, fit_frame(1080, 1920, 374, 464).width) == (261, 464)


def test_a_frame_far_too_wide_keeps_a_row_at_least() -> None:
    fit = fit_frame(1, 4000, 374, 464)
    assert (fit.shown_height, fit.shown_width) == (1, 464)
