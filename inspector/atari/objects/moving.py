"""What moves, for a game whose memory is not known."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import Box, Region, Seen

Pixels = NDArray[np.uint8]

THRESHOLD = 24
"""Of 255: a pixel has changed if one of its colours has by more than this."""

LEAST_PIXELS = 4
"""Smaller blobs are left out."""

MOST_BOXES = 20
"""The largest blobs are kept."""

_REACH = np.ones((5, 5), np.uint8)
"""Changed pixels up to four apart belong to one blob: sprites are drawn with gaps."""


class Moving:
    """One region, `moving`: what is on the newest screens and was not there a step before. Always a guess.

    Both the place that a thing left and the one it came to have changed. The second is kept: there the new colour is
    rarer on the screen than the old one, as things are small and what they move over is large.
    """

    names: tuple[str, ...] = ("moving",)

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        """The regions in one stacked frame, nothing if there is none before; see `ObjectFinder`."""
        if before is None:
            return (Region("moving", (), sure=False),)
        arrived = [_arrived(screen, before.screens[-1]) for screen in seen.screens]
        return (Region("moving", _blobs(np.maximum.reduce(arrived)), sure=False),)

    def phase(self, seen: Seen) -> str | None:
        """Not known: None."""
        return None


def _arrived(screen: Pixels, old: Pixels) -> Pixels:
    """Where a screen shows something that came, uint8 (height, width) of 0 and 1."""
    changed = (cv2.absdiff(screen, old) > THRESHOLD).any(-1)
    colours, numbers, counts = np.unique(_packed(screen), return_inverse=True, return_counts=True)
    was = _packed(old)
    place = np.searchsorted(colours, was).clip(max=len(colours) - 1)
    was_count = np.where(colours[place] == was, counts[place], 0)
    rarer = counts[numbers.reshape(was.shape)] <= was_count
    return (changed & rarer).astype(np.uint8)


def _packed(screen: Pixels) -> NDArray[np.int32]:
    """The three colours of every pixel as one number."""
    red, green, blue = np.moveaxis(screen.astype(np.int32), -1, 0)
    packed: NDArray[np.int32] = red << 16 | green << 8 | blue
    return packed


def _blobs(mask: Pixels) -> tuple[Box, ...]:
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _REACH)
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = sorted(stats[1:].tolist(), key=lambda blob: -blob[cv2.CC_STAT_AREA])
    kept = [blob for blob in found if blob[cv2.CC_STAT_AREA] >= LEAST_PIXELS][:MOST_BOXES]
    return tuple((float(x), float(y), float(width), float(height)) for x, y, width, height, _ in kept)
