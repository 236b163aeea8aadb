"""The objects of Seaquest."""

from collections.abc import Iterator, Mapping, Sequence

from inspector.atari.objects.boxes import inside
from inspector.atari.objects.finder import Found, MemoryFinder
from inspector.records import Box

_LANES, _LANE_HEIGHT = 4, 24
_SEA: Box = (8.0, 46.0, 152.0, 110.0)
_SURFACE: Box = (8.0, 46.0, 152.0, 7.0)
_DEEP: Box = (8.0, 57.0, 152.0, 99.0)
_SCORE: Box = (56.0, 9.0, 60.0, 24.0)


class SeaquestFinder(MemoryFinder):
    """Missiles, player, divers, sharks, submarines, the oxygen bar, and score and lives."""

    names = ("missiles", "player", "divers", "sharks", "submarines", "oxygen", "score")

    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen; see `MemoryFinder`."""
        oxygen = [(49, 170, min(ram[102], 63), 5)] if ram[102] else []
        return {
            "missiles": Found(inside([*_own_missile(ram), *_drifting(ram, armed=True)], _SEA)),
            "player": Found(_player(ram)),
            "divers": Found(inside(_drifting(ram, armed=False), _SEA), sure=False),
            "sharks": Found(inside(_sharks(ram), _SEA)),
            "submarines": Found(inside(_submarines(ram), _SEA), sure=not _patrolled(ram)),
            "oxygen": Found(inside(oxygen)),
            "score": Found((_SCORE,)),
        }


def _player(ram: Sequence[int]) -> tuple[Box, ...]:
    """Above and below the four rows of waves, which hide what is in them; nothing while the next life is awaited."""
    hull = [] if 0 < ram[105] < 15 else [(ram[70], ram[97] + 33, 16, 11)]
    return inside(hull, _SURFACE) + inside(hull, _DEEP)


def _armed(ram: Sequence[int], lane: int) -> bool:
    """Whether submarines come in this lane; else sharks do."""
    return 3 < ram[89 + lane] % 8 < 7


def _slots(ram: Sequence[int], lane: int) -> Iterator[int]:
    """The left edges of a lane's enemies: one to three, 16 pixels apart, coming in at either side."""
    for slot in range(3):
        left = (ram[30 + lane] + 16 * slot) % 256
        if ram[36 + lane] >> (2 - slot) & 1:
            yield left - 256 if left > 250 else left


def _sharks(ram: Sequence[int]) -> Iterator[Box]:
    for lane in range(_LANES):
        if not _armed(ram, lane):
            for left in _slots(ram, lane):
                yield left, 141 - _LANE_HEIGHT * lane + ram[93] - 4, 8, 7


def _submarines(ram: Sequence[int]) -> Iterator[Box]:
    for lane in range(_LANES):
        if _armed(ram, lane):
            for left in _slots(ram, lane):
                yield left, 140 - _LANE_HEIGHT * lane, 8, 11
    if _patrolled(ram):
        yield ram[118], 45, 8, 11


def _patrolled(ram: Sequence[int]) -> bool:
    """Whether a submarine keeps watch on the surface: seldom, and not measured."""
    return ram[60] >= 2 and ram[118] < 160


def _own_missile(ram: Sequence[int]) -> Iterator[Box]:
    if 0 < ram[103] < 160:
        yield ram[103], ram[97] + 40, 8, 1


def _drifting(ram: Sequence[int], *, armed: bool) -> Iterator[Box]:
    """What else a lane holds: a submarine's missile, or among sharks a diver."""
    for lane in range(_LANES):
        left = ram[71 + lane]
        if 0 < left < 160 and _armed(ram, lane) == armed:
            yield (left + 2, 145 - _LANE_HEIGHT * lane, 6, 4) if armed else (left, 137 - _LANE_HEIGHT * lane, 8, 14)
