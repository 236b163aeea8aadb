"""A decoded frame as it is to be seen: RGB, upright, with square pixels. For the process that decodes."""

from fractions import Fraction

import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideData
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from inspector.clips.limits import Limits
from inspector.clips.trouble import Trouble

_RESIZE = "make it smaller, with ffmpeg for example"


class Painter:
    """Makes pictures of the frames of one video, which have all the size of the first.

    Colours follow the frame's own matrix and range (BT.601 and limited where it tells none); alpha is dropped. Pixels
    that are no squares are stretched along their shorter side, so that none is lost.

    Args:
        first: The first frame.
        aspect: Width of a pixel by its height; None for squares.
        limits: How large a picture may be.

    Attributes:
        width: Columns of a picture.
        height: Rows.

    Raises:
        Trouble: If it is too large, or stands askew.
    """

    def __init__(self, first: VideoFrame, aspect: Fraction | None, limits: Limits) -> None:
        self._coded = first.width, first.height
        _check(*self._coded, limits)
        self._stretched = _stretched(*self._coded, aspect or Fraction(1))
        self._turn = _turn(first)
        self.width, self.height = reversed(self._stretched) if self._turn[0] else self._stretched
        _check(self.width, self.height, limits)
        self._reformatter = VideoReformatter()

    def paint(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The picture of a frame: uint8 RGB, (height, width, 3), contiguous.

        Raises:
            Trouble: If its size is another than the first one's.
        """
        if (frame.width, frame.height) != self._coded:
            was, now = "×".join(map(str, self._coded)), f"{frame.width}×{frame.height}"
            raise Trouble(f"changes its size from {was} to {now}: cut it there into two files")
        width, height = self._stretched
        rgb = self._reformatter.reformat(frame, width, height, "rgb24", dst_color_range="JPEG", threads=1)
        image = np.asarray(rgb.to_ndarray(), np.uint8)
        is_transposed, columns, rows = self._turn
        if is_transposed:
            image = image.transpose(1, 0, 2)
        return np.ascontiguousarray(image[::rows, ::columns])


def _check(width: int, height: int, limits: Limits) -> None:
    if not limits.allows_size(width, height):
        raise Trouble(f"has frames of {width}×{height} pixels, {limits.largest_frame} are allowed: {_RESIZE}")


def _stretched(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    if aspect >= 1:
        return round(width * aspect), height
    return width, (round(height / aspect) if aspect > 0 else height)


def _turn(frame: VideoFrame) -> tuple[bool, int, int]:
    """How to turn a frame upright: swap rows and columns or not, then the steps (1, or -1 to mirror) along both.

    A display matrix says where a point goes: x' = a·x + c·y, y' = b·x + d·y, with y downwards (ISO 14496-12, 8.3.2).
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return False, 1, 1
    (a, b), (c, d) = np.frombuffer(bytes(matrix), np.int32).reshape(3, 3)[:2, :2].tolist()
    if abs(a) + abs(d) >= 1000 * (abs(b) + abs(c)):  # also where all are 0, as some cameras write
        return False, -1 if a < 0 else 1, -1 if d < 0 else 1
    if abs(b) + abs(c) >= 1000 * (abs(a) + abs(d)):
        return True, -1 if c < 0 else 1, -1 if b < 0 else 1
    raise Trouble("is turned by an angle between upright and lying: turn it, with ffmpeg for example")
