"""From emulator frames to film frames, at the true speed of the game."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from inspector.errors import UsageError

Pixels = NDArray[np.uint8]


class Pacer:
    """Merges each run of emulator frames into one film frame by their maximum.

    Sprites that the console draws only in every second frame stay visible so. A run may span two steps.

    Args:
        native_rate: Frames a second of the game.
        fps: Frames a second of the film; `native_rate` is a multiple of it.

    Raises:
        UsageError: If it is not.
    """

    def __init__(self, native_rate: int, fps: int):
        if fps < 1 or native_rate % fps:
            whole = ", ".join(str(n) for n in range(1, native_rate + 1) if native_rate % n == 0)
            raise UsageError(f"{fps} frames a second do not divide the game's {native_rate}; --fps can be {whole}")
        self.group = native_rate // fps
        self._run: list[Pixels] = []

    def merge(self, screens: Pixels) -> Iterator[Pixels]:
        """Take emulator frames (frames, height, width, 3); yield each film frame that they complete."""
        for screen in screens:
            self._run.append(screen)
            if len(self._run) == self.group:
                yield self._flush()

    def rest(self) -> Iterator[Pixels]:
        """The film frame of a run left unfinished at the end, if there is one."""
        if self._run:
            yield self._flush()

    def _flush(self) -> Pixels:
        merged = self._run[0] if len(self._run) == 1 else np.maximum.reduce(self._run)
        self._run = []
        return merged
