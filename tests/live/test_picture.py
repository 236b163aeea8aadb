"""Pictures in half blocks: shape, colours, runs, and no colours at all."""

import io
import re

import numpy as np
import pytest
from rich.columns import Columns
from rich.console import Console
from rich.layout import Layout
from rich.measure import Measurement
from rich.table import Table

from inspector.errors import UsageError
from inspector.live import ATARI_PIXEL
from inspector.live.cells import PLAIN, blank, put_lines, put_picture
from inspector.live.picture import Picture, ramped, shrunk, size_within


def console(width: int = 40, **options: object) -> Console:
    return Console(file=io.StringIO(), width=width, color_system="truecolor", force_terminal=True, **options)


@pytest.mark.parametrize(("rows", "columns"), [(60, 200), (20, 30), (5, 200), (100, 10), (1, 1)])
def test_an_atari_screen_fits_and_keeps_its_shape(rows: int, columns: int) -> None:
    found = size_within((210, 160), rows, columns, ATARI_PIXEL)
    assert 1 <= found[0] <= rows and 1 <= found[1] <= columns
    if min(rows, columns) > 4:
        assert found[1] / (2 * found[0]) == pytest.approx(160 * 12 / 7 / 210, rel=0.25)


def test_pixels_are_square_unless_told_otherwise() -> None:
    assert size_within((160, 160), 100, 40) == (20, 40)
    assert size_within((160, 160), 100, 40, 2.0) == (10, 40)
    square, wide = (
        console(40).render_lines(Picture(np.zeros((160, 160, 3), np.uint8), pixel=pixel)) for pixel in (1.0, 2.0)
    )
    assert (len(square), len(wide)) == (20, 10)


@pytest.mark.parametrize(
    ("picture", "options", "found"),
    [
        (np.zeros((4, 4), np.uint8), {}, "uint8 (4, 4)"),
        (np.zeros((0, 4, 3), np.uint8), {}, "uint8 (0, 4, 3)"),
        (np.zeros((4, 4, 3), np.uint8), {"columns": 0}, "columns=0"),
        (np.zeros((4, 4, 3), np.uint8), {"pixel": 0.0}, "pixel=0.0"),
    ],
)
def test_what_is_no_picture_is_refused_at_once(picture: np.ndarray, options: dict[str, float], found: str) -> None:
    with pytest.raises(UsageError, match=re.escape(found)):
        Picture(picture, **options)  # type: ignore[arg-type]


def test_a_thing_smaller_than_a_pixel_stays_in_sight_where_only_one_side_shrinks() -> None:
    picture = np.zeros((210, 160, 3), np.uint8)
    picture[101] = 255
    assert shrunk(picture, 35, 200).max() >= 255 // 3


def test_every_cell_has_the_upper_pixel_for_its_colour_and_the_lower_for_its_ground() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)
    cells = blank(3, 5)
    put_picture(cells, picture)
    for row in range(3):
        for column in range(5):
            for part, pixel in ((1, picture[2 * row, column]), (2, picture[2 * row + 1, column])):
                assert cells[row, column, part] == int.from_bytes(pixel.tobytes(), "big")


def test_as_a_renderable_it_makes_the_cells_that_the_screen_gets() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (210, 160, 3), np.uint8)
    printer = console(30)
    lines = printer.render_lines(Picture(picture), pad=False)
    rows, columns = size_within((210, 160), 10_000, 30)
    printed, meant = blank(rows, columns), blank(rows, columns)
    put_lines(printed, lines)
    put_picture(meant, shrunk(picture, rows, columns))
    assert np.array_equal(printed, meant)


def test_neighbours_alike_are_one_segment() -> None:
    printer = console(30)
    (first, *_) = printer.render_lines(Picture(np.zeros((210, 160, 3), np.uint8)), pad=False)
    assert len(first) == 1


def test_it_stands_in_a_layout_and_in_an_svg() -> None:
    printer = console(60, record=True)
    printer.print(Columns([Picture(np.full((210, 160, 3), 200, np.uint8), columns=20), "beside"]))
    assert "beside" in printer.export_text(clear=False)
    assert "#c8c8c8" in printer.export_svg(title="picture")


def test_it_shares_a_table_with_others_and_fits_a_layout() -> None:
    picture, printer = Picture(np.full((160, 160, 3), 200, np.uint8)), console(60)
    assert Measurement.get(printer, printer.options, picture) == Measurement(1, 60)
    table = Table("one", "two", "words")
    table.add_row(picture, Picture(picture.picture), "a word")
    printer.print(table)
    lines = printer.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert "a word" in lines[3] and lines[3].count("▀") > 30 and len(lines) < 25
    layout = Layout()
    layout.split_row(Layout(picture), Layout("beside"))
    shown = [
        "".join(part.text for part in line) for line in printer.render_lines(layout, printer.options.update(height=7))
    ]
    assert len(shown) == 7 and all(line.startswith("▀" * 14 + " ") for line in shown) and "beside" in shown[0]


def test_without_colours_bright_is_a_heavier_character() -> None:
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[:, 1], picture[:, 2] = 128, 255
    assert ramped(picture) == [" =@"]
    printer = Console(file=io.StringIO(), width=20, no_color=True)
    printer.print(Picture(np.full((210, 160, 3), 255, np.uint8)))
    assert set(printer.file.getvalue()) == {"@", "\n"}  # type: ignore[attr-defined]


def test_what_a_terminal_could_take_for_a_command_is_not_written() -> None:
    cells = blank(1, 12)
    put_lines(cells, console(12).render_lines("a\x1b[31m\x07漢b"))
    text = "".join(map(chr, cells[0, :, 0] & 0x1FFFFF))
    assert "\x1b" not in text and "\x07" not in text and "漢" not in text
    assert (cells[0, :, 1:] == PLAIN).all()
