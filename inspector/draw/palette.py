"""The colours of the page, RGB, in three families that a colour-blind viewer tells apart too.

Relevance is a diverging pair, the action taken has one accent, frames and regions have sets of their own. No family
borrows from another, so that a colour means one thing wherever it stands.
"""

from collections.abc import Sequence

import numpy as np

Colour = tuple[int, int, int]

GROUND: Colour = (11, 14, 19)
PANEL: Colour = (20, 24, 31)
TRACK: Colour = (35, 41, 51)
HAIRLINE: Colour = (52, 60, 72)
BAR: Colour = (98, 110, 128)
FAINT: Colour = (128, 138, 152)
QUIET: Colour = (166, 175, 187)
BRIGHT: Colour = (238, 242, 247)

FOR: Colour = (255, 116, 56)
"""Relevance that speaks for the target."""
AGAINST: Colour = (72, 148, 255)
"""Relevance that speaks against the target."""
FOR_GLOW: Colour = (255, 218, 188)
AGAINST_GLOW: Colour = (190, 220, 255)

ACCENT: Colour = (255, 214, 64)
"""The action taken, and nothing else."""

REGIONS: tuple[Colour, ...] = (
    (190, 228, 140),
    (58, 164, 134),
    (226, 140, 190),
    (136, 226, 240),
    (150, 90, 140),
    (124, 116, 60),
    (248, 20, 236),
    (248, 236, 212),
    (128, 56, 164),
    (104, 20, 248),
)
"""One colour a region, the same in outline, bar and timeline."""
BACKGROUND: Colour = (62, 71, 84)
"""What belongs to no region."""

_OLDEST: Colour = (38, 58, 62)
_NEWEST: Colour = (144, 184, 176)


def frame_colours(count: int) -> tuple[Colour, ...]:
    """One colour for each stacked frame, oldest first: a ramp that grows lighter towards the newest.

    Args:
        count: Number of stacked frames, at least 1.

    Returns:
        `count` colours; a single frame has the newest one's.
    """
    if count == 1:
        return (_NEWEST,)
    return tuple(mix(_OLDEST, _NEWEST, i / (count - 1)) for i in range(count))


def region_colours(names: Sequence[str]) -> tuple[Colour, ...]:
    """One colour a region, in the order given; `background` is always the quiet grey.

    Args:
        names: Names of the regions. Past ten, colours come round again.

    Returns:
        A colour a name.
    """
    free = iter(range(len(names)))
    return tuple(BACKGROUND if name == "background" else REGIONS[next(free) % len(REGIONS)] for name in names)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours.

    Args:
        first: The colour at `share` 0.
        second: The colour at `share` 1.
        share: How much of `second`, 0 to 1.

    Returns:
        The colour between.
    """
    blend = np.rint(np.add(np.multiply(first, 1 - share), np.multiply(second, share))).astype(int)
    return int(blend[0]), int(blend[1]), int(blend[2])
