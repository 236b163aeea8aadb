"""A video as an environment: each observation is a window of it, an episode goes from its first frame to its last."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from inspector.clips.limits import Limits
from inspector.clips.recipe import ClipRecipe
from inspector.clips.source import Frame, Video, open_video
from inspector.clips.windows import Windows
from inspector.errors import UsageError

Clip = NDArray[np.uint8]


class ClipEnvironment(gymnasium.Env[Clip, np.int64]):
    """Goes through videos, one an episode, in their order and then anew.

    The action is the class that was recognised; what comes next does not depend on it, and there is no reward.

    An observation is a clip as the network sees it before it is normalised, uint8 (frames, rows, columns, 3). `info`
    holds `video` (the number of the file), `start` (the window's first frame), and of the frames that came since the
    window before: `numbers`, `seconds`, and `screens`, each uint8 (height, width, 3) as it is in the video. So each
    frame is in `info` once, and memory stays flat however long the video is.

    Args:
        paths: The files.
        recipe: How the network sees them.
        class_count: Number of classes.
        windows: Where clips are cut out; None takes the recipe's length, at stride 1.
        limits: Of the files.
        keep: What `screens` is to hold of a frame, as a smaller picture, for what comes at once may be many; None
            keeps frames as they are.

    Raises:
        UsageError: If there is no file, or windows of another length than the network's.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  as Gymnasium has it

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        recipe: ClipRecipe,
        class_count: int,
        windows: Windows | None = None,
        limits: Limits | None = None,
        keep: Callable[[Clip], Clip] | None = None,
    ) -> None:
        self.windows = windows or Windows(recipe.frames)
        if not paths:
            raise UsageError("there is no video to go through: name one at least")
        self.paths, self.recipe, self._limits, self._keep = tuple(paths), recipe, limits, keep
        self.observation_space = Box(0, 255, (self.windows.frames, *recipe.crop, 3), np.uint8)
        self.action_space = Discrete(class_count)
        self._number, self._open = -1, ExitStack()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Clip, dict[str, Any]]:
        """Begin the next video, or the one whose number is `options["video"]`; with a seed, the first one.

        Raises:
            VideoError: If it cannot be read.
            UsageError: If it is shorter than a window, or there is none of this number.
        """
        super().reset(seed=seed)
        number = (options or {}).get("video", 0 if seed is not None else (self._number + 1) % len(self.paths))
        if not 0 <= number < len(self.paths):
            raise UsageError(f"there is no video {number}: there are {len(self.paths)}, from 0")
        self._number = number
        self.close()
        self.video: Video = self._open.enter_context(open_video(self.paths[self._number], limits=self._limits))
        self._starts = deque(self.windows.starts(self.video.facts.frame_count))
        self._seen: deque[tuple[int, Clip]] = deque()
        return self._next()

    def step(self, action: np.int64) -> tuple[Clip, float, bool, bool, dict[str, Any]]:
        """Go on to the next window; after the last one the episode has terminated, and the clip is the last again.

        Raises:
            VideoError: If the video cannot be read on, or does not end where it says.
        """
        if self._starts:
            clip, info = self._next()
            return clip, 0.0, False, False, info
        for _ in self.video:  # up to its end, which tells of a loss and of frames beyond those announced
            pass
        return self._clip, 0.0, True, False, self._info(())

    def close(self) -> None:
        """Close the video."""
        self._open.close()

    def _next(self) -> tuple[Clip, dict[str, Any]]:
        self._start = self._starts.popleft()
        places = self.windows.places(self._start)
        new = self._read_to(places[-1] + 1)
        while self._seen[0][0] < self._start:  # and no window still to come begins before
            self._seen.popleft()
        held = dict(self._seen)
        self._clip: Clip = np.stack([held[place] for place in places])
        return self._clip, self._info(new)

    def _info(self, new: Sequence[Frame]) -> dict[str, Any]:
        return {
            "video": self._number,
            "start": self._start,
            "numbers": np.array([frame.number for frame in new], np.int64),
            "seconds": np.array([frame.seconds for frame in new]),
            "screens": tuple(frame.image for frame in new),
        }

    def _read_to(self, count: int) -> tuple[Frame, ...]:
        """Read on until so many frames of the video have been read; those that came."""
        new = []
        while (self._seen[-1][0] + 1 if self._seen else 0) < count:
            frame = next(self.video)
            self._seen.append((frame.number, self.recipe.prepare(frame.image)))
            new.append(replace(frame, image=self._keep(frame.image)) if self._keep else frame)
        return tuple(new)
