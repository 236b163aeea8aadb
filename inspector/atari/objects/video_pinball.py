"""The objects of Video Pinball."""

from collections.abc import Iterator, Mapping, Sequence

from inspector.atari.objects.boxes import inside
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box

_BUMPERS: tuple[Box, ...] = (
    (104.0, 112.0, 16.0, 32.0),
    (104.0, 48.0, 4.0, 32.0),
    (116.0, 48.0, 4.0, 32.0),
    (40.0, 112.0, 16.0, 32.0),
    (40.0, 48.0, 4.0, 32.0),
    (52.0, 48.0, 4.0, 32.0),
    (72.0, 104.0, 16.0, 8.0),
    (72.0, 48.0, 16.0, 32.0),
)
_SPINNERS: tuple[Box, ...] = ((30.0, 91.0, 6.0, 10.0), (126.0, 91.0, 6.0, 10.0))
_SCORE: Box = (0.0, 3.0, 160.0, 10.0)

_TARGETS = dict(
    zip(
        (*range(72, 78), *range(81, 87)),
        (
            *((60, 24), (76, 24), (92, 24), (45, 58), (77, 58), (109, 58)),
            *((45, 122), (77, 122), (109, 122), (60, 154), (76, 154), (92, 154)),
        ),
        strict=True,
    )
)
"""Left and top of what each byte stands for, while it is not 0."""

_SHAPES: dict[int, Box] = {
    **{8 * digit: (1, 0, 4, 12) for digit in range(2, 10)},
    8: (2, 0, 3, 12),
    32: (1, 0, 5, 12),
    80: (0, 0, 7, 14),
    115: (0, 0, 7, 12),
    123: (0, -2, 7, 14),
}
"""What a byte's value draws, from that place: a digit of 2 to 9, 1, 4, a diamond, rays, a large diamond."""

_CELL: Box = (0, 0, 7, 14)
"""Within it lies whatever else a value may draw."""

_FLIPPERS = ((184, 8, 13), (184, 6, 13), (181, 9, 13), (177, 13, 12))
"""Top, height and width of a flipper, from rest to full swing."""


class VideoPinballFinder(MemoryFinder):
    """Ball, flippers, drop targets, spinners, bumpers and the line of the score."""

    names = ("ball", "flippers", "targets", "spinners", "bumpers", "score")

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        return {
            "ball": Found(inside([(ram[67], ram[68] - 3, 2, 4)])),
            "flippers": Found(inside(_flippers(ram))),
            "targets": _targets(ram),
            "spinners": Found(_SPINNERS),
            "bumpers": Found(_BUMPERS),
            "score": Found((_SCORE,)),
        }


def _targets(ram: Sequence[int]) -> Found:
    up = {place: ram[byte] for byte, place in _TARGETS.items() if ram[byte]}
    boxes = []
    for (left, top), value in up.items():
        x, y, width, height = _SHAPES.get(value, _CELL)
        boxes.append((left + x, top + y, width, height))
    return Found(inside(boxes), sure=all(value in _SHAPES for value in up.values()))


def _flippers(ram: Sequence[int]) -> Iterator[Box]:
    for byte, end in ((ram[98], 64), (ram[102], 96)):
        top, height, width = _FLIPPERS[byte // 16 % 4]
        yield end if end == 64 else end - width, top, width, height
