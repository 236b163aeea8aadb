"""Windows that slide over a video, so that each of its frames is in one at least."""

from collections.abc import Iterator
from dataclasses import dataclass

from inspector.errors import UsageError


@dataclass(frozen=True, slots=True)
class Windows:
    """Where clips are cut out of a video.

    With a stride above 1 a clip passes over frames; windows then come in groups, each a frame later than the one
    before, so that a group leaves out no frame of its block.

    Attributes:
        frames: Frames of a clip.
        stride: Frames of the video from one frame of a clip to the next: 2 plays it twice as fast.
        step: Frames of the video from one group of windows to the next; None is half a block.

    Raises:
        UsageError: If a frame would be in no window.
    """

    frames: int
    stride: int = 1
    step: int | None = None

    def __post_init__(self) -> None:
        if min(self.frames, self.stride) < 1:
            raise UsageError("a window has one frame at least, and its stride is at least 1")
        if self.step is not None and not 1 <= self.step <= self.block:
            raise UsageError(
                f"windows {self.step} frames apart leave frames out: give a step of 1 to {self.block}, "
                "the frames of a window times its stride"
            )

    @property
    def block(self) -> int:
        """Frames of a video that one group of windows covers."""
        return self.frames * self.stride

    @property
    def apart(self) -> int:
        """Frames of the video from one group of windows to the next."""
        return self.step or max(self.block // 2, 1)

    def starts(self, frame_count: int) -> Iterator[int]:
        """The first frame of every window, ascending; the last group ends with the video.

        Args:
            frame_count: Frames of the video.

        Raises:
            UsageError: If the video is shorter than a block.
        """
        if frame_count < self.block:
            raise UsageError(
                f"a window of {self.frames} frames with stride {self.stride} needs {self.block} frames, the video has "
                f"{frame_count}: give a shorter --window{' or --stride' * (self.stride > 1)}, or a longer video"
            )
        step = self.apart
        last, done = frame_count - self.block, 0
        for base in [*range(0, last, step), last]:
            yield from range(max(base, done), base + self.stride)
            done = base + self.stride

    def places(self, start: int) -> range:
        """The frames of the window that starts there."""
        return range(start, start + self.block - self.stride + 1, self.stride)
