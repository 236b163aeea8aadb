"""How videos stand in a film: at which rate, for how long, and how large."""

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.clips.wire import Facts
from inspector.draw.clip_layout import lay_out_clip


def mean_rate(facts: Sequence[Facts]) -> Fraction:
    """Frames a second of several videos, one after another; within what a film can have."""
    seconds = sum(one.seconds for one in facts)
    count = sum(one.frame_count for one in facts)
    rate = Fraction(count / seconds if seconds > 0 else 25).limit_denominator(1001)
    return min(max(rate, Fraction(1, 10)), Fraction(1000))


def length_shown(facts: Facts, number: int, seconds: float) -> float:
    """How long a film shows a video, in seconds.

    Args:
        facts: Of the video.
        number: Of the frame that it ends with; -1 if it shows none.
        seconds: When that frame is shown, from the video's first one.
    """
    if number >= facts.frame_count - 1:
        return max(facts.seconds, seconds)
    return seconds + facts.seconds / facts.frame_count if number >= 0 else 0.0


def page_sized(image: NDArray[np.uint8], *, explain: bool) -> NDArray[np.uint8]:
    """A frame of a video no larger than the page shows it, so that those that wait take little memory.

    Args:
        image: uint8 RGB (height, width, 3).
        explain: Whether the page shows relevance beside it.
    """
    fit = lay_out_clip((image.shape[0], image.shape[1]), explain=explain).fit
    if image.shape[0] <= fit.shown_height:
        return image
    size = fit.shown_width, fit.shown_height
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
