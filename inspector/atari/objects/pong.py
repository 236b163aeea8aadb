"""The objects of Pong."""

from collections.abc import Mapping, Sequence

from inspector.atari.objects.boxes import inside
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box

_FIELD: Box = (0.0, 34.0, 160.0, 160.0)


class PongFinder(MemoryFinder):
    """Ball, the agent's paddle (right, green), the enemy's (left), and both scores."""

    names = ("ball", "player", "enemy", "score")

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        ball = [(ram[49] - 49, ram[54] - 14, 2, 4)] if ram[49] > 49 else []
        return {
            "ball": Found(inside(ball, _FIELD)),
            "player": Found(inside([(140, (ram[51] - 13) & ~1, 4, 16)], _FIELD)),
            "enemy": Found(inside([(16, ram[50] - 15, 4, 16)], _FIELD)),
            "score": Found((_digits(36.0, ram[13]), _digits(116.0, ram[14]))),
        }


def _digits(left: float, points: int) -> Box:
    """Where a score stands: its last digit at `left`, and one more 16 pixels before it."""
    return (left, 1.0, 12.0, 20.0) if points < 10 else (left - 16, 1.0, 28.0, 20.0)
