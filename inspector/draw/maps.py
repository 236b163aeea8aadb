"""The stacked frames as the network sees them, each with its own relevance and its share of all relevance."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import PANEL_PAD, PANEL_TITLE, map_grid
from inspector.draw.moment import Measure
from inspector.draw.overlay import lay_over, quiet
from inspector.draw.palette import BRIGHT, FAINT, QUIET, Colour
from inspector.draw.text import MINUS, SMALL, shorten, width, write

Picture = NDArray[np.uint8]
Frames = NDArray[np.float32]


def frame_names(stack: int) -> tuple[str, ...]:
    """Name the stacked frames, oldest first: from `t` minus 3 to `t` with a stack of 4."""
    return tuple(f"t{MINUS}{age}" if age else "t" for age in range(stack - 1, -1, -1))


def draw_maps(
    panel: Picture,
    network_input: Frames,
    upper: float,
    levels: Frames | None,
    shares: NDArray[np.floating] | None,
    colours: tuple[Colour, ...],
    measure: Measure = "relevance",
) -> None:
    """Draw a panel of small maps in place, oldest frame first.

    Args:
        panel: The panel's part of the page, uint8 (height, width, 3), empty.
        network_input: (stack, height, width), 0 to `upper`.
        upper: The network input's largest value.
        levels: Relevance in units of full strength, the overlay's too, in the shape of `network_input`; None to show
            the frames alone.
        shares: Each frame's share of |relevance|, (stack,), 0 to 1; None where there is none.
        colours: Each frame's colour on the timeline.
        measure: What `levels` are of.
    """
    stack = len(network_input)
    inner = panel.shape[1] - 2 * PANEL_PAD
    columns, side = map_grid(stack, inner, panel.shape[0] - PANEL_TITLE - PANEL_PAD)
    title = "network input" if stack == 1 else f"{measure} of each frame"
    write(panel, shorten(title, inner), PANEL_PAD, 25, QUIET)
    cell = (inner - (columns - 1) * 8) // columns
    pictures = _pictures(network_input, upper, levels)
    for index, name in enumerate(frame_names(stack)):
        x = PANEL_PAD + index % columns * (cell + 8)
        y = PANEL_TITLE + index // columns * (side + 32)
        _place(panel[y : y + side, x : x + cell], pictures[index])
        share = None if shares is None else float(shares[index])
        _draw_label(panel[y + side : y + side + 24, x : x + cell], name, share, colours[index])


def _pictures(network_input: Frames, upper: float, levels: Frames | None) -> list[Picture]:
    stack, height, across = network_input.shape
    shown = np.minimum(np.fmax(network_input * np.float32(255 / upper), 0), 255)  # what is no number is black
    grey = shown.astype(np.uint8).reshape(stack * height, across)
    picture = quiet(grey) if levels is None else lay_over(grey, levels.reshape(stack * height, across), 1.0)
    return list(picture.reshape(stack, height, across, 3))


def _place(cell: Picture, picture: Picture) -> None:
    (side, room), (height, across) = cell.shape[:2], picture.shape[:2]
    scale = min(side / height, side / across)
    rows, columns = max(1, round(height * scale)), max(1, round(across * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    top, left = (side - rows) // 2, (room - columns) // 2
    cell[top : top + rows, left : left + columns] = cv2.resize(picture, (columns, rows), interpolation=method)


def _draw_label(row: Picture, name: str, share: float | None, colour: Colour) -> None:
    side = row.shape[1]
    row[9:17, 0:8] = colour
    figure = f"{100 * share:.0f} %" if share is not None and np.isfinite(share) else ""
    if not figure or width(figure, SMALL) + width(name, SMALL) + 20 <= side:
        write(row, name, 13, 18, FAINT, SMALL)
    write(row, figure, side, 18, BRIGHT, SMALL, "right")
