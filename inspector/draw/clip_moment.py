"""What the page of clips is told: the facts of a video once, and a moment for each of its frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.draw.moment import Measure
from inspector.records import Box

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What stays the same for a whole video.

    Attributes:
        title: Large at the top left: the video's name.
        subtitle: Facts beside it, in order: agent, architecture, composite, `16 frames, stride 1, step 8` ...
        class_names: Name of every class, at least one.
        frame_count: Frames of the video.
        seconds: Its length.
        frames: Frames of a clip.
        box: The part of a frame that the network sees: left, top, width and height in native pixels.
        screen_size: Native (height, width) of the video.
        explain: Show relevance; else the video takes its room.
        measure: What maps hold: `relevance` for and against, or `sensitivity`, which has a size alone.
    """

    title: str
    subtitle: tuple[str, ...]
    class_names: tuple[str, ...]
    frame_count: int
    seconds: float
    frames: int
    box: Box
    screen_size: tuple[int, int]
    explain: bool = True
    measure: Measure = "relevance"


@dataclass(frozen=True, slots=True, eq=False)
class ClipMoment:
    """What the page shows of one frame of the video.

    Attributes:
        screen: The frame, uint8 (height, width, 3), RGB: native, or already brought to `ClipPage.shown_size`.
        number: Of the frame, from 0.
        seconds: When it is shown, the first frame at 0.
        probabilities: Of each class, (classes,): the mean over the windows that hold the frame.
        recognised: The class with the largest one.
        target: The class whose score is explained; None where none is, or where these windows' targets differ.
        target_name: What is explained, as the viewer reads it after «relevance for / against»; too long a name is cut.
        relevance: Signed, at each pixel of the network input (rows, columns), the mean over the windows; None if the
            frame was not explained.
        finite: False if input or relevance held NaN or infinity.
        windows: How many windows that mean is of.
        spread: How far these are apart: the standard deviation of their sums over the frame, in the unit of the score.
        in_picture: What the maps of these windows add up to, whole, divided by the sum of their explained scores. May
            be below 0 or above 1; None shows nothing.
        brightness: Dims the map, 0 to 1: less than 1 where hardly any of the account lies in the picture.
        positions: Share of |relevance| at each position of the clip, (frames,), the mean over the windows so far; adds
            up to 1. None where there is none.
    """

    screen: Picture
    number: int
    seconds: float
    probabilities: NDArray[np.float64]
    recognised: int
    target: int | None
    target_name: str = ""
    relevance: Map | None = None
    finite: bool = True
    windows: int = 0
    spread: float = 0.0
    in_picture: float | None = None
    brightness: float = 1.0
    positions: NDArray[np.floating] | None = None
