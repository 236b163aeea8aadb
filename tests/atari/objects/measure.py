"""Boxes from memory against the pixels of real play: `python -m tests.atari.objects.measure [game] [frames]`."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.atari.objects import finder_of
from inspector.records import Box, Seen
from tests.atari.objects.looks import LOOKS
from tests.atari.objects.pixels import apart, drawn
from tests.atari.objects.play import Frame, play

NEAR = 1.0
"""A box is right if none of its sides is further off than this, in pixels."""


@dataclass
class Count:
    """What was measured of one object.

    Attributes:
        frames: Where it is drawn.
        things: Drawn on these, each counted: a game has many aliens.
        hits: Of them with a box right about them.
        worst: The largest difference of a hit's or miss's nearest box, in pixels; infinite where there was no box.
        boxes: Given altogether.
    """

    frames: int = 0
    things: int = 0
    hits: int = 0
    worst: float = 0.0
    boxes: int = 0

    def add(self, seen: Sequence[Box], boxes: Sequence[Box]) -> None:
        self.frames += bool(seen)
        self.boxes += len(boxes)
        exact = set(boxes)
        for thing in seen:
            nearest = 0.0 if thing in exact else min((apart(thing, box) for box in boxes), default=np.inf)
            self.things += 1
            self.hits += nearest <= NEAR
            self.worst = max(self.worst, nearest)

    @property
    def rate(self) -> float:
        return 100 * self.hits / self.things if self.things else float("nan")


def measure(game: str, frames: Iterable[Frame]) -> dict[str, Count]:
    """Compare each frame but the first: a finder has the memories of two screens, as agents do for their maximum."""
    finder, counts = finder_of(f"ALE/{game}-v5"), {name: Count() for name in LOOKS[game]}
    assert finder is not None
    last = None
    for frame in frames:
        if last is not None:
            # Only Ms. Pac-Man is a screen behind its memory; for the others the newest screen stands alone.
            used = [last, frame] if game == "MsPacman" else [frame]
            seen = Seen(np.stack([each.screen for each in used]), np.stack([each.ram for each in used]))
            regions = {region.name: region.boxes for region in finder.regions(seen, None)}
            for name, look in LOOKS[game].items():
                region = name.partition(":")[0].partition(" ")[0]
                counts[name].add(drawn(frame.screen, look), regions[region])
        last = frame
    return counts


def table(arguments: Sequence[str]) -> str:
    """A table for one game or all."""
    games = [word for word in arguments if word in LOOKS] or list(LOOKS)
    frames = next((int(word) for word in arguments if word.isdigit()), 2000)
    lines = [f"{'game':<14}{'object':<22}{'frames':>8}{'things':>8}{'hits %':>8}{'worst':>7}{'boxes':>9}"]
    for game in games:
        for name, count in measure(game, play(game, frames)).items():
            row = f"{count.frames:>8}{count.things:>8}{count.rate:>8.2f}{count.worst:>7.0f}{count.boxes:>9}"
            lines.append(f"{game:<14}{name:<22}{row}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(table(sys.argv[1:]))
