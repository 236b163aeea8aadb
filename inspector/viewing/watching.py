"""Let a classifier watch videos: window after window, as a generator; and what it recognises in a whole video."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.clips.environment import Clip, ClipEnvironment
from inspector.draw.bars import probabilities


class Frame(NamedTuple):
    """One frame of a video, as a person sees it.

    Attributes:
        number: From 0.
        seconds: When it is shown; the first at 0.
        image: uint8 RGB (height, width, 3).
    """

    number: int
    seconds: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A clip cut out of a video.

    Attributes:
        index: Number of the window in its video, from 0.
        places: Numbers of its frames in the video, ascending.
        seconds: When the first of them is shown.
        is_last: Whether the video ends with it.
        clip: What the network sees of it, before it is normalised: uint8 (frames, rows, columns, 3).
        news: Frames of the video, up to this window's last one, that no window before had reached.
    """

    index: int
    places: range
    seconds: float
    is_last: bool
    clip: Clip
    news: tuple[Frame, ...]


def watch(environment: ClipEnvironment, video: int) -> Iterator[Window]:
    """Go through one video, window by window, each of its frames once.

    Args:
        environment: Cuts the windows.
        video: Number of the video.

    Raises:
        VideoError: If it cannot be read, or lacks frames; at the window that would need them.
        UsageError: If it is shorter than a window.
    """
    clip, info = environment.reset(options={"video": video})
    times: deque[tuple[int, float]] = deque()
    index, over = 0, False
    while not over:
        places = environment.windows.places(info["start"])
        news = tuple(map(Frame, info["numbers"].tolist(), info["seconds"].tolist(), info["screens"]))
        times += [(frame.number, frame.seconds) for frame in news]
        while times[0][0] < places[0]:
            times.popleft()
        is_last = places[-1] + 1 == environment.video.facts.frame_count
        yield Window(index, places, times[0][1], is_last, clip, news)
        clip, _, over, _, info = environment.step(np.int64(0))  # what comes does not depend on what is recognised
        index += 1


def in_batches(clips: Iterable[Clip], size: int) -> Iterator[NDArray[np.uint8]]:
    """Clips, so many at a time, as batches: uint8 (batch, frames, rows, columns, 3)."""
    clips = iter(clips)
    while batch := list(islice(clips, size)):
        yield np.stack(batch)


def recognise(
    agent: ClipAgent, windows: Iterable[Window], batch_size: int, on_window: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """What a classifier makes of a whole video: the mean of its probabilities over the windows.

    Args:
        agent: The classifier.
        windows: Of one video.
        batch_size: Windows that the network sees at once.
        on_window: Called with the number of windows done.

    Returns:
        A probability for every class, (classes,); NaN if the network gave what is not finite.
    """
    total, count = np.zeros(len(agent.class_names)), 0
    for batch in in_batches((window.clip for window in windows), batch_size):  # and no frames: they may be large
        for scores in agent.scores(batch):
            total += probabilities(scores)
        count += len(batch)
        if on_window:
            on_window(count)
    return total / count


def clips_of(windows: Sequence[Window]) -> NDArray[np.uint8]:
    """Clips as one batch, uint8 (batch, frames, rows, columns, 3)."""
    return np.stack([window.clip for window in windows])
