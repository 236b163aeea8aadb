"""Type: numbers that do not jump, lines that fit."""

import numpy as np
import pytest

from inspector.draw.text import BODY, FIGURE, SMALL, Type, clock, count_text, number, shorten, width, write


@pytest.mark.parametrize("style", [BODY, FIGURE, SMALL])
def test_all_figures_are_equally_wide(style: Type) -> None:
    assert len({width(10 * sign, style) for sign in "0123456789"}) == 1


@pytest.mark.parametrize(("align", "left", "right"), [("left", 100, 160), ("right", 40, 101), ("centre", 70, 131)])
def test_text_stands_where_it_is_aligned(align: str, left: int, right: int) -> None:
    picture = np.zeros((40, 200, 3), np.uint8)
    write(picture, "HHHH", 100, 30, (255, 255, 255), align=align)  # type: ignore[arg-type]
    rows, columns = np.nonzero(picture.any(axis=2))
    assert left <= columns.min()
    assert columns.max() <= right
    assert rows.min() >= 15
    assert rows.max() <= 30


def test_text_that_leaves_the_picture_is_cut_and_not_wrapped() -> None:
    picture = np.zeros((60, 50, 3), np.uint8)
    write(picture, "a long line of text", 5, 20, (255, 255, 255))
    assert picture[:20].any()
    assert not picture[28:].any()


def test_text_has_the_colour_asked_for_in_rgb() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    write(picture, "I", 10, 30, (250, 120, 10), Type(26, 600))
    assert picture.reshape(-1, 3).max(axis=0).tolist() == [250, 120, 10]


@pytest.mark.parametrize("room", [30, 90, 200])
def test_a_shortened_line_fits_and_says_that_it_is_cut(room: int) -> None:
    line = "a name that goes on and on and on"
    short = shorten(line, room)
    assert width(short) <= room
    assert short.endswith("…")
    assert line.startswith(short[:-1])


def test_a_line_that_fits_is_left_alone() -> None:
    assert shorten("LEFT", 200) == "LEFT"
    assert shorten("LEFT", 2) == ""


@pytest.mark.parametrize(
    ("value", "written"), [(0.256, "0.26"), (-1.5, "\N{MINUS SIGN}1.50"), (-0.001, "0.00"), (float("nan"), "n/a")]
)
def test_numbers_are_written_with_a_true_minus(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(("seconds", "written"), [(0, "0:00.0"), (59.96, "1:00.0"), (64.52, "1:04.5"), (-1, "0:00.0")])
def test_the_clock_counts_minutes_seconds_and_tenths(seconds: float, written: str) -> None:
    assert clock(seconds) == written


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (8_192, "8 k"), (57_344, "57 k"), (204_800, "0.20 M"), (6_406_144, "6.41 M"), (18_000_000, "18.0 M")],
)
def test_a_count_is_written_as_a_person_reads_it(count: int, text: str) -> None:
    assert count_text(count) == text


def test_halves_of_letters_are_drawn_as_question_marks() -> None:
    picture, other = np.zeros((2, 40, 200, 3), np.uint8)
    write(picture, "a\udcffb", 5, 30, (255, 255, 255))
    write(other, "a?b", 5, 30, (255, 255, 255))
    np.testing.assert_array_equal(picture, other)
    assert width("a\udcffb") == width("a?b")
