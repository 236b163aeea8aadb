"""How objects are found: from the console's memory where a game's is known."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inspector.records import Box, Region, Seen


@runtime_checkable
class ObjectFinder(Protocol):
    """Finds the regions of a game's screens.

    Attributes:
        names: Every region that it may give, in order; where two overlap, the earlier one has the pixel.
    """

    names: tuple[str, ...]

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        """The regions in one stacked frame, one a name, in the order of names.

        Args:
            seen: What the frame was made from; a region is the union of where it is on these screens.
            before: The same of the frame before; None if there is none.
        """
        ...

    def phase(self, seen: Seen) -> str | None:
        """In which part of the game this is, as `tunnel`; None where the finder does not know."""
        ...


class Found(NamedTuple):
    """Where an object is on one screen.

    Attributes:
        boxes: Within the screen; none if it is not there.
        sure: False where they are a guess.
    """

    boxes: tuple[Box, ...] = ()
    sure: bool = True


class MemoryFinder(ABC):
    """Finds the objects of one game by the bytes of the console's memory."""

    names: tuple[str, ...]

    @abstractmethod
    def objects(self, ram: Sequence[int]) -> Mapping[str, Found]:
        """The objects of one screen by name; one that is left out is not there.

        Args:
            ram: The 128 bytes after the frame that drew the screen.
        """

    def phase_of(self, ram: Sequence[int]) -> str | None:
        """In which part of the game this is; None where that is not known."""
        return None

    def regions(self, seen: Seen, before: Seen | None) -> tuple[Region, ...]:
        """The regions in one stacked frame; see `ObjectFinder`."""
        each = [self.objects(ram) for ram in _bytes(seen.rams)]
        return tuple(_union(name, [objects.get(name, Found()) for objects in each]) for name in self.names)

    def phase(self, seen: Seen) -> str | None:
        """In which part of the game this is; see `ObjectFinder`."""
        rams = _bytes(seen.rams)
        return self.phase_of(rams[-1]) if rams else None


def _bytes(rams: NDArray[np.uint8] | None) -> list[list[int]]:
    found: list[list[int]] = [] if rams is None else rams.tolist()
    return found


def _union(name: str, found: Sequence[Found]) -> Region:
    boxes = dict.fromkeys(box for each in found for box in each.boxes)
    return Region(name, tuple(boxes), all(each.sure for each in found))
