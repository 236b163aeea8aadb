"""The caption: what is explained stands whole where it fits, and the part of the score never says what is not so."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.caption import draw_caption, draw_legend, draw_part, fit_name, part_text
from inspector.draw.palette import ACCENT, AGAINST, FOR, GROUND
from inspector.draw.text import MINUS, SMALL, STRONG, width

LONGEST = "UPRIGHTFIRE over DOWNLEFTFIRE"
MANY = [None, 0.0, 0.38, 1.0, 1.4, 9.99, 2e9, float("inf"), -0.2, -0.99, -7.0, float("-inf")]


def empty() -> NDArray[np.uint8]:
    return np.full((48, 480, 3), GROUND, np.uint8)


def columns_of(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.intp]:
    return np.nonzero((picture == colour).all(axis=2).any(axis=0))[0]


def used(picture: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.nonzero((picture != GROUND).any(axis=2))
    return rows, columns


def named(name: str, *, is_taken: bool = True) -> NDArray[np.uint8]:
    row = empty()
    draw_caption(row, name, is_taken=is_taken)
    return row


def told(in_picture: float | None, stack: int = 4) -> NDArray[np.uint8]:
    row = empty()
    draw_part(row, draw_legend(empty()), stack, in_picture)
    return row


def test_the_legend_has_against_at_its_cool_end_and_for_at_its_warm_end() -> None:
    row = empty()
    draw_legend(row)
    against, speaks_for = columns_of(row, AGAINST), columns_of(row, FOR)
    ramp = row[35, against.max() + 12 : speaks_for.min() - 12].astype(int)
    assert len(ramp) > 40
    assert ramp[0, 2] > ramp[0, 0]
    assert ramp[-1, 0] > ramp[-1, 2]


def test_the_longest_contrast_of_the_console_stands_whole() -> None:
    row = empty()
    draw_caption(row, "", is_taken=False)
    room = 480 - used(row)[1].max() - 8
    assert fit_name(LONGEST, int(room)) == LONGEST


@pytest.mark.parametrize("room", [60, 120, 200, 260])
@pytest.mark.parametrize("name", [LONGEST, "A over " + "B" * 40, "C" * 40 + " over D"])
def test_both_sides_of_a_contrast_keep_their_beginnings(name: str, room: int) -> None:
    first, over, second = fit_name(name, room).partition(" over ")
    whole_first, _, whole_second = name.partition(" over ")
    assert over
    assert width(first + over + second, STRONG) <= room + 2
    if room >= 120:
        assert first.rstrip("…") and whole_first.startswith(first.rstrip("…"))
        assert second.rstrip("…") and whole_second.startswith(second.rstrip("…"))


def test_a_side_that_fits_is_not_cut_for_the_other() -> None:
    assert fit_name("LEFT over " + "B" * 40, 200).startswith("LEFT over B")
    assert fit_name("C" * 40 + " over FIRE", 200).endswith("… over FIRE")


@pytest.mark.parametrize("name", ["LEFT", LONGEST, "W" * 99, "W" * 99 + " over " + "W" * 99, "the value"])
@pytest.mark.parametrize("in_picture", MANY)
def test_words_and_legend_lie_apart(name: str, in_picture: float | None) -> None:
    legend_row, first, second = empty(), named(name), told(in_picture, stack=12)
    room = draw_legend(legend_row)
    assert used(first)[0].max() < used(legend_row)[0].min()
    assert used(first)[0].max() < used(second)[0].min()
    assert used(first)[1].max() < 480 - 1
    assert used(second)[1].max() < room <= used(legend_row)[1].min()


def test_only_the_action_taken_has_the_accent() -> None:
    alone, contrast = columns_of(named("LEFT"), ACCENT), columns_of(named("LEFT over FIRE"), ACCENT)
    assert np.array_equal(alone, contrast)
    assert not columns_of(named("LEFT over FIRE", is_taken=False), ACCENT).size


def test_the_part_of_the_score_is_a_signed_percentage() -> None:
    assert part_text(0.384) == "38 %"
    assert part_text(1.0) == "100 %"
    assert part_text(2.153) == "215 %"
    assert part_text(-0.2) == f"{MINUS}20 %"
    assert part_text(-0.001) == "0 %"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (9.99, "999 %"),
        (9.996, ">999 %"),
        (np.inf, ">999 %"),
        (-0.99, f"{MINUS}99 %"),
        (-1.5, f"<{MINUS}99 %"),
        (-np.inf, f"<{MINUS}99 %"),
    ],
)
def test_a_part_too_large_to_write_is_said_to_be_beyond(part: float, text: str) -> None:
    assert part_text(part) == text


def test_no_part_is_wider_than_its_place() -> None:
    widest = max(width(part_text(part), SMALL) for part in np.linspace(-20, 20, 401))
    assert widest == width(">999 %", SMALL)


def test_the_words_beside_the_part_stay_where_they_are() -> None:
    small, large = told(0.05), told(3.21)
    changed = np.nonzero((small != large).any(axis=(0, 2)))[0]
    assert 0 < np.ptp(changed) <= width("000 %", SMALL)


def test_without_a_part_only_the_sum_is_said() -> None:
    assert np.array_equal(told(None), told(float("nan")))
    assert used(told(None))[1].max() <= width("frames summed", SMALL)
    assert not used(told(None, stack=1))[0].size
    assert used(told(0.5, stack=1))[0].size
