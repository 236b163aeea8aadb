"""The quiet frame of a video with relevance over the part of it that the network sees."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.draw.layout import Fit
from inspector.draw.overlay import Projection, RunningScale, lay_over, quiet
from inspector.draw.palette import FAINT
from inspector.records import Box

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]

_LEAST_MARKED = 12


class ClipOverlay:
    """Draws the overlay, frame by frame.

    Relevance is painted on the pixels of the frame as it stands in the video, or on those of the page where the
    network input is finer than the frame.

    Args:
        fit: How a frame is brought to its size.
        screen_size: Native (height, width) of the video.
        box: The part of a frame that the network sees, in native pixels.
        frames_per_second: Of the video.
    """

    def __init__(self, fit: Fit, screen_size: tuple[int, int], box: Box, frames_per_second: float):
        self._fit = fit
        height, width = screen_size
        self._box = box[0] / width, box[1] / height, box[2] / width, box[3] / height
        self._scale = RunningScale(frames_per_second)
        self._input_size: tuple[int, ...] = ()
        self._project: Projection

    def draw(self, view: Picture, screen: Picture, relevance: Map | None, brightness: float = 1.0) -> None:
        """Draw in place.

        Args:
            view: Where the overlay stands, uint8 (height, width, 3).
            screen: The frame as it stands on the page, of the same shape.
            relevance: Finite and signed, (rows, columns) of the network input; None shows the quiet frame alone.
            brightness: Dims the map, 0 to 1.
        """
        if relevance is None:
            view[:] = quiet(screen)
        else:
            view[:] = self._painted(screen, relevance, brightness)
        self._mark_box(view)

    def _painted(self, screen: Picture, relevance: Map, brightness: float) -> Picture:
        on_frame = self._projection(relevance.shape)(relevance)
        full = self._scale.update(on_frame) / max(brightness, 1e-3)
        rows, columns = on_frame.shape
        if on_frame.shape != screen.shape[:2]:
            screen = screen[:: len(screen) // rows, :: screen.shape[1] // columns]
        painted = lay_over(np.ascontiguousarray(screen), on_frame, full)
        size = self._fit.shown_width, self._fit.shown_height
        if painted.shape[1::-1] == size:
            return painted
        return np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

    def _projection(self, input_size: tuple[int, ...]) -> Projection:
        if self._input_size != input_size:
            rows, columns = self._input_size = input_size
            grid = self._grid(rows, columns)
            self._project = Projection((rows, columns), grid, self._box_on(grid))
        return self._project

    def _grid(self, rows: int, columns: int) -> tuple[int, int]:
        """Rows and columns that relevance is painted on."""
        fit = self._fit
        is_finer = rows > self._box[3] * fit.height + 1e-6 or columns > self._box[2] * fit.width + 1e-6
        return (fit.shown_height, fit.shown_width) if is_finer else (fit.height, fit.width)

    def _box_on(self, size: tuple[int, int]) -> Box:
        left, top, width, height = self._box
        return left * size[1], top * size[0], width * size[1], height * size[0]

    def _mark_box(self, view: Picture) -> None:
        """Dim what the network does not see, and draw the border of what it sees on the dim side."""
        left, top, width, height = self._box_on((view.shape[0], view.shape[1]))
        above, below = max(0, int(top + 1e-6)), int(np.ceil(top + height - 1e-6))
        before, after = max(0, int(left + 1e-6)), int(np.ceil(left + width - 1e-6))
        for outside in (view[:above], view[below:], view[above:below, :before], view[above:below, after:]):
            outside //= 2
        if min(view.shape[:2]) < _LEAST_MARKED:
            return
        first, last = max(0, before - 1), after + 1
        for row in (above - 1, below):
            if 0 <= row < len(view):
                view[row, first:last] = FAINT
        for column in (before - 1, after):
            if 0 <= column < view.shape[1]:
                view[max(0, above - 1) : below + 1, column] = FAINT
