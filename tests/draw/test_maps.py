"""The small maps: each frame in its place with its share."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.layout import lay_out
from inspector.draw.maps import draw_maps, frame_names
from inspector.draw.palette import PANEL, frame_colours


def drawn(
    network_input: NDArray[np.float32], levels: NDArray[np.float32] | None, upper: float = 1
) -> NDArray[np.uint8]:
    stack = len(network_input)
    rect = lay_out((210, 160), stack, 4, explain=True).maps
    assert rect is not None
    picture = np.full((rect.height, rect.width, 3), PANEL, np.uint8)
    draw_maps(picture, network_input, upper, levels, np.full(stack, 1 / stack), frame_colours(stack))
    return picture


@pytest.mark.parametrize("stack", range(1, 13))
@pytest.mark.parametrize("size", [(84, 84), (42, 42), (64, 112), (160, 100)])
def test_maps_of_any_stack_and_size_stay_in_their_panel(stack: int, size: tuple[int, int]) -> None:
    picture = drawn(np.ones((stack, *size), np.float32), None)
    used = np.nonzero((picture != PANEL).any(axis=2))
    assert used[0].max() < len(picture) - 4
    assert used[1].min() >= 8
    assert used[1].max() < picture.shape[1] - 8


@pytest.mark.parametrize("stack", [1, 4, 12])
def test_every_frame_has_its_colour_beside_it(stack: int) -> None:
    picture = drawn(np.zeros((stack, 84, 84), np.float32), None)
    for colour in frame_colours(stack):
        assert (picture == colour).all(axis=2).sum() >= 64


def test_relevance_of_one_frame_colours_one_map() -> None:
    frames = np.full((4, 84, 84), 0.5, np.float32)
    levels = np.zeros_like(frames)
    levels[1] = 1
    changed = np.nonzero((drawn(frames, levels) != drawn(frames, None)).any(axis=2))
    assert changed[1].min() > 120
    assert changed[0].max() < 145


def test_the_brightness_of_a_frame_is_a_part_of_its_upper_bound() -> None:
    frames = np.full((4, 84, 84), 0.5, np.float32)
    assert np.array_equal(drawn(frames, None), drawn(frames * 255, None, upper=255))


def test_frames_are_named_by_their_age() -> None:
    assert frame_names(3) == ("t\N{MINUS SIGN}2", "t\N{MINUS SIGN}1", "t")
