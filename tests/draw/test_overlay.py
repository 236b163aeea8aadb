"""Relevance keeps its sum and its place on the way from the network input to the screen."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.overlay import (
    NO_RELEVANCE,
    NOT_EXPLAINED,
    NOT_FINITE,
    Projection,
    RunningScale,
    area_matrix,
    lay_over,
    quiet,
    silence,
)

SIZES = [
    ((84, 84), (210, 160)),
    ((84, 84), (250, 160)),
    ((84, 84), (84, 84)),
    ((84, 84), (64, 70)),
    ((50, 61), (360, 480)),
]


def random_map(size: tuple[int, int]) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=size).astype(np.float32)


@pytest.mark.parametrize(("input_size", "screen_size"), SIZES)
def test_the_sum_of_relevance_is_kept(input_size: tuple[int, int], screen_size: tuple[int, int]) -> None:
    relevance = random_map(input_size)
    carried = Projection(input_size, screen_size)(relevance)
    assert carried.shape == screen_size
    total = relevance.sum(dtype=np.float64)
    assert carried.sum(dtype=np.float64) == pytest.approx(total, abs=1e-6 * float(np.abs(relevance).sum()))


@pytest.mark.parametrize(("input_size", "screen_size"), SIZES)
def test_projection_is_the_transpose_of_area_averaging(
    input_size: tuple[int, int], screen_size: tuple[int, int]
) -> None:
    relevance = random_map(input_size)
    rows, columns = (area_matrix(source, target) for source, target in zip(screen_size, input_size, strict=True))
    carried = Projection(input_size, screen_size)(relevance)
    assert np.abs(carried - rows.T @ relevance @ columns).max() < 1e-6


def test_area_averaging_is_that_of_opencv() -> None:
    screen = random_map((210, 160))
    ours = area_matrix(210, 84) @ screen @ area_matrix(160, 84).T
    assert np.abs(ours - cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA)).max() < 1e-5


@pytest.mark.parametrize(("row", "column"), [(0, 0), (40, 17), (83, 83)])
def test_one_relevant_pixel_lights_only_the_screen_it_was_made_from(row: int, column: int) -> None:
    relevance = np.zeros((84, 84), np.float32)
    relevance[row, column] = 1
    rows, columns = np.nonzero(Projection((84, 84), (210, 160))(relevance))
    assert rows.min() == int(row * 2.5)
    assert rows.max() == int(np.ceil((row + 1) * 2.5)) - 1
    assert columns.min() == column * 160 // 84
    assert columns.max() == -(-(column + 1) * 160 // 84) - 1


def test_a_quiet_moment_looks_quieter_than_a_loud_one() -> None:
    screen, scale = np.zeros((84, 84, 3), np.uint8), RunningScale()
    loud = random_map((84, 84))
    bright = lay_over(screen, loud, scale.update(loud)).mean()
    dim = lay_over(screen, loud * 0.1, scale.update(loud * 0.1)).mean()
    assert dim < bright / 2


def watch(scale: RunningScale, relevance: NDArray[np.float32], maps: float) -> float:
    for _ in range(round(maps)):
        value = scale.update(relevance)
    return value


@pytest.mark.parametrize("rate", [5.0, 15.0, 60.0])
def test_the_scale_rises_within_seconds_and_halves_in_its_half_life(rate: float) -> None:
    scale, loud, calm = RunningScale(rate), random_map((84, 84)), random_map((84, 84)) * np.float32(0.01)
    quiet_value = watch(scale, calm, 30 * rate)
    assert watch(scale, loud, rate) == pytest.approx(64 * quiet_value, rel=0.02)
    risen = watch(scale, loud, 4 * rate)
    assert watch(scale, calm, 25 * rate) == pytest.approx(risen * 0.505, rel=0.02)


def test_a_quiet_half_minute_after_a_loud_game_stays_dim() -> None:
    scale, loud = RunningScale(), random_map((84, 84))
    before = watch(scale, loud, 60 * 15)
    assert watch(scale, loud * np.float32(0.05), 30 * 15) > 0.4 * before


def test_a_flash_does_not_set_the_scale() -> None:
    scale, calm = RunningScale(), random_map((84, 84))
    before = watch(scale, calm, 60 * 15)
    assert scale.update(calm * 10) < 1.6 * before


@pytest.mark.parametrize("rate", [5.0, 15.0, 60.0])
def test_a_flash_at_the_beginning_is_soon_forgotten(rate: float) -> None:
    scale, calm = RunningScale(rate), random_map((84, 84))
    first = scale.update(calm * 30)
    assert watch(scale, calm, 10 * rate) < 0.15 * first


def test_a_single_wild_pixel_does_not_set_the_scale() -> None:
    calm, wild = random_map((84, 84)), random_map((84, 84))
    wild[3, 3] = 50
    assert RunningScale().update(wild) < 1.5 * np.sort(np.abs(calm).ravel())[-14:].mean() + 50 / 14


def test_a_black_moment_leaves_the_scale_alone() -> None:
    scale, loud = RunningScale(), random_map((84, 84))
    before = scale.update(loud)
    assert scale.update(np.zeros((84, 84), np.float32)) == before
    assert RunningScale().update(np.zeros((84, 84), np.float32)) == 1.0


def test_the_same_maps_give_the_same_scales() -> None:
    first, second = RunningScale(), RunningScale()
    maps = [random_map((84, 84)) * factor for factor in (1, 5, 0.2, 3)]
    assert [first.update(each) for each in maps] == [second.update(each) for each in maps]


def test_the_quiet_screen_has_next_to_no_colour_and_keeps_its_order() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    shown = quiet(ramp).astype(int)
    assert np.ptp(shown, axis=2).max() < 20
    assert (np.diff(shown[0].sum(axis=1)) >= 0).all()
    assert shown.max() < 128


def test_why_there_is_no_map_is_said() -> None:
    relevance = random_map((84, 84))
    assert silence(relevance, finite=True) is None
    assert silence(None, finite=True) == NOT_EXPLAINED
    assert silence(relevance, finite=False) == NOT_FINITE
    assert silence(relevance * np.float32(np.nan), finite=True) == NOT_FINITE
    assert silence(relevance * 0, finite=True) == NO_RELEVANCE
