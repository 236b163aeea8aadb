"""The three families of colour keep apart, for a colour-blind viewer too."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw import palette
from inspector.draw.palette import Colour

# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113: full severity, on linear RGB.
VIEWERS = {
    "full colour": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: Colour) -> NDArray[np.float64]:
    """Undo the gamma of sRGB."""
    part = np.asarray(colour) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(colour: Colour, viewer: str) -> NDArray[np.float64]:
    """CIE Lab of a colour as a viewer sees it."""
    seen = np.clip(VIEWERS[viewer] @ linear(colour), 0, 1)
    xyz = TO_XYZ @ seen / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(first: Colour, second: Colour, viewer: str) -> float:
    """How different two colours look; about 2.3 is just noticeable (CIE 1976)."""
    return float(np.linalg.norm(lab(first, viewer) - lab(second, viewer)))


def contrast(first: Colour, second: Colour) -> float:
    """Contrast ratio of the Web Content Accessibility Guidelines, 1 to 21."""
    light, dark = sorted((float(TO_XYZ[1] @ linear(colour)) for colour in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_for_and_against_are_far_apart(viewer: str) -> None:
    assert distance(palette.FOR, palette.AGAINST, viewer) > 80
    assert distance(palette.FOR_GLOW, palette.AGAINST_GLOW, viewer) > 20


@pytest.mark.parametrize("viewer", VIEWERS)
def test_the_accent_is_neither_for_nor_against(viewer: str) -> None:
    assert distance(palette.ACCENT, palette.FOR, viewer) > 20
    assert distance(palette.ACCENT, palette.AGAINST, viewer) > 60


@pytest.mark.parametrize("viewer", VIEWERS)
def test_regions_keep_apart_from_each_other(viewer: str) -> None:
    colours = (*palette.REGIONS, palette.BACKGROUND)
    least = min((distance(*pair, viewer), pair) for pair in combinations(colours, 2))
    assert least[0] > 15, least


@pytest.mark.parametrize("viewer", VIEWERS)
def test_regions_and_frames_borrow_no_colour_of_relevance_or_action(viewer: str) -> None:
    others = (*palette.REGIONS, palette.BACKGROUND, *palette.frame_colours(4))
    for taken in (palette.FOR, palette.AGAINST, palette.ACCENT):
        least = min((distance(taken, other, viewer), other) for other in others)
        assert least[0] > 15, (taken, least)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_neighbouring_frames_grow_lighter(viewer: str) -> None:
    lightness = [lab(colour, viewer)[0] for colour in palette.frame_colours(4)]
    assert min(np.diff(lightness)) > 10


def test_the_simulation_confuses_red_with_green() -> None:
    red, green = (190, 90, 60), (122, 122, 60)
    assert distance(red, green, "deuteranopia") < distance(red, green, "full colour") / 2


@pytest.mark.parametrize("ground", [palette.GROUND, palette.PANEL])
def test_type_has_contrast_enough_to_be_read(ground: Colour) -> None:
    for colour in (palette.FAINT, palette.QUIET, palette.BRIGHT, palette.FOR, palette.AGAINST, palette.ACCENT):
        assert contrast(colour, ground) > 4.5


def test_the_background_region_is_grey_wherever_it_stands() -> None:
    colours = palette.region_colours(("ball", "background", "paddle"))
    assert colours == (palette.REGIONS[0], palette.BACKGROUND, palette.REGIONS[1])


def test_ten_regions_have_ten_colours() -> None:
    assert len(set(palette.region_colours([f"region_{number}" for number in range(10)]))) == 10


@pytest.mark.parametrize("count", [1, 2, 12])
def test_each_stacked_frame_has_its_colour(count: int) -> None:
    colours = palette.frame_colours(count)
    assert len(set(colours)) == count
    assert colours[-1] == palette.frame_colours(4)[-1]
