"""Regions of a native screen on the grid of the network input, and relevance added up by them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.records import Region
from inspector.regions import RegionSummer, cover_frame, cover_nothing, label_screen

SCREEN, SIZE, STACK = (210, 160), (84, 84), 2


def drawn(generator: np.random.Generator, count: int) -> tuple[Region, ...]:
    """Regions of up to three boxes, some over the edge, some empty."""

    def boxes() -> tuple[tuple[float, float, float, float], ...]:
        return tuple(
            tuple(map(int, (*generator.integers(-5, (165, 215)), *generator.integers(1, 60, 2))))
            for _ in range(generator.integers(4))
        )

    return tuple(Region(str(number), boxes()) for number in range(count))


def summed_slowly(regions: tuple[Region, ...], amounts: np.ndarray) -> np.ndarray:
    """By whole masks, shrunk by area, the background last."""
    labels = label_screen(regions, SCREEN)
    masks = [(labels == number).astype(np.float32) for number in range(len(regions) + 1)]
    shrunk = [cv2.resize(mask, SIZE[::-1], interpolation=cv2.INTER_AREA).astype(np.float64) for mask in masks]
    return np.array([(mask * amounts).sum() for mask in shrunk])


def test_the_earlier_of_two_regions_has_the_pixels_that_both_cover() -> None:
    ball, wall = Region("ball", ((10, 20, 2, 4),)), Region("wall", ((0, 0, 160, 100),))
    labels = label_screen((ball, wall), SCREEN)
    assert (labels == 0).sum() == 8
    assert (labels[20:24, 10:12] == 0).all()
    assert (labels == 1).sum() == 160 * 100 - 8
    assert (labels == 2).sum() == 160 * 110


def test_what_reaches_over_the_edge_is_cut_off() -> None:
    labels = label_screen((Region("over", ((-3, -2, 5, 4), (158, 208, 9, 9))),), SCREEN)
    assert (labels == 0).sum() == 2 * 2 + 2 * 2


def test_a_region_covers_parts_of_pixels_in_proportion_to_its_area() -> None:
    part = cover_frame((Region("ball", ((10, 20, 2, 4),)),), SCREEN, SIZE)
    pixel_area = (210 / 84) * (160 / 84)
    assert part.weights.sum() * pixel_area == pytest.approx(8, rel=1e-5)
    rows, columns = part.pixels // 84, part.pixels % 84
    assert (rows.min(), rows.max()) == (20 * 84 // 210, (24 * 84 - 1) // 210)
    assert (columns.min(), columns.max()) == (10 * 84 // 160, (12 * 84 - 1) // 160)


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 10**6))
def test_sums_by_region_equal_those_by_whole_masks(batch: int, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    each = [drawn(generator, count) for _ in range(batch)]
    values = generator.normal(size=(batch, STACK, *SIZE)).astype(np.float32)
    values[np.abs(values) < 0.3] = 0.0
    nothing = cover_nothing(len(each[0]))
    sums = RegionSummer([[nothing, cover_frame(regions, SCREEN, SIZE)] for regions in each], SIZE)(values)
    for number, regions in enumerate(each):
        exact = values[number].astype(np.float64)
        of_kind = {
            "positive": exact.clip(min=0),
            "absolute": np.abs(exact),
            "area": np.ones_like(exact),
            "relevant_area": (exact != 0).astype(np.float64),
        }
        for name, amounts in of_kind.items():
            found = getattr(sums, name)[number]
            assert found[:, 1] == pytest.approx(summed_slowly(regions, amounts[1]), rel=1e-4, abs=1e-2), name
            assert found[:-1, 0] == pytest.approx(0.0)  # before the episode began, all is background
            assert found[-1, 0] == pytest.approx(amounts[0].sum(), rel=1e-4), name
        assert sums.area[number].sum() == pytest.approx(STACK * SIZE[0] * SIZE[1])


def test_without_regions_all_is_background() -> None:
    values = np.full((1, STACK, *SIZE), 2.0, np.float32)
    sums = RegionSummer([[cover_nothing(0)] * STACK], SIZE)(values)
    assert sums.positive.shape == (1, 1, STACK)
    assert sums.positive.sum() == pytest.approx(2.0 * values.size)


def test_a_grid_of_hundreds_of_regions_is_told_apart() -> None:
    grid = tuple(Region(f"r{n}", ((10 * (n % 16), 10 * (n // 16), 10, 10),)) for n in range(16 * 21))
    assert np.unique(label_screen(grid, SCREEN)).size == len(grid)
    assert min(cover_frame(grid, SCREEN, (84, 84)).counts) > 0
