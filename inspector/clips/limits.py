"""What a video may cost before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for a video and for the process that decodes it.

    Attributes:
        long_side: Pixels along the longer side of a frame, coded and shown.
        short_side: Pixels along the shorter side.
        fps: Frames a second, on average.
        seconds: Length.
        frame_count: Frames.
        memory: Address space of the process that decodes, in bytes; heeded on Linux.
        computing_seconds: Seconds of computing between two frames; heeded where there are POSIX limits.
        patience: Seconds that we wait for the next frame.
    """

    long_side: int = 4096
    short_side: int = 2304
    fps: float = 240.0
    seconds: float = 12 * 3600.0
    frame_count: int = 2_000_000
    memory: int = 2 << 30
    computing_seconds: int = 20
    patience: float = 60.0

    def allows_size(self, width: int, height: int) -> bool:
        """Whether a frame of this size, standing or lying, is within the bounds and holds a pixel."""
        short, long = sorted((width, height))
        return 0 < short <= self.short_side and long <= self.long_side

    @property
    def largest_frame(self) -> str:
        """The bound for a frame's size, in words."""
        return f"{self.long_side}×{self.short_side} pixels"
