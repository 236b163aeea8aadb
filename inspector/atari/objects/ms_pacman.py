"""The objects of Ms. Pac-Man."""

from collections.abc import Iterator, Mapping, Sequence

from inspector.atari.objects.boxes import bits, inside
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box, Region, Seen

_MAZE: Box = (0.0, 0.0, 160.0, 172.0)
_POWER_PILLS = {2: (148, 146), 3: (148, 14), 4: (8, 147), 5: (8, 15)}
_PILLS: tuple[dict[int, int], ...] = (
    {4: 148, 6: 8},
    {0: 108, 2: 100, 4: 92, 6: 84, 1: 40, 3: 32, 5: 24, 7: 16},
    {0: 48, 2: 56, 4: 64, 6: 72, 1: 116, 3: 124, 5: 132, 7: 140},
)
"""Of each of a row's three bytes: where a bit's pill is drawn."""
_MAZES = tuple(
    bytes.fromhex(maze)
    for maze in (
        "50fdfd 000909 50ffff 008c8c 50dfdf 008484 00afaf 008484 50dfdf 009999 50f9f9 501d1d 001818 50ffff",
        "50ffff 000101 50dbdb 009999 00dddd 50acac 500f0f 500c0c 505d5d 50abab 007171 50bdbd 000909 50fdfd",
        "50fbfb 001d1d 50f9f9 002121 50ffff 500c0c 502e2e 502626 50f7f7 003131 50fbfb 503535 003131 50fbfb",
        "50ffff 002121 507b7b 501919 50fdfd 008c8c 508f8f 000c0c 50dddd 009999 50fbfb 502121 007171 50bfbf",
    )
)
"""Which bits of the rows' bytes are on a path of each maze; the others are never drawn."""

_SCORE: Box = (0.0, 172.0, 160.0, 38.0)


_MOUTH: tuple[Box, ...] = ((0, 2, 8, 9), (0, 1, 7, 10), (0, 1, 8, 9), (1, 1, 7, 10))
"""Left, top, width and height looking up, right, down and left: give or take a pixel for the mouth."""


class MsPacmanFinder(MemoryFinder):
    """Ms. Pac-Man, ghosts, fruit, power pills, pills, and the strip of lives and score.

    The console draws its sprites by turns: a ghost is on a third to a half of the single screens only, and on two
    thirds of the maxima of two. Its box says where it is, drawn or not. And a screen shows the memory of the frame
    before it: of the memories of two screens the older one is used, and a single one is up to two pixels ahead.
    """

    names = ("pacman", "ghosts", "fruit", "power_pills", "pills", "score")

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        """The regions in one stacked frame; see `ObjectFinder`."""
        rams = None if seen.rams is None else seen.rams[:1]
        return super().regions(Seen(seen.screens, rams), before)

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        fruit = [(ram[11] - 12, ram[17] + 1, 8, 10)] if ram[11] and ram[17] else []
        return {
            "pacman": Found(inside([_pacman(ram)], _MAZE)),
            "ghosts": Found(inside(_ghosts(ram), _MAZE), sure=False),
            "fruit": Found(inside(fruit, _MAZE), sure=False),
            "power_pills": Found(inside((*_POWER_PILLS[bit], 4, 7) for bit in bits(ram[117]) if bit in _POWER_PILLS)),
            "pills": Found(inside(_pills(ram))),
            "score": Found((_SCORE,)),
        }


def _pacman(ram: Sequence[int]) -> Box:
    left, top, width, height = _MOUTH[ram[56] & 3]
    return ram[10] - 12 + left, ram[16] + top, width, height


def _ghosts(ram: Sequence[int]) -> Iterator[Box]:
    """Sue, Inky, Pinky and Blinky."""
    if ram[47] > 0:
        for ghost in range(min(ram[19], 3) + 1):
            yield ram[6 + ghost] - 12, ram[12 + ghost] + 1, 8, 10


def _pills(ram: Sequence[int]) -> Iterator[Box]:
    maze = _MAZES[ram[0] if ram[0] < len(_MAZES) else 0]
    for index, path in enumerate(maze):
        for bit in bits(ram[59 + index] & path):
            yield _PILLS[index % 3][bit], 7 + 12 * (index // 3), 4, 2
