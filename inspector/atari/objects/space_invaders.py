"""The objects of Space Invaders."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

from inspector.atari.objects.boxes import bits, inside
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box

_SKY: Box = (0.0, 20.0, 160.0, 175.0)
_SHIELD_TOP, _SHIELD_ROWS = 157, 9
_SHIELDS: tuple[tuple[int, int], ...] = ((42, 43), (74, 52), (106, 61))
"""Left edge and first byte of each shield."""
_SCORE: Box = (4.0, 10.0, 142.0, 10.0)


class SpaceInvadersFinder(MemoryFinder):
    """Bullets, player, saucer, aliens, shields and the line of both scores."""

    names = ("bullets", "player", "saucer", "aliens", "shields", "score")

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        aliens = inside(_aliens(ram))
        lowest = max((top + height for _, top, _, height in aliens), default=0)
        saucer = [] if ram[30] in (0, 180) else [(ram[30] - 1, 12, 7, 8)]
        return {
            "bullets": Found(inside(_bullets(ram), _SKY), sure=False),
            "player": Found(() if _blinks(ram) else inside([(ram[28] - 1, 185, 7, 10)])),
            "saucer": Found(inside(saucer)),
            "aliens": Found(aliens),
            "shields": Found(inside(_shields(ram)) if lowest <= _SHIELD_TOP else ()),
            "score": Found((_SCORE,) if not saucer else ()),
        }


def _blinks(ram: Sequence[int]) -> bool:
    """Whether the lives stand in the player's place: before a life begins, they take turns of eight frames."""
    return ram[42] == 1 and not ram[74] & 8


def _aliens(ram: Sequence[int]) -> Iterator[Box]:
    """A byte a row, the lowest first; a bit a column, from the left."""
    for row in range(18, 24):
        for column in bits(ram[row] & 63):
            yield ram[26] - 1 + 16 * column, 31 + 2 * ram[16] + 18 * (23 - row), 8, 10


def _shields(ram: Sequence[int]) -> Iterator[Box]:
    """A byte for two rows of pixels, its highest bit on the left; what was shot away at the sides is left out."""
    for left, first in _SHIELDS:
        rows = ram[first : first + _SHIELD_ROWS]
        standing = [row for row, byte in enumerate(rows) if byte]
        columns = bits(reduce(or_, rows))
        if standing:
            width, height = columns[-1] - columns[0] + 1, 2 * (standing[-1] - standing[0] + 1)
            yield left + 7 - columns[-1], _SHIELD_TOP + 2 * standing[0], width, height


def _bullets(ram: Sequence[int]) -> Iterator[Box]:
    """Two of the enemy's and the player's, as the bytes of left edge and height; 8 to 10 pixels high."""
    for x, y in ((83, 81), (84, 82), (87, 85)):
        if 20 < 2 * ram[y] + 4 < 195:
            yield ram[x] - 2, 2 * ram[y] + 4, 1, 9
