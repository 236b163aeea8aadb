"""Where something moves in a clip, guessed from frames of its video where no mask says it."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

APART = 16
"""Frames of the video from a frame to those that it is compared with, about half a second.

From one frame to the next too little changes: of 20 videos of motion digits 19 showed no difference at all.
"""

LEAST = 12
"""Of 255: by how much a pixel, blurred, has to differ to count as moving.

The sensor's noise of the motion digits, a standard deviation of 10, stays below it once it is blurred.
"""

_BLUR = 5
_SPECK = np.ones((3, 3), np.uint8)
_AROUND = np.ones((5, 5), np.uint8)


def compared_with(place: int, frame_count: int) -> list[int]:
    """Which frames of a video a frame is compared with: one before and one after it, where they are far enough apart.

    Args:
        place: Number of the frame.
        frame_count: Frames of the video.
    """
    ends = max(place - APART, 0), min(place + APART, frame_count - 1)
    far = [end for end in ends if abs(end - place) >= APART // 2]
    return far or [max(ends, key=lambda end: abs(end - place))]


def moving_part(frames: Mapping[int, Pixels], place: int, frame_count: int) -> Pixels:
    """Where something moves in a frame: 255 where it does, else 0, uint8 (rows, columns).

    A guess: frames are blurred; pixels count that differ, in any colour, by more than `LEAST` from the frame before
    *and* from the one after it, for there the thing was not yet, or is no more; single specks are taken away, and what
    is left grows by two pixels. On motion digits this overlaps the true masks by a quarter (intersection by union), and
    finds nothing in 3 videos of 20. What moves slowly, or over a ground of its own colour, is missed; what flickers, a
    cut and a moving camera are taken for movement.

    Args:
        frames: Frames of a video as the network sees them, uint8 (rows, columns, 3), by number.
        place: Number of the frame.
        frame_count: Frames of the video.
    """
    here = _blurred(frames[place])
    apart = [np.abs(here - _blurred(frames[other])).max(axis=2) for other in compared_with(place, frame_count)]
    differs = (np.min(apart, axis=0) > LEAST).astype(np.uint8)
    kept = cv2.morphologyEx(differs, cv2.MORPH_OPEN, _SPECK)
    return np.asarray(255 * cv2.dilate(kept, _AROUND), np.uint8)


def _blurred(frame: Pixels) -> NDArray[np.int16]:
    return np.asarray(cv2.GaussianBlur(frame, (_BLUR, _BLUR), 0), np.int16)
