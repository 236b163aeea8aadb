"""The objects of Breakout, the tunnel through the wall among them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from inspector.atari.objects.boxes import inside, runs
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box

ROWS, COLUMNS = 6, 36
"""Of half bricks, each 4 pixels wide and 6 high."""

HALF_BRICKS_GONE_IN_OPENING = 36
"""From so many on, as many as the lowest row has, the opening is over."""

_WALL_BYTES = 36
_LEFT, _TOP, _WIDTH, _HEIGHT = 8, 57, 4, 6
_PLAYFIELD: Box = (8.0, 32.0, 144.0, 164.0)
_BEHIND_WALL: Box = (8.0, 32.0, 144.0, 25.0)
_SCORE: Box = (36.0, 5.0, 104.0, 10.0)

# Of each block of six bytes (the lowest row's first): the bits used, and where bit b is drawn: left = x + step * b.
_BLOCKS = (
    (range(6), 128, 4),
    (range(8), 124, -4),
    (range(4, 8), 64, 4),
    (range(8), 48, 4),
    (range(8), 44, -4),
    (range(6, 8), -16, 4),
)


class BreakoutFinder(MemoryFinder):
    """Ball, paddle, tunnel, bricks, the space behind the wall, and the line of score, lives and player number.

    The tunnel is every column of half bricks (4 pixels wide) that is open through all six rows, and its rim: the half
    bricks that still stand right beside such a column. The rim is what relevance for a tunnel can lie on, because a
    first layer that follows the z-plus rule gives nothing to black pixels.

    The paddle is 16 pixels wide, and 12 from when the ball first hits the top wall until it is lost.
    """

    names = ("ball", "paddle", "tunnel", "bricks", "behind_wall", "score")

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        tunnel, bricks = _wall_objects(tuple(ram[:_WALL_BYTES]))
        return {
            "ball": Found(inside([(ram[99] - 49, ram[101] + 9, 2, 4)], _PLAYFIELD)),
            "paddle": Found(inside([(ram[72] - 47, 189, 12 if ram[97] & 128 else 16, 4)], _PLAYFIELD)),
            "tunnel": tunnel,
            "bricks": bricks,
            "behind_wall": Found((_BEHIND_WALL,)),
            "score": Found((_SCORE,)),
        }

    def phase_of(self, ram: Sequence[int]) -> str | None:
        """`opening` with less than a row's worth of bricks gone, `tunnel` with an open column, else `wall`."""
        wall = wall_of(ram)
        if _open_columns(wall):
            return "tunnel"
        gone = sum(not half for row in wall for half in row)
        return "opening" if gone < HALF_BRICKS_GONE_IN_OPENING else "wall"


def wall_of(ram: Sequence[int]) -> list[list[bool]]:
    """Which half bricks stand: six rows of 36, the top row first, from left to right."""
    wall = [[False] * COLUMNS for _ in range(ROWS)]
    for block, (used, start, step) in enumerate(_BLOCKS):
        for row in range(ROWS):
            for bit in used:
                column = (start + step * bit - _LEFT) // _WIDTH
                wall[ROWS - 1 - row][column] = bool(ram[ROWS * block + row] >> bit & 1)
    return wall


@lru_cache(maxsize=8)  # the wall stays as it is for many frames
def _wall_objects(ram: tuple[int, ...]) -> tuple[Found, Found]:
    """The tunnel and the bricks, by the bytes that hold the wall."""
    wall = wall_of(ram)
    return Found(tuple(_tunnel(wall))), Found(tuple(_bricks(wall)))


def _box(column: int, row: int, columns: int = 1, rows: int = 1) -> Box:
    left, top = _LEFT + _WIDTH * column, _TOP + _HEIGHT * row
    return float(left), float(top), float(_WIDTH * columns), float(_HEIGHT * rows)


def _bricks(wall: list[list[bool]]) -> Iterator[Box]:
    for row, halves in enumerate(wall):
        for column, count in runs(halves):
            yield _box(column, row, columns=count)


def _open_columns(wall: list[list[bool]]) -> list[tuple[int, int]]:
    return runs(not any(column) for column in zip(*wall, strict=True))


def _tunnel(wall: list[list[bool]]) -> Iterator[Box]:
    for column, count in _open_columns(wall):
        yield _box(column, 0, columns=count, rows=ROWS)
        for side in (column - 1, column + count):
            if 0 <= side < COLUMNS:
                for row, height in runs(halves[side] for halves in wall):
                    yield _box(side, row, rows=height)
